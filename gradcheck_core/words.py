"""Words that every text of the project makes in the same way."""


def counted(number: int, one: str, several: str) -> str:
    """A number and what it counts."""
    return f"{number} {one if number == 1 else several}"
