"""The conductor: validate, open the problem, gather evidence, judge, report."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from . import claims, preflight, registry, selection
from .assessment import Evidence, assess, compare, norm
from .errors import InvalidInputError
from .evaluator import Evaluator
from .numerics.coordinates import Derivatives, central_differences
from .numerics.steps import default_steps
from .options import CheckOptions
from .outputs import Contraction, roundoff_of
from .preflight import Baseline
from .progress import ProgressBar
from .protocol import Backend, Capability, Gradient, Layout, Parameter, Problem
from .randomness import HostRandomState
from .report import GradientReport
from .selection import Patterns
from .verdict import VerdictPolicy, natural_scale, worst_verdict

_PREFLIGHT_EVALUATIONS = 2


def check_gradients(
    cost: Callable[..., object],
    params: object,
    grads: object = None,
    *,
    args: tuple[object, ...] = (),
    backend: str | None = None,
    method: str = "auto",
    scheme: str = "auto",
    epsilon: float | None = None,
    order: int = 1,
    precision: str = "auto",
    policy: VerdictPolicy | None = None,
    confidence: float = 0.999,
    max_evaluations: int | None = None,
    n_jobs: int = 1,
    include: Patterns = None,
    exclude: Patterns = None,
    seed: int = 0,
    progress: bool | None = None,
) -> GradientReport:
    """Check a gradient against central differences of the cost.

    Each coordinate of theta is moved by a step h to either side and ``(J(theta + h) - J(theta - h)) / (2 h)`` is held
    against the claimed derivative, by parameter and over all of theta:
    ``||approx - d_theta|| / (||approx|| + ||d_theta||)``.

    Parameters
    ----------
    cost : callable
        ``cost(params, *args)``. Returns a scalar; or a tensor or structure of tensors, which is contracted with fixed
        random weights so that a whole Jacobian is checked (autodiff only). It may be random: the global random
        states are fixed before every call.
    params : array, tensor, variable, model or nesting
        What to differentiate by: any nesting of list, tuple, dict, namedtuple and dataclass, a model object, or a
        pytree. Integer, bool and frozen leaves are carried, not checked.
    grads : structure, mapping, vector or callable, optional
        The claimed gradient: the structure of `params`, a mapping from parameter name, a flat vector of shape
        ``(n,)``, or a callable ``grads(params, *args)`` that returns one of these. None (default) asks the backend for
        its own automatic differentiation.
    args : tuple
        Further arguments of the cost, not perturbed. Default none.
    backend : str, optional
        Name of the backend. None (default) infers it from the types in `params`.
    method : {"auto", "exhaustive"}
        Every coordinate is differenced, at two evaluations each.
    scheme : {"auto", "central"}
        Central differences.
    epsilon : float, optional
        A step for every coordinate, absolute, in units of theta. None (default) takes the cube root of the precision
        times the coordinate's scale.
    order : {1}
        First derivatives.
    precision : {"auto", "native", "float64"}
        Precision of the evaluation. "auto" (default): float64 where the backend can, else the parameters' own.
    policy : VerdictPolicy, optional
        The thresholds; None (default) is ``VerdictPolicy()``.
    confidence : float
        Of a certificate, in (0, 1); without effect on an exhaustive check.
    max_evaluations : int, optional
        Refuse a check that would need more evaluations than this. None (default): no limit.
    n_jobs : {1}
        Processes.
    include, exclude : str or sequence of str, optional
        Name patterns (``"*.bias"``) of the parameters to check; the rest are held fixed and listed in the notes.
    seed : int
        Of the random states and of the weights for costs with several outputs. Default 0; the same seed repeats
        the check exactly.
    progress : bool, optional
        Whether to show a progress bar once a second has passed. None (default): on a terminal.

    Returns
    -------
    GradientReport
        Frozen; ``str(report)`` is the report for a person.

    Raises
    ------
    InvalidInputError
        If an argument, the cost's result or the claimed gradient is unusable.
    UnknownBackendError, BackendUnavailableError, InvalidBackendError
        If there is no backend for `params`, or not a working one.
    NonDeterministicCostError
        If the cost differs between two calls at the same params.
    NonFiniteCostError
        If the cost is NaN or infinite.

    Notes
    -----
    The caller's parameters, buffers, random state and training mode are the same bit for bit afterwards, whatever
    happens. An exception from the cost keeps its type and traceback; a note says at which theta it was raised.

    The resolution bounds the rounding error of the differences only. Where the cost bends strongly within a step the
    truncation error is larger than the resolution says; a smaller `epsilon` shows it.

    References
    ----------
    J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition, 2006, section 8.1.

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
    """
    started = time.perf_counter()
    options = CheckOptions.validated(
        method=method,
        scheme=scheme,
        epsilon=epsilon,
        order=order,
        precision=precision,
        policy=policy,
        confidence=confidence,
        max_evaluations=max_evaluations,
        n_jobs=n_jobs,
        include=include,
        exclude=exclude,
        seed=seed,
        progress=progress,
    )
    _require_callable(cost, args)
    adapter = registry.load_backend(backend) if backend is not None else registry.infer_backend(params)
    _require_grads(grads, adapter)
    held = _precision_held(options.precision, adapter)
    with adapter.open(cost, params, args, held, options.seed) as problem, HostRandomState(options.seed) as random_state:
        findings = _gather(problem, random_state, grads, args, held, options)
    return _report(findings, adapter.name, options, started)


def assert_gradients(cost: Callable[..., object], params: object, grads: object = None, **options: Any) -> GradientReport:
    """Check a gradient and raise unless it passes; takes what `check_gradients` takes.

    Returns
    -------
    GradientReport
        Of a check that passed.

    Raises
    ------
    GradientCheckError
        An `AssertionError` whose text is the report, if the verdict is SUSPECT, BUG or INCONCLUSIVE.

    Examples
    --------
    >>> import numpy as np
    >>> assert_gradients(lambda w: float(w @ w), np.array([1.0, 2.0]), np.array([2.0, 4.0])).passed
    True
    """
    report = check_gradients(cost, params, grads, **options)
    report.raise_if_failed()
    return report


@final
@dataclass(frozen=True, slots=True)
class _Findings:
    baseline: Baseline
    evidence: tuple[Evidence, ...]
    evaluations: int
    precision: str
    notes: tuple[str, ...]


def _gather(
    problem: Problem,
    random_state: HostRandomState,
    grads: object,
    args: tuple[object, ...],
    held: str,
    options: CheckOptions,
) -> _Findings:
    layout = problem.layout
    chosen = selection.select(layout, options.include, options.exclude)
    total = _PREFLIGHT_EVALUATIONS + 2 * sum(layout.parameters[i].size for i in chosen)
    _require_budget(total, options.max_evaluations)
    contraction = Contraction(options.seed)
    with ProgressBar(total, options.progress) as bar:
        evaluator = Evaluator(problem, contraction, random_state, bar.advance)
        random_state.fix()
        baseline = preflight.establish(problem, evaluator, random_state, _roundoff(layout, held))
        random_state.fix()
        claim = _claim(grads, problem, args, contraction, baseline)
        preflight.require_unchanged(problem, evaluator, baseline.theta)
        evidence = tuple(
            Evidence(
                parameter=layout.parameters[i],
                claimed=claim.d_theta[layout.parameters[i].range],
                derivatives=_sweep(evaluator, i, layout.parameters[i], baseline, options.epsilon),
                claimed_dtype=claim.dtypes[i],
            )
            for i in chosen
        )
        preflight.require_unchanged(problem, evaluator, baseline.theta)
    notes = (*claim.notes, *_unmoved_note(evidence), *_unchecked_notes(layout, chosen))
    return _Findings(baseline, evidence, evaluator.evaluations, _precision_used(layout, held), notes)


def _claim(
    grads: object, problem: Problem, args: tuple[object, ...], contraction: Contraction, baseline: Baseline
) -> Gradient:
    if grads is None:
        return problem.gradient(contraction.weights)
    if baseline.cost.outputs > 1:
        msg = (
            f"`cost` returned {baseline.cost.outputs} numbers, and `grads` can only be the gradient of one; "
            "return a scalar, e.g. the sum, or leave `grads` out where the backend has automatic differentiation"
        )
        raise InvalidInputError(msg)
    claimed = grads(problem.params(), *args) if callable(grads) else grads
    return claims.lay_out(claimed, problem.layout, registry.to_numpy)


def _sweep(
    evaluator: Evaluator, position: int, parameter: Parameter, baseline: Baseline, epsilon: float | None
) -> Derivatives:
    present = baseline.theta[parameter.range]
    steps = default_steps(present, baseline.roundoff) if epsilon is None else np.full(parameter.size, epsilon)
    return central_differences(
        partial(evaluator.costs_at, position, present),
        np.arange(parameter.size),
        plus=evaluator.representable(position, present + steps),
        minus=evaluator.representable(position, present - steps),
        roundoff=baseline.roundoff,
    )


def _report(findings: _Findings, backend: str, options: CheckOptions, started: float) -> GradientReport:
    whole = compare(findings.evidence)
    theta = findings.baseline.theta
    scale = natural_scale(whole, findings.baseline.cost.value, norm(theta) / math.sqrt(theta.size) or 1.0)
    assessed = [assess(item, scale, options.policy) for item in findings.evidence]
    return GradientReport(
        verdict=worst_verdict(report.verdict for report, _ in assessed),
        difference=whole.difference,
        resolution=whole.resolution,
        cost=findings.baseline.cost.value,
        parameters={report.name: report for report, _ in assessed},
        method=options.method,
        scheme=options.scheme,
        precision=findings.precision,
        backend=backend,
        evaluations=findings.evaluations,
        seconds=time.perf_counter() - started,
        notes=(*(note for _, notes in assessed for note in notes), *findings.notes),
    )


def _require_callable(cost: object, args: object) -> None:
    if not callable(cost):
        msg = f"`cost` is {type(cost).__name__}; pass the function first and the parameters second: cost(params, *args)"
        raise InvalidInputError(msg)
    if not isinstance(args, tuple):
        msg = f"`args` is {type(args).__name__}; pass a tuple, e.g. args=(x, y)"
        raise InvalidInputError(msg)


def _require_grads(grads: object, adapter: Backend) -> None:
    if grads is None and Capability.AUTODIFF not in adapter.capabilities:
        msg = (
            f"`grads` is missing: {adapter.name} has no automatic differentiation; pass your gradient as arrays in the "
            "structure of `params`, a flat vector, a mapping by name, or a callable grads(params, *args)"
        )
        raise InvalidInputError(msg)


def _require_budget(needed: int, budget: int | None) -> None:
    if budget is not None and needed > budget:
        msg = (
            f"`max_evaluations={budget}`: every coordinate takes two evaluations, {needed} in all; "
            "raise it, or choose fewer parameters with `include=`"
        )
        raise InvalidInputError(msg)


def _precision_held(asked: str, adapter: Backend) -> str:
    if Capability.FLOAT64 in adapter.capabilities:
        return "native" if asked == "native" else "float64"
    return "native"


def _roundoff(layout: Layout, held: str) -> float:
    return max(roundoff_of("float64" if held == "float64" else p.dtype) for p in layout.parameters)


def _precision_used(layout: Layout, held: str) -> str:
    if held == "float64":
        return held
    return ", ".join(sorted({parameter.dtype for parameter in layout.parameters}))


def _unmoved_note(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    if any(item.derivatives.numeric.any() for item in evidence) or not any(item.claimed.any() for item in evidence):
        return ()
    return ("no perturbation changed the cost: does it use the params that it is given as its first argument?",)


def _unchecked_notes(layout: Layout, chosen: tuple[int, ...]) -> tuple[str, ...]:
    held = [parameter.name for i, parameter in enumerate(layout.parameters) if i not in chosen]
    listed = [f"`{name}` (left out)" for name in held]
    listed += [f"`{leaf.name}` ({leaf.reason})" for leaf in layout.carried]
    return (f"not checked: {', '.join(listed)}",) if listed else ()
