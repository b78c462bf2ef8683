"""The layers of the migration kits agree in every framework, each held against each, with the mapping found."""

from dataclasses import replace

import pytest
from migration_layers import FRAMEWORKS, LAYERS, case

from gradcheck_core import Outcome, Verdict
from gradcheck_core.migration.compare import compare_sides
from gradcheck_core.migration.parity.side import observe

LACKING = {("gru", "nnx"), ("flatten", "nnx")}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_agrees_between_all_frameworks_in_every_direction(layer):
    frameworks = [name for name in FRAMEWORKS if (layer, name) not in LACKING]
    sides = {name: observe(replace(case(layer, name), options={"progress": False}), name) for name in frameworks}

    for reference in frameworks:
        report = compare_sides(sides, reference)

        assert report.verdict is Verdict.CORRECT, str(report)
        assert report.outcome is Outcome.AGREE
        assert len(report.pairs) == len(frameworks) - 1
        assert not report.unresolved
