import inspect
from dataclasses import FrozenInstanceError, fields, replace
from types import MappingProxyType

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.case import OPTION_NAMES, CheckOptions, select
from gradcheck_core.check.api import check_case
from gradcheck_core.protocol import Layout

NAMES = ["enc.weight", "enc.bias", "dec.weight", "dec.bias"]
LAYOUT = Layout.of([(name, (2,), "float64") for name in NAMES])


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (None, None, [0, 1, 2, 3]),
        ("*.bias", None, [1, 3]),
        ("enc.weight", None, [0]),
        (["dec.*", "enc.bias"], None, [1, 2, 3]),
        (None, "*.bias", [0, 2]),
        (None, ("enc.*", "dec.bias"), [2]),
        ("enc.*", "*.bias", [0]),
        ("???.bias", None, [1, 3]),
        (None, [], [0, 1, 2, 3]),
        (["*", "enc.*"], None, [0, 1, 2, 3]),  # overlapping patterns choose once
    ],
)
def test_patterns_choose_positions_in_thetas_order(include, exclude, expected):
    assert select(LAYOUT, include, exclude) == tuple(expected)


@pytest.mark.parametrize("case", ["ENC.*", "enc.Bias"])
def test_patterns_heed_upper_and_lower_case(case):
    with pytest.raises(gc.InvalidInputError, match="matches no parameter"):
        select(LAYOUT, case, None)


@pytest.mark.parametrize("argument", ["include", "exclude"])
def test_a_pattern_that_matches_nothing_is_named_with_what_there_is(argument):
    message = f"`{argument}`: the pattern 'bias' matches no parameter; there are {', '.join(NAMES)}$"

    with pytest.raises(gc.InvalidInputError, match=message):
        select(LAYOUT, **{"include": None, "exclude": None, argument: ["*.weight", "bias"]})


@pytest.mark.parametrize(("include", "exclude"), [(None, "*"), ("*.bias", ["*.bias"]), ([], None)])
def test_nothing_left_to_check_is_refused(include, exclude):
    with pytest.raises(gc.InvalidInputError, match=r"leaves? no parameter to check; there are enc\.weight"):
        select(LAYOUT, include, exclude)


def test_a_long_list_of_names_is_cut():
    many = Layout.of([(f"p{i}", (), "float64") for i in range(12)])

    with pytest.raises(gc.InvalidInputError, match=r"there are p0, .*, p9 and 2 more$"):
        select(many, "w", None)


SIGNATURE = inspect.signature(gc.check_gradients).parameters


def test_the_signature_of_a_check_has_the_options_with_their_defaults():
    defaults = {name: parameter.default for name, parameter in SIGNATURE.items()}
    given = {name: defaults[name] for name in OPTION_NAMES if name != "backend"}

    assert list(SIGNATURE) == ["cost", "params", "grads", "args", *OPTION_NAMES]
    assert {SIGNATURE[name].kind for name in OPTION_NAMES} == {inspect.Parameter.KEYWORD_ONLY}
    assert CheckOptions(**given) == CheckOptions()


def test_the_types_of_the_signature_are_those_of_the_options():
    kept = {each.name: each.type for each in fields(CheckOptions)}
    wider = {"policy": gc.VerdictPolicy | None, "journal": SIGNATURE["journal"].annotation}

    assert {name: SIGNATURE[name].annotation for name in kept} == kept | wider


@pytest.mark.parametrize("name", [each.name for each in fields(CheckOptions)])
def test_every_way_in_validates_every_option(name):
    arguments = lambda w: 0.0, np.ones(2), np.ones(2)

    for check in (gc.check_gradients, gc.assert_gradients):
        with pytest.raises(gc.InvalidInputError, match=f"^`{name}[=`]"):
            check(*arguments, **{name: object()})
    with pytest.raises(gc.InvalidInputError, match=f"^`{name}[=`]"):
        check_case(gc.GradientCase(*arguments, options={name: object()}))


def test_options_are_frozen_and_a_changed_copy_is_validated_too():
    options = CheckOptions(epsilon=1, include=["a", "b"], journal="run.jsonl")

    assert (options.method, options.scheme, options.epsilon) == ("exhaustive", "central", 1.0)
    assert options.include == ("a", "b")
    assert replace(options) == options
    with pytest.raises(FrozenInstanceError):
        options.seed = 1
    with pytest.raises(gc.InvalidInputError, match=r"`seed=-1`: pass an integer of at least 0"):
        replace(options, seed=-1)


@pytest.mark.parametrize("options", [{"order": 2}, {"epsilon": 1e-5}, {"scheme": "complex"}, {"seed": 3}])
def test_the_call_that_repeats_a_check_is_accepted(options):
    call = CheckOptions(**options).replay("numpy")
    repeated = eval(
        call,
        {"check_gradients": lambda *_, args, backend, **given: given},
        dict.fromkeys(("cost", "params", "grads", "args")),
    )

    assert CheckOptions(**repeated) == CheckOptions(**options)


@pytest.mark.parametrize(
    ("misspelt", "message"),
    [
        ("epsilom", "'epsilom' is not an option; the nearest is 'epsilon'$"),
        ("max_evals", "'max_evals' is not an option; the nearest is 'max_evaluations'$"),
        ("include_", "the nearest is 'include'$"),
        ("Backend", "the nearest is 'backend'$"),
        ("args", r"pass it as `GradientCase\(args=\.\.\.\)`$"),
        (3, "3 is not an option; the nearest is "),
    ],
)
def test_a_misspelt_option_of_a_case_is_named_with_the_nearest(misspelt, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gc.GradientCase(lambda w: 0.0, np.ones(2), options={"seed": 1, misspelt: None})


def test_options_of_a_case_that_are_not_a_mapping():
    with pytest.raises(
        gc.InvalidInputError, match=r"`GradientCase\(options=\.\.\.\)` is list; pass a dict of option names"
    ):
        gc.GradientCase(lambda w: 0.0, np.ones(2), options=["seed"])


def test_a_case_takes_every_option_in_any_mapping():
    options = MappingProxyType(dict.fromkeys(OPTION_NAMES))

    assert gc.GradientCase(lambda w: 0.0, np.ones(2), options=options).options is options
