"""The functions that users call; each hands the arguments of one check to the conductor."""

import os
from collections.abc import Callable
from typing import Any

from ..case import OPTION_NAMES, CheckOptions, GradientCase, Patterns
from ..report.gradient import GradientReport
from ..report.verdict import VerdictPolicy
from .conductor import Checked, check


def check_gradients(
    cost: Callable[..., object],
    params: object,
    grads: object = None,
    *,
    args: tuple[object, ...] = (),
    backend: str | None = None,
    method: str = "auto",
    scheme: str = "auto",
    mode: str = "reverse",
    epsilon: float | None = None,
    order: int = 1,
    hvp: Callable[..., object] | None = None,
    precision: str = "auto",
    policy: VerdictPolicy | None = None,
    confidence: float = 0.999,
    max_evaluations: int | None = None,
    max_seconds: float | None = None,
    max_memory: int = 2**30,
    n_jobs: int = 1,
    journal: str | os.PathLike[str] | None = None,
    include: Patterns = None,
    exclude: Patterns = None,
    seed: int = 0,
    progress: bool | None = None,
) -> GradientReport:
    """Check a gradient against central differences of the cost.

    Each coordinate of theta is moved by a step h to either side and ``(J(theta + h) - J(theta - h)) / (2 h)`` is
    compared with the claimed derivative, for each parameter and over all of theta:
    ``||approx - d_theta|| / (||approx|| + ||d_theta||)``. The steps and an error bar for every difference come from
    the noise and the curvature of the cost, never from the claimed gradient.

    Parameters
    ----------
    cost : callable
        ``cost(params, *args)``. Returns a scalar; or a tensor or structure of tensors, which is contracted with fixed
        random weights so that a whole Jacobian is checked (autodiff only). It may be random: the global random
        states are fixed before every call.
    params : array, tensor, variable, model or nesting
        What to differentiate by: any nesting of list, tuple, dict, namedtuple and dataclass, a model object, or a
        pytree. Complex entries count as two numbers, real and imaginary part. Integer, bool and frozen leaves are
        carried, not checked.
    grads : structure, mapping, vector or callable, optional
        The claimed gradient: the structure of `params`, a mapping from parameter name, a flat vector of shape
        ``(n,)``, or a callable ``grads(params, *args)`` that returns one of these. By a complex z = x + iy in the
        framework's own convention: dJ/dx + i dJ/dy for NumPy, PyTorch and TensorFlow, dJ/dx - i dJ/dy for JAX. None
        (default) asks the backend for its own automatic differentiation.
    args : tuple
        Further arguments of the cost, not perturbed. Default none.
    backend : str, optional
        Name of the backend. None (default) infers it from the types in `params`.
    method : {"auto", "exhaustive", "projected"}
        "exhaustive": every coordinate is differenced, at two evaluations each. "projected": a few random directions
        through everything, some 60 evaluations whatever the size, give a bound on the relative error of every
        parameter that holds with the stated confidence; where they show a mistake it is searched for, and the entries
        named. "auto" (default): the first up to 10,000 coordinates, or fewer where `max_evaluations` says so, else the
        second; a given `epsilon` or ``scheme="complex"`` always means the first.
    scheme : {"auto", "central", "complex"}
        Central differences (default), or complex steps, ``Im J(theta + ih) / h``: exact to rounding and one evaluation
        a coordinate, for a cost that is analytic in theta. One that is not (abs, max, conj) is refused.
    mode : {"reverse", "forward"}
        Where `grads` is left out, the mode in which the backend differentiates. Forward mode takes one directional
        derivative for each number of theta. Where reverse mode (default) is found wrong, a note says whether forward
        mode agrees with the differences.
    epsilon : float, optional
        A step for every coordinate, absolute, in units of theta; no single coordinate is then moved farther. None
        (default) finds, for each parameter, the step at which noise and truncation together are least.
    order : {1, 2}
        1 (default): the gradient. 2: Hessian-vector products along random directions, one through each parameter,
        against differences of the gradient, which then must be a function or the backend's own.
    hvp : callable, optional
        With ``order=2``, the claimed product ``hvp(params, direction, *args)``; `direction` has the structure of
        `params` with NumPy arrays (a model's: a mapping from parameter name), and so has what is returned, or any form
        that `grads` may have. None (default) asks the backend.
    precision : {"auto", "native", "float64"}
        Precision of the evaluation. "auto" (default): float64 where the backend can, else the parameters' own.
    policy : VerdictPolicy, optional
        The thresholds; None (default) is ``VerdictPolicy()``.
    confidence : float
        The confidence of a certificate, in (0, 1); default 0.999. Without effect on an exhaustive check.
    max_evaluations : int, optional
        The most evaluations of the cost, with ``order=2`` of the gradient too. What was not measured by then is
        INCONCLUSIVE, with a note. None (default): no limit. Three at theta itself are made in any case.
    max_seconds : float, optional
        The same in seconds; the evaluation that is running then still ends. None (default): no limit.
    max_memory : int
        About how many bytes the thetas that a backend evaluates together, and what it computes from them, may take in
        each process. Default 1 GiB, which leaves room on a laptop.
    n_jobs : int
        Processes that share the sweeps, as joblib counts them: -1 for as many as there are cores. 1 (default) is this
        process only, whatever `joblib.parallel_config` says; with any other number what it names does the work: loky
        processes here, or a dask or ray cluster. Cost, params and args are pickled and go once to each. What automatic
        differentiation, complex steps, ``order=2`` and ``method="projected"`` evaluate stays in this process.
    journal : str or path, optional
        A file to which every answer of the cost at a perturbed theta is appended as it comes. If it has answers of the
        same check already, those are taken from there, and the check goes on where it ended. Gradients, complex steps
        and what ``order=2`` differences are computed again. None (default): no journal.
    include, exclude : str or sequence of str, optional
        Name patterns (``"*.bias"``) of the parameters to check; the rest are held fixed and listed in the notes.
    seed : int
        The seed of the random states, of the weights for costs with several outputs, and of random directions. The same
        seed repeats the check exactly, another one draws other directions. Default 0.
    progress : bool, optional
        Whether to show a progress bar once a second has passed. None (default): on a terminal.

    Returns
    -------
    GradientReport
        Frozen; ``str(report)`` is the report for a person. A wrong parameter has a `Diagnosis` if the mistake is of a
        known kind.

    Raises
    ------
    InvalidInputError
        If an argument, the cost's result or the claimed gradient is unusable.
    UnknownBackendError, BackendUnavailableError, InvalidBackendError
        If there is no backend for `params`, or not a working one.
    NonDeterministicCostError
        If the cost differs between two calls at the same params.
    NonFiniteCostError
        If the cost is NaN or infinite at theta; at perturbed thetas only it is noted.
    WorkersLostError
        If the processes of `n_jobs` are lost twice in a row.

    Notes
    -----
    The caller's parameters, buffers, random state and training mode are the same bit for bit afterwards, whatever
    happens. An exception from the cost keeps its type and traceback; a note says at which theta it was raised.

    A right gradient of n entries takes about 2.25 n + 60 evaluations, of a parameter with more than 512 entries about
    2 n + 6 sqrt(n) + 60, and at most 2.5 n + 200 unless there are kinks. Where claimed and numeric derivatives
    disagree, single coordinates are measured again at 16 evaluations each.

    On a kink, such as a ReLU at exactly zero, every value between the two one-sided slopes agrees. Derivatives are
    only as good as the cost is smooth at the scale of the steps: a cost that wiggles more finely than its noise shows
    can be misjudged.

    References
    ----------
    J. J. Moré and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011), section 3; Estimating
    derivatives of noisy simulations, ACM TOMS 38 (2012), section 3. C. J. F. Ridders, Adv. Eng. Software 4 (1982).
    For the certificate: K. Ball, Cube slicing in R^n, Proc. AMS 97 (1986). For complex steps: W. Squire and G. Trapp,
    SIAM Review 40 (1998).

    Examples
    --------
    >>> import numpy as np
    >>> def cost(w):
    ...     return np.sum(np.sin(w))
    >>> w = np.array([0.3, 0.5])
    >>> check_gradients(cost, w, grads=np.cos(w)).verdict
    <Verdict.CORRECT: 'CORRECT'>
    >>> wrong = check_gradients(cost, w, grads=np.array([np.cos(0.3), -np.cos(0.5)]))
    >>> wrong.verdict, wrong.worst.worst_entry
    (<Verdict.BUG: 'BUG'>, 'theta[1]')
    >>> wrong.worst.diagnosis.kind
    'single_entry'

    With a journal, the same call a second time evaluates next to nothing:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, second = (check_gradients(cost, w, np.cos(w), journal=f"{folder}/run.jsonl") for _ in range(2))
    >>> first.difference == second.difference
    True
    """
    arguments = dict(locals())  # nothing but the arguments, since this is the first line
    options = {name: arguments[name] for name in OPTION_NAMES}
    return check(*_prepare(GradientCase(cost, params, grads, args, options=options))).report


