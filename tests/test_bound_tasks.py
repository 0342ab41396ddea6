"""Tasks bound to data: columns, sizes and sensors are those of what made the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrs_bench.columns import restore
from vrs_bench.data.build.building import build
from vrs_bench.data.manifest import read_manifest
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import evaluate
from vrs_bench.plots.evaluation import evaluation_plots
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.tasks import TASKS, bind

SMALL: dict[str, Any] = {
    "name": "little",
    "scenes": 3,
    "scenes_per_shard": 1,
    "world": {
        "seed": 3,
        "height": 48,
        "width": 64,
        "horizon": 2,
        "cells": {"n": 6},
        "series": {"step_days": 90},
    },
}
PLAIN = check_recipe(BenchmarkRecipe, SMALL, "little")


def with_sensors(**tasks: Any) -> BenchmarkRecipe:
    return check_recipe(BenchmarkRecipe, {**SMALL, "sensors": tasks}, "little")


def imager(*stages: dict[str, Any], product: str = "optical") -> dict[str, Any]:
    return {"name": "own", "product": product, "stages": list(stages)}


def coarse(factor: int) -> dict[str, Any]:
    return imager({"stage": "aggregation", "factor": factor, "mtf_nyquist": 0.3})


def test_a_folder_is_read_by_what_made_it_not_by_the_packaged_sensor_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built with factor 4; then the packaged recipe says 2."""
    folder = tmp_path / "data"
    build(["super_res"], PLAIN, folder)
    packaged = load_recipe(SensorRecipe, "super_res")
    *before, sampling, noise = packaged.stages
    finer = packaged.model_copy(
        update={"stages": (*before, sampling.model_copy(update={"factor": 2}), noise)}
    )
    monkeypatch.setattr("vrs_bench.tasks.binding.load_recipe", lambda model, name: finer)
    assert bind("super_res", PLAIN).column("lr").shape == (4, 24, 32)  # what a build would make

    assert read_manifest(folder).bound("super_res").gsd_ratio == 4
    assert verify(folder) == []
    truth = {}
    for scene in DatasetFolder(folder).scenes("super_res", "test", ["lr", "hr", "phase"]):
        assert scene["lr"].shape == (2, 4, 12, 16)
        assert scene["hr"].shape == (2, 4, 48, 64)
        truth |= {(scene["scene"], step): scene["hr"][step] for step in range(2)}
    groups = ("distortion", "consistency")
    result = evaluate(truth, "super_res", folder, groups=groups)
    assert result.scores["rmse"].mean == 0
    assert result.bounds["rmse"].floor > 0
    assert result.scores["through_sensor_rmse"].mean == pytest.approx(0.004, rel=0.2)
    pictures = evaluation_plots(result, truth, folder, tmp_path / "plots")
    assert all(path.stat().st_size > 10_000 for path in pictures)


