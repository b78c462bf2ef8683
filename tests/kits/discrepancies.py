"""Numeric gradients of a few shapes, and what the diagnosis calls a claim beside them."""

import numpy as np

from gradcheck_core.diagnosis import Facts, diagnose

DRAW = np.random.default_rng(7)
G = DRAW.normal(size=(4, 4))
TALL = DRAW.normal(size=(4, 2))
KERNEL = DRAW.normal(size=(2, 3, 3))
VECTOR = DRAW.normal(size=7)
OTHER = DRAW.normal(size=(4, 4))
THETA = DRAW.normal(size=(4, 4))
ROW = np.array([0.3, -0.1, 0.7, 0.2])
ERROR = 1e-9


def facts(numeric, claimed, theta=None, others=None, error=ERROR, name="w"):
    numeric, claimed = np.asarray(numeric, float), np.asarray(claimed, float)
    return Facts(
        name=name,
        claimed=claimed,
        numeric=numeric,
        error=np.full(numeric.shape, error),
        known=np.ones(numeric.shape, bool),
        theta=theta,
        others=others or {},
    )


def named(numeric, claimed, **more):
    return diagnose([facts(numeric, claimed, **more)]).get("w")


def kind(numeric, claimed, **more):
    found = named(numeric, claimed, **more)
    return None if found is None else found.kind


def with_entry(g, index, value):
    wrong = g.copy()
    wrong[index] = value
    return wrong
