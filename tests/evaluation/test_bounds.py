"""Floor and ceiling: what the trivial baseline is, and that the packaged numbers are true."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vrs_bench.columns import restore
from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation import evaluate
from vrs_bench.evaluation.bounds import PACKAGED, rival_methods
from vrs_bench.evaluation.truth import Truth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS, get_task
from vrs_bench.types import Array


@pytest.fixture(scope="module")
def all_tasks(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 6})
    world = recipe.world.model_copy(update={"height": 64, "width": 64, "cells": cells})
    recipe = recipe.model_copy(update={"scenes": 4, "world": world})
    folder = tmp_path_factory.mktemp("bounds") / "vrs-toy"
    build(TASKS, recipe, folder)
    return DatasetFolder(folder)


def floor(folder: DatasetFolder, task: str) -> tuple[Array, Array, dict[str, Array]]:
    """Return the trivial images of the first test scene, its truth, and its columns."""
    bound = folder.manifest.bound(task)
    scene = next(iter(Truth(folder, bound, "test")))
    return rival_methods(folder, bound)["floor"](scene), scene.target, scene.columns


def test_super_resolution_repeats_pixels(all_tasks: DatasetFolder) -> None:
    images, truth, columns = floor(all_tasks, "super_res")
    assert images.shape == truth.shape
    for row, column in ((0, 0), (17, 5), (63, 63)):
        np.testing.assert_array_equal(
            images[..., row, column], restore(columns["lr"])[..., row // 4, column // 4]
        )


def test_cloud_removal_leaves_the_clouds(all_tasks: DatasetFolder) -> None:
    images, _, columns = floor(all_tasks, "cloud_removal")
    np.testing.assert_array_equal(images, restore(columns["cloudy"]))


def test_translation_gives_the_average_of_the_date(all_tasks: DatasetFolder) -> None:
    images, truth, _ = floor(all_tasks, "sar_to_optical")
    assert (images == images[..., :1, :1]).all()  # one spectrum a date
    scenes = all_tasks.scenes("sar_to_optical", "train", ["optical"])
    train = np.stack([restore(scene["optical"]) for scene in scenes])
    # The average of eight scenes, of which these are two: alike, not equal.
    assert np.corrcoef(images[..., 0, 0].ravel(), train.mean(axis=(0, 3, 4)).ravel())[0, 1] > 0.97
    assert np.abs(images - truth).mean() < 0.1


@pytest.mark.parametrize("task", TASKS)
def test_bounds_are_the_scores_of_those_two_as_predictions(
    all_tasks: DatasetFolder, task: str
) -> None:
    bound_task = all_tasks.manifest.bound(task)
    methods = rival_methods(all_tasks, bound_task)
    predictions = {
        name: {
            (scene.number, int(step)): image
            for scene in Truth(all_tasks, bound_task, "test")
            for step, image in zip(scene.steps, method(scene), strict=True)
        }
        for name, method in methods.items()
    }
    groups = ["distortion", "consistency"]
    result = evaluate(predictions["floor"], task, all_tasks, groups=groups)
    perfect = evaluate(predictions["ceiling"], task, all_tasks, groups=groups, bounds=False)
    assert result.bounds.keys() == result.scores.keys()
    for metric, bound in result.bounds.items():
        assert bound.floor == pytest.approx(result.scores[metric].mean, abs=1e-9)
        assert bound.ceiling == pytest.approx(perfect.scores[metric].mean, abs=1e-9)
    assert result.normalised("psnr")[0] == pytest.approx(0)  # type: ignore[index]
    assert result.bounds["psnr"].ceiling == 80


def test_packaged_bounds_are_of_the_packaged_recipes() -> None:
    kept = json.loads(PACKAGED.read_text(encoding="utf-8"))
    assert len(kept) == 6  # tiny and toy, three tasks
    for entry in kept.values():
        assert set(entry["references"]) == {"classifier", "encoder"}
        assert set(entry["bounds"]) <= set(METRICS)
        for metric, bound in entry["bounds"].items():
            low, high = bound["floor"], bound["ceiling"]
            better = high - low if METRICS[metric].higher_is_better else low - high
            assert better >= -1e-6 or metric in ("kernel_distance", "jaccard_truth"), metric


def test_on_every_task_trivial_and_truth_are_far_apart() -> None:
    kept = json.loads(PACKAGED.read_text(encoding="utf-8"))
    for key, entry in kept.items():
        bound = entry["bounds"][get_task(key.split("/")[0]).headline]
        low, high = bound["floor"], bound["ceiling"]
        assert high == pytest.approx(1)
        assert low < 0.96
