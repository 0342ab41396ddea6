"""Where libraries of image metrics disagree with each other and with us, on one pair of images.

python benchmarks/libraries.py

Test scene 900000 of size toy at time step 10: the truth of super-resolution, and its input
enlarged by cubic interpolation.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import piq
import sewar
import torch
import torchmetrics.functional.image as tm
from scipy.ndimage import zoom
from sewar.utils import Filter
from skimage import metrics as sk

from vrs_bench.columns import SCALE, restore
from vrs_bench.metrics.distortion import ergas, psnr, sam
from vrs_bench.metrics.multi_scale import ms_ssim
from vrs_bench.metrics.similarity import SSIM_WINDOW
from vrs_bench.metrics.structural import ssim, uiqi
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import bind
from vrs_bench.world.scene import make_scene
from vrs_bench.world.splits import SPLITS

STEP = 10
LIBRARIES = ("scikit-image", "torchmetrics", "piq", "sewar")
WINDOW = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
Values = dict[str, float]


def main() -> None:
    """Print the table."""
    x, y = pair()
    head = ("metric", "settings", "vrs_bench", *(f"{n} {version(n)}" for n in LIBRARIES), "why")
    lines = [head, ("---",) * len(head)]
    for metric, settings, values_of, why in LINES:
        values = values_of(x, y)
        cells = (f"{values[n]:.5f}" if n in values else "–" for n in ("vrs_bench", *LIBRARIES))
        lines.append((metric, settings, *cells, why))
    for line in lines:
        print(f"| {' | '.join(line)} |")


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Return prediction and truth, (band, height, width) float64 in [0, 1]."""
    task = bind("super_res", load_recipe(BenchmarkRecipe, "toy"))
    rows = task.rows(make_scene(task.world, SPLITS["test"]))
    row = next(row for row in rows if row["time_step"] == STEP)
    low, truth = (restore(row[name]).astype(np.float64) for name in (task.main_input, task.target))
    ratio = (1, task.gsd_ratio, task.gsd_ratio)
    enlarged = zoom(low, ratio, order=3, mode="nearest", grid_mode=True)
    return np.clip(enlarged, 0, 1), truth


def last(image: np.ndarray) -> np.ndarray:
    """Return (height, width, band), as sewar has it."""
    return np.moveaxis(image, 0, -1)


def batch(image: np.ndarray) -> torch.Tensor:
    """Return (1, band, height, width), as torchmetrics and piq have it."""
    return torch.from_numpy(image)[None]


def bands(image: np.ndarray) -> torch.Tensor:
    """Return each band as an image of its own, (band, 1, height, width)."""
    return torch.from_numpy(image)[:, None]


def psnr_default(x: np.ndarray, y: np.ndarray) -> Values:
    return {
        "vrs_bench": float(psnr(x, y)),
        "scikit-image": sk.peak_signal_noise_ratio(y, x),
        "torchmetrics": float(tm.peak_signal_noise_ratio(batch(x), batch(y), data_range=1.0)),
        "piq": float(piq.psnr(batch(x), batch(y))),
        "sewar": sewar.psnr(last(y), last(x)),
    }


def psnr_integers(x: np.ndarray, y: np.ndarray) -> Values:
    x, y = (np.rint(last(image) * SCALE).astype(np.uint16) for image in (x, y))
    return {"scikit-image": sk.peak_signal_noise_ratio(y, x), "sewar": sewar.psnr(y, x)}


def ssim_default(x: np.ndarray, y: np.ndarray) -> Values:
    return {
        "vrs_bench": float(ssim(x, y)),
        "scikit-image": sk.structural_similarity(y, x, channel_axis=0, data_range=1),
        "torchmetrics": float(tm.structural_similarity_index_measure(batch(x), batch(y))),
        "piq": float(piq.ssim(batch(x), batch(y))),
        "sewar": sewar.ssim(last(y), last(x))[0],
    }


def ssim_large(x: np.ndarray, y: np.ndarray) -> Values:
    x, y = (np.tile(image, (1, 2, 2)) for image in (x, y))
    return {"vrs_bench": float(ssim(x, y)), "piq": float(piq.ssim(batch(x), batch(y)))}


