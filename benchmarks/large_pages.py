"""How long large pages take, and how large they are: ``python benchmarks/large_pages.py``.

No gradient is measured here: reports are made as a check makes them of its evidence.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from gradcheck_core import GradientReport, ParameterReport, Verdict, VerdictPolicy
from gradcheck_core.check.illustrating import illustrate
from gradcheck_core.check.judging import assess_all
from gradcheck_core.measure.evidence import Claimed, Evidence
from gradcheck_core.numerics.coordinates import Derivatives
from gradcheck_core.protocol.layout import Layout


def report_of(shapes: dict[str, tuple[int, ...]]) -> GradientReport:
    """A report of parameters of which each has one wrong entry, as a check would give it."""
    generator = np.random.default_rng(0)
    layout = Layout.of([(name, shape, "float64") for name, shape in shapes.items()])
    evidence = []
    for parameter in layout.parameters:
        numeric = generator.normal(size=parameter.size)
        claimed = numeric.copy()
        claimed[parameter.size // 3] += 0.5
        bars = np.full(parameter.size, 1e-10)
        evidence.append(Evidence(parameter, Claimed(claimed, 0.0), Derivatives(numeric, numeric, bars)))
    assessed = assess_all(evidence, np.ones(layout.size), 1.0, VerdictPolicy())
    reports: dict[str, ParameterReport] = {one.report.name: one.report for one in assessed.each}
    first = layout.parameters[-1].name
    return GradientReport(
        verdict=Verdict.BUG,
        difference=0.1,
        resolution=1e-10,
        cost=1.0,
        parameters=reports,
        method="exhaustive",
        scheme="central",
        precision="float64",
        backend="numpy",
        evaluations=2 * layout.size,
        seconds=1.0,
        first=first,
        pictures=illustrate([(one.evidence, one.report) for one in assessed.each], first, ""),
    )


def main() -> None:
    """Print the figures."""
    cases: dict[str, dict[str, tuple[int, ...]]] = {
        "10,000 parameters": {f"encoder.layers.{k}.attention.weight": (8, 4) for k in range(10_000)},
        "10,000,000 entries": {"embedding.weight": (100_000, 100)},
    }
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        for name, shapes in cases.items():
            started = time.perf_counter()
            report = report_of(shapes)
            made = time.perf_counter()
            report.to_html(page)  # the first time with the import of what draws
            written = time.perf_counter()
            size = page.stat().st_size / 1e6
            print(f"{name}: report {made - started:.2f} s, page {written - made:.2f} s, {size:.2f} MB")


if __name__ == "__main__":
    main()
