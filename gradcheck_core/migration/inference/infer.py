"""Which parameter of one model is which of another's: read from values, and from names where those do not tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from ..mapping import ParameterMap
from ..tensors import Precision, Tensor, read
from .by_names import constants, find_by_names, grouped
from .by_values import find_pieces, find_sums, find_whole
from .clones import find_clones
from .companions import find_companions
from .conventions import LearntAxes
from .ledger import Ledger
from .partners import find_zero_partners
from .reasons import evidence, without_evidence


def infer_mapping(source_params: object, target_params: object) -> ParameterMap:
    """Find of what in a source model each parameter of a target model is made.

    Where the weights were carried over, by whatever script did it, every value of a target is found in the source, and
    the places tell the rest: permutations of axes, gates in another order, fused and split projections, the order in
    which a convolution's output was flattened, two biases that are one elsewhere. What is entered by values has been
    compared with the target, entry by entry.

    Values that are all equal (fresh biases, scales), or that several layers share, tell nothing. There a layer's
    weight, if it was found, brings its bias along; else shapes and names decide. Nothing is guessed in silence: every
    entry says in `found_by` how it was found, and what stays open is in `unresolved` with the reason.

    Parameters
    ----------
    source_params, target_params : object
        Any framework's parameters, as `check_gradients` takes them, or mappings from name to array. Frozen parameters
        and buffers are left out.

    Returns
    -------
    ParameterMap
        From the source's parameters to the target's.

    Raises
    ------
    MappingError
        If either has no parameters, or an assignment by names needs SciPy and that is not installed.

    Notes
    -----
    Values are compared to the last bit where all parameters have one dtype, else as finely as the coarser one stores
    them. Where no value of the target is in the source the weights were not carried over, and the mapping is from names
    and shapes alone: enough to carry them over, except fused gates and a dense layer behind a flattened convolution,
    whose order shapes do not tell.

    Examples
    --------
    >>> import numpy as np
    >>> weight = np.random.default_rng(0).normal(size=(3, 2))
    >>> mapping = infer_mapping({"fc.weight": weight}, {"dense.kernel": weight.T})
    >>> mapping.entries["dense.kernel"].source, mapping.entries["dense.kernel"].axes
    ('fc.weight', (1, 0))
    """
    source = read(source_params, "infer_mapping(source_params=...)")
    return mapping_between(source, read(target_params, "infer_mapping(target_params=...)")).mapping


@final
@dataclass(frozen=True, slots=True)
class Found:
    """A mapping and, of targets that stay open, the source that has many of their values, if any."""

    mapping: ParameterMap
    nearest: Mapping[str, str | None]


def mapping_between(sources: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Found:
    """As `infer_mapping`, of parameters that were read already."""
    ledger = Ledger(sources, targets, Precision.between(sources.values(), targets.values()))
    undecided = find_whole(ledger)
    aside = {name for _, names in undecided for name in names}
    find_pieces(ledger, aside)
    find_sums(ledger, aside)
    find_clones(ledger, aside)
    if _were_carried_over(ledger, aside):
        _find_by_structure(ledger)
        learnt = LearntAxes(_axes_seen(ledger))
        for group_sources, group_targets in undecided:
            if len(group_sources) == len(group_targets):
                pair = ([sources[name] for name in group_sources], [targets[name] for name in group_targets])
                find_by_names(ledger, pair, learnt)
            else:
                ledger.reasons.update(dict.fromkeys(group_targets, _tied(group_sources, group_targets)))
        _find_by_structure(ledger)
        same = grouped(
            constants(sources, ledger.open_sources()),
            constants(targets, ledger.open_targets()),
            ledger.precision,
        )
        for group in same:
            find_by_names(ledger, group, learnt)
        find_zero_partners(ledger)
    else:
        told = evidence(ledger)
        strangers = [target for name, target in targets.items() if name not in told]
        for group in grouped(sources.values(), strangers):
            find_by_names(ledger, group, LearntAxes(()), valued=False)
    entries = {name: entry for name in targets if (entry := ledger.entry(name)) is not None}
    told = evidence(ledger)
    reasons = {name: one.reason for name, one in told.items()} | ledger.reasons
    unresolved = {name: reasons.get(name) or without_evidence(ledger, name) for name in targets if name not in entries}
    return Found(ParameterMap(entries, unresolved), {name: one.source for name, one in told.items()})


def _find_by_structure(ledger: Ledger) -> None:
    find_companions(ledger)
    find_zero_partners(ledger)


def _were_carried_over(ledger: Ledger, undecided: set[str]) -> bool:
    """Whether any value tells that a target is a source's, or none could."""
    telling = [name for name, tensor in ledger.targets.items() if tensor.is_telling]
    return not telling or bool(undecided) or any(ledger.found(name) for name in telling)


def _tied(sources: list[str], targets: list[str]) -> str:
    """Why targets are not mapped that share their values with each other, as their sources do, in another number."""
    had = f"{_named(sources)} {'has' if len(sources) == 1 else 'have'}"
    return (
        f"the values that {_named(targets)} {'has' if len(targets) == 1 else 'share'}, {had} in the source; where a "
        "weight is tied on one side only, gradients cannot be carried over"
    )


def _named(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _axes_seen(ledger: Ledger) -> list[tuple[str, str, tuple[int, ...]]]:
    """Which axes became which where values told, for weights of the same names whose values do not."""
    seen = []
    for target in ledger.targets:
        entry = ledger.entry(target)
        if entry is None or len(entry.terms) != 1:
            continue
        term = entry.terms[0]
        if term.view is None and term.ranges is None and len(term.axes) > 1:
            seen.append((ledger.sources[term.source].leaf, ledger.targets[target].leaf, term.axes))
    return seen
