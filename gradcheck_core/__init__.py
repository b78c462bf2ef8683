"""Gradient checking for NumPy, PyTorch, TensorFlow, JAX and any framework with an adapter.

The public names stand in ``__init__.pyi``, and each is imported when it is first used: so a name costs what it needs,
and a library that only some of them need is loaded only for those.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
