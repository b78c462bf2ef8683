"""For test suites: the pytest plugin, and what a backend's author tests a backend with.

The public names stand in ``__init__.pyi`` and are imported when they are first used: the plugin, which every run of
pytest imports, pays for none of them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
