"""Finished reports to look at: one parameter or many, without running a check; and whether two say the same."""

from gradcheck_core import GradientReport, ParameterReport, Verdict


def parameter(name="w", verdict=Verdict.CORRECT, **changes):
    fields = {
        "shape": (3, 2),
        "dtype": "float64",
        "difference": 3e-10,
        "resolution": 2e-9,
        "worst_index": (2, 1),
        "analytic": 0.5,
        "numeric": 0.25,
        "error": 1e-10,
    }
    return ParameterReport(name=name, verdict=verdict, **{**fields, **changes})


def report(*parameters, **changes):
    listed = parameters or (parameter(),)
    fields = {
        "verdict": max((entry.verdict for entry in listed), key=lambda verdict: verdict.severity),
        "difference": 3e-10,
        "resolution": 2e-9,
        "cost": 1.5,
        "parameters": {entry.name: entry for entry in listed},
        "method": "exhaustive",
        "scheme": "central",
        "precision": "float64",
        "backend": "numpy",
        "evaluations": 14,
        "seconds": 0.25,
    }
    return GradientReport(**{**fields, **changes})


def same(one, other):
    """Whether two reports say the same, but for the time it took."""
    return {**one.to_dict(), "seconds": 0.0} == {**other.to_dict(), "seconds": 0.0}


def alike(one, other):
    """Whether two reports say the same of every parameter; where thetas are evaluated in batches, up to rounding."""
    pairs = list(zip(one.parameters.values(), other.parameters.values(), strict=True))
    verdicts = all((a.name, a.verdict, a.kinks, a.wrong) == (b.name, b.verdict, b.kinks, b.wrong) for a, b in pairs)
    errors = all(abs(a.resolution - b.resolution) <= 0.5 * max(a.resolution, b.resolution) for a, b in pairs)
    return verdicts and errors and one.notes == other.notes and one.precision == other.precision
