"""MS-SSIM, GMSD and HaarPSI: against SSIM, formulas written out, and their properties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import piq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve, gaussian_filter

from vrs_bench.errors import BenchError
from vrs_bench.metrics.gradients import gmsd
from vrs_bench.metrics.haar import haarpsi
from vrs_bench.metrics.multi_scale import MS_SSIM_WEIGHTS, ms_ssim, ms_ssim_scales
from vrs_bench.metrics.similarity import similarity
from vrs_bench.metrics.structural import ssim
from vrs_bench.types import Array, Doubles

Metric = Callable[[Array, Array], Doubles]
METRICS: tuple[Metric, ...] = (ms_ssim, gmsd, haarpsi)
LIKENESS = {ms_ssim: 1.0, gmsd: 0.0, haarpsi: 1.0}


def scene(seed: int, bands: int = 4, side: int = 64) -> Array:
    """Return one image of smooth fields with texture, float32 in [0, 1]."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(bands, side, side)), (0, 4, 4))
    image = 0.2 + 0.1 * smooth / smooth.std() + 0.01 * rng.normal(size=smooth.shape)
    return np.clip(image, 0, 1).astype(np.float32)


def noisy(image: Array, sigma: float) -> Array:
    rng = np.random.default_rng(7)
    return np.clip(image + sigma * rng.normal(size=image.shape), 0, 1).astype(image.dtype)


def halved(image: Array) -> Array:
    """Return means of 2 x 2 pixels; of an odd size, after repeating the first row and column."""
    if any(side % 2 for side in image.shape):
        image = np.pad(image, ((1, 0), (1, 0)), mode="edge")
    height, width = (side // 2 * 2 for side in image.shape)
    image = image[:height, :width]
    return image.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


# All three


@pytest.mark.parametrize("metric", METRICS)
def test_identical_images_are_best_and_noise_makes_them_worse(metric: Metric) -> None:
    truth = scene(1)
    assert metric(truth, truth) == pytest.approx(LIKENESS[metric], abs=1e-5)
    distances = [
        abs(LIKENESS[metric] - metric(noisy(truth, sigma), truth).item())
        for sigma in (0.005, 0.02, 0.08)
    ]
    assert distances[0] < distances[1] < distances[2]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_a_row_is_the_mean_of_its_bands(metric: Metric, bands: int) -> None:
    """Three bands too: they are no red, green and blue to be weighted."""
    truth = scene(2, bands)
    prediction = noisy(truth, 0.03)
    by_band = [metric(prediction[b : b + 1], truth[b : b + 1]) for b in range(bands)]
    assert metric(prediction, truth) == pytest.approx(np.mean(by_band), abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 999), sigma=st.floats(0, 0.3))
def test_order_of_images_and_of_rows_does_not_matter(
    metric: Metric, seed: int, sigma: float
) -> None:
    first, second = scene(seed, side=48), scene(seed + 1, side=48)
    truth = np.stack([[first], [second]])
    prediction = noisy(truth, sigma)
    scores = metric(prediction, truth)
    assert scores.shape == (2, 1)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(metric(truth, prediction), scores, atol=1e-5)
    np.testing.assert_allclose(metric(prediction[::-1], truth[::-1]), scores[::-1], atol=1e-7)


@pytest.mark.parametrize("metric", METRICS)
def test_float64_and_strided_images_score_the_same(metric: Metric) -> None:
    truth = scene(3)
    prediction = noisy(truth, 0.03)
    expected = metric(prediction, truth)
    assert metric(prediction.astype(np.float64), truth.astype(np.float64)) == expected
    layout = [np.asfortranarray(image) for image in (prediction, truth)]
    assert metric(*layout) == expected


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_flat_images_have_a_score(metric: Metric, level: float) -> None:
    flat = np.full((2, 32, 32), level, np.float32)
    assert metric(flat, flat) == pytest.approx(LIKENESS[metric], abs=1e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf])
