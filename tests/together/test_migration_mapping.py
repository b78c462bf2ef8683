"""Mappings found between real frameworks, with no hint, held against the frameworks' own values and gradients."""

import itertools

import keras
import numpy as np
import pytest
import torch
from migration_layers import FRAMEWORKS, LAYERS, SIZES, STATES, case

from gradcheck_core import infer_mapping
from gradcheck_core.protocol import registry

LACKING = {("nnx", "gru"), ("nnx", "flatten")}


def both_of(made):
    """A case's parameters and the framework's own gradient by them, by name."""
    backend = registry.infer_backend(made.params)
    with backend.open(made.cost, made.params, (), "native", 0) as problem:
        gradient = problem.gradient(lambda shapes: [np.ones(shape) for shape in shapes])
        parameters = problem.layout.parameters
        values = {each.name: each.tensor(problem.read(i)) for i, each in enumerate(parameters)}
    return values, {each.name: each.tensor(gradient.d_theta[each.range]) for each in parameters}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_is_mapped_in_every_direction(layer, sizes, state):
    cases = {
        framework: case(layer, framework, SIZES[sizes], state=state)
        for framework in FRAMEWORKS
        if (framework, layer) not in LACKING
    }
    found = {framework: both_of(made) for framework, made in cases.items()}
    for one, other in itertools.permutations(cases, 2):
        mapping = infer_mapping(cases[one].params, cases[other].params)
        (values, gradients), (own_values, own_gradients) = found[one], found[other]

        assert not mapping.unresolved, (one, other)
        assert {term.source for entry in mapping.entries.values() for term in entry.terms} == set(values)
        if state == "random":
            assert {entry.found_by for entry in mapping.entries.values()} <= {"values", "sum of values"}
        # the target's gradient was computed by another framework from other arrays: it differs by rounding only
        scale = max(np.abs(gradient).max() for gradient in own_gradients.values())
        for name, gradient in mapping.apply_gradients(gradients).items():
            np.testing.assert_allclose(gradient, own_gradients[name], rtol=0, atol=1e-12 * scale, err_msg=name)
        carried = mapping.apply(values)
        assert all(carried[name].shape == own_values[name].shape for name in own_values)
        # of two biases that are one in the source only the sum is determined
        if not any(term.gradient_only for entry in mapping.entries.values() for term in entry.terms):
            assert all(np.allclose(carried[name], own_values[name], rtol=1e-15, atol=1e-15) for name in own_values)


class Tagger(torch.nn.Module):
    """Two LSTMs that read both ways, norms of two kinds, dense layers of equal shapes; as PyTorch initialises them."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(11, 8)
        self.lstm = torch.nn.LSTM(8, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.norm = torch.nn.LayerNorm(16)
        self.fc1, self.bn = torch.nn.Linear(16, 16), torch.nn.BatchNorm1d(16)
        self.fc2, self.bn2 = torch.nn.Linear(16, 16), torch.nn.BatchNorm1d(16)
        self.out = torch.nn.Linear(16, 3)


def tagger_in_keras(weights):
    """The same in Keras, with weights carried over by hand."""
    layers = keras.layers
    embed = layers.Embedding(11, 8)
    lstms = [layers.Bidirectional(layers.LSTM(8, return_sequences=True)) for _ in range(2)]
    dense = [layers.Dense(16), layers.Dense(16), layers.Dense(3)]
    norms = [layers.LayerNormalization(), layers.BatchNormalization(), layers.BatchNormalization()]
    model = keras.Sequential(
        [keras.Input((5,)), embed, *lstms, norms[0], dense[0], norms[1], dense[1], norms[2], dense[2]]
    )
    embed.embeddings.assign(weights["embed.weight"])
    for i, lstm in enumerate(lstms):
        for suffix, cell in ((f"l{i}", lstm.forward_layer.cell), (f"l{i}_reverse", lstm.backward_layer.cell)):
            cell.kernel.assign(weights[f"lstm.weight_ih_{suffix}"].T)
            cell.recurrent_kernel.assign(weights[f"lstm.weight_hh_{suffix}"].T)
            cell.bias.assign(weights[f"lstm.bias_ih_{suffix}"] + weights[f"lstm.bias_hh_{suffix}"])
    for name, layer in zip(("fc1", "fc2", "out"), dense, strict=True):
        layer.kernel.assign(weights[f"{name}.weight"].T)
        layer.bias.assign(weights[f"{name}.bias"])
    return model


def test_a_whole_model_as_it_is_initialised_is_mapped_both_ways():
    torch.manual_seed(0)
    module = Tagger()
    model = tagger_in_keras({name: each.detach().numpy() for name, each in module.named_parameters()})

    forth, back = infer_mapping(module, model), infer_mapping(model, module)

    assert not forth.unresolved
    assert not back.unresolved
    assert len(forth.entries) == len(model.trainable_variables)
    assert len(back.entries) == len(list(module.parameters()))
    scales = {entry.source: name for name, entry in back.entries.items() if "norm" in str(entry.source)}
    kinds = {name.split(".")[0].rstrip("0123456789_"): target.split(".")[0][:2] for name, target in scales.items()}
    assert kinds == {"layer_normalization": "no", "batch_normalization": "bn"}


def test_names_and_axes_of_a_dense_layer():
    in_torch, in_keras, in_linen = (case("linear", framework).params for framework in ("torch", "keras", "linen"))

    forth, back = infer_mapping(in_torch, in_keras), infer_mapping(in_keras, in_torch)
    same = infer_mapping(in_keras, in_linen)

    assert (forth.entries["kernel"].source, forth.entries["kernel"].axes) == ("weight", (1, 0))
    assert (back.entries["weight"].source, back.entries["weight"].axes) == ("kernel", (1, 0))
    assert (same.entries["kernel"].source, same.entries["kernel"].axes) == ("kernel", (0, 1))


def test_axes_of_convolutions_and_an_embedding():
    def axes(layer, name):
        return infer_mapping(case(layer, "torch").params, case(layer, "keras").params).entries[name].axes

    assert axes("conv2d", "kernel") == (2, 3, 1, 0)  # OIHW to HWIO
    assert axes("conv1d", "kernel") == (2, 1, 0)  # OIK to KIO
    assert axes("embedding", "embeddings") == (0, 1)


def test_pytorchs_two_biases_are_the_sum_that_keras_has():
    in_torch, in_keras = case("lstm", "torch").params, case("lstm", "keras").params

    forth = infer_mapping(in_torch, in_keras).entries["lstm_cell.bias"]
    back = infer_mapping(in_keras, in_torch).entries

    assert forth.source == ("bias_ih_l0", "bias_hh_l0")
    assert back["bias_ih_l0"].source == back["bias_hh_l0"].source == "lstm_cell.bias"
    assert [term.gradient_only for name in ("bias_ih_l0", "bias_hh_l0") for term in back[name].terms] == [False, True]
