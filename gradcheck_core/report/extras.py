"""The extra `report`: whether it is there, said before anything is drawn."""

import importlib.util

from ..errors import MissingExtraError

_NEEDED = ("jinja2", "matplotlib")


def require_report_extra(asked: str) -> None:
    """Raise `MissingExtraError` if the extra is not installed; `asked` is what needs it, as its user wrote it."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        msg = (
            f"`{asked}` needs the extra `report`, and {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed: pip install 'gradcheck[report]'"
        )
        raise MissingExtraError(msg)
