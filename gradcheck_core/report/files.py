"""Files that are written whole or not at all, and names for them."""

import contextlib
import hashlib
import os
import re
import uuid
from pathlib import Path

from ..errors import InvalidInputError

_LONGEST = 120
"""Characters of a file's name before its digest; file systems allow 255 bytes."""


def usable_path(given: object, argument: str) -> Path:
    """What was given as a path, or an error that names the argument; whether it can be written to is seen later."""
    if isinstance(given, (str, os.PathLike)):
        try:
            if b"\0" not in os.fsencode(given):
                return Path(given)
        except (TypeError, UnicodeEncodeError):  # a path of bytes, or half a surrogate pair: refused below
            pass
    msg = f"{argument} is {given!r}; pass a string or pathlib.Path that can be the name of a file"
    raise InvalidInputError(msg)


def write_whole(target: Path, data: bytes) -> None:
    """Write beside the target and put it in its place: an interruption leaves the old file."""
    beside = target.with_name(f".{uuid.uuid4().hex}.part")  # short, whatever the target's own name is
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def file_name(text: str) -> str:
    """A text as part of a file's name; another text has another one.

    Examples
    --------
    >>> file_name("layer1.weight")
    'layer1.weight'
    """
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")
    if plain == text and len(text) <= _LONGEST:
        return text
    # what was replaced or cut off may be all that tells two texts apart; a name can have half a surrogate pair
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{plain[-_LONGEST:].strip('-.')}-{digest}"
