"""Similarity of local statistics: SSIM with a Gaussian window, UIQI with a uniform one.

How they are computed is said in :mod:`vrs_bench.metrics.similarity`.
"""

from __future__ import annotations

import numpy as np

from vrs_bench.metrics.pairs import means_of, paired
from vrs_bench.metrics.similarity import (
    SSIM_WINDOW,
    pieces,
    similarity,
    strip_rows,
    terms,
    windows,
)
from vrs_bench.types import Array, Doubles, Floats

UIQI_WINDOW = 8
UIQI_FLAT = 1e-14
"""Variance (or squared mean) up to which a window counts as constant (or as zero): a deviation of
1e-7, the resolution of float32 on the scale [0, 1]."""


def ssim_map(prediction: Array, truth: Array) -> Floats:
    """Return the structural similarity of every window that lies within the image.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 11.

    Returns:
        ``(..., height - 10, width - 10)`` float32, mean over bands, -1 to 1 (best); the value at
        (i, j) is that of the window centred on pixel (i + 5, j + 5). See :func:`ssim`.

    Raises:
        BenchError: shapes that differ, images smaller than the window, or another dtype.
    """
    x, y, lead = paired(prediction, truth, side=SSIM_WINDOW)
    return similarity(x, y).windows.reshape(*lead, *windows(x, SSIM_WINDOW))


def ssim(prediction: Array, truth: Array) -> Doubles:
    """Return the structural similarity of every row: mean over pixels and bands.

    Source: Wang, Bovik, Sheikh & Simoncelli 2004, *Image quality assessment: from error
    visibility to structural similarity*, equation 13: Gaussian window of 11 pixels and σ = 1.5,
    population covariance, K1 = 0.01, K2 = 0.03, data range 1, and only windows that lie within
    the image (5 pixels cropped at each border). As scikit-image's ``structural_similarity`` with
    ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1``.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 11.

    Returns:
        ``(...)`` float64, -1 to 1 (best). Computed in float32 about the mean; within 1e-6 of
        float64 on images.

    Raises:
        BenchError: shapes that differ, images smaller than the window, or another dtype.
    """
    return means_of(ssim_map, *paired(prediction, truth, side=SSIM_WINDOW))


def uiqi_map(prediction: Array, truth: Array) -> Doubles:
    """Return the universal image quality index of every window that lies within the image.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 8.

    Returns:
        ``(..., height - 7, width - 7)`` float64, mean over bands, -1 to 1 (best); the value at
        (i, j) is that of the window whose first pixel is (i, j). See :func:`uiqi`.

    Raises:
        BenchError: shapes that differ, images smaller than the window, or another dtype.
    """
    x, y, lead = paired(prediction, truth, side=UIQI_WINDOW)
    rows, width = strip_rows(x), x.shape[3]
    planes = np.empty((4, (rows + UIQI_WINDOW - 1) * width))
    moments = np.empty((5, rows * width))
    maps = np.zeros((len(x), *windows(x, UIQI_WINDOW)))
    for row, band, halo, part in pieces(x, UIQI_WINDOW, rows):
        maps[row, part] += _uiqi_strip(x[row, band, halo], y[row, band, halo], planes, moments)
    maps /= x.shape[1]
    return maps.reshape(*lead, *maps.shape[1:])


def uiqi(prediction: Array, truth: Array) -> Doubles:
    """Return the universal image quality index of every row: mean over windows and bands.

    Source: Wang & Bovik 2002, *A universal image quality index*: uniform windows of 8 x 8 pixels
    moved by one pixel, all that lie within the image. Population and sample (co)variances give
    the same index, since n / (n - 1) cancels.

    Where a term's denominator is zero the term is 1, as in the authors' MATLAB code: two constant
    windows score ``2 mx my / (mx² + my²)``, which is 1 if they are equal, and two windows of zeros
    score 1. Zero means a variance (squared mean) summed over both windows of at most
    :data:`UIQI_FLAT`, so that rounding noise in a constant window doesn't decide.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 8.

    Returns:
        ``(...)`` float64, -1 to 1 (best). A window that is constant in one image only scores 0.

    Raises:
        BenchError: shapes that differ, images smaller than the window, or another dtype.
    """
    return means_of(uiqi_map, *paired(prediction, truth, side=UIQI_WINDOW))


def _uiqi_strip(x: Array, y: Array, planes: Doubles, moments: Doubles) -> Doubles:
    """Return the UIQI map of (rows + 7, width + 7) pixels; the rest is scratch."""
    rows, columns = x.shape
    u, v, *spare = planes[:, : x.size]
    np.add(x, y, out=u.reshape(x.shape), dtype=np.float64)
    np.subtract(x, y, out=v.reshape(x.shape), dtype=np.float64)
    edge = UIQI_WINDOW - 1
    u_sum, v_sum, uu, vv, scratch = moments[:, : (rows - edge) * columns - edge]
    _box_sums(u, columns, spare, u_sum)
    _box_sums(v, columns, spare, v_sum)
    u *= u
    v *= v
    _box_sums(u, columns, spare, uu)
    _box_sums(v, columns, spare, vv)
    # Everything below is scaled by the square of the number of pixels in a window.
    pixels = UIQI_WINDOW**2
    u_sum *= u_sum
    v_sum *= v_sum
    uu *= pixels
    vv *= pixels
    uu -= u_sum
    vv -= v_sum
    luminance, luminance_norm, structure, structure_norm = terms(u_sum, v_sum, uu, vv, scratch)
    zero = 2 * pixels**2 * UIQI_FLAT
    for term, norm in ((luminance, luminance_norm), (structure, structure_norm)):
        undefined = norm <= zero
        if undefined.any():
            term[undefined] = norm[undefined] = 1
    luminance *= structure
    luminance_norm *= structure_norm
    luminance /= luminance_norm
    windows = moments[0, : (rows - edge) * columns].reshape(rows - edge, columns)
    return windows[:, : columns - edge]


def _box_sums(plane: Doubles, width: int, spare: list[Doubles], out: Doubles) -> None:
    """Fill ``out`` with the sums over all windows of 8 x 8 pixels of ``plane``, both flattened.

    Pairs, pairs of pairs, and pairs of these, first of rows, then of columns: six additions a
    pixel. Unlike differences of running sums it loses nothing to cancellation, and the variance
    of a constant window comes out as exactly zero, since only doublings happen.

    Flattened, because NumPy adds one long vector four times as fast as many short ones. The
    windows that begin in the last 7 columns run over the row's end: their sums mean nothing.
    """
    a, b = spare
    sums = plane
    steps = (width, 2 * width, 4 * width, 1, 2, 4)
    for step, target in zip(steps, (a, b, a, b, a, out), strict=True):
        sums = np.add(sums[:-step], sums[step:], out=target[: sums.size - step])
