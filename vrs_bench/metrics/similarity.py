"""Similarity of local statistics, the parts that SSIM, MS-SSIM and UIQI share.

SSIM and UIQI are the product of a luminance and a structure term,

    (2 mx my + C1) / (mx² + my² + C1)  ·  (2 sxy + C2) / (sx² + sy² + C2),

with local means m, variances s² and covariance sxy; UIQI has C1 = C2 = 0. Here they are computed
from the sum u = x + y and the difference v = x - y, since 4 mx my = mu² - mv²,
2 (mx² + my²) = mu² + mv², and likewise for the (co)variances:

    (mu² - mv² + 2 C1) / (mu² + mv² + 2 C1)  ·  (su² - sv² + 2 C2) / (su² + sv² + 2 C2).

Four planes need filtering (u, v, u², v²) instead of five, and identical images (v = 0) score
exactly 1 whatever the rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vrs_bench.metrics.pairs import strips
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.types import Array, Doubles, Floats

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K = (0.01, 0.03)

# Pixels of a strip of a band, and columns or rows of one product with the window's band matrix:
# the fastest of 4 to 62 for an 11-tap window, on 256 x 256 pixels.
_STRIP = 1 << 16
_TILE = 16


class Similarity(NamedTuple):
    """The structural similarity of rows of images, and of its two terms the second."""

    windows: Floats
    """SSIM of every window, mean over bands: (row, height - 10, width - 10)."""
    bands: Doubles
    """SSIM of every band, mean over windows: (row, band)."""
    structure: Doubles
    """Its structure term alone, mean over windows: (row, band)."""


def similarity(x: Array, y: Array) -> Similarity:
    """Return the structural similarity of pairs that were checked, (row, band, height, width)."""
    rows, width = strip_rows(x), x.shape[3]
    # One set of buffers for the whole call: fresh pages cost as much as the arithmetic.
    planes = np.empty((4, rows + SSIM_WINDOW - 1, width), np.float32)
    smooth = np.empty((4, rows, width), np.float32)
    moments = np.empty((5, rows, width - SSIM_WINDOW + 1), np.float32)
    maps = np.zeros((len(x), *windows(x, SSIM_WINDOW)), np.float32)
    sums = np.zeros((2, *x.shape[:2]))
    for row, band, halo, part in pieces(x, SSIM_WINDOW, rows):
        a, b = x[row, band, halo], y[row, band, halo]
        n = part.stop - part.start
        whole, structure = _ssim_strip(a, b, planes[:, : len(a)], smooth[:, :n], moments[:, :n])
        maps[row, part] += whole
        sums[:, row, band] += [of.sum(axis=1).sum(dtype=np.float64) for of in (whole, structure)]
    maps /= x.shape[1]
    return Similarity(maps, *(sums / maps[:1].size if len(x) else sums))


def similarity_of(scene: JudgedScene) -> Similarity:
    """Return the structural similarity of a scene's images, for :meth:`JudgedScene.once`."""
    return similarity(scene.images, scene.truth)


def strip_rows(x: Array) -> int:
    rows: int = min(x.shape[2], max(_TILE, _STRIP // x.shape[3]))
    return rows


def windows(x: Array, window: int) -> tuple[int, int]:
    return x.shape[2] - window + 1, x.shape[3] - window + 1


def pieces(x: Array, window: int, rows: int) -> Iterator[tuple[int, int, slice, slice]]:
    """Cut images (row, band, height, width) into strips of a band.

    Yields:
        row, band, which rows of pixels a strip needs, and of which rows of windows they are.
    """
    parts = strips(windows(x, window)[0], rows)
    for row, band in np.ndindex(x.shape[:2]):
        for part in parts:
            yield row, band, slice(part.start, part.stop + window - 1), part


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


def _ssim_strip(
    x: Array, y: Array, planes: Floats, smooth: Floats, moments: Floats
) -> tuple[Floats, Floats]:
    """Return the maps of SSIM and of its structure term, of (rows + 10, width + 10) pixels.

    The rest is scratch.
    """
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
    luminance, luminance_norm, structure, structure_norm = terms(u, v, uu, vv, scratch)
    luminance += c1
    luminance_norm += c1
    structure += c2
    structure_norm += c2
    luminance *= structure
    luminance_norm *= structure_norm
    luminance /= luminance_norm
    structure /= structure_norm
    return luminance, structure


def terms(
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
