"""What names tell: the kind of a parameter, the layer that it belongs to, and its number among layers of one kind."""

import math
import re
from dataclasses import dataclass
from typing import final

_KINDS = {
    "weight": "weight",
    "weights": "weight",
    "kernel": "weight",
    "w": "weight",
    "gamma": "weight",
    "scale": "weight",
    "gain": "weight",
    "embedding": "weight",
    "embeddings": "weight",
    "table": "weight",
    "bias": "bias",
    "biases": "bias",
    "b": "bias",
    "beta": "bias",
    "offset": "bias",
    "shift": "bias",
}
"""What the frameworks call the two kinds of parameters that most layers have."""

_SAID_OTHERWISE = {
    "hh": ("recurrent",),
    "linear": ("dense",),
    "fc": ("dense",),
    "bn": ("batch", "norm"),
    "batchnorm": ("batch", "norm"),
    "ln": ("layer", "norm"),
    "layernorm": ("layer", "norm"),
    "normalization": ("norm",),
    "embed": ("embedding",),
    "embeddings": ("embedding",),
    "convolution": ("conv",),
    "attn": ("attention",),
    "q": ("query",),
    "k": ("key",),
    "v": ("value",),
    "output": ("out",),
}
"""Words, and what they mean."""

_EMPTY_WORDS = frozenset({"params", "layers", "model", "module", "proj"})
"""Words that do not tell which layer it is."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@final
@dataclass(frozen=True, slots=True)
class Likeness:
    """A name, taken apart.

    `kind` is ``weight``, ``bias``, or empty. `stem` has the words except the kind; names of one stem are a series, told
    apart by their numbers. `words` has what the stem means, so that names of different origin can be compared.
    """

    kind: str
    stem: tuple[str, ...]
    words: frozenset[str]
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, name: str) -> "Likeness":
        """Take a name apart."""
        *path, leaf = [_WORD.findall(part) for part in name.split(".")]
        lower = [word.lower() for word in leaf]
        kinds = [_KINDS[word] for word in lower if word in _KINDS]
        words = [word.lower() for part in path for word in part] + [word for word in lower if word not in _KINDS]
        stem = tuple(word for word in words if not word.isdigit())
        said = frozenset(meaning for word in stem for meaning in _SAID_OTHERWISE.get(word, (word,)))
        numbers = tuple(int(word) for part in (*path, leaf) for word in part if word.isdigit())
        return cls(kinds[-1] if kinds else "", stem, said - _EMPTY_WORDS, numbers)

    def score(self, other: "Likeness") -> float:
        """How much two names have in common, from 0 to 1; minus infinity if their kinds are known and differ."""
        if self.kind and other.kind and self.kind != other.kind:
            return -math.inf
        either = self.words | other.words
        return len(self.words & other.words) / len(either) if either else 0.0


def bare(leaf: str) -> str:
    """A parameter's own name without its kind, which a layer's weight and bias have in common: ``_ih_l0``."""
    return re.sub(r"weights?|kernel|gamma|scale|gain|bias|beta|offset|shift", "", leaf.lower()).strip("_")


def outputs_first(leaf: str) -> bool | None:
    """Whether a weight's outputs are its first axis (PyTorch, Equinox) or its last (Keras, Flax); None if unknown."""
    lower = leaf.lower()
    if "kernel" in lower:
        return False
    return True if "weight" in lower else None


def is_recurrent(leaf: str) -> bool:
    """Whether a weight multiplies a state and not an input, by its name."""
    return "recurrent" in leaf.lower() or "_hh" in leaf.lower()
