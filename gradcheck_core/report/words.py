"""Words that every text of the project makes in the same way."""


def say_count(number: int, one: str, several: str) -> str:
    """A number and what it counts."""
    return f"{number} {one if number == 1 else several}"


_LONGEST_NAME = 36


def printable(text: str) -> str:
    """Text with everything that a terminal would not show as itself written out."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _written_out(ord(char)) for char in text)


def _written_out(code: int) -> str:
    """A code point as a literal of Python has it."""
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe(name: str, longest: int = _LONGEST_NAME) -> str:
    """A parameter's name as it can be shown anywhere: no control characters, no change of direction, not too long."""
    kept = name if len(name) <= 2 * longest else name[:longest] + name[-longest:]
    shown = printable(kept)
    if len(shown) <= longest:
        return shown
    half = longest // 2 - 1
    return f"{shown[:half]}…{shown[-half:]}"
