"""What JAX's keys of a pytree are called in a parameter's name."""

from jax.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey


def name_key(key: object) -> object:
    """The component of a path that a key stands for."""
    if isinstance(key, DictKey | FlattenedIndexKey):
        return key.key
    if isinstance(key, SequenceKey):
        return key.idx
    return key.name if isinstance(key, GetAttrKey) else str(key)
