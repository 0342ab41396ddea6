"""Scores by the definitions of the original project, to compare with its published tables.

Source: the repository Cervest/ds-gan-spatiotemporal-evaluation, whose requirements name
scikit-image 0.17.2 and SciPy 1.5.2: what it left to their defaults is what those versions do.
They are kept to the letter, faults included, and stand beside ours, never among them.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from scipy import fft

from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.distortion import PSNR_CAP
from vrs_bench.metrics.pairs import paired
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.types import Array, Doubles

SSIM_WINDOW = 7
SSIM_RANGE = 2.0
"""Data range that scikit-image 0.17 takes for floats: they may lie in [-1, 1]."""

SAM_FLOOR = 2.0**-10
"""Least squared norm of a spectrum: the epsilon of float16."""

CW_WIDTHS = 30
CW_K = 0.01

_COMPONENTS = 15
_BLOCK = 2048  # samples of one transform

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
      2^-10; of the bands before their normalisation; mean over pixels. Under the
      floor identical spectra are apart too: two of zeros by 1/2.
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
    values = {name: np.empty(len(x)) for name in ("psnr", "ssim", "sam", "cw_ssim")}
    of_band = {"psnr": _psnr, "ssim": _ssim, "cw_ssim": _cw_ssim}
    for row, images in enumerate(zip(x, y, strict=True)):
        a, b = (np.maximum(image, 0, dtype=np.float64) for image in images)
        values["sam"][row] = _sam(a, b)
        peak = np.maximum(a, b).max(axis=(1, 2), keepdims=True)
        peak[peak == 0] = 1
        a /= peak
        b /= peak
        for name, score in of_band.items():
            values[name][row] = np.mean([score(u, v) for u, v in zip(a, b, strict=True)])
    return {name: of.reshape(lead) for name, of in values.items()}


def _psnr(x: Doubles, y: Doubles) -> float:
    error = np.maximum(np.mean((x - y) ** 2), 10 ** (-PSNR_CAP / 10))
    return float(-10 * np.log10(error))


def _ssim(x: Doubles, y: Doubles) -> float:
    """Return the SSIM of a band (height, width).

    From the sum u and the difference v of the bands, as in :mod:`vrs_bench.metrics.structural`:
    four planes need means instead of five.
    """
    u, v = x + y, x - y
    mean_u, mean_v = (_window_means(plane) ** 2 for plane in (u, v))
    pixels = SSIM_WINDOW**2
    sample = pixels / (pixels - 1)
    u *= u
    v *= v
    var_u = sample * (_window_means(u) - mean_u)
    var_v = sample * (_window_means(v) - mean_v)
    c1, c2 = (2 * (k * SSIM_RANGE) ** 2 for k in (0.01, 0.03))
    luminance = (mean_u - mean_v + c1) / (mean_u + mean_v + c1)
    structure = (var_u - var_v + c2) / (var_u + var_v + c2)
    return float(np.vdot(luminance, structure) / luminance.size)


def _window_means(plane: Doubles) -> Doubles:
    """Return the means of all windows within the image: pairs, pairs of pairs, and what is left."""
    pairs = plane[:-1] + plane[1:]
    fours = pairs[:-2] + pairs[2:]
    plane = fours[:-3] + pairs[4:-1] + plane[6:]
    pairs = plane[:, :-1] + plane[:, 1:]
    fours = pairs[:, :-2] + pairs[:, 2:]
    return (fours[:, :-3] + pairs[:, 4:-1] + plane[:, 6:]) / SSIM_WINDOW**2


def _sam(x: Doubles, y: Doubles) -> float:
    """Return the mean angle over π between the spectra of two images (band, height, width)."""
    inner, xx, yy = (np.einsum("bij,bij->ij", u, v) for u, v in ((x, y), (x, x), (y, y)))
    cosine = inner / np.sqrt(np.maximum(xx, SAM_FLOOR) * np.maximum(yy, SAM_FLOOR))
    return float(np.mean(np.arccos(np.clip(cosine, -1, 1))) / np.pi)


def _cw_ssim(x: Doubles, y: Doubles) -> float:
    """Return the wavelet similarity of a band (height, width).

    From the sum u and the difference v of the bands: Σ x y is a quarter of Σ u² - Σ v², and
    Σ x² + Σ y² is half of Σ u² + Σ v². Kernels are real, so u and v are convolved as one complex
    signal; and in blocks, since many short transforms take less time than a long one.
    """
    n = x.size
    kernels, reach = _kernels(n)
    keep = _BLOCK - 2 * reach
    blocks = -(-n // keep)
    padded = np.zeros(blocks * keep + 2 * reach, np.complex64)
    padded.real[reach : reach + n] = (x + y).ravel()
    padded.imag[reach : reach + n] = (x - y).ravel()
    spectra = fft.fft(padded[keep * np.arange(blocks)[:, None] + np.arange(_BLOCK)])
    sums = np.zeros((blocks, 2 * _BLOCK), np.float32)  # of u² and v², in turn
    for kernel in kernels:
        parts = fft.ifft(spectra * kernel, overwrite_x=True).view(np.float32)
        parts *= parts
        sums += parts
    uu, vv = sums.reshape(blocks, _BLOCK, 2)[:, reach : reach + keep].reshape(-1, 2)[:n].T
    constant = np.float32(2 * CW_K)
    similarity = (np.abs(uu - vv) + constant) / (uu + vv + constant)
    return float(similarity.mean(dtype=np.float64))


@lru_cache(maxsize=2)
def _kernels(n: int) -> tuple[Spectra, int]:
    """Return transfer functions that stand for the wavelets' on n samples, and their reach.

    A Ricker wavelet of width a has min(10 a, n) samples about their middle; of the convolution
    the original keeps the middle n samples, the earlier ones where there are two choices.

    Sums of squares (and of products) over the 30 wavelets W are those over the rows of Q W for
    any orthogonal Q. That of the singular value decomposition orders the rows by their energy,
    and what lies beyond the first :data:`_COMPONENTS` is less than float32 resolves.
    """
    reach = min(10 * CW_WIDTHS, n) // 2
    wavelets = np.zeros((CW_WIDTHS, 2 * reach + 1))
    for width, wavelet in enumerate(wavelets, start=1):
        samples = min(10 * width, n)
        square = ((np.arange(samples) - (samples - 1) / 2) / width) ** 2
        height = 2 / np.sqrt(3 * width) / np.pi**0.25
        first = reach - (samples - 1) // 2
        wavelet[first : first + samples] = height * (1 - square) * np.exp(-square / 2)
    _, energy, rows = np.linalg.svd(wavelets, full_matrices=False)
    components = np.zeros((_COMPONENTS, _BLOCK))
    components[:, np.arange(-reach, reach + 1)] = (energy[:, None] * rows)[:_COMPONENTS]
    transfer: Spectra = fft.fft(components).astype(np.complex64)
    return transfer, reach


def _all(scene: JudgedScene) -> dict[str, Doubles]:
    return original_scores(scene.images, scene.truth)


_original = partial(Metric, group="original")

METRICS = (
    _original(
        name="original_psnr",
        label="PSNR of the original",
        unit="dB",
        higher_is_better=True,
        computed=PerRow(lambda scene: scene.once(_all)["psnr"]),
        definition=(
            "As the original project defines it (`--profile original`): values below 0 count as "
            "0, each band divided by its largest value in prediction and truth of the row; 10 "
            f"log10(1 / MSE), at most {PSNR_CAP:g} dB; mean over bands, then over rows."
        ),
        high=PSNR_CAP,
    ),
    _original(
        name="original_ssim",
        label="SSIM of the original",
        higher_is_better=True,
        computed=PerRow(lambda scene: scene.once(_all)["ssim"]),
        definition=(
            f"The same normalisation; uniform window of {SSIM_WINDOW} × {SSIM_WINDOW} px, sample "
            "covariance, data range 2; mean over windows, bands and rows."
        ),
        low=-1,
        high=1,
    ),
    _original(
        name="original_sam",
        label="SAM of the original",
        unit="π",
        higher_is_better=False,
        computed=PerRow(lambda scene: scene.once(_all)["sam"]),
        definition=(
            "arccos of the normalised inner product over π, a squared norm being at least 2⁻¹⁰: "
            "dark identical spectra are apart too. Values below 0 count as 0. Mean over pixels "
            "and rows."
        ),
        high=1,
    ),
    _original(
        name="original_cw_ssim",
        label="CW-SSIM of the original",
        higher_is_better=True,
        computed=PerRow(lambda scene: scene.once(_all)["cw_ssim"]),
        definition=(
            "The same normalisation; similarity of the convolutions of the flattened bands with "
            f"Ricker wavelets of widths 1 to {CW_WIDTHS}, K = {CW_K:g}: neither complex nor "
            "two-dimensional. Mean over pixels, bands and rows."
        ),
        high=1,
    ),
)
