"""From numeric and claimed gradients to the likely mistake: a catalogue of known mistakes, tried simplest first.

`facts.py` has what is known of a wrong parameter, `wrong_values.py`, `wrong_order.py`, `wrong_terms.py` and
`wrong_places.py` the known mistakes, `catalogue.py` their order, `fit.py` decides whether one explains the facts.
`sentences.py` says it to a person, `kinds.py` explains each kind at length, and `culprit.py` chooses which of several
wrong parameters to look at first.
"""

from .catalogue import diagnose as diagnose
from .catalogue import diagnose_zero_claim as diagnose_zero_claim
from .culprit import NEVER_PASSED_ON as NEVER_PASSED_ON
from .culprit import choose_first_to_fix as choose_first_to_fix
from .facts import MOST_ENTRIES as MOST_ENTRIES
from .facts import Extent as Extent
from .facts import Facts as Facts
from .facts import Place as Place

__all__ = [
    "MOST_ENTRIES",
    "NEVER_PASSED_ON",
    "Extent",
    "Facts",
    "Place",
    "choose_first_to_fix",
    "diagnose",
    "diagnose_zero_claim",
]
