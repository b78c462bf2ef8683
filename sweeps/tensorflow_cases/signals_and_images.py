"""tf.signal and tf.image."""

from collections.abc import Iterator

import tensorflow as tf

from samples import Sample, at, each, op, real, within

SIGNAL, IMAGE = "tf.signal", "tf.image"


def samples() -> Iterator[Sample]:
    """Signals first."""
    yield from _fourier()
    yield from _frames()
    yield from _colours()
    yield from _geometry()
    yield from _measures()


def _fourier() -> Iterator[Sample]:
    for name, shape in (
        ("fft", (4,)),
        ("ifft", (4,)),
        ("fft2d", (2, 3)),
        ("ifft2d", (2, 3)),
        ("fft3d", (2, 2, 3)),
        ("ifft3d", (2, 2, 3)),
    ):
        yield op(
            f"{SIGNAL}.{name}",
            real(*shape),
            real(*shape),
            label="complex input",
            call=lambda f, x, y: f(tf.complex(x, y)),
        )
    for name, shape in (
        ("rfft", (5,)),
        ("rfft", (4,)),
        ("rfft2d", (3, 4)),
        ("rfft3d", (2, 3, 4)),
    ):
        yield op(f"{SIGNAL}.{name}", real(*shape), label=str(shape))
    yield op(f"{SIGNAL}.rfft", real(4), label="padded", fft_length=[6])
    yield op(f"{SIGNAL}.rfft2d", real(3, 4), label="cropped", fft_length=[2, 3])
    for name, shape in (("irfft", (3,)), ("irfft2d", (3, 3)), ("irfft3d", (2, 2, 3))):
        yield op(
            f"{SIGNAL}.{name}",
            real(*shape),
            real(*shape),
            label="complex input",
            call=lambda f, x, y: f(tf.complex(x, y)),
        )
    yield op(f"{SIGNAL}.irfft", real(3), real(3), label="odd length", call=lambda f, x, y: f(tf.complex(x, y), [5]))
    for kind in (1, 2, 3, 4):
        yield from each(SIGNAL, "dct idct", real(5), type=kind)
    yield from each(SIGNAL, "dct idct", real(5), norm="ortho")
    yield from each(SIGNAL, "fftshift ifftshift", real(5))


def _frames() -> Iterator[Sample]:
    yield op(f"{SIGNAL}.frame", real(8), frame_length=4, frame_step=2)
    yield op(f"{SIGNAL}.frame", real(7), frame_length=4, frame_step=2, pad_end=True)
    yield op(f"{SIGNAL}.overlap_and_add", real(3, 4), frame_step=2)
    yield op(f"{SIGNAL}.stft", real(12), frame_length=4, frame_step=2)
    yield op(
        f"{SIGNAL}.inverse_stft", real(3, 3), real(3, 3), call=lambda f, x, y: f(tf.complex(x, y), 4, 2, window_fn=None)
    )
    yield op(f"{SIGNAL}.mdct", real(16), precision="float32", frame_length=8)
    yield op(f"{SIGNAL}.inverse_mdct", real(2, 4), precision="float32")
    yield op(f"{SIGNAL}.mfccs_from_log_mel_spectrograms", real(2, 5))
    yield op(f"{SIGNAL}.kaiser_window", at(3.0), label="by beta", call=lambda f, b: f(5, b[0], dtype=tf.float64))
    yield op(
        f"{SIGNAL}.kaiser_bessel_derived_window",
        at(3.0),
        label="by beta",
        call=lambda f, b: f(6, b[0], dtype=tf.float64),
    )
    yield op(
        f"{SIGNAL}.linear_to_mel_weight_matrix",
        at(125.0),
        label="by the lower edge",
        call=lambda f, e: f(4, 9, 8000.0, e[0], 3800.0, dtype=tf.float64),
    )


def _colours() -> Iterator[Sample]:
    rgb = within(0.1, 0.9, 2, 2, 3)
    yield from each(IMAGE, "rgb_to_hsv hsv_to_rgb rgb_to_yiq rgb_to_yuv yiq_to_rgb yuv_to_rgb rgb_to_grayscale", rgb)
    yield op(f"{IMAGE}.rgb_to_hsv", at([[[0.5, 0.5, 0.5], [0.7, 0.7, 0.2]]]), label="grey and a tie")
    yield op(f"{IMAGE}.grayscale_to_rgb", within(0.1, 0.9, 2, 2, 1))
    yield op(f"{IMAGE}.adjust_brightness", rgb, delta=0.1)
    yield op(f"{IMAGE}.adjust_contrast", rgb, contrast_factor=1.3)
    yield op(f"{IMAGE}.adjust_gamma", rgb, gamma=1.7)
    yield op(f"{IMAGE}.adjust_gamma", at([[[0.0, 0.2, 1.0]]]), label="a black pixel", gamma=0.5)
    yield from each(IMAGE, "adjust_hue adjust_saturation", rgb, label="0.2", call=lambda f, x: f(x, 0.2))
    yield op(f"{IMAGE}.convert_image_dtype", rgb, dtype=tf.float64)
    yield op(f"{IMAGE}.per_image_standardization", real(2, 3, 1))
    yield op(f"{IMAGE}.per_image_standardization", at([[[1.0], [1.0]]]), label="a constant image")
    for name, arguments in (
        ("brightness", (0.2,)),
        ("contrast", (0.5, 1.5)),
        ("saturation", (0.5, 1.5)),
        ("hue", (0.2,)),
    ):
        yield op(
            f"{IMAGE}.stateless_random_{name}",
            rgb,
            call=lambda f, x, arguments=arguments: f(x, *arguments, seed=[1, 2]),
        )


