"""All models and cases of the corpus."""

from corpus import (
    attention,
    branches,
    convolutions,
    deep,
    losses,
    nasty_kinks,
    nasty_noise,
    nasty_scales,
    nasty_zeros,
    norms,
    passed_on,
    recurrent,
    regressions,
    sequences,
    structured,
)
from corpus.records import OWN, Case

MODELS = (
    *regressions.MODELS,
    *deep.MODELS,
    *branches.MODELS,
    *convolutions.MODELS,
    *norms.MODELS,
    *recurrent.MODELS,
    *attention.MODELS,
    *losses.MODELS,
    *sequences.MODELS,
    *structured.MODELS,
    *passed_on.MODELS,
    *nasty_kinks.MODELS,
    *nasty_scales.MODELS,
    *nasty_noise.MODELS,
    *nasty_zeros.MODELS,
)

CASES = tuple(Case(model, claim) for model in MODELS for claim in (OWN, *model.claims))
