"""Finished reports to look at: one parameter or many, without running a check."""

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
