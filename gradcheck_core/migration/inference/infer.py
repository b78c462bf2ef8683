"""Which parameter of one model is which of another's: read from values, and from names where values do not tell."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from ..mapping import ParameterMap
from ..tensors import Precision, Tensor, read
from .by_names import AxesSeen, find_by_names, group_tensors
from .by_values import find_clones, find_pieces, find_sums, find_whole
from .companions import find_companions
from .ledger import Ledger
from .partners import find_zero_partners
from .reasons import explain_without_evidence, gather_evidence


def infer_mapping(source_params: object, target_params: object) -> ParameterMap:
    """Find what each parameter of a target model is made of in a source model.

    If some script carried the weights over, every value of a target is found in the source, and its place there tells
    the rest: permutations of axes, gates in another order, fused and split projections, the order in which a
    convolution's output was flattened, two biases that are one elsewhere. What is entered by values has been compared
    with the target, entry by entry.

    Values that are all equal (fresh biases, scales), or that several layers share, tell nothing. There a layer's
    weight, if it was found, brings its bias along; otherwise shapes and names decide. Nothing is guessed in silence:
    `found_by` says for every entry how it was found, and `unresolved` has what stays open, with the reason.

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
    Values are compared to the last bit if all parameters have one dtype, otherwise as finely as the coarser one stores
    them. If no value of the target is in the source, the weights were not carried over, and the mapping is made from
    names and shapes alone. That is enough to carry them over, except for fused gates and a dense layer behind a
    flattened convolution, whose order shapes do not tell.

    Examples
    --------
    >>> import numpy as np
    >>> weight = np.random.default_rng(0).normal(size=(3, 2))
    >>> mapping = infer_mapping({"fc.weight": weight}, {"dense.kernel": weight.T})
    >>> mapping.entries["dense.kernel"].source, mapping.entries["dense.kernel"].axes
    ('fc.weight', (1, 0))
    """
    source = read(source_params, "infer_mapping(source_params=...)")
    return infer_between(source, read(target_params, "infer_mapping(target_params=...)")).mapping


@final
@dataclass(frozen=True, slots=True)
class Inference:
    """A mapping, and for targets that stay open the source that has many of their values, if any."""

    mapping: ParameterMap
    nearest: Mapping[str, str | None]


def infer_between(sources: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Inference:
    """As `infer_mapping`, for parameters that were read already."""
    ledger = Ledger(sources, targets, Precision.between(sources.values(), targets.values()))
    undecided = find_whole(ledger)
    aside = {name for _, names in undecided for name in names}
    find_pieces(ledger, aside)
    find_sums(ledger, aside)
    find_clones(ledger, aside)
    if _were_carried_over(ledger, aside):
        _find_by_structure(ledger)
        seen = _list_axes(ledger)
        for group_sources, group_targets in undecided:
            if len(group_sources) == len(group_targets):
                pair = ([sources[name] for name in group_sources], [targets[name] for name in group_targets])
                find_by_names(ledger, pair, seen)
            else:
                ledger.reasons.update(dict.fromkeys(group_targets, _say_tied(group_sources, group_targets)))
        _find_by_structure(ledger)
        same = group_tensors(
            [sources[name] for name in ledger.open_sources() if sources[name].is_constant],
            [targets[name] for name in ledger.open_targets() if targets[name].is_constant],
            ledger.precision,
        )
        for group in same:
            find_by_names(ledger, group, seen)
        find_zero_partners(ledger)
    else:
        told = gather_evidence(ledger)
        strangers = [target for name, target in targets.items() if name not in told]
        for group in group_tensors(sources.values(), strangers):
            find_by_names(ledger, group, {}, valued=False)
    entries = {name: entry for name in targets if (entry := ledger.entry(name)) is not None}
    told = gather_evidence(ledger)
    reasons = {name: one.reason for name, one in told.items()} | ledger.reasons
    left = [name for name in targets if name not in entries]
    unresolved = {name: reasons.get(name) or explain_without_evidence(ledger, name) for name in left}
    return Inference(ParameterMap(entries, unresolved), {name: one.source for name, one in told.items()})


def _find_by_structure(ledger: Ledger) -> None:
    find_companions(ledger)
    find_zero_partners(ledger)


def _were_carried_over(ledger: Ledger, undecided: set[str]) -> bool:
    """Whether some value of a target was found in a source, or no value could tell."""
    telling = [name for name, tensor in ledger.targets.items() if tensor.is_telling]
    return not telling or bool(undecided) or any(ledger.list_found(name) for name in telling)


def _say_tied(sources: list[str], targets: list[str]) -> str:
    """Why targets that share their values are not mapped: as many sources do not share them."""
    had = f"{_list_names(sources)} {'has' if len(sources) == 1 else 'have'}"
    return (
        f"the values that {_list_names(targets)} {'has' if len(targets) == 1 else 'share'}, {had} in the source; "
        "where a weight is tied on one side only, gradients cannot be carried over"
    )


def _list_names(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _list_axes(ledger: Ledger) -> AxesSeen:
    """Which axes became which where values told, for weights of the same names whose values do not tell."""
    seen = defaultdict(set)
    for target in ledger.targets:
        entry = ledger.entry(target)
        if entry is None or len(entry.terms) != 1:
            continue
        term = entry.terms[0]
        if term.view is None and term.ranges is None and len(term.axes) > 1:
            seen[ledger.sources[term.source].leaf, ledger.targets[target].leaf].add(term.axes)
    return seen
