"""From numeric and claimed gradients to the likely mistake: a catalogue of known ones, tried simplest first.

`facts.py` is what the catalogue looks at, `weighing.py` says whether a mistake explains it, `values.py`, `terms.py`,
`order.py` and `places.py` hold the mistakes by what they do, `catalogue.py` puts them in order, `culprit.py` says which
of several wrong parameters to look at first, and `explanations.py` has the long text about each kind.
"""

from .catalogue import diagnose as diagnose
from .catalogue import nothing_came as nothing_came
from .culprit import OF_ITS_OWN as OF_ITS_OWN
from .culprit import first_to_mend as first_to_mend
from .facts import Extent as Extent
from .facts import Facts as Facts
from .facts import Place as Place

__all__ = ["OF_ITS_OWN", "Extent", "Facts", "Place", "diagnose", "first_to_mend", "nothing_came"]
