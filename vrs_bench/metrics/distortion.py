"""Pixel-wise distances between prediction and truth: MAE, RMSE, PSNR, SAM, ERGAS, NDVI-MAE.

All functions take ``(..., band, height, width)`` float32 or float64 arrays on the scale [0, 1] and
return float64. Nothing is pooled over rows: each row (image) has its own value.
"""

from __future__ import annotations

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.metrics.pairs import each_row, means_of, paired, strips
from vrs_bench.types import Array, Doubles

PSNR_CAP = 80.0
"""PSNR in dB of identical images, and of all that differ by less than 1e-4 (RMSE), the quantum of
the published data."""

PSNR_SCALE_END = 50.0
"""PSNR in dB that counts as the truth's between floor and ceiling: an RMSE of 0.003, below the
sensors' noise of 0.004. A scale up to the cap would push all methods to the floor."""

ERGAS_FLOOR = 1e-3
"""Least mean reflectance that ERGAS divides by."""

NDVI_FLOOR = 1e-3
"""Least NIR + red for which NDVI is defined; below it, it is 0."""

# Values (bands included) of a strip of an image: two such float64 temporaries fit a 1 MB cache.
_STRIP = 1 << 16


def absolute_error_map(prediction: Array, truth: Array) -> Doubles:
    """Return the absolute error of every pixel, mean over bands.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.

    Returns:
        ``(..., height, width)`` float64, from 0; :func:`mae` is its mean.

    Raises:
        BenchError: shapes that differ or aren't images, or another dtype.
    """
    x, y, lead = paired(prediction, truth)
    out = np.empty((len(x), *x.shape[2:]))
    for a, b, errors in zip(x, y, out, strict=True):
        _absolute_errors(a, b, errors)
    return out.reshape(*lead, *x.shape[2:])


def mae(prediction: Array, truth: Array) -> Doubles:
    """Return the mean absolute error of every row, over its bands and pixels.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.

    Returns:
        ``(...)`` float64, from 0 (best).

    Raises:
        BenchError: shapes that differ or aren't images, or another dtype.
    """
    x, y, lead = paired(prediction, truth)
    errors = np.empty(x.shape[2:])
    return each_row(lambda a, b: float(_absolute_errors(a, b, errors).mean()), x, y, lead)


def rmse(prediction: Array, truth: Array) -> Doubles:
    """Return the root mean square error of every row, over its bands and pixels.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.

    Returns:
        ``(...)`` float64, from 0 (best).

    Raises:
        BenchError: shapes that differ or aren't images, or another dtype.
    """
    x, y, lead = paired(prediction, truth)
    return each_row(lambda a, b: float(np.sqrt(_band_mse(a, b).mean())), x, y, lead)


def psnr(prediction: Array, truth: Array) -> Doubles:
    """Return the peak signal-to-noise ratio of every row, 10 log10(1 / MSE), peak 1.

    The MSE is that of one row over all its bands and pixels: the mean over rows of these values
    is not the PSNR of the pooled MSE, which a few bad rows decide.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.

    Returns:
        ``(...)`` float64 in dB, higher is better, at most :data:`PSNR_CAP`.

    Raises:
        BenchError: shapes that differ or aren't images, or another dtype.

    >>> truth = np.full((2, 4, 8, 8), 0.3)  # two rows
    >>> error = np.array([0.0, 0.1]).reshape(2, 1, 1, 1)
    >>> psnr(truth + error, truth).round(6)
    array([80., 20.])
    """
    least = 10 ** (-PSNR_CAP / 10)
    x, y, lead = paired(prediction, truth)
    return each_row(
        lambda a, b: float(-10 * np.log10(np.maximum(_band_mse(a, b).mean(), least))), x, y, lead
    )


