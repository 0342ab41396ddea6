"""Floors: what the trivial method of each task makes, and that it is really trivial."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from baselines.inputs import visible_inputs
from baselines.methods.registry import METHODS
from vrs_bench.columns import quantise, restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.floors import CLOUD_BLUE, floor_method, nearest_clear
from vrs_bench.evaluation.truth import SceneTruth, Truth
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS, bind
from vrs_bench.types import Floats

Made = Callable[[str, str], Floats]


def first_scene(folder: DatasetFolder, task: str) -> SceneTruth:
    return next(iter(Truth(folder, folder.manifest.bound(task), "test")))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_floor_that_is_an_image_of_its_target(
    task: str, folder: DatasetFolder, made: Made
) -> None:
    floor, truth = made(task, "floor"), made(task, "truth")
    assert floor.shape == truth.shape
    assert floor.dtype == np.float32
    assert floor.min() >= 0
    assert floor.max() <= 1
    assert 0.005 < np.abs(floor - truth).mean() < 0.1
    scene = first_scene(folder, task)
    method = floor_method(folder.manifest.bound(task))
    np.testing.assert_array_equal(method(scene), method(scene))


def test_super_resolution_starts_from_the_bicubic_method_bit_for_bit(folder: DatasetFolder) -> None:
    bound, scene = folder.manifest.bound("super_res"), first_scene(folder, "super_res")
    columns = [column.name for column in bound.columns if column.name not in ("scene", "time_step")]
    inputs = visible_inputs(bound, next(folder.scenes("super_res", "test", columns)))
    method = METHODS["bicubic"]
    assert method.suits(bound)
    expected = np.clip(method.restore(bound, inputs), 0, 1)
    np.testing.assert_array_equal(floor_method(bound)(scene), expected)


def test_the_known_shift_is_undone(folder: DatasetFolder) -> None:
    """Without it, or the wrong way, bicubic images are farther from the truth."""
    method = floor_method(folder.manifest.bound("super_res"))
    scene = first_scene(folder, "super_res")
    assert np.abs(scene.columns["phase"]).max() > 0.1
    errors = [np.abs(method(scene) - scene.target).mean()]
    for sign in (0, -1):
        columns = {**scene.columns, "phase": sign * scene.columns["phase"]}
        errors.append(np.abs(method(with_columns(scene, columns)) - scene.target).mean())
    assert errors == sorted(errors)
    assert errors[0] < 0.95 * errors[1]


def with_columns(scene: SceneTruth, columns: dict[str, np.ndarray]) -> SceneTruth:
    return SceneTruth(
        scene.number, scene.steps, scene.target, scene.land_cover, scene.cell, columns
    )


def test_the_nearest_clear_date_is_found_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    seen = quantise(rng.uniform(0, 0.3, (6, 4, 5, 6)))
    seen[:, 0, 0, 0] = 9_000  # never clear
    seen[:, 0, 0, 1] = np.arange(6) * 100  # always clear
    steps = np.array([0, 1, 3, 4, 8, 9])
    scene = SceneTruth(
        number=0,
        steps=steps,
        target=np.zeros(seen.shape, np.float32),
        land_cover=np.ones((5, 6), np.uint8),
        cell=np.ones((5, 6), np.int16),
        columns={"cloudy": seen},
    )
    task = bind("cloud_removal", load_recipe(BenchmarkRecipe, "tiny"))
    expected = restore(seen).copy()
    for row, i, j in product(range(6), range(5), range(6)):
        clear = [other for other in range(6) if restore(seen)[other, 0, i, j] <= CLOUD_BLUE]
        if clear:  # of two dates that are as near, the earlier
            nearest = min(clear, key=lambda other: (abs(steps[other] - steps[row]), other))
            expected[row, :, i, j] = restore(seen)[nearest, :, i, j]
    np.testing.assert_array_equal(nearest_clear(task)(scene), expected)
    np.testing.assert_array_equal(expected[:, :, 0, :2], restore(seen)[:, :, 0, :2])


def test_cloud_removal_brings_in_what_other_dates_show(folder: DatasetFolder, made: Made) -> None:
    scenes = folder.scenes("cloud_removal", "test", ["cloudy"])
    cloudy = np.concatenate([restore(scene["cloudy"]) for scene in scenes])
    floor, truth = made("cloud_removal", "floor"), made("cloud_removal", "truth")
    clear = cloudy[:, 0] <= CLOUD_BLUE
    np.testing.assert_array_equal(np.where(clear[:, None], floor - cloudy, 0), 0)
    error, as_it_is = (np.abs(images - truth).mean(axis=1)[~clear] for images in (floor, cloudy))
    assert error.mean() < 0.2 * as_it_is.mean()


def test_translation_gives_the_average_of_the_date(folder: DatasetFolder, made: Made) -> None:
    images = made("sar_to_optical", "floor")[:8]
    assert (images == images[..., :1, :1]).all()  # one spectrum a date
    scenes = folder.scenes("sar_to_optical", "train", ["optical"])
    train = np.stack([restore(scene["optical"]) for scene in scenes])[:8]
    # The average of the first eight train scenes, before they were rounded to be published.
    np.testing.assert_allclose(images[..., 0, 0], train.mean(axis=(0, 3, 4)), atol=1e-4)
