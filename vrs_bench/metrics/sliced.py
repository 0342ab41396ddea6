"""The distortion group: its metrics over whole images and over parts of them, all at once.

A part is a set of pixels: a land cover, the borders of fields, what lay under thick cloud. The
per-pixel maps of all metrics are made once, and one matrix product with the indicators of the
parts gives their sums over all parts.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.metrics.definition import Metric, PerRowAndPart
from vrs_bench.metrics.distortion import (
    ERGAS_FLOOR,
    NDVI_FLOOR,
    PSNR_CAP,
    PSNR_SCALE_END,
    ndvi_error_map,
    sam_map,
)
from vrs_bench.metrics.pairs import paired
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.metrics.similarity import (
    SSIM_K,
    SSIM_SIGMA,
    SSIM_WINDOW,
    Similarity,
    similarity,
    similarity_of,
)
from vrs_bench.metrics.structural import UIQI_FLAT, UIQI_WINDOW, uiqi_map
from vrs_bench.types import Array, Doubles, Floats

_MAPS = 5  # absolute error, angle, NDVI error, SSIM, UIQI; then per band: squared error, truth


def sliced_distortion(
    prediction: Floats,
    truth: Floats,
    parts: Array,
    row_parts: Array | None = None,
    *,
    ratio: float,
    red: int | None = None,
    nir: int | None = None,
    similar: Similarity | None = None,
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
        red, nir: see :func:`vrs_bench.metrics.distortion.ndvi_mae`; None where the images have no
            such bands.
        similar: what :func:`vrs_bench.metrics.similarity.similarity` gives, where it is known.

    Returns:
        metric → (row, 1 + part + more parts) float64: the whole image first. NaN where a part is
        empty. Without the bands that it needs, there is no NDVI-MAE. Whole images are summed in
        float64; parts in float32, within 1e-5 of it.

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
    angle = sam_map(x, y)
    ndvi = None if red is None or nir is None else ndvi_error_map(x, y, red, nir)
    ssim, uiqi = (similar or similarity(x, y)).windows, uiqi_map(x, y)
    absolute = np.empty((bands, *size), np.float32)
    for row in range(rows):
        maps[1] = angle[row]
        if ndvi is not None:
            maps[2] = ndvi[row]
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
    values = _from_sums(sums, counts, bands, ratio)
    if ndvi is None:
        del values["ndvi_mae"]
    return values


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


def _by_part(scene: JudgedScene) -> dict[str, Doubles]:
    bands = scene.task.bands
    return sliced_distortion(
        scene.images,
        scene.truth,
        scene.parts.masks,
        scene.parts.step_masks,
        ratio=scene.task.gsd_ratio,
        red=bands.index("red") if "red" in bands else None,
        nir=bands.index("nir") if "nir" in bands else None,
        similar=scene.once(similarity_of),
    )


def _values(scene: JudgedScene, name: str) -> Doubles:
    return scene.once(_by_part)[name]


def _of(name: str) -> PerRowAndPart:
    return PerRowAndPart(partial(_values, name=name))


_distortion = partial(Metric, group="distortion")

METRICS = (
    _distortion(
        name="mae",
        label="MAE",
        higher_is_better=False,
        computed=_of("mae"),
        definition=(
            "Mean absolute error of one row over all its bands and pixels, on the scale [0, 1]; "
            "0 is perfect. Mean over rows."
        ),
        high=1,
    ),
    _distortion(
        name="rmse",
        label="RMSE",
        higher_is_better=False,
        computed=_of("rmse"),
        in_skill=True,
        definition=(
            "Square root of the mean squared error of one row over all its bands and pixels, on "
            "the scale [0, 1]; 0 is perfect. Mean over rows (not the root of a pooled mean)."
        ),
        high=1,
    ),
    _distortion(
        name="psnr",
        label="PSNR",
        unit="dB",
        higher_is_better=True,
        computed=_of("psnr"),
        definition=(
            "10 log10(1 / MSE), data range 1, MSE of one row over all its bands and pixels; at "
            f"most {PSNR_CAP:g} dB, which is what identical images get. Mean over rows (not the "
            "PSNR of a pooled MSE). Between floor and ceiling, the scale ends at "
            f"{PSNR_SCALE_END:g} dB, below the noise of the sensors."
        ),
        high=PSNR_CAP,
        scale_end=PSNR_SCALE_END,
        shown=frozenset({"parts", "board"}),
    ),
    _distortion(
        name="ssim",
        label="SSIM",
        higher_is_better=True,
        computed=_of("ssim"),
        in_skill=True,
        definition=(
            f"Structural similarity (Wang et al. 2004): Gaussian window of {SSIM_WINDOW} px, "
            f"σ = {SSIM_SIGMA:g}, population covariance, K1 = {SSIM_K[0]:g}, K2 = {SSIM_K[1]:g}, "
            f"data range 1, borders of {SSIM_WINDOW // 2} px cropped, no down-sampling; mean over "
            "pixels, then over bands, then over rows. From -1 to 1, 1 is perfect."
        ),
        low=-1,
        high=1,
        shown=frozenset({"parts", "board"}),
    ),
    _distortion(
        name="sam",
        label="SAM",
        unit="°",
        higher_is_better=False,
        computed=_of("sam"),
        in_skill=True,
        definition=(
            "Spectral angle between prediction and truth at each pixel, in degrees and float64; "
            "both spectra zero: 0°, exactly one of them zero: 90°. Mean over pixels, then over "
            "rows. From 0 to 90 for non-negative spectra, 0 is perfect; blind to the brightness "
            "of a pixel."
        ),
        high=180,
        shown=frozenset({"parts", "board"}),
    ),
    _distortion(
        name="ergas",
        label="ERGAS",
        higher_is_better=False,
        computed=_of("ergas"),
        definition=(
            "Relative dimensionless global error (Wald 2000): 100 / ratio · sqrt(mean over bands "
            "of (RMSE / mean of the truth)²) of one row, where the mean of a band is at least "
            f"{ERGAS_FLOOR:g} and ratio is the pixel size of the input over that of the output (4 "
            "for super-resolution by 4, 1 where the grid stays). Mean over rows; 0 is perfect."
        ),
    ),
    _distortion(
        name="uiqi",
        label="UIQI",
        higher_is_better=True,
        computed=_of("uiqi"),
        definition=(
            f"Universal image quality index (Wang & Bovik 2002): uniform windows of {UIQI_WINDOW} "
            f"× {UIQI_WINDOW} px at every position inside the image; mean over windows, then over "
            "bands, then over rows. From -1 to 1, 1 is perfect. Two constant windows score "
            "2·mx·my / (mx² + my²), and 1 if both are zero; constant (zero) means a variance "
            f"(squared mean), summed over both images, of at most {UIQI_FLAT:g}."
        ),
        low=-1,
        high=1,
    ),
    _distortion(
        name="ndvi_mae",
        label="NDVI-MAE",
        higher_is_better=False,
        computed=_of("ndvi_mae"),
        definition=(
            "Mean absolute error of the vegetation index (NIR - red) / (NIR + red) over the "
            f"pixels of one row, where the index is 0 if NIR + red is below {NDVI_FLOOR:g}, and "
            "NaN if either is. Mean over rows. From 0 to 2, 0 is perfect."
        ),
        high=2,
        bands=frozenset({"red", "nir"}),
    ),
)