def ssim_agreeing(x: np.ndarray, y: np.ndarray) -> Values:
    crop = slice(SSIM_WINDOW // 2, -(SSIM_WINDOW // 2))
    _, whole = tm.structural_similarity_index_measure(
        batch(x), batch(y), data_range=1.0, return_full_image=True
    )
    gaussian = {"fltr": Filter.GAUSSIAN, "sigma": 1.5, "ws": SSIM_WINDOW}
    return {
        "vrs_bench": float(ssim(x, y)),
        "scikit-image": sk.structural_similarity(y, x, channel_axis=0, data_range=1, **WINDOW),
        "torchmetrics": float(whole[..., crop, crop].mean()),
        "piq": float(piq.ssim(batch(x), batch(y), downsample=False)),
        "sewar": sewar.ssim(last(y), last(x), fltr_specs=gaussian)[0],
    }


def ms_ssim_default(x: np.ndarray, y: np.ndarray) -> Values:
    by_scale = tm.multiscale_structural_similarity_index_measure(batch(x), batch(y))
    return {
        "vrs_bench": float(ms_ssim(x, y)),
        "torchmetrics": float(by_scale),
        "piq": float(piq.multi_scale_ssim(batch(x), batch(y))),
        "sewar": float(sewar.msssim(last(y), last(x))),
    }


def ms_ssim_agreeing(x: np.ndarray, y: np.ndarray) -> Values:
    by_band = tm.multiscale_structural_similarity_index_measure(bands(x), bands(y), data_range=1.0)
    return {
        "vrs_bench": float(ms_ssim(x, y)),
        "torchmetrics": float(by_band),
        "piq": float(piq.multi_scale_ssim(batch(x), batch(y))),
    }


def sam_default(x: np.ndarray, y: np.ndarray) -> Values:
    return {
        "vrs_bench": float(sam(x, y)),
        "torchmetrics": float(tm.spectral_angle_mapper(batch(x), batch(y))),
        "sewar": float(sewar.sam(last(y), last(x))),
    }


def sam_degrees(x: np.ndarray, y: np.ndarray) -> Values:
    values = sam_default(x, y)
    turned = {name: float(np.degrees(values[name])) for name in ("torchmetrics", "sewar")}
    return values | turned


def sam_without_data(x: np.ndarray, y: np.ndarray) -> Values:
    x = x.copy()
    x[:, 0, 0] = 0
    return sam_degrees(x, y)


def ergas_default(x: np.ndarray, y: np.ndarray) -> Values:
    ratio_of_sizes = tm.error_relative_global_dimensionless_synthesis(batch(x), batch(y))
    return {
        "vrs_bench": float(ergas(x, y)),
        "torchmetrics": float(ratio_of_sizes),
        "sewar": sewar.ergas(last(y), last(x)),
    }


def ergas_misread(x: np.ndarray, y: np.ndarray) -> Values:
    inverse = tm.error_relative_global_dimensionless_synthesis(batch(x), batch(y), ratio=0.25)
    return {
        "vrs_bench": float(ergas(x, y, ratio=0.25)),
        "torchmetrics": float(inverse),
        "sewar": sewar.ergas(last(y), last(x), r=4),
    }


def uiqi_default(x: np.ndarray, y: np.ndarray) -> Values:
    return {
        "vrs_bench": float(uiqi(x, y)),
        "torchmetrics": float(tm.universal_image_quality_index(batch(x), batch(y))),
        "sewar": sewar.uqi(last(y), last(x)),
    }


def uiqi_agreeing(x: np.ndarray, y: np.ndarray) -> Values:
    no_constants = sewar.ssim(last(y), last(x), ws=8, K1=1e-9, K2=1e-9)[0]
    return {"vrs_bench": float(uiqi(x, y)), "sewar": no_constants}


LINES: tuple[tuple[str, str, Callable[[np.ndarray, np.ndarray], Values], str], ...] = (
    (
        "PSNR, dB",
        "default; range 1 for torchmetrics, which has no default",
        psnr_default,
        "Agree on one image of floats, but for piq, which adds 1e-8 to the MSE. On a batch, "
        "scikit-image and torchmetrics pool one MSE over all images; piq and we do not.",
    ),
    (
        "PSNR, dB",
        "the published uint16 values as they are",
        psnr_integers,
        "Range: taken from the type, 65535, where 10000 stands for 1: 16.3 dB too much. We refuse "
        "integers.",
    ),
    (
        "SSIM",
        "default; range 1 for scikit-image, which has no default for floats",
        ssim_default,
        "Window and covariance: scikit-image 7 px, uniform, sample covariance; sewar 11 px, "
        "uniform; the others 11 px, Gaussian. Range: torchmetrics takes max - min of the images "
        "(here 0.49). Border: torchmetrics reflects it and counts it, the others crop it.",
    ),
    (
        "SSIM",
        "default; both images repeated to 512 px",
        ssim_large,
        "Size: from 384 px on piq halves (and so on) the images first.",
    ),
    (
        "SSIM",
        "Gaussian 11 px, σ 1.5, population covariance, range 1, borders cropped, no down-sampling",
        ssim_agreeing,
        "Agree; the border of torchmetrics' full map must be cropped by hand.",
    ),
    (
        "MS-SSIM",
        "default",
        ms_ssim_default,
        "Range: torchmetrics takes max - min. Bands: torchmetrics and sewar average them at every "
        "scale, piq and we multiply the scales of each. Halving: sewar also averages neighbouring "
        "bands.",
    ),
    (
        "MS-SSIM",
        "range 1, bands apart",
        ms_ssim_agreeing,
        "Border: torchmetrics counts that of the coarsest scale.",
    ),
    (
        "SAM",
        "default",
        sam_default,
        "Unit: radians there, degrees here. Axis: sewar takes (height, width, band), the others "
        "the band first; the wrong one is not noticed.",
    ),
    ("SAM, °", "all in degrees", sam_degrees, "Agree."),
    (
        "SAM, °",
        "in degrees; one pixel of the prediction set to zero",
        sam_without_data,
        "Zeros: 90° for that pixel here, NaN for the whole image in torchmetrics, left out in "
        "sewar.",
    ),
    (
        "ERGAS",
        "default",
        ergas_default,
        "Agree: 100/4, asked for as ratio = 4 or, in sewar, as r = 1/4. Order: the mean is the "
        "truth's, which sewar takes first.",
    ),
    (
        "ERGAS",
        "ratio 1/4; r = 4 for sewar",
        ergas_misread,
        "Ratio convention: the wrong way round it is 16 times too much.",
    ),
    (
        "UIQI",
        "default",
        uiqi_default,
        "Window: uniform 8 px here, Gaussian 11 px in torchmetrics. sewar has 8 px too, but puts "
        "means into a formula of sums: products count 64 times, and brightness hides structure.",
    ),
    (
        "UIQI",
        "SSIM of sewar with uniform windows of 8 px and K1 = K2 = 1e-9",
        uiqi_agreeing,
        "Agree: UIQI is SSIM without constants.",
    ),
)
"""Metric, settings, the values at these, and why they differ."""


if __name__ == "__main__":
    main()
