"""SSIM and UIQI against scikit-image, piq, their formulas written out, and hand-made examples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import piq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from skimage.metrics import structural_similarity

from vrs_bench.errors import BenchError
from vrs_bench.metrics.structural import ssim, uiqi
from vrs_bench.types import Array, Doubles

# Smallest, odd, taller and wider than the strips that bands are cut into, one pixel into a tile.
SHAPES = [(1, 11, 11), (3, 29, 43), (2, 60, 3001), (2, 3001, 60), (1, 12, 27), (1, 300, 301)]
Metric = Callable[[Array, Array], Doubles]
seeds = st.integers(0, 2**32 - 1)


def pair(seed: int, shape: tuple[int, ...] = (3, 40, 50), noise: float = 0.05) -> list[Doubles]:
    """Return a noisy, darkened prediction and a truth of waves, an edge and texture."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[-2], : shape[-1]]
    truth = 0.4 + 0.2 * np.sin(rows / 5 + rng.uniform(0, 6, (*shape[:-2], 1, 1)))
    truth = truth + 0.2 * (columns > shape[-1] / 2) + 0.05 * rng.normal(size=shape)
    return [np.clip(0.9 * truth + noise * rng.normal(size=shape), 0, 1), np.clip(truth, 0, 1)]


def ssim_of_scikit_image(prediction: Array, truth: Array) -> float:
    bands = [
        structural_similarity(
            x.astype(np.float64),
            y.astype(np.float64),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
        )
        for x, y in zip(prediction, truth, strict=True)
    ]
    return float(np.mean(bands))


def uiqi_written_out(prediction: Array, truth: Array, ddof: int) -> float:
    """Return equation 2 of the paper at every window, with means and (co)variances as they are."""
    windows = [sliding_window_view(a, (8, 8), axis=(-2, -1)) for a in (prediction, truth)]
    x, y = (w.reshape(*w.shape[:3], 64) for w in windows)
    mx, my = x.mean(axis=-1), y.mean(axis=-1)
    covariance = ((x - mx[..., None]) * (y - my[..., None])).sum(axis=-1) / (64 - ddof)
    variances = x.var(axis=-1, ddof=ddof) + y.var(axis=-1, ddof=ddof)
    return float(np.mean(4 * covariance * mx * my / (variances * (mx**2 + my**2))))


# SSIM


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ssim_is_that_of_scikit_image(shape: tuple[int, ...], dtype: type) -> None:
    prediction, truth = (array.astype(dtype) for array in pair(1, shape))
    assert ssim(prediction, truth) == pytest.approx(
        ssim_of_scikit_image(prediction, truth), abs=1e-7
    )


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.1])
def test_ssim_is_that_of_scikit_image_on_hard_images(noise: float) -> None:
    """Flat areas far from the mean: variance is a small difference of large squares."""
    rng = np.random.default_rng(2)
    black_and_white = np.zeros((2, 80, 90))
    black_and_white[:, :, 45:] = 1
    for truth in (black_and_white, np.full((2, 80, 90), 0.9), 1 - black_and_white):
        prediction = truth + noise * rng.normal(size=truth.shape)
        for offset in (0, 0.5):
            expected = ssim_of_scikit_image(prediction - offset, truth)
            assert ssim(prediction - offset, truth) == pytest.approx(expected, abs=1e-6)


def test_ssim_of_single_windows_is_exact_on_bright_images() -> None:
    """No mean over pixels hides what float32 loses unless images are centred first."""
    rng = np.random.default_rng(13)
    truth = np.full((50, 1, 11, 11), 0.95)
    prediction = truth + 0.03 * rng.normal(size=truth.shape)
    expected = [ssim_of_scikit_image(x, y) for x, y in zip(prediction, truth, strict=True)]
    np.testing.assert_allclose(ssim(prediction, truth), expected, atol=5e-7)


def test_ssim_is_that_of_piq_without_its_hidden_down_sampling() -> None:
    prediction, truth = (torch.from_numpy(a) for a in pair(3, (2, 1, 390, 400)))
    reference = piq.ssim(prediction, truth, downsample=False, reduction="none")
    ours = ssim(prediction.numpy(), truth.numpy())
    np.testing.assert_allclose(ours, reference, atol=1e-7)
    shrunk = piq.ssim(prediction, truth, downsample=True, reduction="none")
    assert abs(ours - shrunk.numpy()).min() > 0.01


def test_ssim_of_constant_images_by_hand() -> None:
    """Only the luminance term is left."""
    prediction, truth = np.full((1, 15, 15), 0.2), np.full((1, 15, 15), 0.6)
    c1 = 0.01**2
    expected = (2 * 0.2 * 0.6 + c1) / (0.2**2 + 0.6**2 + c1)
    assert ssim(prediction, truth) == pytest.approx(expected, abs=1e-6)


def test_ssim_crops_the_border() -> None:
    """A fault in the corner pixel is seen by one window only, with the least weight."""
    _, truth = pair(4, (1, 40, 40))
    corner, centre = truth.copy(), truth.copy()
    corner[0, 0, 0] += 0.5
    centre[0, 20, 20] += 0.5
    assert 1 - ssim(corner, truth) < 1e-5
    assert 1 - ssim(centre, truth) > 1e-3


