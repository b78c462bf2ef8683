"""All models and cases of the corpus."""

from corpus import attention, convolutions, deep, norms, recurrent, regressions
from corpus.records import Case

MODELS = (
    *regressions.MODELS,
    *deep.MODELS,
    *convolutions.MODELS,
    *norms.MODELS,
    *recurrent.MODELS,
    *attention.MODELS,
)

CASES = tuple(Case(model, claim) for model in MODELS for claim in model.claims)
