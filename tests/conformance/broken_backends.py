"""Backends that break one law each, as a first attempt at a backend does."""

import itertools
import time
from dataclasses import replace

import numpy as np
from autograd.tracer import getval
from reference import GELU, GENERATOR, OPEN, Reference, exactly

from gradcheck_core.protocol import Alteration, Layout, causes


class ReadGivesItsOwnMemory(Reference):
    held = None

    def read(self, parameter):
        self.held = self.held or {}
        return self.held.setdefault(parameter, super().read(parameter))

    def write(self, parameter, entries, values):
        self.held = {}
        super().write(parameter, entries, values)


class LaysOutInAnyOrder(Reference):
    def opened(self, backend, cost, params, args, precision, seed):
        backwards = isinstance(params, dict) and seed % 2
        return OPEN(backend, cost, dict(reversed(params.items())) if backwards else params, args, precision, seed)


class ForgetsWhatItCarries(Reference):
    @property
    def layout(self):
        return Layout(self.inner.layout.parameters)


class NamesOnlyTheLastKey(Reference):
    @property
    def layout(self):
        return replace(
            self.inner.layout,
            parameters=tuple(replace(p, name=p.name.rpartition(".")[2]) for p in self.inner.layout.parameters),
        )


class WritesInFloat32(Reference):
    def write(self, parameter, entries, values):
        super().write(parameter, entries, np.float64(np.float32(values)))


class SortsTheEntries(Reference):
    def write(self, parameter, entries, values):
        if isinstance(entries, np.ndarray):
            entries = np.sort(entries)
            values = np.asarray(values) + 1e-9 * np.arange(entries.size)
        super().write(parameter, entries, values)


class WritesTheWholeParameter(Reference):
    def write(self, parameter, entries, values):
        whole = super().read(parameter)
        time.sleep(1e-6)  # what another thread writes meanwhile is lost
        whole[entries] = values
        super().write(parameter, slice(None), whole)


class HoldsEverythingInFloat64(Reference):
    def opened(self, backend, cost, params, args, precision, seed):
        return OPEN(backend, cost, params, args, "float64" if precision == "native" else precision, seed)


class NeverWidens(Reference):
    def opened(self, backend, cost, params, args, precision, seed):
        return OPEN(backend, cost, params, args, "native" if precision == "float64" else precision, seed)


class AnswersFromMemory(Reference):
    answer = None

    def evaluate(self):
        if self.answer is None:
            self.answer = (super().evaluate(),)
        return self.answer[0]


class AddsUpOverCalls(Reference):
    calls = 0

    def evaluate(self):
        self.calls += 1
        returned = super().evaluate()
        return returned * (1 + 1e-9 * self.calls) if isinstance(returned, float) else returned


class LeavesTheRandomState(Reference):
    def evaluate(self):
        GENERATOR.seed(self.seed)
        return self.inner.evaluate()


class FixesNoRandomState(Reference):
    def evaluate(self):
        return self.inner.evaluate()


class LosesTheArguments(Reference):
    def opened(self, backend, cost, params, args, precision, seed):
        return OPEN(backend, cost, params, (), precision, seed)


class GivesTheCallersParams(Reference):
    def params(self):
        return self.given


class SeesNothingRebound(Reference):
    def changed_structure(self):
        return None


class WorksInTheCallersMemory(Reference):
    def write(self, parameter, entries, values):
        super().write(parameter, entries, values)
        if isinstance(self.given, dict):
            held = self.given[self.layout.parameters[parameter].name]
            if held.dtype == np.float64:
                held.reshape(-1)[:] = super().read(parameter)


class ClosesOnlyOnce(Reference):
    closed = False

    def close(self):
        assert not self.closed
        self.closed = True


class WrapsErrors(Reference):
    def evaluate(self):
        try:
            return super().evaluate()
        except Exception as error:
            msg = "the cost failed"
            raise RuntimeError(msg) from error


class GradientIsBackwards(Reference):
    def gradient(self, weigh):
        found = super().gradient(weigh)
        return replace(found, d_theta=found.d_theta[::-1])


class GradientAddsUp(Reference):
    total = 0.0

    def gradient(self, weigh):
        found = super().gradient(weigh)
        self.total = self.total + found.d_theta
        return replace(found, d_theta=np.array(self.total))


class GradientIsKept(Reference):
    kept = None

    def gradient(self, weigh):
        self.kept = self.kept or super().gradient(weigh)
        return self.kept


class GradientIsUnweighted(Reference):
    def gradient(self, weigh):
        def equal(shapes):
            return [np.ones(shape) for shape in shapes]

        weigh([(2,), (), ()])
        return super().gradient(equal)


