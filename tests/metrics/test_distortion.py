"""Pixel-wise metrics against hand-made examples, scikit-image, torchmetrics and their own laws."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import skimage.metrics
import torch
import torchmetrics.functional.image as torch_image
from hypothesis import given, settings
from hypothesis import strategies as st

from vrs_bench.errors import BenchError
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.distortion import (
    ERGAS_FLOOR,
    absolute_error_map,
    ergas,
    mae,
    ndvi_mae,
    psnr,
    rmse,
    sam,
    sam_map,
)
from vrs_bench.metrics.structural import ssim, uiqi
from vrs_bench.types import Array, Doubles

Function = Callable[..., Doubles]
PER_ROW: dict[str, Function] = {
    "mae": mae,
    "rmse": rmse,
    "psnr": psnr,
    "ssim": ssim,
    "sam": sam,
    "ergas": ergas,
    "uiqi": uiqi,
    "ndvi_mae": ndvi_mae,
}
PERFECT = dict.fromkeys(PER_ROW, 0.0) | {"psnr": 80.0, "ssim": 1.0, "uiqi": 1.0}
DISTORTION = {name: metric for name, metric in METRICS.items() if metric.group == "distortion"}
MAPS = {"absolute_error_map": absolute_error_map, "sam_map": sam_map}

every_metric = pytest.mark.parametrize("name", PER_ROW)
every_function = pytest.mark.parametrize("function", [*PER_ROW.values(), *MAPS.values()])
seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(4, 6), st.integers(11, 30), st.integers(11, 30))


def pair(seed: int, shape: tuple[int, ...] = (4, 24, 33), noise: float = 0.05) -> list[Doubles]:
    """Return a noisy prediction and a truth whose bands differ in level and structure."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[-2], : shape[-1]]
    slope = rng.uniform(-0.2, 0.2, (*shape[:-2], 1, 1))
    truth = 0.4 + slope * np.sin(rows / 5) * np.cos(columns / 7) + 0.1 * rng.uniform(size=shape)
    return [np.clip(truth + noise * rng.normal(size=shape), 0, 1), truth]


def image(*spectra: tuple[float, ...]) -> Doubles:
    """Return a (band, 1, pixel) image from the spectra of its pixels."""
    return np.array(spectra, dtype=np.float64).T[:, None]


def t(array: Array) -> torch.Tensor:
    return torch.from_numpy(array)


# Definitions


def test_every_metric_is_defined_in_words() -> None:
    assert list(DISTORTION) == list(PER_ROW)
    for name, metric in DISTORTION.items():
        assert metric.name == name
        assert metric.definition.endswith(".")
        assert metric.higher_is_better == (name in ("psnr", "ssim", "uiqi"))
    assert "80 dB" in DISTORTION["psnr"].definition
    assert "100 / ratio" in DISTORTION["ergas"].definition


# What all of them share


@every_metric
def test_leading_axes_are_kept_and_rows_are_independent(name: str) -> None:
    prediction, truth = pair(1, (2, 3, 4, 24, 33))
    together = PER_ROW[name](prediction, truth)
    assert together.shape == (2, 3)
    assert together.dtype == np.float64
    for i in np.ndindex(2, 3):
        alone = PER_ROW[name](prediction[i], truth[i])
        assert np.shape(alone) == ()
        assert alone == together[i]
    assert PER_ROW[name](prediction[:0], truth[:0]).shape == (0, 3)


@pytest.mark.parametrize("name", MAPS)
def test_maps_have_a_value_a_pixel_and_the_metric_is_their_mean(name: str) -> None:
    prediction, truth = pair(2, (3, 2, 5, 24, 33))
    values = MAPS[name](prediction, truth)
    assert values.shape == (3, 2, 24, 33)
    assert values.dtype == np.float64
    metric = {"absolute_error_map": mae, "sam_map": sam}[name]
    np.testing.assert_allclose(values.mean(axis=(-2, -1)), metric(prediction, truth), rtol=1e-12)
    np.testing.assert_array_equal(MAPS[name](prediction[1, 0], truth[1, 0]), values[1, 0])


@every_metric
@given(seed=seeds, shape=shapes)
@settings(max_examples=20, deadline=None)
def test_the_truth_itself_scores_perfectly(name: str, seed: int, shape: tuple[int, ...]) -> None:
    truth = np.random.default_rng(seed).uniform(size=shape)
    # SAM's residual is a rounding error of the spectrum: 1e-16 rad, in degrees.
    tolerance = 1e-13 if name == "sam" else 0
    for dtype in (np.float32, np.float64):
        score = PER_ROW[name](truth.astype(dtype), truth.astype(dtype))
        assert score == pytest.approx(PERFECT[name], abs=tolerance, rel=0)


