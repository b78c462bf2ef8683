"""What `gradcheck demo` prints."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ...check.api import check_gradients
from ...errors import GradcheckError
from ...protocol.registry import DEMO_GROUP, BackendInfo, backends, load_optional
from ...report.gradient import GradientReport
from ...report.text import STYLES, layout
from ..common import show
from .iris import load_iris
from .network import Array, backpropagation, cost, initial_params, mistaken_backpropagation


@final
@dataclass(frozen=True, slots=True)
class _Row:
    framework: BackendInfo
    report: GradientReport | None
    excuse: str


def show_demo() -> bool:
    """Print the demonstration; True if every verdict is as expected."""
    data = load_iris()
    params = initial_params()
    size = sum(array.size for array in params.values())
    show("Fisher's Iris data (1936): 150 flowers, 4 measurements of each, 3 species.")
    counted = f"{size} entries in {len(params)} parameters"
    show(f"The model: a two-layer softmax network with {counted}; the cost: mean cross-entropy.")

    _headline("1. Backpropagation written by hand in NumPy")
    right = check_gradients(cost, params, backpropagation, args=data)
    show(layout(right))

    _headline("2. The same with a mistake: tanh' taken as 1 - h instead of 1 - h**2")
    wrong = check_gradients(cost, params, mistaken_backpropagation, args=data)
    show(layout(wrong))

    _headline("3. The same network and numbers in every framework, by its own gradient")
    rows = [_make_row(info, right, data) for info in backends()]
    show(_table(rows))
    if any(row.report is None for row in rows):
        show("\nInstall a framework as its row says, and run the demo again to see it here.")
    return right.passed and not wrong.passed and all(row.report is None or row.report.passed for row in rows)


def _headline(title: str) -> None:
    show(Group("", Rule(title, align="left")))


def _make_row(info: BackendInfo, by_hand: GradientReport, data: tuple[Array, Array]) -> _Row:
    if info.name == by_hand.backend:
        return _Row(info, by_hand, "")
    if not info.available:
        return _Row(info, None, info.reason)
    try:
        with _hide_start_up_logs():
            make_case = load_optional(DEMO_GROUP, info.name)
            if not callable(make_case):
                return _Row(info, None, "its plugin has no demonstration")
            case = make_case(initial_params(), *data)
            return _Row(info, check_gradients(case.cost, case.params, args=case.args, **case.options), "")
    except GradcheckError as error:
        return _Row(info, None, str(error))


@contextmanager
def _hide_start_up_logs() -> Iterator[None]:
    """Hide what a framework logs to standard error while it starts; TensorFlow has no switch for it."""
    descriptor = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(descriptor, 2)
            os.close(descriptor)


def _table(rows: list[_Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("framework", "version", "cost"):
        table.add_column(heading, no_wrap=True)
    table.add_column("difference", justify="right")
    table.add_column("verdict")
    for row in rows:
        framework = (row.framework.name, row.framework.version)
        if row.report is None:
            table.add_row(*framework, "", "", Text(row.excuse))
            continue
        verdict = Text(row.report.verdict.value, style=STYLES[row.report.verdict])
        table.add_row(*framework, f"{row.report.cost:.12f}", f"{row.report.difference:.1e}", verdict)
    return table
