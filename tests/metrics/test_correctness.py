"""Triplet and spatial shift, against opensr-test, scikit-image and closed forms.

``fixtures/opensr_test.npz`` holds images of test scene 900000 of the recipe `toy` made smaller
(48 x 48 pixels, 8 cells, 12 steps): step 10 of super_res, and the first step of cloud_removal
whose inner part is 30 to 70 % under cloud, with some predictions each (truth and input blurred,
noisy, moved, mixed, negative, enlarged by cubic interpolation or repetition), all as published
uint16. Beside them is what opensr-test 1.3.3 made of their float64 values:
``Metrics(Config(harm_apply_spectral=False, harm_apply_spatial=False)).correctness(lr, sr, hr,
gradient_threshold="auto")``, the threshold being the default of its ``compute``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import fourier_shift, gaussian_filter, zoom
from skimage.registration import phase_cross_correlation

from vrs_bench.columns import restore
from vrs_bench.errors import BenchError
from vrs_bench.metrics.correctness import BORDER, SHIFT_LIMIT, spatial_shift, triplet
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import bind
from vrs_bench.types import Array, Doubles
from vrs_bench.world.scene import make_scene

FIXTURE = Path(__file__).parent / "fixtures" / "opensr_test.npz"
FOUND = 1 / (1 + 2 * np.exp(-4))  # softmin of (0, 1, 1) at temperature 1/4


def images(seed: int = 0, side: int = 48, rows: int = 2) -> tuple[Doubles, Doubles]:
    """Return truth (row, 4, side, side) and input with pixels four times as large."""
    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.normal(size=(rows, 4, side, side)), (0, 0, 2, 2))
    truth = np.clip(0.3 + 0.4 * noise, 0, 1)
    return truth, truth.reshape(rows, 4, side // 4, 4, side // 4, 4).mean(axis=(3, 5))


# Triplet


@pytest.mark.parametrize(
    ("task", "observed", "target"),
    [("super_res", "lr", "hr"), ("cloud_removal", "cloudy", "clear")],
)
def test_triplet_is_that_of_opensr_test(task: str, observed: str, target: str) -> None:
    with np.load(FIXTURE, allow_pickle=False) as kept:
        assert str(kept["version"]) == "1.3.3"
        predictions = kept[f"{task}_predictions"] / 10_000
        same = [np.broadcast_to(kept[name] / 10_000, (len(predictions), *kept[name].shape))
                for name in (target, observed)]  # fmt: skip
        expected = kept[f"{task}_triplets"]
    values = np.transpose(triplet(predictions, *same))
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-14)
    single = triplet(*(array.astype(np.float32) for array in (predictions, *same)))
    np.testing.assert_allclose(np.transpose(single), expected, rtol=0, atol=1e-6)
    assert np.ptp(expected, axis=0).min() > 0.3  # the predictions cover the three cases


def test_shares_sum_to_one_and_rows_are_independent() -> None:
    truth, low = images()
    rng = np.random.default_rng(1)
    prediction = truth + 0.02 * rng.normal(size=truth.shape)
    together = triplet(prediction[None], truth[None], low[None])
    assert {share.shape for share in together} == {(1, 2)}
    np.testing.assert_allclose(sum(together), 1, atol=1e-12)
    for row in range(2):
        alone = triplet(prediction[row], truth[row], low[row])
        assert [float(share) for share in alone] == [share[0, row] for share in together]


def test_truth_is_improvement_input_is_omission_and_noise_is_hallucination() -> None:
    truth, _ = images(2)
    cloudy = 0.5 * truth + 0.4
    np.testing.assert_allclose(triplet(truth, truth, cloudy).improvement, FOUND)
    np.testing.assert_allclose(triplet(cloudy, truth, cloudy).omission, FOUND)
    rng = np.random.default_rng(3)
    noise = rng.normal(size=truth.shape)
    invented = [
        triplet(np.clip(truth + level * noise, 0, 1), truth, cloudy).hallucination.mean()
        for level in (0.02, 0.1, 0.3)
    ]
    assert np.diff(invented).min() > 0.05


def test_what_differs_from_an_exact_input_is_invented() -> None:
    """Four pixels are judged; the input is wrong at the last, the prediction at the first."""
    side = 2 * BORDER + 2
    truth = np.full((1, side, side), 0.5)
    observed, prediction = truth.copy(), truth.copy()
    observed[0, BORDER + 1, BORDER + 1] = 0.6
    prediction[0, BORDER, BORDER] = 0.7
    values = triplet(prediction, truth, observed)
    missed = (1 - FOUND) / 2
    np.testing.assert_allclose(values, [FOUND / 2, missed / 2, (1 + missed) / 2], atol=1e-12)


def test_images_without_differences_have_no_triplet() -> None:
    truth, _ = images()
    assert np.isnan(triplet(truth, truth, truth)).all()


def test_borders_are_not_judged() -> None:
    truth, low = images(4)
    other = truth + 0.1
    other[..., BORDER:-BORDER, BORDER:-BORDER] = truth[..., BORDER:-BORDER, BORDER:-BORDER]
    assert np.array_equal(triplet(other, truth, low), triplet(truth, truth, low))


@pytest.mark.parametrize(
    "observed",
    [
        np.zeros((4, 16, 16)),  # a third
        np.zeros((4, 12, 24)),
        np.zeros((3, 12, 12)),
        np.zeros((4, 96, 96)),
        np.zeros((12, 12)),
        np.float64(0),
        np.zeros((4, 12, 12), np.uint16),
    ],
)
def test_inputs_that_do_not_fit_are_refused(observed: Array) -> None:
    truth = np.zeros((4, 48, 48))
    with pytest.raises(BenchError, match=r"observation: expected .*one of 1, 2, 4, 8, 16; got"):
        triplet(truth, truth, observed)


def test_images_that_are_all_border_are_refused() -> None:
    small = np.zeros((4, 32, 32))
    with pytest.raises(BenchError, match="at least one band of 34 x 34"):
        triplet(small, small, small)


# Spatial shift


def moved(seed: int, rows: float, columns: float, side: int = 96) -> tuple[Doubles, Doubles]:
    """Return an image (2, side, side) and itself moved, cut from a larger periodic one."""
    rng = np.random.default_rng(seed)
    large = gaussian_filter(rng.normal(size=(2, 128, 128)), (0, 2, 2), mode="wrap")
    large = 0.4 + 0.1 * large / large.std()
    spectra = [fourier_shift(np.fft.fft2(band), (rows, columns)) for band in large]
    shifted = np.fft.ifft2(spectra).real
    return shifted[:, :side, :side], large[:, :side, :side]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.floats(-3, 3), st.floats(-3, 3))
def test_a_known_shift_is_found(seed: int, rows: float, columns: float) -> None:
    prediction, truth = moved(seed, rows, columns)
    distance = np.hypot(rows, columns)
    assert spatial_shift(prediction, truth) == pytest.approx(distance, abs=0.03 + 0.05 * distance)


def test_shift_is_that_of_scikit_image_under_the_same_window() -> None:
    window = np.sin(np.pi * np.arange(1, 97) / 97) ** 2
    for seed, by in enumerate([(0.3, -0.7), (2.5, 1.25), (-3.1, 0.0)]):
        prediction, truth = moved(seed, *by)
        grey = [image.mean(axis=0) for image in (prediction, truth)]
        x, y = ((image - image.mean()) * np.outer(window, window) for image in grey)
        found, *_ = phase_cross_correlation(y, x, upsample_factor=100, normalization=None)
        assert spatial_shift(prediction, truth) == pytest.approx(np.hypot(*found), abs=0.015)


def test_shift_of_the_truth_is_zero_whatever_gain_and_bias() -> None:
    truth, _ = images(5)
    assert spatial_shift(truth, truth).tolist() == [0, 0]
    assert spatial_shift(0.5 * truth + 0.1, truth).tolist() == [0, 0]
    prediction, reference = moved(6, 1.5, -0.5)
    there, back = spatial_shift(prediction, reference), spatial_shift(reference, prediction)
    assert there == pytest.approx(back, abs=1e-9)
    assert spatial_shift(prediction[..., :75, :80], reference[..., :75, :80]) > 1


def test_far_shifts_and_images_without_structure_are_at_the_limit() -> None:
    prediction, truth = moved(7, 8, 8)
    flat = np.full_like(truth, 0.37, dtype=np.float32).astype(np.float64)
    assert spatial_shift(prediction, truth) == SHIFT_LIMIT
    assert spatial_shift(flat, truth) == spatial_shift(truth, flat) == SHIFT_LIMIT
    assert spatial_shift(flat, flat + 0.1) == 0


def test_registration_of_the_sensor_is_found_in_an_enlarged_input() -> None:
    """The input's known registration shift is how far a method that ignores it is off."""
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    recipe = recipe.model_copy(update={"world": recipe.world.model_copy(update={"horizon": 4})})
    for row in bind("super_res", recipe).rows(make_scene(recipe.world, 900_000)):
        low, truth = restore(row["lr"]), restore(row["hr"])
        enlarged = zoom(low, (1, 4, 4), order=3, mode="nearest", grid_mode=True)
        expected = 4 * np.hypot(*row["phase"])
        assert spatial_shift(enlarged, truth) == pytest.approx(expected, rel=0.15, abs=0.2)
