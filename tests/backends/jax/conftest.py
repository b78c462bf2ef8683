"""Two devices on one processor, so that where an array is can be seen; before anything makes JAX look for devices."""

import jax

jax.config.update("jax_num_cpu_devices", 2)
