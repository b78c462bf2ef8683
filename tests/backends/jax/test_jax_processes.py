import jax
import jax.numpy as jnp
import numpy as np
from reports import alike

import gradcheck_core as gc
from gradcheck_core.evaluate import pool


def test_workers_know_whether_jax_computes_in_float64(monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 0.0)
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).normal(size=(6, 3)))
        params = {"w": jnp.asarray(np.random.default_rng(1).normal(size=3))}

        def cost(p):
            return jnp.mean(jnp.tanh(x @ p["w"]) ** 2)

        reports = [gc.check_gradients(jax.jit(cost), params, n_jobs=n) for n in (1, 2)]

    assert reports[1].verdict is gc.Verdict.CORRECT
    assert reports[1].precision == "float64"
    assert alike(*reports)
