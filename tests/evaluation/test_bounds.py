"""Floor and ceiling: that they are what is said of them, and that packaged ones are true."""

from __future__ import annotations

import json

import pytest

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation import evaluate
from vrs_bench.evaluation.bounds import PACKAGED, rival_methods
from vrs_bench.evaluation.truth import Truth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.tasks import TASKS, get_task


@pytest.mark.parametrize("task", TASKS)
def test_bounds_are_the_scores_of_those_two_as_predictions(
    folder: DatasetFolder, task: str
) -> None:
    bound_task = folder.manifest.bound(task)
    methods = rival_methods(folder, bound_task)
    predictions = {
        name: {
            (scene.number, int(step)): image
            for scene in Truth(folder, bound_task, "test")
            for step, image in zip(scene.steps, method(scene), strict=True)
        }
        for name, method in methods.items()
    }
    groups = ["distortion", "consistency"]
    result = evaluate(predictions["floor"], task, folder, groups=groups)
    perfect = evaluate(predictions["ceiling"], task, folder, groups=groups, bounds=False)
    assert list(result.bounds) == [n for n in result.scores if METRICS[n].group != "skill"]
    for metric, bound in result.bounds.items():
        assert bound.floor == pytest.approx(result.scores[metric].mean, abs=1e-9)
        assert bound.ceiling == pytest.approx(perfect.scores[metric].mean, abs=1e-9)
    assert result.normalised("psnr")[0] == pytest.approx(0)  # type: ignore[index]
    assert result.bounds["psnr"].ceiling == 80


def test_packaged_bounds_are_of_the_packaged_recipes() -> None:
    kept = json.loads(PACKAGED.read_text(encoding="utf-8"))
    assert len(kept) == 9  # tiny, small and toy, three tasks
    for entry in kept.values():
        assert set(entry["references"]) == {"readers", "encoder"}
        assert set(entry["bounds"]) <= set(METRICS)
        for metric, bound in entry["bounds"].items():
            low, high = bound["floor"], bound["ceiling"]
            better = high - low if METRICS[metric].higher_is_better else low - high
            assert better >= -1e-6 or metric in ("kernel_distance", "jaccard_truth"), metric


def test_on_every_task_trivial_and_truth_are_far_apart() -> None:
    kept = json.loads(PACKAGED.read_text(encoding="utf-8"))
    for key, entry in kept.items():
        task, split, floor, _ = key.split("/")
        assert (split, floor) == ("test", get_task(task).floor)
        agreement, rmse = entry["bounds"]["reader_agreement"], entry["bounds"]["rmse"]
        assert agreement["ceiling"] == pytest.approx(1)
        assert agreement["floor"] < 0.96
        assert rmse["ceiling"] == 0
        assert rmse["floor"] > 0.01


def test_packaged_bounds_know_what_skill_is_made_of_in_parts() -> None:
    for entry in json.loads(PACKAGED.read_text(encoding="utf-8")).values():
        assert {"border", "interior"} == set(entry["parts"]["position"])
        for of in entry["parts"]["position"].values():
            assert set(of) == {"rmse", "ssim", "sam", "reader_agreement"}
