"""Adding a metric: one object in the list is all that it takes, and what was there stays valid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation import Result, bounds, evaluate, scoring
from vrs_bench.evaluation.floors import floor_method
from vrs_bench.evaluation.truth import Truth
from vrs_bench.leaderboard.files import read_submissions, write_submission
from vrs_bench.leaderboard.markdown import board_table
from vrs_bench.leaderboard.ranking import boards
from vrs_bench.leaderboard.submission import Submission, make_submission
from vrs_bench.leaderboard.verification import Rescored, verified
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Metric, PerRowAndPart
from vrs_bench.metrics.description import definitions_table
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.plots import evaluation as plots
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.types import Doubles, Floats


def largest_errors(scene: JudgedScene) -> Doubles:
    """Return the largest error of each row, over the whole image and over each part."""
    errors = np.abs(scene.images - scene.truth).max(axis=1).astype(np.float64)
    fixed = [np.where(mask, errors, 0).max(axis=(1, 2)) for mask in scene.parts.masks]
    return np.stack([errors.max(axis=(1, 2)), *fixed], axis=1)


TOY = Metric(
    name="largest_error",
    label="largest error",
    group="distortion",
    definition="Largest absolute error of one row. Mean over rows; 0 is perfect.",
    higher_is_better=False,
    computed=PerRowAndPart(largest_errors),
    high=1,
    shown=frozenset({"parts", "board"}),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Return super_res at 64 x 64 pixels and the eight dates of `tiny`; two test scenes."""
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 6})
    world = recipe.world.model_copy(update={"height": 64, "width": 64, "cells": cells})
    path = tmp_path_factory.mktemp("toy-metric") / "vrs-toy"
    recipe = recipe.model_copy(update={"name": "little", "scenes": 13, "world": world})
    build(["super_res"], recipe, path)
    return DatasetFolder(path)


@pytest.fixture(scope="module")
def images(folder: DatasetFolder) -> Floats:
    """Return what the trivial method makes."""
    bound = folder.manifest.bound("super_res")
    return np.concatenate(list(map(floor_method(bound), Truth(folder, bound, "test"))))


@pytest.fixture(scope="module")
def before(folder: DatasetFolder, images: Floats) -> Result:
    return evaluate(images, "super_res", folder)