def sam_map(prediction: Array, truth: Array) -> Doubles:
    """Return the spectral angle of every pixel in degrees.

    The angle between the two spectra, with one rule for zero vectors: both zero, 0°; one of
    them zero, 90°. Accurate to 1e-13° at any angle, since it is not taken through the cosine,
    which is flat at 0° (arccos of a float64 can't tell angles under 1e-6° from 0).

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.

    Returns:
        ``(..., height, width)`` float64 from 0 to 90 for non-negative spectra (180 otherwise).

    Raises:
        BenchError: shapes that differ or aren't images, or another dtype.
    """
    x, y, lead = paired(prediction, truth)
    out = np.empty((len(x), *x.shape[2:]))
    for a, b, angles in zip(x, y, out, strict=True):
        _spectral_angles(a, b, angles)
    return out.reshape(*lead, *x.shape[2:])


def sam(prediction: Array, truth: Array) -> Doubles:
    """Return the spectral angle of every row in degrees: the mean of :func:`sam_map`.

    Source: Yuhas, Goetz & Boardman 1992, *Discrimination among semi-arid landscape endmembers
    using the spectral angle mapper (SAM) algorithm*.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.

    Returns:
        ``(...)`` float64 in degrees, 0 (best) to 90 for non-negative spectra. A gain common to
        all bands of a pixel doesn't change it; with one band it only says which pixels are zero.

    Raises:
        BenchError: shapes that differ or aren't images, or another dtype.

    >>> truth = np.array([[[0.3, 0.3, 0.0]], [[0.4, 0.4, 0.0]]])  # two bands of three pixels
    >>> seen = np.array([[[0.6, 0.0, 0.0]], [[0.8, 0.0, 0.0]]])  # brighter; lost; zero in both
    >>> float(sam(seen, truth))  # of 0°, 90° and 0°
    30.0
    """
    x, y, lead = paired(prediction, truth)
    angles = np.empty(x.shape[2:])
    return each_row(lambda a, b: float(_spectral_angles(a, b, angles).mean()), x, y, lead)


def ergas(prediction: Array, truth: Array, ratio: float = 4.0) -> Doubles:
    """Return ERGAS, the relative dimensionless global error, of every row.

    ``100 / ratio * sqrt(mean over bands of (RMSE_b / mean_b)²)``, where ``mean_b`` is the mean of
    the truth's band, at least :data:`ERGAS_FLOOR`.

    Source: Wald 2000, *Quality of high resolution synthesised images: is there a simple
    criterion?*, where 1/ratio is written h/l.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.
        ratio: ground sampling distance of the input over that of the output: 4 where 64 pixels
            become 256, 1 where the grid stays.

    Returns:
        ``(...)`` float64, from 0 (best).

    Raises:
        BenchError: shapes that differ or aren't images, another dtype, or a ratio not above 0.

    A tenth of the mean in every band, seen by pixels of four times the size:

    >>> truth = np.array([0.1, 0.2]).reshape(2, 1, 1) * np.ones((2, 8, 8))
    >>> float(ergas(1.1 * truth, truth, ratio=4).round(9))
    2.5
    """
    if not ratio > 0:
        raise BenchError(f"ratio: expected a number above 0, got {ratio}")
    x, y, lead = paired(prediction, truth)

    def of_row(a: Array, b: Array) -> float:
        mean = np.maximum(b.sum(axis=-1).mean(axis=-1, dtype=np.float64) / b.shape[-1], ERGAS_FLOOR)
        return float(100 / ratio * np.sqrt(np.mean(_band_mse(a, b) / mean**2)))

    return each_row(of_row, x, y, lead)