@every_metric
def test_a_worse_prediction_scores_worse(name: str) -> None:
    scores = [float(PER_ROW[name](*pair(3, noise=noise))) for noise in (0.01, 0.03, 0.1)]
    assert scores == sorted(scores, reverse=DISTORTION[name].higher_is_better)
    assert len(set(scores)) == 3


@pytest.mark.parametrize("name", ["mae", "rmse", "psnr", "ssim", "sam", "uiqi", "ndvi_mae"])
@given(seed=seeds, shape=shapes)
@settings(max_examples=20, deadline=None)
def test_prediction_and_truth_may_be_exchanged(
    name: str, seed: int, shape: tuple[int, ...]
) -> None:
    prediction, truth = pair(seed, shape)
    forth, back = PER_ROW[name](prediction, truth), PER_ROW[name](truth, prediction)
    assert forth == pytest.approx(back, rel=1e-9)


@every_metric
def test_float32_gives_the_value_of_float64(name: str) -> None:
    prediction, truth = (array.astype(np.float32) for array in pair(4, (4, 60, 70)))
    wide = PER_ROW[name](prediction.astype(np.float64), truth.astype(np.float64))
    assert PER_ROW[name](prediction, truth) == pytest.approx(wide, rel=2e-7)
    assert PER_ROW[name](prediction, truth.astype(np.float64)) == pytest.approx(wide, rel=2e-7)


@every_function
def test_views_are_read_as_they_are_and_left_unchanged(function: Function) -> None:
    prediction, truth = pair(5)
    expected = function(prediction, truth)
    views = [np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0) for a in (prediction, truth)]
    for view in views:
        view.flags.writeable = False
        assert not view.flags.c_contiguous
    np.testing.assert_allclose(function(*views), expected, rtol=1e-6)
    np.testing.assert_array_equal(views[0], prediction)
    np.testing.assert_array_equal(views[1], truth)


@every_metric
def test_temporaries_do_not_grow_with_the_stack(name: str) -> None:
    def peak(rows: int) -> int:
        prediction, truth = np.full((2, rows, 4, 64, 64), 0.5, np.float32)
        tracemalloc.start()
        PER_ROW[name](prediction, truth)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(32) < peak(2) + 100_000  # the 30 rows more take 2 MB


