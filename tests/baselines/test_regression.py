"""What is fitted: ridge, trees, superpixels, radar averages, and the cloud mask."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.ndimage import label
from sklearn.linear_model import Ridge as ReferenceRidge

from baselines.inputs import shown_inputs
from baselines.methods.boosting import TREES, drawn, fit_boosting
from baselines.methods.cloud_mask import (
    GRID,
    Thresholds,
    compared,
    estimated_clear,
    fit_light,
    fit_thresholds,
    true_clear,
)
from baselines.methods.method import Example
from baselines.methods.radar_series import box, decibels, power
from baselines.methods.ridge import fit_ridge, solve_ridge
from baselines.methods.series import days_of
from baselines.methods.superpixels import region_means, superpixels
from baselines.methods.translation import true_cells
from baselines.methods.tuning import least_error
from vrs_bench.columns import restore
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.tasks import BoundTask, bind
from vrs_bench.types import Floats
from vrs_bench.world.scene import make_scene

# Ridge and trees


def table(seed: int, rows: int = 400) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 5)).astype(np.float32) * [1, 2, 0.1, 1, 3] + 2
    y = np.stack([x[:, 0] - 2 * x[:, 2], x[:, 1] * x[:, 3]], axis=1)
    noisy = y + 0.05 * rng.standard_normal(y.shape)
    return x.astype(np.float32), noisy.astype(np.float32)


def test_ridge_is_that_of_scikit_learn_on_standardised_features() -> None:
    x, y = table(0)
    found = solve_ridge(x, y, 0.1).predict(x)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    expected = ReferenceRidge(alpha=0.1 * len(x)).fit(scaled, y).predict(scaled)
    assert found == pytest.approx(expected, abs=1e-4)


def test_the_penalty_is_the_one_that_serves_unseen_rows() -> None:
    few = tuple(of[:7] for of in table(1))
    chosen = fit_ridge((few[0], few[1]), table(2), (1e-8, 0.1, 1e8))
    fits = [solve_ridge(few[0], few[1], penalty) for penalty in (1e-8, 0.1, 1e8)]
    x, y = table(2)
    errors = [np.square(fit.predict(x) - y).mean() for fit in fits]
    assert np.array_equal(chosen.weights, fits[int(np.argmin(errors))].weights)


def test_trees_learn_a_product_and_are_the_same_again() -> None:
    train, validation, (x, y) = table(3, 3000), table(4, 1000), table(5, 1000)
    first, second = (fit_boosting(train, validation)(x) for _ in range(2))
    assert np.array_equal(first, second)
    assert (first.dtype, first.shape) == (np.float32, y.shape)
    assert np.square(first - y).mean() < 0.15 * y.var(axis=0).mean()
    assert fit_boosting(train, validation)(x[:0]).shape == (0, 2)


def test_trees_stop_where_validation_rows_stop_gaining() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 4)).astype(np.float32)
    y = rng.standard_normal((500, 1)).astype(np.float32)  # nothing is to be learned
    found = fit_boosting((x, y), (x[::-1].copy(), y))(x)
    assert TREES > 20
    assert np.std(found) < 0.2


def test_drawn_numbers_are_among_those_given_each_once() -> None:
    among = np.arange(100, 400, 3)
    chosen = drawn(np.random.default_rng(0), 20, among)
    assert len(set(chosen.tolist())) == 20
    assert set(chosen.tolist()) <= set(among.tolist())
    assert drawn(np.random.default_rng(0), 500, among) is among


def test_the_setting_of_least_error_wins_and_the_first_of_equals() -> None:
    target = np.full((2, 1, 3, 3), 0.5, np.float32)
    examples = [Example({}, target), Example({}, target)]
    assert least_error([0.1, 0.4, 0.6, 0.9], examples, lambda s, e: e.target * 0 + s) == 0.4


# Radar and regions


def test_decibels_and_power_undo_each_other() -> None:
    published = np.linspace(0, 1, 11, dtype=np.float32)
    assert decibels(power(published)) == pytest.approx(published, abs=1e-6)
    assert power(np.array([1.0, 2 / 3])) == pytest.approx([1, 0.1])  # 0 and -10 dB


def test_boxes_average_power() -> None:
    image = np.random.default_rng(0).random((2, 3, 9, 9)).astype(np.float32)
    expected = image[..., 2:5, 3:6].mean(axis=(-2, -1))
    assert box(image, 3)[..., 3, 4] == pytest.approx(expected)


def test_superpixels_are_connected_and_keep_to_an_edge() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(0, 1, (2, 40, 48))
    left = np.arange(48) < 19
    image[:, :, left] += 30
    regions = superpixels(image.astype(np.float32), side=10, compactness=4)
    assert sorted(np.unique(regions)) == list(range(regions.max() + 1))
    for number in range(regions.max() + 1):
        assert label(regions == number)[1] == 1
    assert not set(regions[:, left].ravel()) & set(regions[:, ~left].ravel())
    means = region_means(image, regions)
    assert means.dtype == np.float32
    for number in (0, regions.max()):
        inside = regions == number
        assert means[0][inside] == pytest.approx(image[0][inside].mean(), abs=1e-4)


def test_pixels_between_true_cells_are_regions_of_their_own() -> None:
    cell = np.array([[[1, 1, 0], [2, 0, 2]]])
    regions = true_cells(np.zeros(()), {"cell": cell})
    assert len(set(regions.ravel().tolist())) == 4
    assert regions[0, 0] == regions[0, 1]
    assert regions[1, 0] == regions[1, 2]


# The cloud mask


@pytest.fixture(name="task", scope="module")
def _task() -> BoundTask:
    recipe = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    recipe["world"] |= {"height": 64, "width": 64, "horizon": 14, "cells": {"n": 8}}
    recipe["world"]["series"] = {"start_day": 10, "step_days": 12}
    return bind("cloud_removal", check_recipe(BenchmarkRecipe, recipe, "test"))


class Drawn:
    """Scenes of a task, drawn."""

    def __init__(self, task: BoundTask) -> None:
        self.task = task

    def train(self, scenes: int) -> Iterator[Example]:
        for number in range(scenes):
            rows = list(self.task.rows(make_scene(self.task.world, number)))
            scene = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
            told = shown_inputs(self.task, ("cloud", "shadow"), scene)
            yield Example(told, restore(scene[self.task.target]))

    def validation(self, scenes: int) -> Iterator[Example]:
        return self.train(min(scenes, 2))


def test_the_estimated_mask_misses_less_than_a_threshold_and_is_near_the_truth(
    task: BoundTask,
) -> None:
    chosen = fit_thresholds(task, Drawn(task))
    assert all(getattr(chosen, name) in values for name, values in GRID.items())
    blue = task.bands.index("blue")
    for example in Drawn(task).train(2):
        truth = true_clear(example.inputs, 0.9)
        found = estimated_clear(task, example.inputs, chosen)
        plain = example.inputs["cloudy"][:, blue] <= 0.15
        assert (found & ~truth).mean() < (plain & ~truth).mean()  # cloud that is taken for ground
        assert (found != truth).mean() < 0.15


def test_the_share_of_light_is_chosen_by_what_it_is_good_for(task: BoundTask) -> None:
    assert 0.8 <= fit_light(task, Drawn(task)) <= 0.99


def test_light_is_what_clouds_and_shadows_let_through() -> None:
    inputs = {
        "cloud": np.array([[[0, 100, 0, 2000]]], np.uint16),
        "shadow": np.array([[[0, 0, 3000, 0]]], np.uint16),
    }
    assert true_clear(inputs, 0.98).tolist() == [[[True, True, False, False]]]
    assert true_clear(inputs, 0.75).tolist() == [[[True, True, False, True]]]


def test_a_date_is_compared_with_the_median_of_near_dates(task: BoundTask) -> None:
    images = np.full((6, 4, 2, 2), 0.1, np.float32)
    images[2, :, 0, 0] = 0.14  # thin cloud
    images[3, :, 1, 1] = 0.06  # shadow
    images[4] = 0.5  # overcast: bright, and not compared with
    images[5, 3] = 0.05  # one band is lower: mown, no shadow
    days = days_of({"day_of_year": np.arange(1, 70, 12)})
    clear = compared(task, images, days).clear(Thresholds(rise=0.03, fall=0.2, margin=0))
    expected = np.ones((6, 2, 2), bool)
    expected[2, 0, 0] = expected[3, 1, 1] = expected[4] = False
    assert np.array_equal(clear, expected)
    wider = compared(task, images, days).clear(Thresholds(rise=0.03, fall=0.2, margin=1))
    assert not wider[2].any()
    assert wider[5].all()
