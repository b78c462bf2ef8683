"""jax.lax beyond elementwise functions: shapes, contractions, convolutions, windows, gathers, scatters, order."""

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from samples import Sample, at, each, op, real, scalar, within

LAX = "jax.lax"
COLUMN = np.array([[2], [0], [2]])


def samples() -> Iterator[Sample]:
    """Shapes and contractions, convolutions, windows, indices, order."""
    yield from _shapes_and_contractions()
    yield from _convolutions()
    yield from _windows()
    yield from _indices()
    yield from _order()


def _shapes_and_contractions() -> Iterator[Sample]:
    for name, arguments in (
        ("reshape", ((3, 2),)),
        ("transpose", ((1, 0),)),
        ("rev", ((1,),)),
        ("expand_dims", ((1,),)),
        ("broadcast", ((2,),)),
        ("broadcast_in_dim", ((2, 3, 2), (0, 1))),
        ("broadcast_to_rank", (3,)),
        ("collapse", (0, 2)),
        ("tile", ((2, 1),)),
        ("unstack", ()),
        ("slice", ((0, 1), (2, 3))),
        ("slice_in_dim", (0, 2, 1, 1)),
        ("index_in_dim", (1,)),
        ("dynamic_index_in_dim", (1,)),
        ("dynamic_slice", ((0, 1), (2, 2))),
        ("dynamic_slice_in_dim", (5, 1)),
        ("split", ((1, 1),)),
    ):
        yield op(f"{LAX}.{name}", real(2, 3), call=lambda f, x, arguments=arguments: f(x, *arguments))
    yield op(f"{LAX}.squeeze", real(2, 1), call=lambda f, x: f(x, (1,)))
    yield op(f"{LAX}.broadcast_like", real(3), call=lambda f, x: f(x, np.zeros((2, 3))))
    yield op(f"{LAX}.full", scalar(1.5), label="by the value", call=lambda f, v: f((2, 3), v))
    yield op(f"{LAX}.full_like", scalar(1.5), label="by the value", call=lambda f, v: f(np.zeros(3), v))
    yield from (op(f"{LAX}.{name}", real(2, 3), real(2, 3), call=lambda f, x, y: f([x, y])) for name in ("stack",))
    yield op(f"{LAX}.concatenate", real(2, 3), real(1, 3), call=lambda f, x, y: f([x, y], 0))
    for config in (((1, 2, 0),), ((0, 0, 2),), ((-1, 1, 1),)):
        yield op(f"{LAX}.pad", real(4), scalar(0.7), padding_config=config)
    yield op(f"{LAX}.dot", real(2, 3), real(3, 2))
    yield op(f"{LAX}.batch_matmul", real(2, 2, 3), real(2, 3, 2))
    yield op(f"{LAX}.dot_general", real(2, 3, 2), real(2, 2, 3), dimension_numbers=(((1,), (2,)), ((0,), (0,))))
    yield op(f"{LAX}.dot_general", real(2, 3), real(2, 3), dimension_numbers=(((0, 1), (0, 1)), ((), ())))
    yield op(
        f"{LAX}.ragged_dot", real(5, 3), real(2, 3, 2), call=lambda f, x, y: f(x, y, np.array([2, 3], dtype=np.int32))
    )
    yield op(
        f"{LAX}.ragged_dot",
        real(5, 3),
        real(2, 3, 2),
        label="rows of no group",
        call=lambda f, x, y: f(x, y, np.array([2, 1], dtype=np.int32)),
    )
    yield op(f"{LAX}.ragged_dot_general", real(5, 3), real(2, 3, 2), call=_ragged_dot_general)
    yield op(f"{LAX}.scaled_dot", real(2, 32), real(32, 2))
    for name in "reduce_sum reduce_prod reduce_max reduce_min".split():
        yield op(f"{LAX}.{name}", real(2, 3), axes=(1,))
        yield op(f"{LAX}.{name}", at([[1.0, 0.0, 1.0], [0.0, 0.0, -1.0]]), label="ties and zeros", axes=(1,))
    for name in "add mul max min".split():
        start = {"add": 0.0, "mul": 1.0, "max": -np.inf, "min": np.inf}[name]
        yield op(
            f"{LAX}.reduce",
            real(2, 3),
            label=name,
            call=lambda f, x, name=name, start=start: f(x, start, getattr(lax, name), (1,)),
        )
    yield op(
        f"{LAX}.reduce",
        real(2, 3),
        label="a computation of one's own",
        call=lambda f, x: f(x, 0.0, lambda a, b: a + b + a * b, (1,)),
    )
    yield op(
        f"{LAX}.reduce", real(2, 3), scalar(0.3), label="by the start too", call=lambda f, x, v: f(x, v, lax.add, (1,))
    )
    for name in "cumsum cumprod cummax cummin cumlogsumexp".split():
        yield op(f"{LAX}.{name}", real(5))
        yield op(f"{LAX}.{name}", real(2, 3), axis=1, reverse=True)
        yield op(f"{LAX}.{name}", at(1.0, 0.0, 1.0, 0.0), label="ties and zeros")
    yield op(f"{LAX}.cumlogsumexp", at(800.0, -800.0, 799.0), label="far apart")


