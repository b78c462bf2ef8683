"""Calls of PyTorch's functions on which frameworks' conventions differ, with their arguments by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, final

import torch
from torch.nn import functional

from gradcheck_core.protocol.causes import LARGEST_EPSILON

_CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_MAX = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_DROP = ("input", "p", "training", "inplace")
_RNN = ("input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")

_NAMES: dict[Any, tuple[str, tuple[str, ...]]] = {
    functional.layer_norm: ("layer_norm", ("input", "normalized_shape", "weight", "bias", "eps")),
    torch.layer_norm: ("layer_norm", ("input", "normalized_shape", "weight", "bias", "eps", "cudnn_enable")),
    functional.rms_norm: ("rms_norm", ("input", "normalized_shape", "weight", "eps")),
    torch.rms_norm: ("rms_norm", ("input", "normalized_shape", "weight", "eps")),
    functional.group_norm: ("group_norm", ("input", "num_groups", "weight", "bias", "eps")),
    torch.group_norm: ("group_norm", ("input", "num_groups", "weight", "bias", "eps", "cudnn_enabled")),
    functional.batch_norm: (
        "batch_norm",
        ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    ),
    torch.batch_norm: (
        "batch_norm",
        ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps", "cudnn_enabled"),
    ),
    functional.instance_norm: (
        "instance_norm",
        ("input", "running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum", "eps"),
    ),
    functional.pad: ("pad", ("input", "pad", "mode", "value")),
    functional.gelu: ("gelu", ("input", "approximate")),
    functional.leaky_relu: ("leaky_relu", ("input", "negative_slope", "inplace")),
    **{getattr(functional, name): (name, _CONV) for name in ("conv1d", "conv2d", "conv3d")},
    **{getattr(functional, name): (name, _MAX) for name in ("max_pool1d", "max_pool2d", "max_pool3d")},
    **{getattr(functional, name): (name, _AVG) for name in ("avg_pool1d", "avg_pool2d", "avg_pool3d")},
    **{
        getattr(functional, name): ("dropout", _DROP)
        for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
    },
    torch.dropout: ("dropout", ("input", "p", "training")),
    functional.scaled_dot_product_attention: (
        "attention",
        ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"),
    ),
    functional.multi_head_attention_forward: (
        "attention",
        (*(f"argument {i}" for i in range(10)), "dropout_p", "weight", "bias", "training"),
    ),
    **dict.fromkeys((torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu), ("recurrent", _RNN)),
    **dict.fromkeys((torch.add, torch.Tensor.add), ("add", ("input", "other"))),
}

_DEFAULTS: dict[str, Any] = {
    "eps": 1e-5,
    "approximate": "none",
    "negative_slope": 0.01,
    "stride": None,
    "padding": 0,
    "dilation": 1,
    "ceil_mode": False,
    "count_include_pad": True,
    "divisor_override": None,
    "p": 0.5,
    "dropout_p": 0.0,
    "training": None,
}


@final
@dataclass(frozen=True, slots=True)
class TorchCall:
    """A function with its arguments; calling it calls the function."""

    function: Callable[..., Any]
    name: str
    names: tuple[str, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __call__(self) -> Any:
        return self.function(*self.args, **self.kwargs)

    def __contains__(self, argument: str) -> bool:
        return argument in self.names

    def __getitem__(self, argument: str) -> Any:
        if argument in self.kwargs:
            return self.kwargs[argument]
        position = self.names.index(argument)
        return self.args[position] if position < len(self.args) else _DEFAULTS.get(argument)

    def replace(self, **arguments: object) -> Self:
        """The same call with some arguments replaced."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for argument, value in arguments.items():
            position = self.names.index(argument)
            if position < len(args):
                args[position] = value
            else:
                kwargs[argument] = value
        return type(self)(self.function, self.name, self.names, tuple(args), kwargs)

    @property
    def added(self) -> float | None:
        """The small number that is added, if one is."""
        if self.name != "add" or "other" not in self or len(self.args) < 2:
            return None
        other = self.args[1]
        return other if isinstance(other, float) and 0 < other <= LARGEST_EPSILON else None

    def in_mode(self, training: bool) -> "TorchCall | None":
        """A batch norm with the statistics of the batch, or with running averages if it has them."""
        if self.name != "batch_norm" or bool(self["training"]) is training:
            return None
        return None if self["running_mean"] is None else self.replace(training=training)

    def without_dropout(self) -> "TorchCall | None":
        """The same call without dropout; None if it has none."""
        if self.name == "dropout" and self["training"] is not False and self["p"] > 0:
            return self.replace(training=False)
        if self.name == "attention" and self["dropout_p"] > 0 and ("training" not in self or self["training"]):
            return self.replace(dropout_p=0.0)
        if self.name == "recurrent" and "dropout" in self and len(self.args) == len(_RNN) and self["dropout"] > 0:
            return self.replace(dropout=0.0) if self["train"] else None
        return None


def call_of(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TorchCall | None:
    """A call with its arguments by name; None for a function on which conventions do not differ."""
    try:
        known = _NAMES.get(function)
    except TypeError:  # one that cannot be hashed is not among them
        return None
    return None if known is None else TorchCall(function, *known, args, kwargs)
