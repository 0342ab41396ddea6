"""HaarPSI: the similarity of Haar wavelet coefficients, weighted by the coarsest of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.pairs import each_row, halved_with_zeros, paired_on_unit
from vrs_bench.types import Array, Doubles, Floats

SCALES = 3
C = 30.0
"""Constant that steadies the similarity, on the scale [0, 255]."""
ALPHA = 4.2
"""How steeply similarity counts."""

SIDE = 16
"""Least height and width: the coarsest wavelet has 8 pixels after halving."""

_EPS = float(np.finfo(np.float32).eps)  # share of two bands of zeros, which have no weights


def haarpsi(prediction: Array, truth: Array) -> Doubles:
    """Return the Haar wavelet-based perceptual similarity of every row, mean over bands.

    Source: Reisenhofer, Bosse, Kutyniok & Wiegand 2018, *A Haar wavelet-based perceptual
    similarity index for image quality assessment*: three scales, C = 30 on the scale [0, 255],
    α = 4.2, images halved first by means of 2 x 2 pixels, data range 1. As ``piq.haarpsi`` of
    grey images.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, in [0, 1].
        truth: the same shape, height and width at least 16.

    Returns:
        ``(...)`` float64, 0 to 1 (best). Computed in float32, summed in float64.

    Raises:
        BenchError: shapes that differ, images too small, another dtype, or values outside [0, 1].
    """
    x, y, lead = paired_on_unit(prediction, truth, side=SIDE)
    return each_row(_similarity, x, y, lead)


def _similarity(x: Array, y: Array) -> float:
    """Return the index of one pair (band, height, width)."""
    images = halved_with_zeros(np.stack([x, y])) * np.float32(255)
    *fine, coarse = (np.abs(found, out=found) for found in coefficients(images))
    # (orientation, band, height, width), of both finer scales
    likeness = np.zeros_like(coarse[:, 0])
    for found in fine:
        a, b = found[:, 0], found[:, 1]
        both = 2 * a
        both *= b
        both += np.float32(C)
        a *= a
        b *= b
        a += b
        a += np.float32(C)
        both /= a
        likeness += both
    weights = np.maximum(coarse[:, 0], coarse[:, 1])
    likeness *= np.float32(-ALPHA / len(fine))
    counted = np.exp(likeness, out=likeness)
    counted += 1
    np.divide(weights, counted, out=counted)
    top, bottom = (of.sum(axis=3).sum(axis=(0, 2), dtype=np.float64) for of in (counted, weights))
    mean = (top + _EPS) / (bottom + _EPS)
    with np.errstate(divide="ignore"):  # two bands of zeros: log(1 / 0), which is cut to 1
        similarity = (np.log(mean / (1 - mean)) / ALPHA) ** 2
    # Rounding can lift likeness over 1.
    return min(float(similarity.mean()), 1.0)


def coefficients(images: Array) -> Iterator[Floats]:
    """Yield the Haar wavelet coefficients of images, scale by scale from the finest.

    Of scale s, the sum over one half of a square of 2^s pixels less that over the other half,
    divided by 2^s; the pixel they stand for is the last one of the square's upper left quarter.
    Around the images are zeros. Sums are made of those of the scale before.

    Args:
        images: (..., height, width) float32.

    Yields:
        (2, ..., height, width): upper less lower half, and left less right half.
    """
    height, width = images.shape[-2:]
    most = 2 ** (SCALES - 1)
    around = [(0, 0)] * (images.ndim - 2) + [(most - 1, most)] * 2
    sums = np.pad(images, around)
    for half in (2**scale for scale in range(SCALES)):
        pairs = sums[..., :-half] + sums[..., half:]
        steps = sums[..., :-half] - sums[..., half:]
        down, across = (slice(most - half, most - half + side) for side in (height, width))
        below = slice(down.start + half, down.stop + half)
        found = np.empty((2, *images.shape), np.float32)
        np.subtract(pairs[..., down, across], pairs[..., below, across], out=found[0])
        np.add(steps[..., down, across], steps[..., below, across], out=found[1])
        found *= np.float32(0.5 / half)
        yield found
        sums = pairs[..., :-half, :] + pairs[..., half:, :]


METRICS = (
    Metric(
        name="haarpsi",
        label="HaarPSI",
        group="perceptual",
        higher_is_better=True,
        computed=PerRow(lambda scene: haarpsi(scene.images, scene.truth)),
        in_skill=True,
        definition=(
            "Haar wavelet-based perceptual similarity (Reisenhofer et al. 2018), as piq has it, "
            f"per band: three scales, C = {C:g} on the scale [0, 255], α = {ALPHA:g}, "
            "images halved first, data range 1. Mean over bands, then over rows. From 0 to 1, 1 "
            "is perfect."
        ),
        high=1,
    ),
)
