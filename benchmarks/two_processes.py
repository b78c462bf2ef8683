"""What a second process saves of a long check: ``OMP_NUM_THREADS=1 python benchmarks/two_processes.py``.

It prints wall-clock seconds and needs two free cores. Each process has one thread, since a single process would
otherwise use both cores.
"""

import time

import numpy as np

from gradcheck_core import check_gradients
from problems import Perceptron, gradients
from with_numpy import cost_of

EXAMPLES = 2_000
"""Enough for a cost of two milliseconds, beside which the time to send a chunk of work does not show."""


def main() -> None:
    """Print the figures."""
    generator = np.random.default_rng(0)
    params = [generator.normal(size=shape) / 10 for shape in ((64, 96), (96,), (96, 8), (8,))]
    network = Perceptron(params, generator.normal(size=(EXAMPLES, 64)), generator.integers(8, size=EXAMPLES))
    cost, grads = cost_of(network), gradients(network)
    taken = {}
    for n_jobs in (1, 2):
        begun = time.perf_counter()
        report = check_gradients(cost, params, grads, method="exhaustive", n_jobs=n_jobs)
        taken[n_jobs] = time.perf_counter() - begun
        print(f"n_jobs={n_jobs}: {report.verdict.value}, {report.evaluations:,} evaluations, {taken[n_jobs]:.1f} s")
    print(f"two processes take {taken[2] / taken[1]:.2f} of the time of one")


if __name__ == "__main__":
    main()