@every_function
@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.zeros((4, 16, 16)), np.zeros((4, 16, 15)), r"\(4, 16, 16\) and \(4, 16, 15\)"),
        (np.zeros((1, 4, 16, 16)), np.zeros((4, 16, 16)), "expected one shape"),
        (np.zeros((4, 16, 16), np.uint16), np.zeros((4, 16, 16)), "prediction: .*got uint16"),
        (np.zeros((4, 16, 16)), np.zeros((4, 16, 16), bool), "truth: .*got bool"),
        (np.zeros((4, 16, 16), np.float16), np.zeros((4, 16, 16)), "float32 or float64"),
        (np.zeros((16, 16)), np.zeros((16, 16)), r"\(\.\.\., band, height, width\)"),
        (np.zeros((0, 16, 16)), np.zeros((0, 16, 16)), "at least one band"),
        (np.zeros((4, 16, 0)), np.zeros((4, 16, 0)), "got 4 of 16 x 0"),
    ],
)
def test_bad_input_is_refused(
    function: Function, prediction: Array, truth: Array, message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        function(prediction, truth)


# MAE, RMSE, PSNR


def test_mae_and_rmse_by_hand() -> None:
    truth = np.zeros((2, 1, 2))
    prediction = np.array([[[0.1, -0.3]], [[0.0, 0.2]]])
    assert mae(prediction, truth) == pytest.approx(0.15)
    assert rmse(prediction, truth) == pytest.approx(np.sqrt(0.14 / 4))
    np.testing.assert_allclose(absolute_error_map(prediction, truth), [[0.05, 0.25]])


def test_rmse_and_psnr_are_those_of_scikit_image() -> None:
    prediction, truth = pair(6)
    mse = skimage.metrics.mean_squared_error(truth, prediction)
    assert rmse(prediction, truth) == pytest.approx(np.sqrt(mse), rel=1e-12)
    reference = skimage.metrics.peak_signal_noise_ratio(truth, prediction, data_range=1)
    assert psnr(prediction, truth) == pytest.approx(reference, rel=1e-12)


def test_psnr_is_of_the_row_and_not_pooled() -> None:
    truth = np.zeros((2, 4, 5, 5))
    prediction = truth + np.array([0.1, 0.001])[:, None, None, None]
    np.testing.assert_allclose(psnr(prediction, truth), [20, 60])
    pooled = -10 * np.log10(np.mean((prediction - truth) ** 2))
    assert abs(psnr(prediction, truth).mean() - pooled) > 15


def test_psnr_takes_one_mse_over_all_bands() -> None:
    prediction = np.zeros((2, 5, 5))
    prediction[0] = 0.1
    assert psnr(prediction, np.zeros((2, 5, 5))) == pytest.approx(10 * np.log10(200))


@pytest.mark.parametrize(("error", "expected"), [(0, 80), (1e-5, 80), (1e-4, 80), (2e-4, 73.9794)])
def test_psnr_is_capped(error: float, expected: float) -> None:
    truth = np.full((3, 8, 8), 0.25)
    assert psnr(truth + error, truth) == pytest.approx(expected, abs=1e-4)


@given(seed=seeds, gain=st.floats(1.01, 50))
@settings(max_examples=50, deadline=None)
def test_psnr_falls_by_20_decibels_for_ten_times_the_error(seed: int, gain: float) -> None:
    error = np.random.default_rng(seed).normal(size=(3, 9, 9)) * 0.01
    zero = np.zeros_like(error)
    fall = psnr(error, zero) - psnr(gain * error, zero)
    assert fall == pytest.approx(20 * np.log10(gain), abs=1e-9)


# SAM


def test_sam_by_hand() -> None:
    pairs = [
        ((0.2, 0.4, 0.1), (0.2, 0.4, 0.1), 0),
        ((0.2, 0.4, 0.1), (0.4, 0.8, 0.2), 0),
        ((1, 0, 0), (1, 1, 0), 45),
        ((0.3, 0, 0), (0, 0, 0.7), 90),
        ((0, 0, 0), (0, 0, 0), 0),
        ((0, 0, 0), (0.1, 0.2, 0.3), 90),
        ((0.1, 0.2, 0.3), (0, 0, 0), 90),
        ((1, 0, 0), (1, np.sqrt(3), 0), 60),
        ((1, 0, 0), (-1, 0, 0), 180),
        ((1e-4, 0, 0), (1, 1, 0), 45),
    ]
    predictions, truths, expected = zip(*pairs, strict=True)
    prediction, truth = image(*predictions), image(*truths)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        angles = sam_map(prediction.astype(dtype), truth.astype(dtype))
        np.testing.assert_allclose(angles[0], expected, atol=tolerance)
    assert sam(prediction, truth) == pytest.approx(np.mean(expected))


def test_sam_of_images_of_zeros_has_no_nan() -> None:
    zeros = np.zeros((4, 6, 6), np.float32)
    assert sam(zeros, zeros) == 0
    assert sam(zeros, zeros + 0.5) == 90
    assert sam(zeros + 0.5, zeros) == 90


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_sam_is_along_bands_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.1, 1, (4, 5, 5))
    of_pixels = rng.uniform(0.1, 1, (1, 5, 5))
    assert sam(truth * of_pixels, truth) == pytest.approx(0, abs=1e-12)
    of_bands = np.array([0.2, 1, 1, 1])[:, None, None]
    assert sam(truth * of_bands, truth) > 1


@pytest.mark.parametrize("degrees", [1e-10, 1e-7, 1e-4, 0.3, 44, 89.9999, 179.9999])
@pytest.mark.parametrize("turn", [0, 0.3, 0.9])
def test_sam_is_accurate_at_every_angle(degrees: float, turn: float) -> None:
    angle = np.radians(degrees)
    u = np.array([np.cos(turn), np.sin(turn), 0, 0])
    v = np.array([-np.sin(turn), np.cos(turn), 0, 0])
    truth = image(tuple(0.7 * u))
    prediction = image(tuple(0.1 * (np.cos(angle) * u + np.sin(angle) * v)))
    assert sam(prediction, truth) == pytest.approx(degrees, abs=2e-14, rel=1e-12)


def test_sam_is_that_of_torchmetrics_but_in_degrees() -> None:
    prediction, truth = pair(7, (2, 4, 20, 30), noise=0.1)
    reference = torch_image.spectral_angle_mapper(t(prediction), t(truth), reduction="none")
    np.testing.assert_allclose(sam_map(prediction, truth), np.degrees(reference.numpy()), rtol=1e-6)
    assert sam(prediction, truth).min() > 1


def test_sam_of_a_wide_image_is_that_of_its_parts() -> None:
    prediction, truth = pair(8, (4, 9, 5000))
    parts = [sam_map(prediction[:, :, i : i + 50], truth[:, :, i : i + 50]) for i in (0, 4950)]
    whole = sam_map(prediction, truth)
    np.testing.assert_array_equal(whole[:, :50], parts[0])
    np.testing.assert_array_equal(whole[:, 4950:], parts[1])


# ERGAS


