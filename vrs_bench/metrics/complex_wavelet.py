"""CW-SSIM: structural similarity of complex wavelet coefficients, blind to small shifts.

A small shift turns the phases of neighbouring coefficients of a subband by the same angle, and a
change of contrast multiplies their magnitudes by the same factor. CW-SSIM compares what is left:
the pattern of phases and magnitudes, which is structure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from scipy import fft

from vrs_bench.errors import BenchError
from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.pairs import each_row, paired
from vrs_bench.types import Array, Doubles, Floats

LEVELS = (2, 3, 4)
"""Levels of the pyramid that are compared; level l holds waves around 2^(l + 1) pixels."""

ORIENTATIONS = 6
"""Subbands of a level."""

WINDOW = 7
"""Side of the window in samples of a subband."""

K = 1e-6
"""Constant that steadies windows without structure, on the scale of a squared magnitude: that of
a wave of amplitude 1e-3, ten quanta of the published data."""

SIDE = (WINDOW - 1) * 2 ** (LEVELS[-1] - 1) + 1
"""Least height and width: a window must fit into the coarsest level."""


def cw_ssim(prediction: Array, truth: Array) -> Doubles:
    """Return the complex wavelet structural similarity of every row.

    After Sampat, Wang, Gupta, Bovik & Markey 2009, *Complex wavelet structural similarity: a
    new image similarity index*: in windows of 7 x 7 coefficients of each subband of a complex
    steerable pyramid (Portilla & Simoncelli 2000),

        (2 |mean(cx cy*)| + K) / (mean(|cx|²) + mean(|cy|²) + K),

    mean over windows that lie within the subband, then over the 6 orientations of levels 2 to 4,
    then over bands. The pyramid takes images as periodic. Level 1 is left out: to waves of four
    pixels, a shift by one is not small.

    Nothing but the pattern is compared: an inverted image scores 1, and so do two constant ones.
    Independent noise scores 0.36 and not 0, since a window holds few independent coefficients.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 49.

    Returns:
        ``(...)`` float64, 0 to 1 (best). Computed in float32.

    Raises:
        BenchError: shapes that differ, images too small, another dtype, or values that are not
            finite.
    """
    x, y, lead = paired(prediction, truth, side=SIDE)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise BenchError("prediction and truth: expected finite values")
    return each_row(_similarity, x, y, lead)


def subbands(images: Array, levels: Sequence[int] = LEVELS) -> Iterator[Array]:
    """Yield the subbands of levels of the complex steerable pyramid.

    The filters of Portilla & Simoncelli 2000, *A parametric texture model based on joint
    statistics of complex wavelet coefficients*, applied to the spectrum: the radial part peaks at
    a frequency of π / 2^level and reaches an octave to either side, the angular part is a power
    of a cosine on a half plane. So the real and the imaginary part of a coefficient are the
    responses of two filters in quadrature. The squared filters of successive levels add up to a
    constant between their outermost peaks: there, the coefficients of a real image, each standing
    for 4^(level - 1) pixels, hold twice the image's energy.

    Args:
        images: (..., height, width) real.
        levels: from 1, the finest.

    Yields:
        for each level its orientations: (..., h, w) complex64 with h = height / 2^(level - 1)
        rounded up: samples of the filtered image on that coarser grid, in the unit of the image.
    """
    spectrum = fft.fft2(images.astype(np.float32, copy=False))
    for level in levels:
        filters, rows, columns = _filters(*images.shape[-2:], level)
        # One axis after the other: both at once would leave the images interleaved in memory.
        kept = spectrum.take(rows, axis=-2).take(columns, axis=-1)
        # One after the other: what is made of one stays in cache.
        for of_orientation in filters:
            yield fft.ifft2(kept * of_orientation, overwrite_x=True)


@lru_cache(maxsize=16)
def _filters(height: int, width: int, level: int) -> tuple[Floats, Array, Array]:
    """Return (orientation, h, w) filters, and which rows and columns of a spectrum they need."""
    shrink = 2 ** (level - 1)
    rows, columns = _kept(height, shrink), _kept(width, shrink)
    fy = 2 * np.pi * fft.fftfreq(height)[rows][:, None]
    fx = 2 * np.pi * fft.fftfreq(width)[columns]
    radius, angle = np.hypot(fy, fx), np.arctan2(fy, fx)
    radius[0, 0] = np.pi / 2 ** (level + 2)  # any that the filter stops: it has no mean
    octave = np.log2(radius * 2**level / np.pi)  # from the peak of the level
    radial = np.where(np.abs(octave) < 1, np.cos(np.pi / 2 * octave), 0)

    order = ORIENTATIONS - 1
    norm = 2**order * math.factorial(order) / math.sqrt(ORIENTATIONS * math.factorial(2 * order))
    turned = angle - np.pi * np.arange(ORIENTATIONS)[:, None, None] / ORIENTATIONS
    angular = 2 * norm * np.maximum(np.cos(turned), 0) ** order
    # The inverse transform of the smaller spectrum divides by fewer samples than there were.
    scale = len(rows) * len(columns) / (height * width)
    return (radial * angular * scale).astype(np.float32), rows, columns


def _kept(length: int, shrink: int) -> Array:
    """Return the indices of the lowest ``length / shrink`` frequencies, in the order of an FFT."""
    kept = -(-length // shrink)
    indices: Array = fft.fftfreq(kept, 1 / kept).astype(np.intp) % length
    return indices


def _similarity(prediction: Array, truth: Array) -> float:
    """Return the index of one (band, height, width) pair."""
    means = []
    for x, y in subbands(np.stack([prediction, truth])):
        likeness = np.abs(_window_means(x * y.conj()))
        energy = _window_means(_squared(x) + _squared(y))
        likeness *= 2
        likeness += K
        energy += K
        likeness /= energy
        means.append(likeness.mean(dtype=np.float64))
    return min(float(np.mean(means)), 1.0)  # rounding can lift likeness over 1


def _squared(values: Array) -> Floats:
    squares: Floats = np.square(values.real)
    squares += np.square(values.imag)
    return squares


def _window_means(values: Array) -> Array:
    """Return the means over all windows that lie within the last two axes."""
    down = _sums_of_seven(values.swapaxes(-1, -2)).swapaxes(-1, -2)
    means = _sums_of_seven(down)
    means *= np.float32(1 / WINDOW**2)
    return means


def _sums_of_seven(values: Array) -> Array:
    """Return the sums of seven neighbours along the last axis: of three pairs and one more."""
    count = values.shape[-1] - WINDOW + 1
    pairs = values[..., :-1] + values[..., 1:]
    sums: Array = pairs[..., :count] + pairs[..., 2 : 2 + count]
    sums += pairs[..., 4 : 4 + count]
    sums += values[..., 6:]
    return sums


METRICS = (
    Metric(
        name="cw_ssim",
        label="CW-SSIM",
        group="perceptual",
        higher_is_better=True,
        computed=PerRow(lambda scene: cw_ssim(scene.images, scene.truth)),
        definition=(
            "Complex wavelet structural similarity (after Sampat et al. 2009): complex steerable "
            "pyramid (Portilla & Simoncelli 2000) of each band, levels 2 to 4 of six "
            f"orientations, windows of {WINDOW} × {WINDOW} coefficients that lie within the "
            "subband, K = 1e-6; mean over windows, subbands and bands, then over rows. From 0 to "
            "1, 1 is perfect; small shifts hardly change it. Blind to brightness and sign: an "
            "inverted image, or two constant ones, score 1; independent noise scores 0.36."
        ),
        high=1,
    ),
)