def test_values_outside_the_range_are_refused(metric: Metric, value: float) -> None:
    truth = scene(4, side=32)
    wrong = truth.copy()
    wrong[0, 5, 5] = value
    with pytest.raises(BenchError, match=r"prediction: expected values from 0 to 1"):
        metric(wrong, truth)
    with pytest.raises(BenchError, match=r"truth: expected values from 0 to 1"):
        metric(truth, wrong)


@pytest.mark.parametrize(("metric", "side"), [(ms_ssim, 11), (gmsd, 4), (haarpsi, 16)])
def test_the_least_size_is_enough_and_one_pixel_less_is_not(metric: Metric, side: int) -> None:
    image = scene(5, side=side)
    assert metric(image, image) == pytest.approx(LIKENESS[metric], abs=1e-5)
    with pytest.raises(BenchError, match=f"{side} x {side} pixels"):
        metric(image[:, 1:], image[:, 1:])


@pytest.mark.parametrize("metric", METRICS)
def test_no_rows_have_no_scores(metric: Metric) -> None:
    nothing = np.empty((0, 4, 32, 32), np.float32)
    assert metric(nothing, nothing).shape == (0,)


# MS-SSIM


@pytest.mark.parametrize(
    ("size", "scales"),
    [(11, 1), (20, 1), (21, 2), (40, 2), (41, 3), (64, 3), (80, 3), (81, 4), (128, 4), (160, 4)],
)
def test_small_images_have_fewer_scales(size: int, scales: int) -> None:
    assert ms_ssim_scales(size, 4 * size) == ms_ssim_scales(4 * size, size) == scales
    image = scene(6, 1, size)
    assert ms_ssim(noisy(image, 0.01), image) < 1


def test_five_scales_from_161_pixels_on() -> None:
    assert [ms_ssim_scales(n, n) for n in (160, 161, 256, 5000)] == [4, 5, 5, 5]


def test_with_one_scale_ms_ssim_is_ssim() -> None:
    truth = scene(7, side=20)
    prediction = noisy(truth, 0.02)
    assert ms_ssim(prediction, truth) == pytest.approx(ssim(prediction, truth), abs=1e-5)


@pytest.mark.parametrize("size", [(64, 64), (61, 64), (64, 59), (57, 61)])
def test_ms_ssim_is_the_weighted_product_over_scales(size: tuple[int, int]) -> None:
    """Three scales written out: contrast-structure twice, then SSIM; exponents add up to 1."""
    truth = scene(8, 1, 64).astype(np.float64)[:, : size[0], : size[1]]
    prediction = np.asarray(noisy(truth, 0.05))
    weights = np.array([0.0448, 0.2856, 0.3001])
    weights /= weights.sum()
    x, y, product = prediction[0], truth[0], 1.0
    for scale, weight in enumerate(weights):
        luminance, structure = ssim_terms(x, y)
        term = np.mean(luminance * structure) if scale == 2 else np.mean(structure)
        product *= term**weight
        x, y = halved(x), halved(y)
    assert ms_ssim(prediction, truth) == pytest.approx(product, abs=1e-5)


def test_ms_ssim_is_that_of_piq() -> None:
    """Also where sides are odd, and their first row and column stand twice."""
    for height, width in ((256, 256), (171, 180), (97, 131), (33, 20)):
        truth = scene(11, 4, 256)[:, :height, :width]
        prediction = noisy(truth, 0.03)
        weights = torch.tensor(MS_SSIM_WEIGHTS[: ms_ssim_scales(height, width)])
        images = (torch.from_numpy(of[:, None].copy()) for of in (prediction, truth))
        expected = piq.multi_scale_ssim(*images, scale_weights=weights / weights.sum())
        assert ms_ssim(prediction, truth) == pytest.approx(float(expected), rel=3e-6)


def test_the_finest_scale_may_be_known() -> None:
    truth = scene(12)[None]
    prediction = noisy(truth, 0.03)
    finest = similarity(prediction, truth)
    assert ms_ssim(prediction, truth, finest) == ms_ssim(prediction, truth)
    assert ms_ssim(prediction, truth, similarity(truth, truth)) > ms_ssim(prediction, truth)
    assert finest.bands.mean() == pytest.approx(ssim(prediction, truth).item(), abs=1e-7)


