"""The colours of figures: by themselves on white, and on a page, where they follow its light or dark."""

from dataclasses import dataclass, fields
from typing import final

from matplotlib import colormaps
from matplotlib.colors import Colormap


@final
@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they are for, as ``#rrggbb``.

    Attributes
    ----------
    ink, muted, faint : str
        Of text and axes, of guides, and of the grid.
    first, second, third : str
        Of what was measured (blue), of what was claimed (orange), and of a further series (green): told apart with any
        colour vision, and each with a marker of its own.
    mark, ring : str
        Of a mark upon a heat map, and of the ring around it.
    not_finite : str
        Of a cell where a claim is not finite.
    """

    ink: str = "#1d232b"
    muted: str = "#68727f"
    faint: str = "#dfe4ea"
    first: str = "#0b62a8"
    second: str = "#b64700"
    third: str = "#1a7a4c"
    mark: str = "#fffffe"
    ring: str = "#000001"
    not_finite: str = "#e4003b"

    def colour_map(self) -> Colormap:
        """Of heat maps: from dark to light in even steps, and readable on white as on black."""
        return colormaps["viridis"].with_extremes(over=self.not_finite, bad="#00000000")


ON_WHITE = Palette()

ON_A_PAGE = Palette(*(f"#0a0b{number:02x}" for number in range(6)))
"""The first six colours each one that nothing else has, to be found again in the SVG."""


def follow_the_page(tag: str) -> str:
    """A tag of an SVG drawn in `ON_A_PAGE` with the page's own colours."""
    for field in fields(Palette):
        colour = getattr(ON_A_PAGE, field.name)
        if colour != field.default:
            tag = tag.replace(colour, f"var(--{field.name})")
    return tag
