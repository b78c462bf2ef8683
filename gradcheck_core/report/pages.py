"""Pages: one self-contained HTML file from a template, everything in it escaped.

Like `figures` it needs the extra `report`, and is imported only where a page is written.
"""

import base64
import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from .canvas import ON_A_PAGE, svg_for_page, use_style
from .figures import draw
from .pictures import Picture
from .records import GradientRecord, ParameterReport
from .text import certificate_in_words, describe_measuring, headline_sentence, rank_parameters, what_next
from .words import printable, safe, say_count

_LONGEST_NAME = 80
_LONGEST_NOTE = 2_000
_MOST_NOTES = 100
_LONGEST_WHOLE = 20_000
"""Of a pictured parameter's name that is shown in full when asked for."""

_WHOLE_NAMES = 400_000
"""Characters of long names, shortened where they are shown, that the whole page holds besides: the worst come first."""


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as a page has it."""

    title: str
    words: str
    svg: Markup


@final
@dataclass(frozen=True, slots=True)
class Pictured:
    """One parameter with its pictures; `whole` is its name where that is shown shortened."""

    identifier: str
    parameter: ParameterReport
    whole: str
    lines: tuple[str, ...]
    figures: tuple[Figure, ...]


@final
class _WholeNames:
    """The whole of names that are shown shortened, as long as there is room."""

    def __init__(self) -> None:
        self._left = _WHOLE_NAMES

    def __call__(self, name: str) -> str:
        if len(name) <= _LONGEST_NAME or len(name) > self._left:
            return ""
        self._left -= len(name)
        return name


def gradient_page(report: GradientRecord) -> str:
    """The page of one check."""
    wrong = any(parameter.verdict.is_evidence for parameter in report.parameters.values())
    every = draw_parameters(report, said_above=None if report.passed else report.worst.name)
    return page(
        "gradient.html.j2",
        f"gradcheck: {report.verdict.value}",
        report=report,
        sentence=headline_sentence(report),
        lines=() if report.passed else _describe(report.worst, report.method),
        next=what_next(report),
        method=describe_measuring(report),
        certificate=certificate_in_words(report),
        pictured=[one for one in every if one.figures or wrong],
        heading_of_pictures="What is wrong" if wrong else "The least certain parameter",
        rows=rank_parameters(report),
        **notes(report.notes),
    )


def page(template: str, title: str, **context: Any) -> str:
    """A page from its template; what the shared parts need is filled in here."""
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            script=Markup(script),  # ours, like the style: nothing in them comes from a report
            script_hash=Markup(f"sha256-{digest}"),
            style=Markup(_asset("page.css")),
            whole_name=_WholeNames(),
            **context,
        )
    )


def draw_parameters(report: GradientRecord, prefix: str = "", said_above: str | None = None) -> Iterator[Pictured]:
    """Every parameter that has pictures; `said_above` is one whose mistake the page has described already."""
    with use_style(ON_A_PAGE):
        for number, picture in enumerate(report.pictures.of):
            yield _draw_parameter(picture, report, f"{prefix}picture-{number}", said_above)


def notes(every: tuple[str, ...]) -> Mapping[str, Any]:
    """The notes that a page shows, and the number of those that it leaves out."""
    shown = [
        note if len(note) <= _LONGEST_NOTE else f"{note[:_LONGEST_NOTE]}… ({len(note) - _LONGEST_NOTE} more characters)"
        for note in every[:_MOST_NOTES]
    ]
    return {"shown_notes": shown, "notes_left": len(every) - len(shown)}


def _draw_parameter(picture: Picture, report: GradientRecord, identifier: str, said_above: str | None) -> Pictured:
    parameter = report.parameters[picture.name]
    figures = tuple(
        Figure(drawn.title, drawn.words, Markup(svg_for_page(drawn, f"{identifier}-{drawn.kind}")))  # escaped there
        for drawn in draw(picture, parameter, ON_A_PAGE, titled=False)
    )
    lines = [] if parameter.name == said_above else list(_describe(parameter, report.method))
    if picture.curves is None and parameter.verdict.is_evidence:
        lines.append(
            "No curves: no entry was measured a second time, as with a given epsilon, with order=2, or when the check "
            "reached one of its limits."
        )
    if parameter.verdict.is_evidence and picture.heat_map is None and parameter.shape:
        lines.append("No heat map: no entry was measured individually.")
    long = len(parameter.name) > _LONGEST_NAME
    return Pictured(identifier, parameter, parameter.name[:_LONGEST_WHOLE] if long else "", tuple(lines), figures)


def _describe(parameter: ParameterReport, method: str) -> tuple[str, ...]:
    """The likely mistake, the worst entry and the ranges, each in a sentence."""
    lines = [] if parameter.diagnosis is None else [parameter.diagnosis.sentence]
    if not (math.isnan(parameter.analytic) and math.isnan(parameter.numeric)):
        lines.append(
            f"Worst entry {_short(parameter.name)}{_index(parameter)}: claimed {parameter.analytic:.9g}, numeric "
            f"{parameter.numeric:.9g} ± {parameter.error:.1g}."
        )
    if parameter.wrong:
        lines.append(_extent(parameter, method))
    return tuple(lines)


def _extent(parameter: ParameterReport, method: str) -> str:
    """Where a claim is not finite, the other entries are not looked at."""
    count = sum(stop - start for start, stop in parameter.wrong)
    of_all = f"{count} of {say_count(math.prod(parameter.shape), 'entry', 'entries')}"
    if math.isinf(parameter.difference):
        return f"{of_all} {'is' if count == 1 else 'are'} not finite."
    known = method != "projected" or count == len(parameter.wrong)  # a longer range can have right entries too
    return f"{of_all} {'is' if count == 1 else 'are'} {'wrong' if known else 'in a range where something is wrong'}."


def _index(parameter: ParameterReport) -> str:
    part = f".{parameter.part}" if parameter.part else ""
    return f"{list(parameter.worst_index) if parameter.worst_index else ''}{part}"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _coarse(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1e}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gradcheck_core.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.update(
        shown=printable, coded=_mark_code, counted=say_count, short=_short, index=_index, number=_number, coarse=_coarse
    )
    return environment


def _shown(value: Any) -> Any:
    """Whatever a template puts out: text with control characters, surrogates and changes of direction written out."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _mark_code(sentence: str) -> Markup:
    """A sentence in which what stands between backticks is marked as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(printable(sentence)))))  # escaped before


def _short(name: str) -> str:
    return safe(name, _LONGEST_NAME)


@cache
def _asset(name: str) -> str:
    return resources.files("gradcheck_core.report").joinpath("templates", name).read_text(encoding="utf-8")
