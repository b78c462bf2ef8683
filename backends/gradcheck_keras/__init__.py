"""Keras 3, whichever framework computes for it: not an adapter, but what the adapters of those frameworks share.

Keras is never imported here: a layer can exist only where a program has imported it. The same model has the same names
under each framework, so that their reports can be compared.
"""

from .lending import compute_in_float64 as compute_in_float64
from .lending import lend as lend
from .lending import lend_float64 as lend_float64
from .lending import lend_policy as lend_policy
from .weights import Weight as Weight
from .weights import is_keras as is_keras
from .weights import is_layer as is_layer
from .weights import is_variable as is_variable
from .weights import layers as layers
from .weights import not_built as not_built
from .weights import owners as owners
from .weights import require_built as require_built
from .weights import stateless as stateless
from .weights import weights as weights