def test_ssim_is_the_mean_over_bands_and_bands_are_not_mixed() -> None:
    prediction, truth = pair(5)
    bands = [ssim(prediction[b : b + 1], truth[b : b + 1]) for b in range(3)]
    assert ssim(prediction, truth) == pytest.approx(np.mean(bands), rel=1e-9)
    rolled = np.roll(truth, 1, axis=0)
    assert ssim(rolled, truth) < 0.9


def test_ssim_sees_the_inverse_as_unlike() -> None:
    texture = 0.5 + 0.2 * np.random.default_rng(6).normal(size=(1, 40, 40))
    assert ssim(1 - texture, texture) < -0.8


# UIQI


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 29, 43), (2, 40, 3001), (1, 700, 101)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_uiqi_is_its_formula_with_either_covariance(shape: tuple[int, ...], ddof: int) -> None:
    prediction, truth = pair(7, shape)
    expected = uiqi_written_out(prediction, truth, ddof)
    assert uiqi(prediction, truth) == pytest.approx(expected, abs=1e-10)


def test_uiqi_loses_nothing_where_contrast_is_low() -> None:
    """One part in ten thousand, the quantum of the published data, on a bright flat image."""
    rng = np.random.default_rng(8)
    prediction, truth = (0.9 + 1e-4 * rng.integers(0, 3, (1, 50, 60)) for _ in range(2))
    prediction = (prediction + truth) / 2
    expected = uiqi_written_out(prediction, truth, 0)
    assert expected > 0.5
    assert uiqi(prediction, truth) == pytest.approx(expected, abs=1e-7)


def test_uiqi_of_one_window_by_hand() -> None:
    truth = np.zeros((1, 8, 8))
    truth[0, :4] = 0.4
    assert uiqi(2 * truth, truth) == pytest.approx(0.8**2)  # mean and contrast both doubled
    assert uiqi(0.4 - truth, truth) == pytest.approx(-1)
    assert uiqi(truth + 0.4, truth) == pytest.approx(2 * 0.2 * 0.6 / (0.2**2 + 0.6**2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [
        (0.3, 0.3, 1),
        (0.1, 0.7, 2 * 0.1 * 0.7 / (0.1**2 + 0.7**2)),
        (0.0, 0.0, 1),
        (0.0, 0.5, 0),
        (0.5, 0.0, 0),
    ],
)
def test_uiqi_of_constant_windows(
    prediction: float, truth: float, expected: float, dtype: type
) -> None:
    """As img_qi.m of the authors: the luminance term, and 1 where both are zero."""
    x, y = (np.full((2, 20, 30), value, dtype) for value in (prediction, truth))
    assert uiqi(x, y) == pytest.approx(expected, abs=1e-7)


def test_uiqi_of_a_constant_is_not_decided_by_rounding() -> None:
    rng = np.random.default_rng(9)
    truth = np.full((1, 20, 30), 0.3, np.float32)
    prediction = np.where(rng.uniform(size=truth.shape) < 0.5, truth, np.nextafter(truth, 1))
    assert len(np.unique(prediction)) == 2
    assert uiqi(prediction, truth) == pytest.approx(1, abs=1e-7)


def test_uiqi_is_zero_where_one_image_only_is_constant() -> None:
    _, truth = pair(10)
    assert uiqi(np.full_like(truth, 0.4), truth) == pytest.approx(0, abs=1e-9)


def test_uiqi_mixes_constant_and_other_windows() -> None:
    """Half the image is constant and right, the other inverted about its mean."""
    truth = np.full((1, 8, 40), 0.5)
    texture = 0.2 * np.random.default_rng(11).choice([-1.0, 1.0], (8, 16))
    texture[4:] = -texture[:4]  # every column, hence every window, has mean 0.5
    truth[0, :, 24:] += texture
    prediction = 1 - truth
    # Windows at columns 0 to 16 are constant (17), those at 17 to 32 hold texture (16).
    assert uiqi(prediction, truth) == pytest.approx((17 - 16) / 33)


# Both


@pytest.mark.parametrize("metric", [ssim, uiqi])
@given(seed=seeds, scale=st.floats(0, 1), height=st.integers(11, 40), width=st.integers(11, 40))
@settings(max_examples=40, deadline=None)
def test_similarity_lies_between_minus_one_and_one(
    metric: Metric, seed: int, scale: float, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(size=(2, height, width)).astype(np.float32)
    for prediction in (
        rng.uniform(size=truth.shape).astype(np.float32) * np.float32(scale),
        truth * np.float32(scale),
        1 - truth,
        np.round(truth),
    ):
        assert -1 - 1e-6 <= metric(prediction, truth) <= 1 + 1e-6


@pytest.mark.parametrize(("metric", "side"), [(ssim, 11), (uiqi, 8)])
def test_images_smaller_than_the_window_are_refused(metric: Metric, side: int) -> None:
    least = np.zeros((2, 3, side, side), np.float32)
    assert metric(least, least).shape == (2,)
    for image in (least[..., 1:], least[:, :, 1:]):
        with pytest.raises(BenchError, match=f"{side} x {side} pixels, got 3 of"):
            metric(image, image)


@pytest.mark.parametrize("metric", [ssim, uiqi])
def test_a_row_does_not_see_its_neighbours(metric: Metric) -> None:
    """Buffers are shared by the rows of a call; a NaN in one must not leak into another."""
    prediction, truth = pair(12, (3, 2, 30, 30))
    clean = metric(prediction, truth)
    prediction[1] = np.nan
    scores = metric(prediction, truth)
    assert np.isnan(scores[1])
    np.testing.assert_array_equal(scores[[0, 2]], clean[[0, 2]])
