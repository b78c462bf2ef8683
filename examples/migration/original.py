"""The original's weights, from the snapshot beside this file: PyTorch is not needed to read them."""

from pathlib import Path

from gradcheck_core import infer_mapping, load_snapshot

SNAPSHOT = Path(__file__).with_name("original.safetensors")


def weights():
    return load_snapshot(SNAPSHOT).theta


def weights_for(params):
    """The same laid out for another model; which is which is told by names and shapes, since its values are new."""
    return infer_mapping(weights(), params).apply(weights())