def _geometry() -> Iterator[Sample]:
    photo = real(1, 4, 5, 2)
    for method in "bilinear nearest bicubic area lanczos3 lanczos5 gaussian mitchellcubic".split():
        for label, size in (("larger", [6, 7]), ("smaller", [2, 3])):
            for antialias in (False, True):
                yield op(
                    f"{IMAGE}.resize",
                    photo,
                    precision="float32",
                    label=label,
                    method=method,
                    antialias=antialias,
                    call=lambda f, x, size=size, method=method, antialias=antialias: f(
                        x, size, method=method, antialias=antialias
                    ),
                )
    yield op(f"{IMAGE}.resize", photo, label="a double image", method="bilinear", call=lambda f, x: f(x, [6, 7]))
    yield op(
        f"{IMAGE}.resize",
        photo,
        label="a double image",
        method="nearest",
        call=lambda f, x: f(x, [6, 7], method="nearest"),
    )
    yield op(f"{IMAGE}.resize_with_pad", photo, precision="float32", call=lambda f, x: f(x, 6, 6))
    for name, arguments in (
        ("resize_with_crop_or_pad", (6, 3)),
        ("central_crop", (0.5,)),
        ("crop_to_bounding_box", (1, 1, 2, 3)),
        ("pad_to_bounding_box", (1, 1, 7, 8)),
        ("flip_left_right", ()),
        ("flip_up_down", ()),
        ("rot90", ()),
        ("transpose", ()),
        ("image_gradients", ()),
        ("sobel_edges", ()),
    ):
        yield op(f"{IMAGE}.{name}", photo, call=lambda f, x, arguments=arguments: f(x, *arguments))
    yield op(
        f"{IMAGE}.extract_patches", photo, call=lambda f, x: f(x, [1, 2, 2, 1], [1, 1, 2, 1], [1, 1, 1, 1], "SAME")
    )
    boxes = at([[0.1, 0.15, 0.83, 0.9], [0.22, -0.1, 0.6, 0.77]])
    for method in "bilinear nearest".split():
        yield op(
            f"{IMAGE}.crop_and_resize",
            photo,
            boxes,
            precision="float32",
            label="by the boxes too",
            method=method,
            call=lambda f, x, b, method=method: f(x, b, [0, 0], [3, 3], method=method),
        )
    yield op(f"{IMAGE}.extract_glimpse", photo, call=lambda f, x: f(x, [2, 2], [[0.1, 0.2]]), precision="float32")
    transforms = at([[0.9, 0.1, 0.3, -0.1, 1.1, 0.2, 0.0, 0.0]])
    for mode in "BILINEAR NEAREST".split():
        yield op(
            "tf.raw_ops.ImageProjectiveTransformV3",
            photo,
            label=mode,
            call=lambda f, x, mode=mode: f(
                images=x,
                transforms=tf.constant([[0.9, 0.1, 0.3, -0.1, 1.1, 0.2, 0.0, 0.0]]),
                output_shape=[4, 5],
                fill_value=0.0,
                interpolation=mode,
                fill_mode="CONSTANT",
            ),
        )
        yield op(
            "tf.raw_ops.ImageProjectiveTransformV2",
            photo,
            label=mode,
            call=lambda f, x, mode=mode: f(
                images=x,
                transforms=tf.constant([[0.9, 0.1, 0.3, -0.1, 1.1, 0.2, 0.0, 0.0]]),
                output_shape=[4, 5],
                interpolation=mode,
                fill_mode="CONSTANT",
            ),
        )
    yield op(
        "tf.raw_ops.ImageProjectiveTransformV3",
        photo,
        transforms,
        precision="float32",
        label="by the transform too",
        call=lambda f, x, t: f(
            images=x, transforms=t, output_shape=[4, 5], fill_value=0.0, interpolation="BILINEAR", fill_mode="CONSTANT"
        ),
    )
    yield op(
        "tf.raw_ops.ImageProjectiveTransformV3",
        photo,
        label="reflected",
        call=lambda f, x: f(
            images=x,
            transforms=tf.constant([[1.5, 0.1, -2.3, -0.1, 1.6, -1.2, 0.0, 0.0]]),
            output_shape=[4, 5],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="REFLECT",
        ),
    )
    for name in "flip_left_right flip_up_down".split():
        yield op(f"{IMAGE}.stateless_random_{name}", photo, call=lambda f, x: f(x, seed=[1, 2]))
    yield op(f"{IMAGE}.stateless_random_crop", real(4, 4, 2), call=lambda f, x: f(x, [2, 3, 2], seed=[1, 2]))


def _measures() -> Iterator[Sample]:
    one, other = within(0.1, 0.9, 1, 6, 6, 1), within(0.1, 0.9, 1, 6, 6, 1)
    small, another = within(0.1, 0.9, 1, 3, 3, 1), within(0.1, 0.9, 1, 3, 3, 1)
    yield op(f"{IMAGE}.psnr", small, another, precision="float32", max_val=1.0)
    yield op(f"{IMAGE}.ssim", one, other, precision="float32", max_val=1.0, filter_size=4)
    yield op(
        f"{IMAGE}.ssim_multiscale",
        one,
        other,
        precision="float32",
        max_val=1.0,
        power_factors=(0.6, 0.4),
        filter_size=3,
    )
    yield op(f"{IMAGE}.total_variation", real(1, 3, 3, 1))
    yield op(f"{IMAGE}.total_variation", at([[[1.0], [1.0]], [[1.0], [2.0]]]), label="ties")
