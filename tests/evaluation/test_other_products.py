"""A task whose target is not optical goes the whole way, without the metrics that need bands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vrs_bench.columns import restore
from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, evaluate
from vrs_bench.metrics.catalogue import GROUPS, METRICS
from vrs_bench.plots.evaluation import evaluation_plots
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS, Task
from vrs_bench.types import Floats

DESPECKLING = Task(
    name="despeckling",
    title="Despeckling",
    description="Restore the noise-free radar image from the speckled one.",
    sensors={"speckled": "sar"},
    target="radar",
    target_product="sar",
    floor="registered_bicubic",
    headline="psnr",
)
OPTICAL_ONLY = {
    *("ndvi_mae", "feature_distance", "frechet_distance", "kernel_distance"),
    *(name for name, metric in METRICS.items() if metric.group == "downstream"),
}
SKILLS = {"skill", "skill_distortion", "skill_perceptual", "skill_consistency"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatasetFolder]:
    """Return a small dataset of despeckling alone, which is a task as long as the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, DESPECKLING.name, DESPECKLING)
        recipe = load_recipe(BenchmarkRecipe, "tiny")
        cells = recipe.world.cells.model_copy(update={"n": 6})
        size = {"height": 64, "width": 64, "horizon": 3, "cells": cells}
        world = recipe.world.model_copy(update=size)
        path = tmp_path_factory.mktemp("radar") / "vrs-radar"
        build([DESPECKLING.name], recipe.model_copy(update={"scenes": 13, "world": world}), path)
        yield DatasetFolder(path)


@pytest.fixture(scope="module")
def images(folder: DatasetFolder) -> Floats:
    """Return the radar images as they are, a little less noisy."""
    scenes = list(folder.scenes(DESPECKLING.name, "test", ["speckled", "radar"]))
    seen, true = (
        np.concatenate([restore(s[name]) for s in scenes]) for name in ("speckled", "radar")
    )
    return np.float32(0.5) * (seen + true)


@pytest.fixture(scope="module")
def result(folder: DatasetFolder, images: Floats) -> Result:
    return evaluate(images, DESPECKLING.name, folder)


def test_all_metrics_that_apply_have_a_score_between_bounds(result: Result) -> None:
    asked = {name for name, metric in METRICS.items() if metric.group in GROUPS}
    assert set(result.left_out) == OPTICAL_ONLY
    assert set(result.scores) == asked - OPTICAL_ONLY | SKILLS
    assert set(result.bounds) == set(result.scores) - SKILLS
    assert "through_sensor_rmse" in result.scores
    place = result.normalised("psnr")
    assert place is not None
    assert 0 < place[0] < 1
    assert result.bounds["psnr"].ceiling == 80
    assert result.confusion == {}
    assert set(result.references) == set()


def test_skill_is_the_mean_over_the_groups_that_apply(result: Result) -> None:
    means = {name: result.scores[name].mean for name in SKILLS}
    assert means["skill"] == pytest.approx(
        np.mean([means[f"skill_{of}"] for of in ("distortion", "perceptual", "consistency")])
    )
    placed = [result.normalised(name) for name in ("gmsd", "haarpsi")]
    assert means["skill_perceptual"] == pytest.approx(np.mean([of[0] for of in placed if of]))
    assert 0 < means["skill"] < 1


def test_the_table_and_the_json_say_what_was_left_out(result: Result, tmp_path: Path) -> None:
    text = str(result)
    assert "ndvi_mae: the target has no band nir and no band red" in text
    [line] = [line for line in text.splitlines() if "feature_distance" in line]
    assert line.endswith("the references do not know the target's bands")
    result.to_json(tmp_path / "result.json")
    written = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert set(written["left_out"]) == OPTICAL_ONLY
    assert Result.from_json(tmp_path / "result.json") == result


def test_pictures_are_drawn(
    folder: DatasetFolder, images: Floats, result: Result, tmp_path: Path
) -> None:
    paths = evaluation_plots(result, images, folder, tmp_path)
    assert [path.name for path in paths] == ["errors.png", "parts.png"]


def test_groups_of_which_nothing_applies_are_an_error(
    folder: DatasetFolder, images: Floats
) -> None:
    with pytest.raises(
        BenchError, match=r"no metric of these groups applies \(reader_agreement: the"
    ):
        evaluate(images, DESPECKLING.name, folder, groups=["downstream"])
