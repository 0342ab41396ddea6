"""What an eye would see, band by band: MS-SSIM; GMSD and HaarPSI, computed by ``piq``.

These metrics were made for grey photographs that fill the range of values. A band of reflectance
is darker and lower in contrast; the data range stays 1, the physical scale, so that a score does
not depend on what else is in the image. All functions take ``(..., band, height, width)`` images
and return one float64 value a row: the mean over bands.

``piq`` and ``torch`` are imported at the first call.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.pairs import each_row, paired
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.metrics.similarity import (
    SSIM_SIGMA,
    SSIM_WINDOW,
    Similarity,
    similarity,
    similarity_of,
)
from vrs_bench.types import Array, Doubles, Floats

if TYPE_CHECKING:
    from collections.abc import Callable

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponent of each scale, the finest first (Wang, Simoncelli & Bovik 2003)."""

GMSD_CONSTANT = 170 / 255**2
"""Constant that steadies the gradient similarity: 170 on the scale [0, 255]."""
GMSD_SIDE = 4
"""Least height and width that GMSD is defined for here: two pixels a side after halving."""

HAARPSI_SCALES = 3
HAARPSI_C = 30.0
HAARPSI_ALPHA = 4.2
HAARPSI_SIDE = 16
"""Least height and width: the coarsest wavelet has 8 pixels after halving."""


def ms_ssim_scales(height: int, width: int) -> int:
    """Return the number of scales of :func:`ms_ssim` for images of a size: 5 from 161 pixels on.

    The most, up to five, for which the 11-px window fits into the coarsest: the shorter side must
    exceed 10 · 2^(scales - 1) pixels. So 4 scales from 81 px, 3 from 41, 2 from 21, 1 from 11.
    """
    scales = len(MS_SSIM_WEIGHTS)
    while scales > 1 and min(height, width) <= (SSIM_WINDOW - 1) << (scales - 1):
        scales -= 1
    return scales


def ms_ssim(prediction: Array, truth: Array, finest: Similarity | None = None) -> Doubles:
    """Return the multi-scale structural similarity of every row, mean over bands.

    Source: Wang, Simoncelli & Bovik 2003, *Multiscale structural similarity for image quality
    assessment*, equation 7: Gaussian window of 11 pixels and σ = 1.5, K1 = 0.01, K2 = 0.03, data
    range 1, only windows that lie within the image, halving by means of 2 x 2 pixels, before which
    an image with an odd side has its first row and its first column repeated; a negative term
    counts as 0. Images too small for five scales have the first
    :func:`ms_ssim_scales` of them, their exponents divided by their sum.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, in [0, 1].
        truth: the same shape, height and width at least 11.
        finest: what :func:`vrs_bench.metrics.similarity.similarity` gives, where it is known.

    Returns:
        ``(...)`` float64, 0 to 1 (best). Computed in float32.

    Raises:
        BenchError: shapes that differ, images too small, another dtype, or values outside [0, 1].
    """
    x, y, lead = paired(prediction, truth, side=SSIM_WINDOW)
    _require_unit(x, y)
    exponents = np.array(MS_SSIM_WEIGHTS[: ms_ssim_scales(*x.shape[2:])])
    exponents /= exponents.sum()
    values = np.ones(x.shape[:2])
    for scale, exponent in enumerate(exponents):
        if scale > 0:
            x, y, finest = _halved(x), _halved(y), None
        similar = finest or similarity(x, y)
        terms = similar.bands if scale == len(exponents) - 1 else similar.structure
        values *= np.maximum(terms, 0) ** exponent
    # Rounding can lift likeness over 1.
    return np.asarray(np.minimum(values.mean(axis=1), 1).reshape(lead))


