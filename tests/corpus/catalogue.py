"""All models and cases of the corpus."""

from corpus import regressions
from corpus.records import Case

MODELS = (*regressions.MODELS,)

CASES = tuple(Case(model, claim) for model in MODELS for claim in model.claims)
