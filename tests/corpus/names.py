"""What a mistake may truthfully be called: its own kind, and others that would have made the very same numbers.

Of two entries, reversed is the same as shifted; of positive parameters, an L1 term the same as a constant.
The definitions here are exact, on the right gradient; they share nothing with the checker's catalogue.
"""

import itertools

import numpy as np

from corpus.records import PATH

UNMARKED = {
    "least-squares:b:reduction-last-row-only": "one example's gradient instead of the sum over all",
    "conv1d:bias:reduction-first-sample-only": "the same",
    "layer-norm:beta:reduction-first-row-only": "the same",
    "elman:u:shifted-in-time": "states of the wrong step, which only the data know",
    "everything-masked:rows:partial-mask-forgotten": "every row is masked, so all are wrong",
}
"""Cases of a kind that leaves no pattern in the gradient here, and why: a name would be a guess."""

CLOSE = {"rtol": 1e-7, "atol": 0.0}


def true_names(case, parameter):
    """All kinds that this wrong gradient can truthfully be called; none for a path that left no pattern."""
    setting = case.model.setting()
    g, c = np.asarray(setting.grads[parameter], float), np.asarray(case.claim.made(setting)[parameter], float)
    theta = np.asarray(setting.params[parameter], float)
    names = {kind for kind, made in _made(g, c, theta, setting.grads, parameter) if _same(made, c)}
    if case.claim.kind != PATH and case.name not in UNMARKED:
        names.add(case.claim.kind)
    return names | _confined(g, c)


def _same(made, c):
    return made.shape == c.shape and np.allclose(made, c, **CLOSE)


def _made(g, c, theta, grads, parameter):
    yield "zero", 0 * g
    yield "sign_flipped", -g
    at = np.unravel_index(np.argmax(np.abs(g)), g.shape)
    if g[at]:
        yield "scaled", c[at] / g[at] * g
    for axes in itertools.permutations(range(g.ndim)):
        if axes != tuple(range(g.ndim)):
            yield "transposed", np.transpose(g, axes).reshape(g.shape)
    for axis, size in enumerate(g.shape):
        yield "reversed", np.flip(g, axis)
        for by in range(1, size):
            yield "shifted", np.roll(g, by, axis)
        for function in (np.mean, np.sum):
            yield "reduction", np.broadcast_to(function(g, axis, keepdims=True), g.shape)
        if g.ndim > 1:
            d = c - g
            yield "offset", g + d.mean(axis, keepdims=True)
            yield "offset", g + d.mean(tuple(a for a in range(g.ndim) if a != axis), keepdims=True)
    for name, other in grads.items():
        if name != parameter:
            yield "swapped", np.asarray(other, float)
    if g.size:
        yield "offset", g + (c - g).mean()
    if np.any(theta):
        at = np.unravel_index(np.argmax(np.abs(theta)), theta.shape)
        yield "weight_decay", g + (c - g)[at] / theta[at] * theta
        yield "l1", g + (c - g)[at] / np.sign(theta[at]) * np.sign(theta)


def _confined(g, c):
    """Right but for one entry; or in some slices, on or off the diagonal."""
    wrong = ~np.isclose(c, g, rtol=1e-7, atol=0.0)
    if wrong.sum() == 1:
        return {"single_entry", "partial"}
    slices = [wrong.any(tuple(a for a in range(wrong.ndim) if a != axis)) for axis in range(wrong.ndim)]
    square = wrong.ndim == 2 and wrong.shape[0] == wrong.shape[1]
    diagonal = square and (
        not wrong[np.eye(len(wrong), dtype=bool)].any() or not (wrong & ~np.eye(len(wrong), dtype=bool)).any()
    )
    return {"partial"} if diagonal or not all(of.all() for of in slices) else set()
