"""The documentation's pages as programs: their code blocks in order, what each is run with, and the output they show.

A block is run with what a comment says, of the page (before its first block) or of the block (right before it):

- `<!-- executed with: numpy -->`: in that framework's environment. Of one page all blocks with one framework are one
  script. `all` has every framework, `clusters` has dask and ray.
- `<!-- file: model.py -->`: written to that file, which later blocks name, and not run by itself.
- `<!-- exit: 1 -->`: what a command ends with, where that is not 0.
- `<!-- raises -->`: ends with an exception, whose text is the output.
- `<!-- not executed: reason -->`.
- `<!-- setup ... -->`: Python that the page takes for granted and does not show.

A `text` block shows what the block before it prints; a line `...` stands for lines that are left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("numpy", "torch", "tensorflow", "jax", "all", "clusters")
RUN = ("python", "sh")
SHOWN = ("text",)
KNOWN = (*RUN, *SHOWN, "toml")
OPTIONS = ("executed with", "file", "exit", "raises", "not executed")

_PART = re.compile(
    r"^<!-- setup\n(?P<setup>.*?)-->$"
    r"|^<!-- (?P<option>[a-z ]+?)(?:: (?P<value>.*?))? -->$"
    r"|^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """Code or output; `line` is the one of the page on which its first line stands, counted from 0."""

    page: str
    line: int
    language: str
    text: str
    options: dict[str, str]

    @property
    def framework(self) -> str:
        return self.options.get("executed with", "")

    @property
    def is_run(self) -> bool:
        return self.language in RUN and "not executed" not in self.options

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Step:
    """A block that is run, and the output that the page shows of it, if any."""

    block: Block
    shown: str | None


def pages() -> tuple[str, ...]:
    """Every page for users, by its path from the root."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(path.relative_to(ROOT).as_posix() for path in paths if "_build" not in path.parts)


def blocks(page: str) -> tuple[Block, ...]:
    return tuple(_parse(page, (ROOT / page).read_text(encoding="utf-8")))


def _parse(page: str, source: str) -> Iterator[Block]:
    of_page: dict[str, str] = {}
    pending: dict[str, str] = {}
    end = 0
    is_first = True
    for part in _PART.finditer(source):
        if source[end : part.start()].strip():  # prose between: what was said before it, was said of the page
            of_page, pending = ({**of_page, **pending} if is_first else of_page), {}
        end = part.end()
        if part["option"] is not None:
            pending[part["option"]] = part["value"] or ""
            continue
        is_code = part["setup"] is None
        body = part["text"] if is_code else part["setup"]
        line = source.count("\n", 0, part.start()) + 1
        yield Block(page, line, part["language"] if is_code else "python", body, {**of_page, **pending})
        pending, is_first = {}, False


def steps(page: str, framework: str) -> tuple[Step, ...]:
    """What is run of a page with one framework, in order."""
    found = blocks(page)
    following = (*found[1:], None)
    return tuple(
        Step(block, after.text if after is not None and _shows(after) else None)
        for block, after in zip(found, following, strict=False)
        if block.framework == framework and (block.is_run or "file" in block.options)
    )


def _shows(block: Block) -> bool:
    return block.language in SHOWN and "not executed" not in block.options


def _is_known(language: str) -> bool:
    """Whether it is one that is run, compared or only shown, or a directive of MyST."""
    return language in KNOWN or language.startswith("{")


def unaccounted(page: str) -> list[str]:
    """The blocks of a page that are neither run, nor compared, nor left out for a reason."""
    found = blocks(page)
    faults = [f"{block}: unknown option {name}" for block in found for name in block.options if name not in OPTIONS]
    faults += [f"{block}: unknown language {block.language!r}" for block in found if not _is_known(block.language)]
    for before, block in zip((None, *found), found, strict=False):
        if block.language not in (*RUN, *SHOWN) or block.options.get("not executed"):
            continue
        if block.language in RUN and block.framework not in ENVIRONMENTS:
            faults.append(f"{block}: executed with {block.framework or 'nothing'}, and no reason why")
        if block.language in SHOWN and (before is None or not before.is_run or "file" in before.options):
            faults.append(f"{block}: is the output of no block that is run")
    return faults


_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?(?![\w])")
_VARYING = re.compile(r"[\d.,]+ ?(?:ms|s|min)\b|(?<=± )[\d.e+-]+|(?<=/)pytest-\S+")
"""Times, error bars and temporary folders: these differ from run to run, or from machine to machine."""
_ROUNDING = 1e-8
"""Relative figures below it are made of rounding, which another BLAS does otherwise."""
_DIGITS = 2e-3
"""How far other numbers may be apart: tables show two or three digits."""


def differences(shown: str, printed: str) -> str:
    """Empty where the output is the one that is shown but for last digits; else the first lines that are missing."""
    rest = [line for line in map(_settled, printed.splitlines()) if line]
    pieces = re.split(r"^ *\.\.\. *\n", shown.rstrip() + "\n", flags=re.MULTILINE)
    for number, piece in enumerate(pieces):
        lines = [line for line in map(_settled, piece.splitlines()) if line]
        last = number == len(pieces) - 1
        starts = range(len(rest) - len(lines) + 1)
        if number == 0:
            starts = starts[:1]
        elif last:
            starts = starts[-1:]
        start = next((start for start in starts if _agree(lines, rest[start : start + len(lines)])), None)
        if start is None or (last and start + len(lines) != len(rest)):
            return f"shown:\n{piece}\nprinted:\n{printed}"
        rest = rest[start + len(lines) :]
    return ""


def _settled(line: str) -> str:
    return " ".join(re.sub(r"[─═━]{2,}|[=-]{3,}", "---", _VARYING.sub("#", line)).split())


def _agree(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """In any order: rounding decides how equal rows of a table are sorted."""
    return all(map(_same, shown, printed)) or all(map(_same, sorted(shown), sorted(printed)))


def _same(shown: str, printed: str) -> bool:
    if _NUMBER.sub("#", shown) != _NUMBER.sub("#", printed):
        return False
    counts = "evaluations" in shown
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(_close(one, other, counts) for one, other in pairs)


def _close(one: str, other: str, counts: bool) -> bool:
    a, b = (float(number.replace(",", "")) for number in (one, other))
    is_whole = not re.search(r"[.e]", one)
    if counts and is_whole:
        return abs(a - b) <= max(a, b) / 5  # a second look at more entries, or fewer
    if max(abs(a), abs(b)) < _ROUNDING:
        return True
    if is_whole:
        return a == b
    # A last digit that is rounded up on one side and down on the other is one unit apart, and the float next to it.
    return abs(a - b) <= max(_DIGITS * max(abs(a), abs(b)), 1.001 * min(_unit(one), _unit(other)))


def _unit(number: str) -> float:
    """What the last digit stands for."""
    return 10.0 ** int(Decimal(number.replace(",", "")).as_tuple().exponent)