def _halved(images: Array) -> Floats:
    """Return means of 2 x 2 pixels; where a side is odd, the first row and column stand twice."""
    odd = max(images.shape[2] % 2, images.shape[3] % 2)
    if odd:
        images = np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0)), "edge")
    height, width = (side // 2 * 2 for side in images.shape[2:])
    whole = images[:, :, :height, :width].astype(np.float32, copy=False)
    pairs = whole[:, :, ::2] + whole[:, :, 1::2]
    means: Floats = (pairs[..., ::2] + pairs[..., 1::2]) * np.float32(0.25)
    return means


def gmsd(prediction: Array, truth: Array) -> Doubles:
    """Return the gradient magnitude similarity deviation of every row, mean over bands.

    Source: Xue, Zhang, Mou & Bovik 2014, *Gradient magnitude similarity deviation: a highly
    efficient perceptual image quality index*: images halved by means of 2 x 2 pixels, Prewitt
    gradients, constant 170 on the scale [0, 255], data range 1; the deviation is the population's,
    where the authors' code has the sample's. With such dark images the
    constant is large beside the gradients, and values are small.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, in [0, 1].
        truth: the same shape, height and width at least 4.

    Returns:
        ``(...)`` float64, from 0 (best) to 0.5 at most. Computed in float32.

    Raises:
        BenchError: shapes that differ, images too small, another dtype, or values outside [0, 1].
    """
    import piq

    return _each_row(
        lambda x, y: piq.gmsd(x, y, reduction="none", data_range=1.0, t=GMSD_CONSTANT),
        prediction,
        truth,
        GMSD_SIDE,
    )


def haarpsi(prediction: Array, truth: Array) -> Doubles:
    """Return the Haar wavelet-based perceptual similarity of every row, mean over bands.

    Source: Reisenhofer, Bosse, Kutyniok & Wiegand 2018, *A Haar wavelet-based perceptual
    similarity index for image quality assessment*: three scales, C = 30 on the scale [0, 255],
    α = 4.2, images halved first by means of 2 x 2 pixels, data range 1.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, in [0, 1].
        truth: the same shape, height and width at least 16.

    Returns:
        ``(...)`` float64, 0 to 1 (best). Computed in float32.

    Raises:
        BenchError: shapes that differ, images too small, another dtype, or values outside [0, 1].
    """
    import piq

    values = _each_row(
        lambda x, y: piq.haarpsi(
            x,
            y,
            reduction="none",
            data_range=1.0,
            scales=HAARPSI_SCALES,
            c=HAARPSI_C,
            alpha=HAARPSI_ALPHA,
        ),
        prediction,
        truth,
        HAARPSI_SIDE,
    )
    # Rounding can lift likeness over 1, and a band of zeros in both images has no weights.
    return np.minimum(values, 1)


def _each_row(
    metric: Callable[[Any, Any], Any], prediction: Array, truth: Array, side: int
) -> Doubles:
    """Apply a metric of single-band images to the bands of every row, and average over them."""
    import torch

    x, y, lead = paired(prediction, truth, side=side)
    _require_unit(x, y)

    def bands(image: Array) -> Any:
        # As many grey images: piq would take three bands for red, green and blue.
        return torch.from_numpy(np.ascontiguousarray(image[:, None], np.float32))

    def measure(a: Array, b: Array) -> float:
        with torch.inference_mode():
            return float(metric(bands(a), bands(b)).double().mean())

    return each_row(measure, x, y, lead)


def _require_unit(prediction: Array, truth: Array) -> None:
    for name, images in (("prediction", prediction), ("truth", truth)):
        # Also where a value is NaN: then no comparison holds.
        if images.size and not (images.min() >= 0 and images.max() <= 1):
            raise BenchError(
                f"{name}: expected values from 0 to 1, got {images.min():g} to {images.max():g}; "
                "clip it first"
            )


def _ms_ssim_of(scene: JudgedScene) -> Doubles:
    return ms_ssim(scene.images, scene.truth, scene.once(similarity_of))


_by_piq = partial(Metric, group="perceptual", needs=frozenset({"torch"}))

METRICS = (
    Metric(
        name="ms_ssim",
        label="MS-SSIM",
        group="perceptual",
        higher_is_better=True,
        computed=PerRow(_ms_ssim_of),
        definition=(
            "Multi-scale structural similarity (Wang, Simoncelli & Bovik 2003), per band: "
            f"Gaussian window of {SSIM_WINDOW} px, σ = {SSIM_SIGMA:g}, K1 = 0.01, K2 = 0.03, "
            "data range 1, borders cropped, five scales with the authors' exponents; images of "
            "160 px or less have the finest four (from 81 px), three (41), two (21) or one, "
            "exponents divided by their sum. Before halving, an image with an odd side has its "
            "first row and its first column repeated. Mean over bands, then over rows. From 0 to "
            "1, 1 is perfect."
        ),
        high=1,
    ),
    _by_piq(
        name="gmsd",
        label="GMSD",
        higher_is_better=False,
        computed=PerRow(lambda scene: gmsd(scene.images, scene.truth)),
        definition=(
            "Gradient magnitude similarity deviation (Xue et al. 2014), by piq, per band: images "
            "halved by means (with a side that is odd, after a row and a column of zeros at the "
            "end), Prewitt gradients, constant 170/255², data range 1; population "
            "deviation (the authors' code has the sample's). Mean over bands, then over rows; 0 is "
            "perfect."
        ),
        high=0.5,
    ),
    _by_piq(
        name="haarpsi",
        label="HaarPSI",
        higher_is_better=True,
        computed=PerRow(lambda scene: haarpsi(scene.images, scene.truth)),
        in_skill=True,
        definition=(
            "Haar wavelet-based perceptual similarity (Reisenhofer et al. 2018), by piq, per "
            f"band: three scales, C = {HAARPSI_C:g} on the scale [0, 255], α = {HAARPSI_ALPHA:g}, "
            "images halved first, data range 1. Mean over bands, then over rows. From 0 to 1, 1 "
            "is perfect."
        ),
        high=1,
    ),
)
