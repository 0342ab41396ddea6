"""Scores by the definitions of the original project, to compare with its published tables.

Source: the repository Cervest/ds-gan-spatiotemporal-evaluation, whose requirements name
scikit-image 0.17.2 and SciPy 1.5.2: what it left to their defaults is what those versions do.
They are kept to the letter, faults included, and stand beside ours, never among them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from vrs_bench.metrics.distortion import PSNR_CAP
from vrs_bench.metrics.pairs import paired
from vrs_bench.types import Array, Doubles, Floats

SSIM_WINDOW = 7
SSIM_RANGE = 2.0
"""Data range that scikit-image 0.17 takes for floats: they may lie in [-1, 1]."""

SAM_FLOOR = 2.0**-10
"""Least squared norm of a spectrum: the epsilon of float16."""

CW_WIDTHS = 30
CW_K = 0.01

_BLOCK = 2048  # samples of one transform: 32 of them stay in cache, and few overlap

Spectra = npt.NDArray[np.complex64]


def original_scores(prediction: Array, truth: Array) -> dict[str, Doubles]:
    """Return PSNR, SSIM, SAM and CW-SSIM of every row as the original project defines them.

    Negative values count as 0. For all but SAM each band is then divided by the largest value
    that it has in the prediction and the truth of the row (a band of zeros only is left as it
    is), and the score is the mean over bands.

    - ``psnr``: 10 log10(1 / MSE) in dB; held at 80 dB, since the original's infinity for
      identical bands has no mean.
    - ``ssim``: uniform window of 7 x 7 pixels, sample covariance, K1 = 0.01, K2 = 0.03, data range
      2, windows within the image.
    - ``sam``: arccos of the normalised inner product over π, where a squared norm is at least
      2^-10; of the bands before their normalisation; mean over pixels. The floor turns identical
      dark spectra apart: two of zeros are at 1/2.
    - ``cw_ssim``: with x and y the convolutions of the flattened bands (row after row) with
      Ricker wavelets of widths 1 to 30, sums over widths at each pixel, and K = 0.01:
      (2 |Σ x y| + K) / (Σ x² + Σ y² + K), mean over pixels. Neither complex nor of two dimensions.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 7.

    Returns:
        name → ``(...)`` float64. CW-SSIM is computed in float32, the others in float64.

    Raises:
        BenchError: shapes that differ, images too small, or another dtype.
    """
    x, y, lead = paired(prediction, truth, side=SSIM_WINDOW)
    scores = {"psnr": _psnr, "ssim": _ssim, "sam": _sam, "cw_ssim": _cw_ssim}
    values = {name: np.empty(len(x)) for name in scores}
    for row, (a, b) in enumerate(zip(x, y, strict=True)):
        a, b = (np.maximum(image, 0, dtype=np.float64) for image in (a, b))
        values["sam"][row] = _sam(a, b)
        peak = np.maximum(a, b).max(axis=(1, 2), keepdims=True)
        peak[peak == 0] = 1
        a /= peak
        b /= peak
        for name in ("psnr", "ssim", "cw_ssim"):
            values[name][row] = np.mean([scores[name](u, v) for u, v in zip(a, b, strict=True)])
    return {name: of.reshape(lead) for name, of in values.items()}


def _psnr(x: Doubles, y: Doubles) -> float:
    error = np.maximum(np.mean((x - y) ** 2), 10 ** (-PSNR_CAP / 10))
    return float(-10 * np.log10(error))


def _ssim(x: Doubles, y: Doubles) -> float:
    """Return the SSIM of a band (height, width)."""
    mx, my, xx, yy, xy = (_window_means(plane) for plane in (x, y, x * x, y * y, x * y))
    pixels = SSIM_WINDOW**2
    sample = pixels / (pixels - 1)
    c1, c2 = ((k * SSIM_RANGE) ** 2 for k in (0.01, 0.03))
    mxy = mx * my
    mx *= mx
    my *= my
    squares = mx + my
    luminance = (2 * mxy + c1) / (squares + c1)
    structure = (2 * sample * (xy - mxy) + c2) / (sample * (xx + yy - squares) + c2)
    return float(np.mean(luminance * structure))


def _window_means(plane: Doubles) -> Doubles:
    """Return the means of all windows within the image: pairs, pairs of pairs, and what is left."""
    for _ in range(2):  # down the rows, then, transposed, along the columns
        pairs = plane[:-1] + plane[1:]
        fours = pairs[:-2] + pairs[2:]
        plane = (fours[:-3] + pairs[4:-1] + plane[6:]).T
    return plane / SSIM_WINDOW**2


def _sam(x: Doubles, y: Doubles) -> float:
    """Return the mean angle over π between the spectra of two images (band, height, width)."""
    inner, xx, yy = (np.einsum("bij,bij->ij", u, v) for u, v in ((x, y), (x, x), (y, y)))
    cosine = inner / np.sqrt(np.maximum(xx, SAM_FLOOR) * np.maximum(yy, SAM_FLOOR))
    return float(np.mean(np.arccos(np.clip(cosine, -1, 1))) / np.pi)


def _cw_ssim(x: Doubles, y: Doubles) -> float:
    """Return the wavelet similarity of a band (height, width).

    The wavelets are real, so both bands are convolved as one complex signal; and blocks short
    enough for the cache take a fraction of the time of one long transform.
    """
    n = x.size
    wavelets, before = _wavelets(n)
    keep = _BLOCK - 2 * before
    blocks = -(-n // keep)
    padded = np.zeros(blocks * keep + 2 * before, np.complex64)
    padded[before : before + n].real = x.ravel()
    padded[before : before + n].imag = y.ravel()
    starts = keep * np.arange(blocks)[:, None] + np.arange(_BLOCK)
    spectra: Spectra = fft.fft(padded[starts], axis=-1)
    products = np.zeros((blocks, keep), np.float32)
    powers = np.zeros_like(products)
    for wavelet in wavelets:
        both = fft.ifft(spectra * wavelet, axis=-1, overwrite_x=True)[:, before : before + keep]
        products += both.real * both.imag
        powers += both.real**2 + both.imag**2
    product, power = products.ravel()[:n], powers.ravel()[:n]
    similarity = (2 * np.abs(product) + np.float32(CW_K)) / (power + np.float32(CW_K))
    return float(similarity.mean(dtype=np.float64))


@lru_cache(maxsize=2)
def _wavelets(n: int) -> tuple[Floats, int]:
    """Return the transfer functions of the wavelets for a signal of n samples, and their reach.

    A Ricker wavelet of width a has min(10 a, n) samples about their middle; of the convolution
    the original keeps the middle n samples, the earlier ones where there are two choices.
    """
    kernels = np.zeros((CW_WIDTHS, _BLOCK))
    for width, kernel in enumerate(kernels, start=1):
        samples = min(10 * width, n)
        square = ((np.arange(samples) - (samples - 1) / 2) / width) ** 2
        height = 2 / np.sqrt(3 * width) / np.pi**0.25
        at = np.arange(samples) - (samples - 1) // 2
        kernel[at] = height * (1 - square) * np.exp(-square / 2)
    transfer: Any = fft.fft(kernels, axis=-1).astype(np.complex64)
    return transfer, min(10 * CW_WIDTHS, n) // 2
