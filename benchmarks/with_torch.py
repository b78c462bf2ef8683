"""Gradcheck and PyTorch's own checker on modules of PyTorch."""

from collections.abc import Callable

import torch

from gradcheck_core import check_gradients
from measure import Bench, Counted, Verdict
from problems import Array, Problem, middling, perceptron

Cost = Callable[[torch.nn.Module], torch.Tensor]


def _perceptron(problem: Problem) -> tuple[torch.nn.Module, Cost]:
    network = perceptron(problem.widths)
    layers: list[torch.nn.Module] = []
    for rows, columns in zip(problem.widths, problem.widths[1:], strict=False):
        layers += [torch.nn.Linear(rows, columns, dtype=torch.float64), torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), network.params, strict=True):
            parameter.copy_(torch.from_numpy(array.T))
    features, labels = torch.from_numpy(network.features), torch.from_numpy(network.labels)
    return model, lambda m: torch.nn.functional.cross_entropy(m(features), labels)


def _convolutional(problem: Problem) -> tuple[torch.nn.Module, Cost]:
    torch.manual_seed(0)
    first, second = problem.widths
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, first, 3, padding=1),
        torch.nn.GELU(),
        torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(first, second, 3, padding=1),
        torch.nn.GELU(),
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(second * 4 * 4, 10),
    ).double()
    images, labels = torch.randn(4, 3, 16, 16, dtype=torch.float64), torch.randint(10, (4,))
    return model, lambda m: torch.nn.functional.cross_entropy(m(images), labels)


class _Block(torch.nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = torch.nn.LayerNorm(width)
        self.queries_keys_values = torch.nn.Linear(width, 3 * width)
        self.joined = torch.nn.Linear(width, width)
        self.before_perceptron = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, 4 * width)
        self.down = torch.nn.Linear(4 * width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Causal attention and a perceptron, each added to what came in."""
        rows, length, width = tokens.shape
        parts = self.queries_keys_values(self.before_attention(tokens))
        queries, keys, values = (
            part.view(rows, length, self.heads, width // self.heads).transpose(1, 2) for part in parts.chunk(3, dim=-1)
        )
        mixed = torch.nn.functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        tokens = tokens + self.joined(mixed.transpose(1, 2).reshape(rows, length, width))
        return tokens + self.down(torch.nn.functional.gelu(self.up(self.before_perceptron(tokens))))


class _Gpt(torch.nn.Module):
    def __init__(self, width: int, length: int, depth: int, vocabulary: int) -> None:
        super().__init__()
        self.tokens = torch.nn.Embedding(vocabulary, width)
        self.positions = torch.nn.Embedding(length, width)
        self.blocks = torch.nn.Sequential(*(_Block(width, heads=max(4, width // 64)) for _ in range(depth)))
        self.last = torch.nn.LayerNorm(width)
        self.scores = torch.nn.Linear(width, vocabulary, bias=False)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        """Scores of the next token at each place."""
        embedded = self.tokens(text) + self.positions.weight[: text.shape[1]]
        scores: torch.Tensor = self.scores(self.last(self.blocks(embedded)))
        return scores


def _gpt(problem: Problem) -> tuple[torch.nn.Module, Cost]:
    torch.manual_seed(0)
    width, length, depth, vocabulary = problem.widths
    model = _Gpt(width, length, depth, vocabulary).double()
    text = torch.randint(vocabulary, (1, length + 1))

    def cost(m: torch.nn.Module) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(m(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())

    return model, cost


_MODELS = {"mlp": _perceptron, "conv": _convolutional, "gpt": _gpt}


def _ours(problem: Problem, method: str) -> Bench:
    model, cost = _MODELS[problem.kind](problem)
    counted = Counted(cost)

    def check(grads: dict[str, Array] | None) -> Verdict:
        report = check_gradients(counted, model, grads, method=method)
        return Verdict(report.passed, report.evaluations)

    return Bench(lambda: check(None), lambda: check(_doubled(model, cost)), lambda: cost(model).item(), counted)


def _doubled(model: torch.nn.Module, cost: Cost) -> dict[str, Array]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    grads = [grad.numpy().copy() for grad in torch.autograd.grad(cost(model), parameters)]
    grads[0].reshape(-1)[middling(grads[0].reshape(-1))] *= 2
    return dict(zip(names, grads, strict=True))


class _Wrongly(torch.autograd.Function):
    """The identity, with a factor on the gradient that passes through it."""

    @staticmethod
    def forward(ctx, tensor, factor):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(factor)
        return tensor.clone()

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (factor,) = ctx.saved_tensors
        return grad * factor, None


def _theirs(problem: Problem, fast: bool) -> Bench:
    model, cost = _MODELS[problem.kind](problem)
    names, parameters = zip(*model.named_parameters(), strict=True)
    first = torch.autograd.grad(cost(model), parameters[0])[0]
    factor = torch.ones_like(first)
    factor.view(-1)[middling(first.numpy().reshape(-1))] = 2

    def of_tensors(*tensors: torch.Tensor) -> torch.Tensor:
        return cost(lambda *inputs: torch.func.functional_call(model, dict(zip(names, tensors, strict=True)), inputs))

    counted = Counted(of_tensors)

    def wrong(first: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        return of_tensors(_Wrongly.apply(first, factor), *others)

    def check(checked: Callable[..., object]) -> Verdict:
        return Verdict(torch.autograd.gradcheck(checked, parameters, fast_mode=fast, raise_exception=False))

    return Bench(lambda: check(counted), lambda: check(wrong), lambda: cost(model).item(), counted)


CONTENDERS = {
    "gradcheck, PyTorch": lambda problem: _ours(problem, "exhaustive"),
    "gradcheck projected, PyTorch": lambda problem: _ours(problem, "projected"),
    "torch gradcheck": lambda problem: _theirs(problem, fast=False),
    "torch gradcheck, fast": lambda problem: _theirs(problem, fast=True),
}
