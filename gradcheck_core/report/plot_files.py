"""The pictures of a report, each written as a file."""

from pathlib import Path

from .canvas import png, styled, svg
from .figures import draw
from .files import file_name, write_whole
from .palette import ON_WHITE
from .records import GradientRecord

_WRITERS = {"svg": svg, "png": png}


def write_plots(report: GradientRecord, folder: Path, suffix: str) -> tuple[Path, ...]:
    """Write every picture; the names begin with the parameter's rank, so that they sort as the page shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with styled(ON_WHITE):
        for rank, picture in enumerate(report.pictures.of, 1):
            name = file_name(picture.name)
            for drawn in draw(picture, report.parameters[picture.name], ON_WHITE, titled=True):
                written.append(folder / f"{rank}-{name}.{drawn.kind}.{suffix}")
                write_whole(written[-1], _WRITERS[suffix](drawn))
    return tuple(written)
