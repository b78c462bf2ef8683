"""The pictures of a report as files."""

import os
from pathlib import Path

from ..errors import InvalidInputError
from .extras import require_report_extra
from .files import file_name, usable_path, write_whole
from .gradient import GradientReport

_FORMATS = ("svg", "png")


def plots(
    report: GradientReport,
    folder: str | os.PathLike[str],
    format: str = "svg",  # noqa: A002  # as `savefig` calls it
) -> tuple[Path, ...]:
    """Write the pictures of a report, each in a file of its own; this needs the extra ``report``.

    Of each wrong parameter, up to five: a heat map of the discrepancy in the tensor's own shape, claimed against
    numeric derivatives, the error of a difference against its step, one-sided slopes, Taylor remainders, and the slopes
    at kinks. Where none is wrong, what there is of the worst.

    Parameters
    ----------
    report : GradientReport
        Of a check.
    folder : str or path
        Where the files go; it is made if it is not there. Files of the same names are replaced.
    format : {"svg", "png"}
        Of the files. Default "svg", whose text can be selected and read aloud.

    Returns
    -------
    tuple of pathlib.Path
        The files, in the order of the page; none where no entry was measured individually.

    Raises
    ------
    MissingExtraError
        If Jinja2 or matplotlib is not installed.
    InvalidInputError
        If an argument is unusable, or a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from gradcheck_core import check_gradients
    >>> w = np.array([0.3, 0.5])
    >>> report = check_gradients(lambda w: np.sum(np.sin(w)), w, grads=np.array([np.cos(0.3), -np.cos(0.5)]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in plots(report, folder)][:2]
    ['1-theta.heat-map.svg', '1-theta.scatter.svg']
    """
    if not isinstance(report, GradientReport):
        msg = (
            f"`report` of plots is {type(report).__name__}; pass a GradientReport, as check_gradients returns; for a "
            "comparison, pass that of a side: report.sides[name].report"
        )
        raise InvalidInputError(msg)
    require_plot_format(format)
    target = usable_path(folder, "`folder` of plots")
    require_report_extra("plots")
    # matplotlib is an extra, and takes longer to import than most checks
    from .canvas import ON_WHITE, png, svg, use_style
    from .figures import draw

    written = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        with use_style(ON_WHITE):
            for rank, picture in enumerate(report.pictures.of, 1):
                name = file_name(picture.name)
                for drawn in draw(picture, report.parameters[picture.name], ON_WHITE, titled=True):
                    written.append(target / f"{rank}-{name}.{drawn.kind}.{format}")
                    write_whole(written[-1], svg(drawn) if format == "svg" else png(drawn))
    except OSError as error:
        msg = f"`folder={str(folder)!r}` of plots: cannot be written to: {error.strerror or error}; pass another"
        raise InvalidInputError(msg) from error
    return tuple(written)


def require_plot_format(asked: object) -> None:
    """Refuse a format in which no plot can be written."""
    if asked not in _FORMATS:
        msg = f"the format of plots is {asked!r}; pass {' or '.join(map(repr, _FORMATS))}"
        raise InvalidInputError(msg)
