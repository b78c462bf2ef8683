"""Fourier and cosine transforms, signals, images, interpolation, rotations, integration and fitting."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from jax.scipy.interpolate import RegularGridInterpolator
from jax.scipy.spatial.transform import Rotation, Slerp

from samples import Sample, ascending, at, each, op, real, within

FFT, SIGNAL, IMAGE = "jax.numpy.fft", "jax.scipy.signal", "jax.image"


def samples() -> Iterator[Sample]:
    """Transforms first."""
    yield from _fourier()
    yield from _signals()
    yield from _images()
    yield from _rotations()
    yield from _others()


def _fourier() -> Iterator[Sample]:
    yield from each(FFT, "fft ifft rfft hfft ihfft irfft", real(5))
    yield from each(FFT, "fft ifft rfft irfft hfft ihfft", real(2, 4), n=6)
    yield from each(FFT, "fft ifft rfft irfft hfft ihfft", real(2, 5), n=3)
    for norm in "ortho forward".split():
        yield from each(FFT, "fft ifft rfft irfft hfft ihfft", real(4), norm=norm)
    yield from each(FFT, "fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn", real(3, 4))
    yield from each(FFT, "fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn", real(2, 3, 4), axes=(0, 2))
    for name in "fft ifft irfft hfft fft2 irfft2 irfftn".split():
        shape = (3, 3) if name[-1] in "2n" else (4,)
        yield op(f"{FFT}.{name}", real(*shape), real(*shape), label="complex input", call=lambda f, x, y: f(x + 1j * y))
    yield from each(FFT, "fftshift ifftshift", real(5))
    for kind, shape in (("FFT", (4,)), ("IFFT", (4,)), ("RFFT", (4,))):
        yield op(
            "jax.lax.fft",
            real(2, *shape),
            label=kind,
            call=lambda f, x, kind=kind: f(x if kind == "RFFT" else x + 0j, kind, (4,)),
        )
    yield op("jax.lax.fft", real(2, 3), label="IRFFT", call=lambda f, x: f(x + 0j, "IRFFT", (4,)))
    yield from each("jax.scipy.fft", "dct idct", real(5))
    yield from each("jax.scipy.fft", "dct idct", real(5), norm="ortho")
    yield from each("jax.scipy.fft", "dctn idctn", real(3, 4))


def _signals() -> Iterator[Sample]:
    for mode in "full same valid".split():
        yield from each(SIGNAL, "convolve correlate fftconvolve", real(6), real(3), mode=mode)
        yield from each(SIGNAL, "convolve2d correlate2d", real(3, 4), real(2, 3), mode=mode)
    yield from each(SIGNAL, "convolve correlate", real(6), real(3), method="fft")
    yield from each(SIGNAL, "convolve fftconvolve", real(3, 3), real(2, 2), label="two dimensions")
    yield op(f"{SIGNAL}.csd", real(12), real(12), call=lambda f, x, y: f(x, y, nperseg=6)[1])
    yield op(f"{SIGNAL}.welch", real(12), call=lambda f, x: f(x, nperseg=6)[1])
    yield op(f"{SIGNAL}.stft", real(12), call=lambda f, x: f(x, nperseg=6)[2])
    yield op(f"{SIGNAL}.istft", real(4, 5), call=lambda f, x: f(x + 0.5j * x**2, nperseg=6)[1])
    yield from (op(f"{SIGNAL}.detrend", real(6), type=kind) for kind in ("linear", "constant"))


def _images() -> Iterator[Sample]:
    for method in "nearest linear cubic lanczos3 lanczos5".split():
        yield op(f"{IMAGE}.resize", real(3, 4), label="larger", shape=(5, 6), method=method)
        yield op(f"{IMAGE}.resize", real(5, 6), label="smaller", shape=(3, 4), method=method)
        yield op(f"{IMAGE}.resize", real(5, 4), label="smaller", shape=(2, 3), method=method, antialias=False)
        if method != "nearest":
            yield op(
                f"{IMAGE}.scale_and_translate",
                real(3, 4),
                within(1.1, 1.4, 2),
                within(-0.4, 0.4, 2),
                label=f"by scale and shift too, {method}",
                call=lambda f, x, s, t, method=method: f(x, (4, 4), (0, 1), s, t, method),
            )
    for mode in "constant nearest wrap mirror reflect".split():
        for order in (0, 1):
            yield op("jax.scipy.ndimage.map_coordinates", real(4, 4), within(-1.3, 4.3, 2, 4), order=order, mode=mode)
    yield op("jax.scipy.ndimage.map_coordinates", real(4), at([[0.0, 1.0, 3.0]]), label="at the grid", order=1)


def _rotations() -> Iterator[Sample]:
    name = "jax.scipy.spatial.transform.Rotation"
    yield op(name, real(4), label="matrix from quaternion", call=lambda f, q: f.from_quat(q).as_matrix())
    yield op(name, real(3), label="matrix from rotation vector", call=lambda f, v: f.from_rotvec(v).as_matrix())
    yield op(
        name,
        at(0.0, 0.0, 0.0),
        label="matrix from rotation vector, zero",
        call=lambda f, v: f.from_rotvec(v).as_matrix(),
    )
    yield op(
        name,
        at(1e-9, 0.0, 0.0),
        label="matrix from rotation vector, tiny",
        call=lambda f, v: f.from_rotvec(v).as_matrix(),
    )
    yield op(name, real(3), label="matrix from Euler angles", call=lambda f, v: f.from_euler("xyz", v).as_matrix())
    yield op(name, real(4), label="rotation vector from quaternion", call=lambda f, q: f.from_quat(q).as_rotvec())
    yield op(
        name,
        at(0.0, 0.0, 0.0, 1.0),
        label="rotation vector from quaternion, identity",
        call=lambda f, q: f.from_quat(q).as_rotvec(),
    )
    yield op(name, real(4), label="Euler angles from quaternion", call=lambda f, q: f.from_quat(q).as_euler("xyz"))
    yield op(
        name,
        within(-0.5, 0.5, 3),
        label="quaternion from matrix",
        call=lambda f, v: f.from_matrix(f.from_rotvec(v).as_matrix()).as_quat(),
    )
    yield op(name, real(4), real(3), label="applied", call=lambda f, q, x: f.from_quat(q).apply(x))
    yield op(name, real(4), label="magnitude", call=lambda f, q: f.from_quat(q).magnitude())
    yield op(
        name,
        real(4),
        real(4),
        label="product and inverse",
        call=lambda f, p, q: (f.from_quat(p) * f.from_quat(q)).inv().as_quat(),
    )
    yield op(
        "jax.scipy.spatial.transform.Slerp",
        within(-0.5, 0.5, 2, 3),
        label="by the rotations",
        compiled=False,
        call=_slerp,
    )


def _slerp(f: type[Slerp], vectors: jnp.ndarray) -> jnp.ndarray:
    interpolate = f.init(jnp.array([0.0, 1.0]), Rotation.from_rotvec(vectors))
    return interpolate(jnp.array([0.3, 0.8])).as_matrix()


def _others() -> Iterator[Sample]:
    grid = (np.array([0.0, 1.0, 2.5]), np.array([0.0, 0.7, 1.5]))
    name = "jax.scipy.interpolate.RegularGridInterpolator"
    for method in "linear nearest".split():
        yield op(
            name,
            real(3, 3),
            within(0.1, 1.4, 4, 2),
            label=method,
            call=lambda f, v, x, method=method: f(grid, v, method=method)(x),
        )
    yield op(
        name,
        real(3, 3),
        at([[1.0, 0.7], [0.0, 0.0]]),
        label="linear, at the grid",
        call=lambda f, v, x: RegularGridInterpolator(grid, v)(x),
    )
    yield op("jax.scipy.integrate.trapezoid", real(5), ascending(5))
    yield op(
        "jax.scipy.cluster.vq.vq",
        real(3, 2),
        real(2, 2),
        label="the distances",
        call=lambda f, x, codes: f(x, codes)[1],
    )
    yield op(
        "jax.scipy.cluster.vq.vq",
        at([[1.0, 2.0]]),
        at([[1.0, 2.0], [3.0, 3.0]]),
        label="a point on its code",
        call=lambda f, x, codes: f(x, codes)[1],
    )
    yield op(
        "jax.scipy.optimize.minimize",
        real(2),
        label="the minimiser",
        call=lambda f, a: f(lambda x: jnp.sum((x - a) ** 4 + x**2), jnp.zeros(2), method="BFGS").x,
    )
