"""Variables, lists of tensors, rounding with a gradient of its own, and random draws."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from samples import Sample, at, op, real, scalar, within

RAW = "tf.raw_ops"


def samples() -> Iterator[Sample]:
    """Variables and lists first."""
    yield from _state()
    yield from _straight_through()
    yield from _random()


def _straight_through() -> Iterator[Sample]:
    x = at(-0.83, -0.31, 0.12, 0.77, 1.6)
    yield op(f"{RAW}.FakeQuantWithMinMaxArgs", x, precision="float32", call=lambda f, x: f(inputs=x, min=-1, max=1))
    yield op(
        f"{RAW}.FakeQuantWithMinMaxVars",
        x,
        scalar(-1.0),
        scalar(1.0),
        precision="float32",
        call=lambda f, x, a, b: f(inputs=x, min=a, max=b),
    )
    yield op(
        f"{RAW}.FakeQuantWithMinMaxVarsPerChannel",
        x,
        at(-1.0, -1.0, -1.0, -1.0, -1.0),
        at(1.0, 1.0, 1.0, 1.0, 1.0),
        precision="float32",
        call=lambda f, x, a, b: f(inputs=x, min=a, max=b),
    )
    for name in "QuantizeAndDequantizeV2 QuantizeAndDequantizeV4".split():
        yield op(
            f"{RAW}.{name}",
            x,
            call=lambda f, x: f(
                input=x,
                input_min=tf.constant(-1.0, tf.float64),
                input_max=tf.constant(1.0, tf.float64),
                range_given=True,
            ),
        )
    yield op(
        f"{RAW}.QuantizeAndDequantizeV3",
        x,
        call=lambda f, x: f(
            input=x,
            input_min=tf.constant(-1.0, tf.float64),
            input_max=tf.constant(1.0, tf.float64),
            num_bits=8,
            range_given=True,
        ),
    )
    yield op(
        f"{RAW}.QuantizeAndDequantizeV4Grad",
        real(5),
        x,
        label="by the gradient and the input",
        call=lambda f, g, x: (
            f(
                gradients=g, input=x, input_min=tf.constant(-1.0, tf.float64), input_max=tf.constant(1.0, tf.float64)
            ).input_backprop
        ),
    )


def _state() -> Iterator[Sample]:
    yield op("tf.Variable", real(2, 3), label="read", variables=True, call=lambda f, v: tf.sin(v))
    yield op("tf.Variable", real(3, 2), label="gathered", variables=True, call=lambda f, v: tf.gather(v, [2, 0, 2]))
    yield op(
        "tf.Variable",
        real(3, 2),
        label="gathered at places",
        variables=True,
        call=lambda f, v: tf.gather_nd(v, [[2, 0], [2, 0], [1, 1]]),
    )
    yield op(
        "tf.Variable",
        real(2),
        label="read in a branch",
        variables=True,
        call=lambda f, v: tf.function(lambda i: tf.cond(i > 0, lambda: tf.sin(v), lambda: v * v))(tf.constant(1)),
    )
    yield op(
        "tf.Variable",
        real(2),
        label="read in one branch of several",
        variables=True,
        call=lambda f, v: tf.function(lambda i: tf.switch_case(i, [lambda: tf.sin(v), lambda: v * v]))(tf.constant(1)),
    )
    yield op(
        "tf.Variable",
        real(2),
        label="read in a loop",
        variables=True,
        call=lambda f, v: tf.function(
            lambda n: tf.while_loop(
                lambda i, _: i < n, lambda i, c: (i + 1, tf.sin(c) * v), (0, tf.ones(2, tf.float64))
            )[1]
        )(tf.constant(3)),
    )
    for where, wrap in (("eager", lambda g: g), ("in a function", tf.function)):
        yield op(
            "tf.TensorArray",
            real(3, 2),
            label=f"written and stacked, {where}",
            call=lambda f, x, wrap=wrap: wrap(_written_and_stacked)(x),
        )
        yield op(
            "tf.TensorArray",
            real(3, 2),
            label=f"unstacked and read, {where}",
            call=lambda f, x, wrap=wrap: wrap(_unstacked_and_read)(x),
        )
        yield op(
            "tf.TensorArray",
            real(4, 2),
            label=f"split and joined, {where}",
            call=lambda f, x, wrap=wrap: wrap(_split_and_joined)(x),
        )
        yield op(
            "tf.TensorArray",
            real(3, 2),
            label=f"scattered and gathered, {where}",
            call=lambda f, x, wrap=wrap: wrap(_scattered_and_gathered)(x),
        )
    yield op(f"{RAW}.TensorListPushBack", real(2), real(2), label="pushed and popped", call=_pushed_and_popped)
    yield op(f"{RAW}.TensorListScatterV2", real(3, 2), label="scattered, resized, written", call=_lists)


def _array(**keywords: Any) -> tf.TensorArray:
    return tf.TensorArray(tf.float64, **{"size": 3, "clear_after_read": False, **keywords})


def _written_and_stacked(x: Any) -> Any:
    array = _array()
    for i in range(3):
        array = array.write(i, tf.sin(x[i]))
    return array.stack()


def _unstacked_and_read(x: Any) -> Any:
    array = _array().unstack(x)
    return array.read(0) * array.read(2) + array.read(2)


def _split_and_joined(x: Any) -> Any:
    return tf.sin(_array(infer_shape=False).split(x, [1, 2, 1]).concat())


def _scattered_and_gathered(x: Any) -> Any:
    return _array().scatter([2, 0, 1], x).gather([2, 0, 2])


def _pushed_and_popped(f: Any, x: Any, y: Any) -> Any:
    empty = tf.raw_ops.EmptyTensorList(element_shape=[2], max_num_elements=3, element_dtype=tf.float64)
    handle = f(input_handle=f(input_handle=empty, tensor=x), tensor=y)
    popped = tf.raw_ops.TensorListPopBack(input_handle=handle, element_shape=[2], element_dtype=tf.float64)
    rest = tf.raw_ops.TensorListStack(input_handle=popped.output_handle, element_shape=[2], element_dtype=tf.float64)
    return popped.tensor * 2.0, rest


def _lists(f: Any, x: Any) -> Any:
    raw_ops = tf.raw_ops
    handle = f(tensor=x, indices=[2, 0, 1], element_shape=[2], num_elements=3)
    handle = raw_ops.TensorListResize(input_handle=handle, size=4)
    handle = raw_ops.TensorListSetItem(input_handle=handle, index=3, item=x[0] * x[1])
    handle = raw_ops.TensorListScatterIntoExistingList(input_handle=handle, tensor=tf.sin(x[:1]), indices=[1])
    old = raw_ops.TensorListScatter(tensor=x, indices=[0, 1, 2], element_shape=[2])
    split = raw_ops.TensorListSplit(tensor=x, element_shape=[-1, 2], lengths=[1, 2])
    joined = raw_ops.TensorListConcat(input_handle=split, element_dtype=tf.float64)
    return (
        raw_ops.TensorListGather(
            input_handle=handle, indices=[3, 1, 1, 0, 2], element_shape=[2], element_dtype=tf.float64
        ),
        raw_ops.TensorListGetItem(input_handle=old, index=1, element_shape=[2], element_dtype=tf.float64),
        joined.tensor,
    )


def _random() -> Iterator[Sample]:
    yield op(
        "tf.random.stateless_gamma",
        within(0.6, 3.0, 3),
        label="by alpha",
        call=lambda f, a: f([3], seed=[1, 2], alpha=a, dtype=tf.float64),
    )
    yield op(
        "tf.random.stateless_parameterized_truncated_normal",
        at(0.2),
        at(1.3),
        at(-1.0),
        at(2.0),
        label="by its parameters",
        call=lambda f, m, s, a, b: f([1], [1, 2], m, s, a, b),
    )
    yield op(
        "tf.random.gamma", within(0.6, 3.0, 3), label="by alpha", call=lambda f, a: f([1], a, dtype=tf.float64, seed=3)
    )
    for name in "stateless_normal stateless_uniform stateless_truncated_normal".split():
        yield op(
            f"tf.random.{name}",
            real(3),
            label="as a constant",
            call=lambda f, x: f([3], seed=[1, 2], dtype=tf.float64) * x,
        )
