"""The distortion metrics over parts of an image: each row has one value for every part.

A part is a set of pixels: a land cover, the borders of fields, what lay under thick cloud. The
per-pixel maps of all metrics are made once, and one matrix product with the indicators of the
parts gives their sums over all parts.
"""

from __future__ import annotations

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.metrics.distortion import (
    ERGAS_FLOOR,
    PSNR_CAP,
    ndvi_error_map,
    sam_map,
)
from vrs_bench.metrics.pairs import paired
from vrs_bench.metrics.structural import SSIM_WINDOW, UIQI_WINDOW, ssim_map, uiqi_map
from vrs_bench.types import Array, Doubles, Floats

_MAPS = 5  # absolute error, angle, NDVI error, SSIM, UIQI; then per band: squared error, truth


def sliced_distortion(
    prediction: Floats,
    truth: Floats,
    parts: Array,
    row_parts: Array | None = None,
    *,
    ratio: float,
    red: int,
    nir: int,
) -> dict[str, Doubles]:
    """Return the distortion metrics of every row, over the whole image and over parts of it.

    Over a part, MAE, SAM and NDVI-MAE are means over its pixels; RMSE, PSNR and ERGAS are
    computed from the means over its pixels of the squared error and of the truth; SSIM and UIQI
    are means over the windows whose centre lies in it (of UIQI's 8 x 8 pixels, that is the fifth
    from the upper left).

    Args:
        prediction: (row, band, height, width) float32 on the scale [0, 1].
        truth: the same shape.
        parts: (part, height, width) bool, the same for all rows.
        row_parts: (row, more parts, height, width) bool.
        ratio: see :func:`vrs_bench.metrics.distortion.ergas`.
        red, nir: see :func:`vrs_bench.metrics.distortion.ndvi_mae`.

    Returns:
        metric → (row, 1 + part + more parts) float64: the whole image first. NaN where a part is
        empty. Whole images are summed in float64; parts in float32, within 1e-5 of it.

    Raises:
        BenchError: shapes that differ, or images smaller than a window.
    """
    x, y, _ = paired(prediction, truth, side=SSIM_WINDOW)
    rows, bands, *size = x.shape
    if row_parts is None:
        row_parts = np.empty((rows, 0, *size), bool)
    if parts.shape[1:] != tuple(size) or row_parts.shape != (rows, row_parts.shape[1], *size):
        raise BenchError(f"parts: expected (part, {size}), got {parts.shape}, {row_parts.shape}")
    fixed, n = len(parts), len(parts) + row_parts.shape[1]
    maps = np.zeros((_MAPS + 2 * bands, *size), np.float32)
    indicators = np.empty((n, *size), np.float32)
    indicators[:fixed] = parts
    inside = [_inside(window, size) for window in (1, SSIM_WINDOW, UIQI_WINDOW)]
    sums, counts = np.empty((rows, 1 + n, len(maps))), np.empty((rows, 1 + n, 3))
    counts[:, 0] = [maps[0][part].size for part in inside]
    counts[:, 1 : 1 + fixed] = _members(parts, inside)
    angle, ndvi = sam_map(x, y), ndvi_error_map(x, y, red, nir)
    ssim, uiqi = ssim_map(x, y), uiqi_map(x, y)
    absolute = np.empty((bands, *size), np.float32)
    for row in range(rows):
        maps[1], maps[2] = angle[row], ndvi[row]
        maps[3][inside[1]], maps[4][inside[2]] = ssim[row], uiqi[row]
        squares = maps[_MAPS : _MAPS + bands]
        np.subtract(x[row], y[row], out=squares)
        np.abs(squares, out=absolute).mean(axis=0, out=maps[0])
        np.multiply(squares, squares, out=squares)
        maps[_MAPS + bands :] = y[row]
        if n > fixed:
            indicators[fixed:] = row_parts[row]
            counts[row, 1 + fixed :] = _members(row_parts[row], inside)
        sums[row, 0] = maps.sum(axis=2).sum(axis=1, dtype=np.float64)
        sums[row, 1:] = (maps.reshape(len(maps), -1) @ indicators.reshape(n, -1).T).T
    return _from_sums(sums, counts, bands, ratio)


def _inside(window: int, size: list[int]) -> tuple[slice, slice]:
    """Return where the centres of the windows lie that are within the image."""
    first = window // 2
    down, across = (slice(first, first + side - window + 1) for side in size)
    return down, across


def _members(parts: Array, inside: list[tuple[slice, slice]]) -> Array:
    """Return how many windows of each kind are centred in each part: (part, kind)."""
    return np.stack([np.count_nonzero(parts[:, *where], axis=(1, 2)) for where in inside], axis=1)


def _from_sums(sums: Doubles, counts: Doubles, bands: int, ratio: float) -> dict[str, Doubles]:
    """Return the metrics from the sums over pixels (…, map) and the counts (…, 3)."""
    with np.errstate(invalid="ignore"):  # 0 / 0 of an empty part
        means = sums / counts[..., :1]
        mse_of_band = means[..., _MAPS : _MAPS + bands]
        level = np.maximum(means[..., _MAPS + bands :], ERGAS_FLOOR)
        mse = mse_of_band.mean(axis=-1)
        return {
            "mae": means[..., 0],
            "rmse": np.sqrt(mse),
            "psnr": -10 * np.log10(np.maximum(mse, 10 ** (-PSNR_CAP / 10))),
            "ssim": sums[..., 3] / counts[..., 1],
            "sam": means[..., 1],
            "ergas": 100 / ratio * np.sqrt(np.mean(mse_of_band / level**2, axis=-1)),
            "uiqi": sums[..., 4] / counts[..., 2],
            "ndvi_mae": means[..., 2],
        }
