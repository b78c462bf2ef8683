"""The theta/d_theta protocol: what a framework has to answer so that its gradients can be checked."""

from .backend import Backend as Backend
from .backend import Batch as Batch
from .backend import Capability as Capability
from .backend import Entries as Entries
from .backend import Problem as Problem
from .backend import Surroundings as Surroundings
from .backend import Weigh as Weigh
from .backend import undeclared as undeclared
from .causes import Alteration as Alteration
from .layout import Carried as Carried
from .layout import ComplexVector as ComplexVector
from .layout import FloatVector as FloatVector
from .layout import Gradient as Gradient
from .layout import Layout as Layout
from .layout import Parameter as Parameter
from .layout import entry_name as entry_name