@pytest.mark.parametrize("factor", [2, 8])
def test_a_recipe_may_bring_its_own_sensors(tmp_path: Path, factor: int) -> None:
    recipe = with_sensors(super_res={"lr": coarse(factor)})
    bound = bind("super_res", recipe)
    assert bound.gsd_ratio == factor
    assert "phase" not in bound.visible  # this sensor shifts nothing
    assert bind("cloud_removal", recipe) == bind("cloud_removal", PLAIN)
    folder = tmp_path / "data"
    build(["super_res"], recipe, folder)
    assert verify(folder) == []
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| `lr` | 4 × {48 // factor} × {64 // factor} |" in text
    scene = next(DatasetFolder(folder).scenes("super_res", "test", ["lr", "hr"]))
    rows = {(scene["scene"], step): scene["hr"][step] for step in range(2)}
    result = evaluate(rows, "super_res", folder, groups=["distortion", "consistency"])
    assert result.bounds["ergas"].floor > 0
    assert result.scores["through_sensor_rmse"].mean < 1e-4  # this sensor has no noise


def test_a_sampling_that_is_no_whole_number_has_a_floor_too(tmp_path: Path) -> None:
    sampling = {"stage": "aggregation", "target_size": {"height": 30, "width": 40}, "sigma_px": 1}
    recipe = with_sensors(super_res={"lr": imager(sampling)})
    assert bind("super_res", recipe).gsd_ratio == pytest.approx(1.6)
    folder = tmp_path / "data"
    build(["super_res"], recipe, folder)
    scene = next(DatasetFolder(folder).scenes("super_res", "test", ["hr"]))
    rows = {(scene["scene"], step): scene["hr"][step] for step in range(2)}
    result = evaluate(rows, "super_res", folder, groups=["distortion"])
    assert 0 < result.bounds["rmse"].floor < 0.1


def test_causes_of_every_input_are_published_under_its_name(tmp_path: Path) -> None:
    drift = {"stage": "brightness", "add": {"min": 0.01, "max": 0.02}}
    recipe = with_sensors(cloud_removal={"sar": imager(drift, product="sar")})
    bound = bind("cloud_removal", recipe)
    names = bound.configs["cloud_removal_latent"]
    assert names[-4:] == ("cloud", "shadow", "sar_gain", "sar_bias")
    folder = tmp_path / "data"
    build(["cloud_removal"], recipe, folder)
    columns = ["sar", "backscatter", "sar_bias"]
    for scene in DatasetFolder(folder).scenes("cloud_removal", "train", columns):
        drifted = restore(scene["backscatter"][0]) + scene["sar_bias"][0]
        np.testing.assert_allclose(restore(scene["sar"][0]), drifted.clip(0, 1), atol=1.1e-4)


@pytest.mark.parametrize(
    ("sensors", "message"),
    [
        ({"super_rse": {"lr": coarse(2)}}, "unknown task 'super_rse'; did you mean 'super_res'"),
        ({"super_res": {"hr": coarse(2)}}, r"sensors\.super_res: no input 'hr'.*'?lr"),
        (
            {"super_res": {"lr": imager(product="sar")}},
            r"sensors\.super_res\.lr: expected a sensor of the product 'optical', got 'sar'",
        ),
        ({"super_res": {"lr": coarse(5)}}, "5 does not divide the 48 × 64 frame"),
    ],
)
def test_sensors_that_do_not_fit_are_refused_before_anything_is_built(
    tmp_path: Path, sensors: dict[str, Any], message: str
) -> None:
    recipe = with_sensors(**sensors)
    with pytest.raises(BenchError, match=message):
        build(["super_res"], recipe, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_old_form_of_a_sensor_is_an_unknown_key() -> None:
    with pytest.raises(BenchError, match=r"unknown key 'noise'.*stages"):
        check_recipe(SensorRecipe, {**imager(), "noise": {"read_noise": 0.1}}, "own.yaml")


def test_stages_of_one_kind_have_their_own_draws_and_columns() -> None:
    gain = {"stage": "brightness", "mul": {"min": 0.9, "max": 1.1}}
    bound = bind("super_res", with_sensors(super_res={"lr": imager(gain, gain)}))
    names = [column.name for column in bound.columns]
    assert names[-4:] == ["gain", "bias", "gain_2", "bias_2"]
    from vrs_bench.world.scene import make_scene

    row = next(bound.rows(make_scene(bound.world, 0)))
    assert row["gain"] != row["gain_2"]


@pytest.mark.parametrize("name", list(TASKS))
def test_columns_say_what_a_method_may_see_and_what_stays_over_a_scene(name: str) -> None:
    bound = bind(name, PLAIN)
    assert set(bound.visible) >= {"scene", "time_step", "day_of_year", *bound.sensors}
    assert bound.target not in bound.visible
    from vrs_bench.world.scene import make_scene

    rows = list(bound.rows(make_scene(bound.world, 1)))
    for column in bound.columns:
        values = np.stack([row[column.name] for row in rows])
        assert values.shape == (2, *column.shape)
        assert values.dtype == column.dtype
        if column.static:
            assert (values == values[0]).all()
    assert set(rows[0]) == {column.name for column in bound.columns}
