"""Colours of figures, and figures as bytes: always the same, whatever the reader's settings of matplotlib are."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import final
from xml.sax.saxutils import quoteattr

import matplotlib
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

_DOTS_PER_INCH = 150
"""Of a PNG: sharp on a screen of high density, and small."""


@final
@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they are for, as ``#rrggbb``; any colour vision can tell `first`, `second` and `third` apart."""

    ink: str = "#1d232b"  # text and axes
    muted: str = "#68727f"  # guides
    faint: str = "#dfe4ea"  # the grid
    first: str = "#0b62a8"  # what was measured
    second: str = "#b64700"  # what was claimed
    third: str = "#1a7a4c"  # a further series
    mark: str = "#fffffe"  # on a heat map, with a ring around it
    ring: str = "#000001"
    not_finite: str = "#e4003b"

    def colour_map(self) -> Colormap:
        """Of heat maps: from dark to light in even steps, and readable on white as on black."""
        return colormaps["viridis"].with_extremes(over=self.not_finite, bad="#00000000")


ON_WHITE = Palette()

ON_A_PAGE = Palette(*(f"#0a0b{number:02x}" for number in range(6)))
"""Its first six colours occur nowhere else, so that `svg_for_page` finds them in the SVG."""


@final
@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure, its kind (for the name of a file), its title, and its content in words for who cannot see it."""

    kind: str
    title: str
    words: str
    figure: Figure


@contextmanager
def use_style(palette: Palette) -> Iterator[None]:
    """Matplotlib's own defaults and ours, and after that the caller's settings as they were."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # a name may have letters that the font lacks; they are drawn as boxes
        warnings.filterwarnings("ignore", message="Glyph")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.fonttype": "none",  # text stays text: it can be selected and read aloud
                "svg.hashsalt": "gradcheck",
                "text.parse_math": False,  # a name may have a dollar
                "font.size": 8.5,
                "font.family": "sans-serif",
                "text.color": palette.ink,
                "axes.edgecolor": palette.muted,
                "axes.labelcolor": palette.ink,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.facecolor": "none",
                "xtick.color": palette.ink,
                "ytick.color": palette.ink,
                "lines.linewidth": 1.4,
            }
        )
        yield


def png(drawn: Drawn) -> bytes:
    """On white."""
    file = io.BytesIO()
    FigureCanvasAgg(drawn.figure)
    drawn.figure.savefig(
        file,
        format="png",
        dpi=_DOTS_PER_INCH,
        facecolor="white",
        metadata={"Description": f"{drawn.title}. {drawn.words}"},
    )
    return file.getvalue()


def svg(drawn: Drawn) -> bytes:
    """A file of its own, on white, with its title and content in words."""
    return _label(_svg(drawn, "white", drawn.kind), drawn).encode("utf-8")


def svg_for_page(drawn: Drawn, identifier: str) -> str:
    """An element of a page, in the page's own colours; `identifier` keeps its ids apart from other figures'."""
    whole = _svg(drawn, "none", identifier)
    return _label(_in_tags(whole[whole.index("<svg ") :], _follow_the_page), drawn)


def _follow_the_page(tag: str) -> str:
    for field in fields(Palette):
        colour = getattr(ON_A_PAGE, field.name)
        if colour != field.default:
            tag = tag.replace(colour, f"var(--{field.name})")
    return tag


def _svg(drawn: Drawn, face: str, identifier: str) -> str:
    file = io.StringIO()
    FigureCanvasSVG(drawn.figure)
    drawn.figure.savefig(file, format="svg", facecolor=face, metadata={"Date": None, "Creator": None})
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", file.getvalue(), count=1, flags=re.DOTALL)
    return _in_tags(text, lambda tag: re.sub(r'(\bid="|"#|url\(#)', rf"\g<1>{identifier}-", tag))


def _in_tags(text: str, change: Callable[[str], str]) -> str:
    """An SVG with its tags changed, and its text, where names are, as it is."""
    return re.sub(r"<[^>]*>", lambda tag: change(tag[0]), text)


def _label(text: str, drawn: Drawn) -> str:
    """Last of all: the label has names in it, and is an attribute."""
    label = quoteattr(f"{drawn.title}. {drawn.words}")
    return text.replace("<svg ", f'<svg role="img" aria-label={label} ', 1)