def test_ergas_by_hand() -> None:
    truth = np.stack([np.full((3, 3), 0.5), np.full((3, 3), 0.25)])
    prediction = truth + 0.1  # relative errors 0.2 and 0.4
    relative = np.sqrt((0.2**2 + 0.4**2) / 2)
    assert ergas(prediction, truth) == pytest.approx(25 * relative)
    assert ergas(prediction, truth, ratio=1) == pytest.approx(100 * relative)
    assert ergas(prediction, truth, ratio=2) == pytest.approx(50 * relative)


def test_ergas_divides_by_the_mean_of_the_truth() -> None:
    low, high = np.full((1, 3, 3), 0.2), np.full((1, 3, 3), 0.4)
    assert ergas(low, high, ratio=1) == pytest.approx(50)
    assert ergas(high, low, ratio=1) == pytest.approx(100)


def test_ergas_of_a_black_band_is_finite() -> None:
    truth = np.zeros((1, 4, 4))
    assert ergas(truth + 0.01, truth, ratio=1) == pytest.approx(100 * 0.01 / ERGAS_FLOOR)
    assert ERGAS_FLOOR == 1e-3


def test_ergas_is_that_of_torchmetrics() -> None:
    """Both divide by ratio = GSD of the input / GSD of the output (torchmetrics since 1.9)."""
    prediction, truth = pair(9, (3, 4, 20, 30))
    for ratio in (1.0, 4.0):
        reference = torch_image.error_relative_global_dimensionless_synthesis(
            t(prediction), t(truth), ratio=ratio, reduction="none"
        )
        np.testing.assert_allclose(ergas(prediction, truth, ratio), reference, rtol=1e-12)


@pytest.mark.parametrize("ratio", [0, -4, np.nan])
def test_ergas_refuses_a_ratio_not_above_zero(ratio: float) -> None:
    with pytest.raises(BenchError, match=f"ratio: expected a number above 0, got {ratio}"):
        ergas(*pair(0), ratio=ratio)


# NDVI


def test_ndvi_mae_by_hand() -> None:
    # blue, green, red, NIR
    truth = image((0, 0, 0.1, 0.3), (0, 0, 0.2, 0.2), (0.9, 0.9, 0, 0), (0, 0, 0.1, 0.3))
    prediction = image((1, 1, 0.1, 0.3), (0, 0, 0.3, 0.1), (0, 0, 0, 0.5), (0, 0, 3e-4, 6e-4))
    # NDVI of the truth: 0.5, 0, undefined = 0, 0.5; of the prediction: 0.5, -0.5, 1, undefined = 0.
    assert ndvi_mae(prediction, truth) == pytest.approx((0 + 0.5 + 1 + 0.5) / 4)


@pytest.mark.parametrize("band", [2, 3])
@pytest.mark.parametrize("which", [0, 1])
def test_nan_in_a_band_of_ndvi_shows(band: int, which: int) -> None:
    images = tuple(image.copy() for image in pair(0))
    images[which][..., band, 3, 4] = np.nan
    assert np.isnan(ndvi_mae(*images)).all()


def test_ndvi_bands_can_be_named() -> None:
    prediction, truth = pair(10, (6, 12, 12))
    there = [array[[0, 1, 5, 4, 2, 3]] for array in (prediction, truth)]
    expected = ndvi_mae(prediction, truth)
    assert ndvi_mae(*there, red=4, nir=5) == expected
    assert ndvi_mae(*there) != expected


def test_ndvi_at_the_floor_is_defined_in_both_precisions() -> None:
    """Ten quanta of the published scale are exactly the floor, whatever float32 makes of them."""
    quanta = np.arange(11)
    truth = np.zeros((4, 1, 11))
    truth[2, 0], truth[3, 0] = quanta / 10_000, (10 - quanta) / 10_000
    expected = np.mean(np.abs(10 - 2 * quanta) / 10)
    for dtype in (np.float64, np.float32):
        assert ndvi_mae(np.zeros_like(truth, dtype), truth.astype(dtype)) == pytest.approx(expected)
    below = truth * 0.999
    assert ndvi_mae(np.zeros_like(below), below) == 0


@pytest.mark.parametrize(("red", "nir"), [(2, 4), (4, 3), (-1, 3), (2, -1), (3, 3)])
def test_ndvi_refuses_bands_that_are_not_there(red: int, nir: int) -> None:
    with pytest.raises(BenchError, match=f"two of the bands 0 to 3, got {red} and {nir}"):
        ndvi_mae(*pair(0), red=red, nir=nir)


def test_ndvi_refuses_too_few_bands() -> None:
    with pytest.raises(BenchError, match="two of the bands 0 to 2, got 2 and 3"):
        ndvi_mae(*pair(0, (3, 12, 12)))
