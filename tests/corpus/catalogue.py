"""All models and cases of the corpus."""

from corpus import attention, convolutions, deep, losses, norms, recurrent, regressions, structured
from corpus.records import Case

MODELS = (
    *regressions.MODELS,
    *deep.MODELS,
    *convolutions.MODELS,
    *norms.MODELS,
    *recurrent.MODELS,
    *attention.MODELS,
    *losses.MODELS,
    *structured.MODELS,
)

CASES = tuple(Case(model, claim) for model in MODELS for claim in model.claims)
