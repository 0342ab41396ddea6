"""Similarity of local statistics: SSIM with a Gaussian window, UIQI with a uniform one.

Both are the product of a luminance and a structure term,

    (2 mx my + C1) / (mx² + my² + C1)  ·  (2 sxy + C2) / (sx² + sy² + C2),

with local means m, variances s² and covariance sxy; UIQI has C1 = C2 = 0. Here they are computed
from the sum u = x + y and the difference v = x - y, since 4 mx my = mu² - mv²,
2 (mx² + my²) = mu² + mv², and likewise for the (co)variances:

    (mu² - mv² + 2 C1) / (mu² + mv² + 2 C1)  ·  (su² - sv² + 2 C2) / (su² + sv² + 2 C2).

Four planes need filtering (u, v, u², v²) instead of five, and identical images (v = 0) score
exactly 1 whatever the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vrs_bench.metrics.pairs import means_of, paired, strips
from vrs_bench.types import Array, Doubles, Floats

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K = (0.01, 0.03)

UIQI_WINDOW = 8
UIQI_FLAT = 1e-14
"""Variance (or squared mean) up to which a window counts as constant (or as zero): a deviation of
1e-7, the resolution of float32 on the scale [0, 1]."""

# Pixels of a strip of a band, and columns or rows of one product with the window's band matrix:
# the fastest of 4 to 62 for an 11-tap window, on 256 x 256 pixels.
_STRIP = 1 << 16
_TILE = 16


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
    rows, width = _strip_rows(x), x.shape[3]
    # One set of buffers for the whole call: fresh pages cost as much as the arithmetic.
    planes = np.empty((4, rows + SSIM_WINDOW - 1, width), np.float32)
    smooth = np.empty((4, rows, width), np.float32)
    moments = np.empty((5, rows, width - SSIM_WINDOW + 1), np.float32)

    def add(a: Array, b: Array, out: Floats) -> None:
        count = len(a) - SSIM_WINDOW + 1
        out += _ssim_strip(a, b, planes[:, : len(a)], smooth[:, :count], moments[:, :count])

    return _mapped(add, x, y, SSIM_WINDOW, rows).reshape(*lead, *_windows(x, SSIM_WINDOW))


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
    rows, width = _strip_rows(x), x.shape[3]
    planes = np.empty((4, (rows + UIQI_WINDOW - 1) * width))
    moments = np.empty((5, rows * width))

    def add(a: Array, b: Array, out: Doubles) -> None:
        out += _uiqi_strip(a, b, planes, moments)

    maps = _mapped(add, x, y, UIQI_WINDOW, rows, np.float64)
    return maps.reshape(*lead, *_windows(x, UIQI_WINDOW))


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


def _strip_rows(x: Array) -> int:
    rows: int = min(x.shape[2], max(_TILE, _STRIP // x.shape[3]))
    return rows


def _windows(x: Array, window: int) -> tuple[int, int]:
    return x.shape[2] - window + 1, x.shape[3] - window + 1


def _mapped(
    add: Callable[[Array, Array, Array], None],
    x: Array,
    y: Array,
    window: int,
    rows: int,
    dtype: type[np.floating[Any]] = np.float32,
) -> Array:
    """Return the maps (row, height, width) of windows, mean over bands, strip by strip."""
    maps = np.zeros((len(x), *_windows(x, window)), dtype)
    for a, b, whole in zip(x, y, maps, strict=True):
        for part in strips(len(whole), rows):
            halo = slice(part.start, part.stop + window - 1)
            for band in range(len(a)):
                add(a[band, halo], b[band, halo], whole[part])
    maps /= x.shape[1]
    return maps


def _window_matrices() -> list[Floats]:
    """Return matrices M[n] (n, n + 10) whose products filter n rows with the SSIM window.

    A product with a small band matrix does 26 multiplications a pixel where 11 would do, yet it
    is the fastest filter that NumPy and SciPy have.
    """
    offset = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    taps = np.exp(-0.5 * (offset / SSIM_SIGMA) ** 2)
    matrices = []
    for n in range(_TILE + 1):
        matrix = np.zeros((n, n + SSIM_WINDOW - 1), np.float32)
        for i in range(n):
            matrix[i, i : i + SSIM_WINDOW] = taps / taps.sum()
        matrices.append(matrix)
    return matrices


_WINDOW = _window_matrices()


def _ssim_strip(x: Array, y: Array, planes: Floats, smooth: Floats, moments: Floats) -> Array:
    """Return the SSIM map of (rows + 10, width + 10) pixels; the rest is scratch."""
    u, v, uu, vv = planes
    np.add(x, y, out=u, casting="same_kind")
    np.subtract(x, y, out=v, casting="same_kind")
    # Variances are differences of squares: about the mean, float32 is enough for them.
    u_mean, v_mean = u.mean(), v.mean()
    u -= u_mean
    v -= v_mean
    np.multiply(u, u, out=uu)
    np.multiply(v, v, out=vv)
    for to in strips(smooth.shape[1], _TILE):
        window = _WINDOW[to.stop - to.start]
        halo = slice(to.start, to.stop + SSIM_WINDOW - 1)
        np.matmul(window, planes[:, halo], out=smooth[:, to])
    for to in strips(moments.shape[2], _TILE):
        window = _WINDOW[to.stop - to.start]
        halo = slice(to.start, to.stop + SSIM_WINDOW - 1)
        np.matmul(smooth[:, :, halo], window.T, out=moments[:4, :, to])

    u, v, uu, vv, scratch = moments
    uu -= np.multiply(u, u, out=scratch)
    vv -= np.multiply(v, v, out=scratch)
    u += u_mean
    v += v_mean
    u *= u
    v *= v
    c1, c2 = (2 * k**2 for k in SSIM_K)
    luminance, luminance_norm, structure, structure_norm = _terms(u, v, uu, vv, scratch)
    luminance += c1
    luminance_norm += c1
    structure += c2
    structure_norm += c2
    luminance *= structure
    luminance_norm *= structure_norm
    luminance /= luminance_norm
    return luminance


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
    luminance, luminance_norm, structure, structure_norm = _terms(u_sum, v_sum, uu, vv, scratch)
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


def _terms(
    uu: Array, vv: Array, su: Array, sv: Array, scratch: Array
) -> tuple[Array, Array, Array, Array]:
    """Return luminance, its norm, structure, its norm, without constants, in the planes given.

    Args:
        uu: squared local means of u = x + y.
        vv: squared local means of v = x - y.
        su: local variances of u.
        sv: local variances of v.
        scratch: one more plane.
    """
    luminance_norm = np.add(uu, vv, out=scratch)
    luminance = np.subtract(uu, vv, out=uu)
    structure_norm = np.add(su, sv, out=vv)
    structure = np.subtract(su, sv, out=su)
    return luminance, luminance_norm, structure, structure_norm