def ndvi_error_map(prediction: Array, truth: Array, red: int = 2, nir: int = 3) -> Array:
    """Return the absolute error of NDVI, (NIR - red) / (NIR + red), of every pixel.

    NDVI is 0 where NIR + red is below :data:`NDVI_FLOOR`, and NaN where either is.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.
        red: index of the red band, from 0.
        nir: index of the near-infrared band, from 0.

    Returns:
        ``(..., height, width)`` in the images' dtype, 0 (best) to 2.

    Raises:
        BenchError: shapes that differ or aren't images, another dtype, or bands that the images
            don't have.
    """
    x, y, lead = paired(prediction, truth)
    bands = x.shape[1]
    if red == nir or not (0 <= red < bands and 0 <= nir < bands):
        raise BenchError(
            f"red and nir: expected two of the bands 0 to {bands - 1}, got {red} and {nir}"
        )
    out = np.empty((len(x), *x.shape[2:]), x.dtype)
    for a, b, error in zip(x, y, out, strict=True):
        np.abs(_ndvi(a[red], a[nir]) - _ndvi(b[red], b[nir]), out=error)
    return out.reshape(*lead, *x.shape[2:])


def ndvi_mae(prediction: Array, truth: Array, red: int = 2, nir: int = 3) -> Doubles:
    """Return the mean absolute error of NDVI of every row: the mean of :func:`ndvi_error_map`."""
    return means_of(lambda x, y: ndvi_error_map(x, y, red, nir), *paired(prediction, truth))


def _absolute_errors(x: Array, y: Array, out: Doubles) -> Doubles:
    """Fill ``out`` (height, width) with the mean over bands of |x - y|.

    Differences are in the dtype of the images (float32 costs under 1e-7 of each), sums in float64.
    """
    out[...] = 0
    difference = np.empty_like(out)
    for a, b in zip(x, y, strict=True):
        np.subtract(a, b, out=difference)
        out += np.abs(difference, out=difference)
    out /= len(x)
    return out


def _band_mse(x: Array, y: Array) -> Doubles:
    """Return the mean square error of each band.

    Differences and sums along the width are in the dtype of the images, all others in float64:
    for float32 this costs under 1e-7 of the value and saves two thirds of the time.
    """
    squares = np.empty(len(x))
    for band, (a, b) in enumerate(zip(x, y, strict=True)):
        difference = a - b
        squares[band] = np.vecdot(difference, difference).sum(dtype=np.float64)
    squares /= x.shape[1] * x.shape[2]
    return squares


def _spectral_angles(x: Array, y: Array, out: Doubles) -> Doubles:
    """Fill ``out`` (height, width) with the angle between the spectra x and y in degrees.

    Of x, the part along y has length (x·y)/|y| and the rest, r, is orthogonal to y: the angle is
    atan2(|r| |y|, x·y). It is accurate where arccos isn't, because r is small for small angles
    and known to rounding.
    """
    bands, height, width = x.shape
    for part in strips(height, max(1, _STRIP // (bands * width))):
        a = x[:, part].astype(np.float64)
        b = y[:, part].astype(np.float64)
        dot, square, product = a[0] * b[0], b[0] * b[0], np.empty_like(a[0])
        for a_band, b_band in zip(a[1:], b[1:], strict=True):
            dot += np.multiply(a_band, b_band, out=product)
            square += np.multiply(b_band, b_band, out=product)
        # The floor only serves to divide by: where b is zero, so is the part of a along it.
        b *= dot / np.maximum(square, np.finfo(np.float64).tiny)
        a -= b
        a *= a
        orthogonal = np.sqrt(a.sum(axis=0) * square)
        angles = np.arctan2(orthogonal, dot, out=out[part])
        angles *= 180 / np.pi
        right = dot == 0
        if right.any():  # orthogonal, or one is zero, or both
            both_zero = ~(x[:, part][:, right].any(axis=0) | y[:, part][:, right].any(axis=0))
            angles[right] = np.where(both_zero, 0.0, 90.0)
    return out


def _ndvi(red: Array, nir: Array) -> Array:
    total: Array = nir + red
    # The published values are multiples of 1e-4, so that sums of just the floor occur; in float32
    # they round to either side of it. Under the margin, all of them count as not below.
    defined = ~(total < NDVI_FLOOR * (1 - 1e-6))  # NaN, too: it shows in the index
    index: Array = np.divide(nir - red, total, out=np.zeros_like(total), where=defined)
    return index