def ssim_terms(x: Array, y: Array) -> tuple[Array, Array]:
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(taps, taps) / taps.sum() ** 2

    def local(values: Array) -> Array:
        return convolve(values, window)[5:-5, 5:-5]

    mx, my = local(x), local(y)
    luminance = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
    covariance, variances = local(x * y) - mx * my, local(x**2 + y**2) - mx**2 - my**2
    return luminance, (2 * covariance + 9e-4) / (variances + 9e-4)


# GMSD


def test_gmsd_is_the_deviation_of_gradient_similarity() -> None:
    truth = scene(9, 1, 64).astype(np.float64)
    prediction = np.asarray(noisy(truth, 0.1))
    prewitt = np.array([[1, 0, -1]] * 3) / 3
    gradients = []
    for image in (prediction[0], truth[0]):
        small = halved(image)
        parts = [convolve(small, kernel, mode="constant") for kernel in (prewitt, prewitt.T)]
        gradients.append(np.hypot(*parts))
    a, b = gradients
    constant = 170 / 255**2
    similarity = (2 * a * b + constant) / (a**2 + b**2 + constant)
    assert gmsd(prediction, truth) == pytest.approx(similarity.std(), rel=1e-3)


def test_gmsd_of_an_odd_size_is_that_with_zeros_at_the_end() -> None:
    truth = scene(9, 1, 64)
    prediction = noisy(truth, 0.1)
    odd = gmsd(prediction[:, :63], truth[:, :63])
    prediction[:, 63] = truth[:, 63] = 0
    assert odd == pytest.approx(gmsd(prediction, truth), abs=1e-7)


# HaarPSI


def test_haarpsi_is_the_published_formula() -> None:
    """Haar filters at three scales; the coarsest weighs, the two finer are compared."""
    truth = scene(10, 1, 64).astype(np.float64)
    prediction = np.asarray(noisy(truth, 0.1))
    images = [255 * halved(image[0]) for image in (prediction, truth)]
    top = bottom = 0.0
    for turned in (False, True):
        x, y = ([haar(im, k, turned) for k in (1, 2, 3)] for im in images)
        weight = np.maximum(x[2], y[2])
        likeness = sum((2 * x[k] * y[k] + 30) / (x[k] ** 2 + y[k] ** 2 + 30) for k in (0, 1)) / 2
        top += (weight / (1 + np.exp(-4.2 * likeness))).sum()
        bottom += weight.sum()
    mean = top / bottom
    expected = (np.log(mean / (1 - mean)) / 4.2) ** 2
    assert haarpsi(prediction, truth) == pytest.approx(expected, rel=1e-3)


def haar(image: Array, scale: int, turned: bool) -> Array:
    """Return magnitudes of Haar wavelet coefficients, the same size as the image."""
    side = 2**scale
    kernel = np.ones((side, side)) / side
    kernel[side // 2 :] *= -1
    kernel = kernel.T if turned else kernel
    padded = np.pad(image, (side // 2 - 1, side // 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return np.abs(np.einsum("ijkl,kl->ij", windows, kernel))


@pytest.mark.parametrize("size", [(64, 64), (63, 64), (64, 61), (55, 49), (256, 256)])
@pytest.mark.parametrize("sigma", [0.0, 0.01, 0.1])
def test_gmsd_and_haarpsi_are_those_of_piq(size: tuple[int, int], sigma: float) -> None:
    """Of grey images: it would take three bands for red, green and blue."""
    truth = scene(13, 4, max(size))[:, : size[0], : size[1]]
    prediction = noisy(truth, sigma)
    x, y = (torch.from_numpy(image[:, None].copy()) for image in (prediction, truth))
    deviation = piq.gmsd(x, y, reduction="none", data_range=1.0).double().mean()
    assert gmsd(prediction, truth) == pytest.approx(float(deviation), rel=1e-5, abs=1e-7)
    # The logarithm of 1 - s, with s near 1, shows the rounding of its float32.
    likeness = min(float(piq.haarpsi(x, y, reduction="none").double().mean()), 1)
    assert haarpsi(prediction, truth) == pytest.approx(likeness, abs=1e-5)
