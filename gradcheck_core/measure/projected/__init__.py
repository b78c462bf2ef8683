"""Evidence from a few random directions: a certificate or, where it fails, the places that are wrong.

`evidence` conducts, `examination` draws directions, `certified` bounds the error, `localise` divides what moved,
`entries` measures single ones, `walk` moves theta.
"""

from .gather import gather_projected as gather_projected