class GradientNeedsEveryParameter(Reference):
    def gradient(self, weigh):
        found = super().gradient(weigh)
        if any(not np.any(found.d_theta[p.range]) for p in self.layout.parameters):
            msg = "one of the parameters was not used in the graph"
            raise RuntimeError(msg)
        return found


class GradientMovesTheta(Reference):
    def gradient(self, weigh):
        found = super().gradient(weigh)
        self.write(0, 0, self.read(0)[0] - 0.1 * found.d_theta[0])  # a training step
        return found


class GradientIsConjugated(Reference):
    def gradient(self, weigh):
        found = super().gradient(weigh)
        d_theta = found.d_theta.copy()
        for parameter in self.layout.parameters:
            if parameter.is_complex:
                d_theta[parameter.range][1::2] *= -1
        return replace(found, d_theta=d_theta)


class ForwardModeHasAnotherOrder(Reference):
    def jvp(self, direction, weigh):
        return super().jvp(direction[::-1], weigh)


class ProductHasNoCrossTerms(Reference):
    def hvp(self, direction, weigh):
        first = self.layout.parameters[0].range
        found = super().hvp(direction, weigh)
        return replace(found, d_theta=np.concatenate([found.d_theta[first], 0 * found.d_theta[first.stop :]]))


class ProductOfALinearCostIsAnError(Reference):
    def hvp(self, direction, weigh):
        found = super().hvp(direction, weigh)
        if not np.any(found.d_theta):
            msg = "the gradient does not require a gradient"
            raise RuntimeError(msg)
        return found


class WritesTheRealPartOnly(Reference):
    def write_complex(self, parameter, entries, values):
        super().write_complex(parameter, entries, np.real(values))


class ComplexEntriesAreOneNumber(Reference):
    def read(self, parameter):
        found = super().read(parameter)
        return np.concatenate([found[::2], found[1::2]]) if self.layout.parameters[parameter].is_complex else found


class BatchIsOffByOne(Reference):
    def batch(self, weigh, memory):
        inner = super().batch(weigh, memory)
        costs_at = inner.costs_at
        inner.costs_at = lambda parameter, entries, values: costs_at(parameter, entries - entries.max(), values)
        return inner


class AltersOtherwise(Reference):
    """Each alteration that is given is changed."""

    def changed(self, alteration):
        return alteration

    def alterations(self):
        return [self.changed(alteration) for alteration in super().alterations()]


class GivesNoAlterations(Reference):
    def alterations(self):
        return []


class AltersNothing(AltersOtherwise):
    def changed(self, alteration):
        return replace(alteration, altered=lambda cost: cost)


class GivesAlterationsUnseen(Reference):
    def alterations(self):
        return [Alteration("gelu", causes.describe_gelu(exact=True), exactly)]


class AltersForGood(AltersOtherwise):
    def changed(self, alteration):
        def altered(cost):
            def called(*arguments):
                GELU.exact = True
                return cost(*arguments)

            return called

        return replace(alteration, altered=altered)


class AltersForGoodAfterAnError(AltersOtherwise):
    def changed(self, alteration):
        def altered(cost):
            def called(*arguments):
                GELU.exact = True
                value = cost(*arguments)
                GELU.exact = False
                return value

            return called

        return replace(alteration, altered=altered)


class AltersTheArguments(AltersOtherwise):
    def changed(self, alteration):
        def altered(cost):
            def called(params, *args):
                value = alteration.altered(cost)(params, *args)
                for arg in args:
                    arg.fill(0.0)
                return value

            return called

        return replace(alteration, altered=altered)


class AskingForAlterationsMovesTheta(Reference):
    def alterations(self):
        found = super().alterations()
        self.write(0, 0, 0.0)
        return found


class AskingForAlterationsDraws(Reference):
    def alterations(self):
        found = super().alterations()
        GENERATOR.seed(self.seed)
        return found


class GivesAlterationsInAnyOrder(Reference):
    orders = itertools.cycle([1, -1])

    def alterations(self):
        found = super().alterations()
        return [*found, *(replace(one, kind="activation") for one in found)][:: next(self.orders)]


class SaysNothingOfTheOther(AltersOtherwise):
    def changed(self, alteration):
        return replace(alteration, sentence="GELU is exact in `{side}`")


class AltersOutsideOfTheFramework(AltersOtherwise):
    def changed(self, alteration):
        def altered(cost):
            def called(params, *args):
                return alteration.altered(cost)(getval(params), *args)

            return called

        return replace(alteration, altered=altered)
