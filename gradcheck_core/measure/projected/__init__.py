"""Evidence from a few random directions: a certificate or, if that fails, the places that are wrong.

`gather.py` runs the stages, `examination.py` draws directions, `bounds.py` bounds the error, `localise.py` halves what
moved until it finds what is wrong, `entries.py` measures single entries, and `walk.py` moves theta.
"""

from .gather import gather_projected as gather_projected