def _ragged_dot_general(f: Callable[..., Any], x: Any, y: Any) -> Any:
    numbers = lax.RaggedDotDimensionNumbers((([1], [1]), ([], [])), lhs_ragged_dimensions=[0], rhs_group_dimensions=[0])
    return f(x, y, np.array([2, 3], dtype=np.int32), numbers)


def _convolutions() -> Iterator[Sample]:
    image, kernel = real(1, 2, 5, 4), real(3, 2, 3, 2)
    name = f"{LAX}.conv_general_dilated"
    for keywords in (
        {"padding": "VALID"},
        {"padding": "SAME"},
        {"padding": "SAME_LOWER"},
        {"padding": ((1, 2), (0, 1))},
        {"padding": ((-1, 1), (0, 0))},
        {"padding": "SAME", "window_strides": (2, 1)},
        {"padding": ((1, 1), (0, 1)), "lhs_dilation": (2, 1)},
        {"padding": "SAME", "rhs_dilation": (2, 1)},
        {"padding": ((2, 2), (1, 2)), "window_strides": (2, 3), "lhs_dilation": (1, 2), "rhs_dilation": (1, 2)},
    ):
        keywords = {"window_strides": (1, 1), **keywords}
        yield op(name, image, kernel, **keywords)
    yield op(name, real(1, 4, 4, 3), real(4, 2, 2, 1), window_strides=(1, 1), padding="VALID", feature_group_count=2)
    yield op(name, real(2, 2, 4, 3), real(2, 2, 2, 1), window_strides=(1, 1), padding="VALID", batch_group_count=2)
    yield op(
        name,
        real(1, 5, 4, 2),
        real(3, 2, 2, 3),
        window_strides=(2, 1),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    yield op(name, real(1, 2, 6), real(2, 2, 3), label="one dimension", window_strides=(2,), padding="SAME")
    yield op(
        name,
        real(1, 1, 3, 3, 2),
        real(1, 1, 2, 2, 2),
        label="three dimensions",
        window_strides=(1, 1, 1),
        padding="VALID",
    )
    yield op(f"{LAX}.conv", image, kernel, window_strides=(1, 2), padding="SAME")
    yield op(
        f"{LAX}.conv_with_general_padding",
        image,
        kernel,
        window_strides=(1, 1),
        padding=((1, 0), (0, 1)),
        lhs_dilation=(1, 2),
        rhs_dilation=(2, 1),
    )
    for transpose in (False, True):
        yield op(
            f"{LAX}.conv_transpose",
            real(1, 4, 3, 2),
            real(2, 3, 2, 2),
            strides=(2, 1),
            padding="SAME",
            transpose_kernel=transpose,
        )
    yield op(f"{LAX}.conv_transpose", real(1, 4, 2), real(3, 2, 2), strides=(3,), padding="VALID", rhs_dilation=(2,))
    yield op(
        f"{LAX}.conv_general_dilated_patches",
        real(1, 2, 4, 3),
        filter_shape=(2, 2),
        window_strides=(2, 1),
        padding="SAME",
    )
    yield op(
        f"{LAX}.conv_general_dilated_local",
        real(1, 2, 4, 3),
        real(2, 8, 3, 2),
        window_strides=(1, 1),
        padding="VALID",
        filter_shape=(2, 2),
    )


def _windows() -> Iterator[Sample]:
    for name, start in (("add", 0.0), ("max", -np.inf), ("min", np.inf), ("mul", 1.0)):
        for keywords in (
            {"padding": "VALID"},
            {"padding": "SAME", "window_strides": (2, 1)},
            {"padding": ((1, 1), (0, 1)), "window_dilation": (2, 1)},
            {"padding": "VALID", "base_dilation": (2, 1)},
        ):
            yield op(
                f"{LAX}.reduce_window",
                real(4, 3),
                label=", ".join((name, *map(str, keywords.items()))),
                call=_window(name, start, keywords),
            )
    ties = at([[1.0, 1.0, 0.0], [1.0, 2.0, 2.0]])
    for name, start in (("max", -np.inf), ("min", np.inf)):
        yield op(f"{LAX}.reduce_window", ties, label=f"{name}, ties", call=_window(name, start, {"padding": "VALID"}))


def _window(name: str, start: float, keywords: dict[str, Any]) -> Callable[..., Any]:
    return lambda f, x: f(x, start, getattr(lax, name), (2, 2), **{"window_strides": (1, 1), **keywords})


def _indices() -> Iterator[Sample]:
    gather_rows = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
    for mode in "clip fill".split():
        yield op(
            f"{LAX}.gather",
            real(3, 2),
            label=f"rows, one outside, {mode}",
            call=lambda f, x, mode=mode: f(
                x, np.array([[2], [0], [7]]), gather_rows, (1, 2), mode=mode, fill_value=0.0
            ),
        )
    windows = lax.GatherDimensionNumbers(offset_dims=(1, 2), collapsed_slice_dims=(), start_index_map=(0, 1))
    yield op(
        f"{LAX}.gather",
        real(3, 4),
        label="overlapping windows",
        call=lambda f, x: f(x, np.array([[0, 1], [1, 2]]), windows, (2, 2)),
    )
    rows = lax.ScatterDimensionNumbers(
        update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    for name in "scatter scatter_add scatter_sub scatter_mul scatter_min scatter_max".split():
        for label, index in (
            ("distinct", np.array([[2], [0]])),
            ("repeated", np.array([[1], [1]])),
            ("outside", np.array([[1], [5]])),
        ):
            if (name, label) == ("scatter", "repeated"):
                continue  # which of two writes to one place wins is not defined
            yield op(
                f"{LAX}.{name}",
                within(0.5, 1.5, 3, 2),
                within(0.5, 1.5, 2, 2),
                label=label,
                call=lambda f, x, y, index=index: f(x, index, y, rows),
            )
            yield (
                op(
                    f"{LAX}.{name}",
                    within(0.5, 1.5, 3, 2),
                    within(0.5, 1.5, 2, 2),
                    label=f"{label}, promised unique",
                    call=lambda f, x, y, index=index: f(x, index, y, rows, unique_indices=True),
                )
                if label != "repeated"
                else op(
                    f"{LAX}.{name}",
                    real(3, 2),
                    real(2, 2),
                    label="repeated, both signs",
                    call=lambda f, x, y, index=index: f(x, index, y, rows),
                )
            )
    yield op(
        f"{LAX}.scatter_mul",
        at(0.0, 2.0),
        at(2.0, 0.0),
        label="zeros",
        call=lambda f, x, y: f(
            x, np.array([[0], [1]]), y, lax.ScatterDimensionNumbers((), (0,), (0,)), unique_indices=True
        ),
    )
    for name in ("scatter_min", "scatter_max"):
        yield op(
            f"{LAX}.{name}",
            at(1.0, 2.0),
            at(1.0),
            label="ties",
            call=lambda f, x, y: f(x, np.array([[0]]), y, lax.ScatterDimensionNumbers((), (0,), (0,))),
        )
    yield op(
        f"{LAX}.scatter_apply",
        real(3),
        call=lambda f, x: f(
            x, np.array([[0], [2]]), jnp.sin, lax.ScatterDimensionNumbers((), (0,), (0,)), update_shape=(2,)
        ),
    )
    yield op(f"{LAX}.dynamic_update_slice", real(3, 3), real(2, 2), call=lambda f, x, y: f(x, y, (1, 0)))
    yield op(
        f"{LAX}.dynamic_update_slice", real(3, 3), real(2, 2), label="clamped", call=lambda f, x, y: f(x, y, (9, 9))
    )
    yield op(f"{LAX}.dynamic_update_slice_in_dim", real(4), real(2), call=lambda f, x, y: f(x, y, 1, 0))
    yield op(f"{LAX}.dynamic_update_index_in_dim", real(4, 2), real(2), call=lambda f, x, y: f(x, y, 1, 0))
    yield op(f"{LAX}.index_take", real(3, 2), call=lambda f, x: f(x, (np.array([2, 0, 2]),), (0,)))


def _order() -> Iterator[Sample]:
    yield op(f"{LAX}.sort", real(5))
    yield op(f"{LAX}.sort", real(4), real(4), label="with a companion", call=lambda f, x, y: f((x, y), num_keys=1))
    yield op(
        f"{LAX}.sort",
        at(2.0, 1.0, 2.0),
        real(3),
        label="ties, with a companion",
        call=lambda f, x, y: f((x, y), num_keys=2),
    )
    yield op(f"{LAX}.sort_key_val", real(4), real(4))
    yield op(f"{LAX}.top_k", real(5), k=2)
    yield op(f"{LAX}.top_k", real(3, 2), k=2, axis=0)
    yield op(f"{LAX}.top_k", at(1.0, 2.0, 2.0, 0.0), label="ties", k=2)
    yield op(f"{LAX}.top_k", at(1.0, 2.0, 2.0, 0.0), label="a tie cut", k=1)
    yield from each(LAX, "approx_max_k approx_min_k", real(6), k=2)