@pytest.fixture(scope="module")
def measured_beforehand(folder: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of bounds that `vrs-bench fit bounds` writes."""
    path = tmp_path_factory.mktemp("bounds") / "bounds.json"
    path.write_text('{"super_res/test/other data": {"rows": 1, "references": {}, "bounds": {}}}')
    scoring.measure_bounds(folder, "super_res", "test", path, lambda done, total: None)
    return path


@pytest.fixture
def measured_now(
    measured_beforehand: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> list[str]:
    """Let bounds be known beforehand; return of which metrics they are measured all the same."""
    known = tmp_path / "known.json"
    known.write_bytes(measured_beforehand.read_bytes())
    monkeypatch.setattr(bounds, "PACKAGED", known)
    measured: list[str] = []
    original = scoring._rivals

    def spy(folder: Any, judge: Any, metrics: Sequence[Metric]) -> Any:
        measured.extend(metric.name for metric in metrics)
        return original(folder, judge, metrics)

    monkeypatch.setattr(scoring, "_rivals", spy)
    return measured


def test_a_new_metric_is_everywhere(
    folder: DatasetFolder, images: Floats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, TOY.name, TOY)
    result = evaluate(images, "super_res", folder, groups=["distortion"])
    score = result.scores["largest_error"]
    assert (score.version, score.unit, score.higher_is_better) == ("1", "", False)
    assert 0 < score.mean < 1
    bound = result.bounds["largest_error"]
    assert bound.floor == pytest.approx(score.mean)  # the images are the trivial ones
    assert bound.ceiling == 0
    assert result.slices["position"]["border"]["largest_error"].mean > 0
    assert all(of["largest_error"].n_scenes == 2 for of in result.slices["time_step"].values())
    lines = [line.strip() for line in str(result).splitlines()]
    assert sum(line.startswith("largest_error") for line in lines) == 1
    [heads] = [line for line in lines if line.startswith("position")]
    assert heads.split()[-2:] == ["largest_error", "scenes"]
    result.to_json(tmp_path / "result.json")
    assert Result.from_json(tmp_path / "result.json").scores["largest_error"] == score
    assert "largest error by position" in titles(plots._parts(result))
    assert "`largest_error` | 1 | distortion | row" in definitions_table(METRICS.values())


def titles(figure: Figure) -> list[str]:
    return [axis.get_title() for axis in figure.axes]


def test_a_new_metric_leaves_the_bounds_of_the_others_valid(
    folder: DatasetFolder,
    images: Floats,
    before: Result,
    measured_now: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = evaluate(images, "super_res", folder)
    assert measured_now == []
    assert known == before
    monkeypatch.setitem(METRICS, TOY.name, TOY)
    result = evaluate(images, "super_res", folder)
    assert measured_now == ["largest_error"]
    assert result.bounds.pop("largest_error").ceiling == 0
    assert result.bounds == before.bounds


def test_bounds_of_another_definition_are_measured_again(
    folder: DatasetFolder,
    images: Floats,
    before: Result,
    measured_now: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(METRICS, "psnr", replace(METRICS["psnr"], version="2"))
    result = evaluate(images, "super_res", folder, groups=["distortion"])
    assert measured_now == ["psnr"]
    assert result.scores["psnr"].version == "2"
    assert list(result.bounds) == [n for n in result.scores if METRICS[n].group == "distortion"]
    assert result.bounds.items() <= before.bounds.items()


def test_bounds_through_another_reference_are_measured_again(
    folder: DatasetFolder, images: Floats, measured_now: list[str]
) -> None:
    kept = json.loads(bounds.PACKAGED.read_text(encoding="utf-8"))
    for entry in kept.values():
        entry["references"]["readers"] = "0" * 64
    bounds.PACKAGED.write_text(json.dumps(kept), encoding="utf-8")
    evaluate(images, "super_res", folder)
    assert measured_now == [name for name, m in METRICS.items() if "readers" in m.needs]


def test_bounds_of_fewer_scenes_are_measured_again(
    folder: DatasetFolder, images: Floats, measured_now: list[str]
) -> None:
    kept = json.loads(bounds.PACKAGED.read_text(encoding="utf-8"))
    for entry in kept.values():
        entry["rows"] -= 8
    bounds.PACKAGED.write_text(json.dumps(kept), encoding="utf-8")
    evaluate(images, "super_res", folder, groups=["consistency"])
    assert measured_now == [name for name, m in METRICS.items() if m.group == "consistency"]


def test_measuring_bounds_keeps_those_of_other_data(measured_beforehand: Path) -> None:
    kept = json.loads(measured_beforehand.read_text(encoding="utf-8"))
    assert len(kept) == 2
    assert kept["super_res/test/other data"]["rows"] == 1


def entry_of(result: Result, name: str) -> Submission:
    """Return an entry whose predictions were scored again, to the same result."""
    return verified(Rescored(make_submission(result, name), result, (), regenerated=False))


def test_entries_from_before_stay_and_the_table_has_a_dash(
    before: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_submission(entry_of(before, "Before"), tmp_path)
    monkeypatch.setitem(METRICS, TOY.name, TOY)
    mae = before.scores["mae"]
    values = dict.fromkeys(mae.per_scene, 0.5)
    new = replace(mae, metric=TOY.name, per_scene=values, mean=0.5, ci_low=0.5, ci_high=0.5)
    after = replace(before, scores={**before.scores, TOY.name: new})
    write_submission(entry_of(after, "After"), tmp_path)
    # A definition that has changed since: the score is a dash, the entry stays.
    monkeypatch.setitem(METRICS, "sam", replace(METRICS["sam"], version="2"))
    [board] = boards(read_submissions(tmp_path))
    table = [line.split(" | ") for line in board_table(board).splitlines() if line.startswith("|")]
    heads, _, *rows = table
    assert not any(head.startswith("SAM") for head in heads)
    column = heads.index("largest error ↓")
    assert {row[1]: row[column] for row in rows} == {"Before": "–", "After": "0.5"}


def test_what_metrics_share_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def costly(scene: JudgedScene) -> int:
        calls.append(scene)
        return 3

    nothing: Any = SimpleNamespace()
    fields = [*JudgedScene.__dataclass_fields__][:-1]
    scenes = [JudgedScene(**dict.fromkeys(fields, nothing)) for _ in range(2)]
    assert [scene.once(costly) for scene in scenes for _ in range(3)] == [3] * 6
    assert calls == scenes
