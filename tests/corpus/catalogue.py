"""All models and cases of the corpus."""

from corpus import (
    attention,
    convolutions,
    deep,
    losses,
    nasty_kinks,
    nasty_scales,
    nasty_zeros,
    norms,
    recurrent,
    regressions,
    structured,
)
from corpus.records import OWN, Case

MODELS = (
    *regressions.MODELS,
    *deep.MODELS,
    *convolutions.MODELS,
    *norms.MODELS,
    *recurrent.MODELS,
    *attention.MODELS,
    *losses.MODELS,
    *structured.MODELS,
    *nasty_kinks.MODELS,
    *nasty_scales.MODELS,
    *nasty_zeros.MODELS,
)

CASES = tuple(Case(model, claim) for model in MODELS for claim in (OWN, *model.claims))
