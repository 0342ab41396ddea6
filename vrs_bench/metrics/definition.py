"""What each metric is, in words: the source of the tables in BENCHMARK.md and of result files."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vrs_bench.metrics.distortion import ERGAS_FLOOR, NDVI_FLOOR, PSNR_CAP
from vrs_bench.metrics.structural import SSIM_K, SSIM_SIGMA, SSIM_WINDOW, UIQI_FLAT, UIQI_WINDOW

VERSION = "1"
"""Version of the definitions; it changes when any value of any metric may change."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: the key in result files.
        label: the heading in tables.
        unit: ``""`` where there is none.
        higher_is_better: the direction.
        definition: range, window, units, reduction and edge rules, in words.
        low, high: between which every value lies.
        group: ``distortion``, ``perceptual``, ``downstream`` or ``consistency``.
        of_split: whether it is one number for a whole split, without values by scene.
        version: the :data:`VERSION` of the definition.
    """

    name: str
    label: str
    unit: str
    higher_is_better: bool
    definition: str
    low: float = 0.0
    high: float = math.inf
    group: str = "distortion"
    of_split: bool = False
    version: str = VERSION


_DISTORTION = (
    Metric(
        "mae",
        "MAE",
        "",
        False,
        "Mean absolute error of one row over all its bands and pixels, on the scale [0, 1]; "
        "0 is perfect. Mean over rows.",
        high=1,
    ),
    Metric(
        "rmse",
        "RMSE",
        "",
        False,
        "Square root of the mean squared error of one row over all its bands and pixels, on the "
        "scale [0, 1]; 0 is perfect. Mean over rows (not the root of a pooled mean).",
        high=1,
    ),
    Metric(
        "psnr",
        "PSNR",
        "dB",
        True,
        "10 log10(1 / MSE), data range 1, MSE of one row over all its bands and pixels; at most "
        f"{PSNR_CAP:g} dB, which is what identical images get. Mean over rows (not the PSNR of a "
        "pooled MSE).",
        high=PSNR_CAP,
    ),
    Metric(
        "ssim",
        "SSIM",
        "",
        True,
        f"Structural similarity (Wang et al. 2004): Gaussian window of {SSIM_WINDOW} px, "
        f"σ = {SSIM_SIGMA:g}, population covariance, K1 = {SSIM_K[0]:g}, K2 = {SSIM_K[1]:g}, data "
        f"range 1, borders of {SSIM_WINDOW // 2} px cropped, no down-sampling; mean over pixels, "
        "then over bands, then over rows. From -1 to 1, 1 is perfect.",
        low=-1,
        high=1,
    ),
    Metric(
        "sam",
        "SAM",
        "°",
        False,
        "Spectral angle between prediction and truth at each pixel, in degrees and float64; both "
        "spectra zero: 0°, exactly one of them zero: 90°. Mean over pixels, then over rows. From "
        "0 to 90 for non-negative spectra, 0 is perfect; blind to the brightness of a pixel.",
        high=180,
    ),
    Metric(
        "ergas",
        "ERGAS",
        "",
        False,
        "Relative dimensionless global error (Wald 2000): 100 / ratio · sqrt(mean over bands of "
        "(RMSE / mean of the truth)²) of one row, where the mean of a band is at least "
        f"{ERGAS_FLOOR:g} and ratio is the pixel size of the input over that of the output (4 for "
        "super-resolution by 4, 1 where the grid stays). Mean over rows; 0 is perfect.",
    ),
    Metric(
        "uiqi",
        "UIQI",
        "",
        True,
        f"Universal image quality index (Wang & Bovik 2002): uniform windows of {UIQI_WINDOW} × "
        f"{UIQI_WINDOW} px at every position inside the image; mean over windows, then over "
        "bands, then over rows. From -1 to 1, 1 is perfect. Two constant windows score "
        "2·mx·my / (mx² + my²), and 1 if both are zero; constant (zero) means a variance (squared "
        f"mean), summed over both images, of at most {UIQI_FLAT:g}.",
        low=-1,
        high=1,
    ),
    Metric(
        "ndvi_mae",
        "NDVI-MAE",
        "",
        False,
        "Mean absolute error of the vegetation index (NIR - red) / (NIR + red) over the pixels of "
        f"one row, where the index is 0 if NIR + red is below {NDVI_FLOOR:g}. Mean over rows. From "
        "0 to 2, 0 is perfect.",
        high=2,
    ),
)

DISTORTION: dict[str, Metric] = {metric.name: metric for metric in _DISTORTION}