def assert_gradients(
    cost: Callable[..., object], params: object, grads: object = None, **options: Any
) -> GradientReport:
    """Check a gradient and raise unless it passes; takes what `check_gradients` takes.

    Parameters
    ----------
    cost, params, grads
        Those of `check_gradients`.
    **options
        Every further argument of `check_gradients`, by name and with the same meaning.

    Returns
    -------
    GradientReport
        The report of a check that passed.

    Raises
    ------
    GradientCheckError
        An `AssertionError` whose text is the report, if the verdict is SUSPECT, BUG or INCONCLUSIVE.
    GradcheckError
        Whatever `check_gradients` raises when it cannot judge.

    Examples
    --------
    >>> import numpy as np
    >>> assert_gradients(lambda w: float(w @ w), np.array([1.0, 2.0]), np.array([2.0, 4.0])).passed
    True
    """
    report = check_gradients(cost, params, grads, **options)
    report.raise_if_failed()
    return report


def check_case(case: GradientCase) -> Checked:
    """Do ``check_gradients(case.cost, case.params, case.grads, args=case.args, **case.options)``, with its findings."""
    return check(*_prepare(case))


def _prepare(case: GradientCase) -> tuple[GradientCase, str | None, CheckOptions]:
    """A case, and its options as the conductor takes them."""
    options = dict(case.options)
    backend = options.pop("backend", None)
    return case, backend, CheckOptions(**options)
