"""Predictions seen through the sensor, against the data, and against the published columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from vrs_bench.columns import SCALE, restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.through_sensor import consistency_rmse, through_sensor
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.sensors.stages.noise import Noise
from vrs_bench.tasks import BoundTask, bind
from vrs_bench.types import Doubles, Floats
from vrs_bench.world.scene import WorldRecipe, make_scene

QUANTUM = 1 / SCALE
TINY = load_recipe(BenchmarkRecipe, "tiny").world
WORLD: WorldRecipe = TINY.model_copy(
    update={"height": 64, "width": 64, "cells": TINY.cells.model_copy(update={"n": 8})}
)
both = pytest.mark.parametrize("name", ["super_res", "cloud_removal"])


def made(name: str, quiet: bool = False) -> tuple[BoundTask, dict[str, Any], Floats]:
    """Return a task on a small world, a scene as it is published, and its truth."""
    recipe = load_recipe(BenchmarkRecipe, "tiny").model_copy(update={"world": WORLD})
    task = bind(name, recipe)
    if quiet:
        stages = tuple(stage for stage in task.main_sensor.stages if not stage.is_noise)
        main = task.main_sensor.model_copy(update={"stages": stages})
        task = replace(task, sensors={**task.sensors, task.main_input: main})
    rows = list(task.rows(make_scene(WORLD, 900_000)))
    scene: dict[str, Any] = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    scene["scene"] = 900_000
    return task, scene, restore(scene[task.target])


def read_noise(task: BoundTask) -> float:
    (noise,) = (stage for stage in task.main_sensor.stages if isinstance(stage, Noise))
    return noise.read_noise


def seen_through(name: str, prediction: Floats | None = None) -> Floats:
    task, scene, truth = made(name)
    seen = through_sensor(task, scene, truth if prediction is None else prediction)
    assert seen is not None
    assert seen.shape == scene[task.main_input].shape
    assert seen.dtype == np.float32
    return seen


@both
def test_without_noise_the_truth_gives_back_the_observation_but_for_rounding(name: str) -> None:
    task, scene, truth = made(name, quiet=True)
    seen = through_sensor(task, scene, truth)
    gain = 1.02  # at most; the truth and the observation are both rounded
    off = np.abs(seen - restore(scene[task.main_input])).max()
    assert off <= (0.5 * gain + 0.5) * QUANTUM + 2e-6


@both
def test_the_truth_reaches_the_read_noise(name: str) -> None:
    """Variances add: noise, and one rounding to the quantum; the other is averaged away."""
    task, scene, truth = made(name)
    values = consistency_rmse(task, scene, truth)
    assert values is not None
    assert values.shape == (WORLD.horizon,)
    assert values.dtype == np.float64
    noise = read_noise(task)
    expected = np.sqrt(noise**2 + QUANTUM**2 / 12)
    assert np.sqrt(np.mean(values**2)) == pytest.approx(expected, rel=0.03)
    assert values.max() < 1.15 * expected


@both
def test_a_worse_prediction_explains_the_observation_less(name: str) -> None:
    task, scene, truth = made(name)

    def of(prediction: Floats) -> float:
        values = consistency_rmse(task, scene, prediction)
        assert values is not None
        return float(values.mean())

    shifts = [of(np.roll(truth, by, axis=-1)) for by in (0, 1, 2, 4)]
    assert np.diff(shifts).min() > 2e-4
    biases = [of(np.clip(truth + np.float32(by), 0, 1)) for by in (0.0, 0.01, 0.05)]
    assert np.diff(biases).min() > 2e-3


@both
def test_the_view_is_affine(name: str) -> None:
    _, _, truth = made(name)
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0.1, 0.8, truth.shape).astype(np.float32) for _ in range(2))
    mixed = seen_through(name, np.float32(0.25) * x + np.float32(0.75) * y)
    expected = 0.25 * seen_through(name, x) + 0.75 * seen_through(name, y)
    np.testing.assert_allclose(mixed, expected, rtol=0, atol=3e-6)


def under_atmosphere(scene: dict[str, Any], truth: Floats) -> Doubles:
    """Return the truth with what the atmospheric correction has left, as it is published."""
    gain, path = (
        scene[f"atmosphere_{name}"].astype(float)[..., None, None] for name in ("gain", "path")
    )
    return (1 + gain) * truth + path


def test_the_coarse_view_is_what_the_published_columns_say() -> None:
    """Calibration, and a Gaussian of MTF 1/4 at Nyquist integrated over each pixel of the truth."""
    _, scene, truth = made("super_res")
    seen = seen_through("super_res")
    sigma = 4 * np.sqrt(-2 * np.log(0.25)) / np.pi
    edges = np.arange(65)
    for row in (0, 3):
        matrices = []
        for shift in scene["phase"][row].astype(float):
            centres = 4 * (np.arange(16)[:, None] + 0.5 + shift)
            weights = np.diff(norm.cdf(edges, centres, sigma), axis=1)
            matrices.append(weights / weights.sum(axis=1, keepdims=True))  # edges give back
        lit = scene["gain"][row] * under_atmosphere(scene, truth)[row] + scene["bias"][row]
        expected = np.einsum("iy,byx,jx->bij", matrices[0], lit, matrices[1])
        np.testing.assert_allclose(seen[row], expected.clip(0, 1), rtol=0, atol=2e-6)


def test_the_clouded_view_is_ground_under_the_published_shadow_and_grey_cloud() -> None:
    _, scene, truth = made("cloud_removal")
    cloud, shadow = (restore(scene[name])[:, None] for name in ("cloud", "shadow"))
    assert (cloud > 0.5).mean() > 0.1
    ground = under_atmosphere(scene, truth)
    left = seen_through("cloud_removal") - (1 - cloud) * (1 - shadow) * ground
    assert np.ptp(left, axis=1).max() < 2 * QUANTUM  # opacity and shadow are published rounded
    thick = np.broadcast_to(cloud > 0.95, left.shape)  # thin cloud may be haze of another grey
    brightness = left[thick] / np.broadcast_to(cloud, left.shape)[thick]
    assert abs(brightness.mean() - 0.8) < 0.05
    assert abs(brightness - 0.8).max() < 0.2
    assert abs(left[np.broadcast_to(cloud == 0, left.shape)]).max() < 2 * QUANTUM


def test_what_lies_under_opaque_cloud_does_not_count() -> None:
    task, scene, truth = made("cloud_removal")
    hidden = np.broadcast_to(scene["cloud"][:, None] == SCALE, truth.shape)
    assert hidden.mean() > 0.02
    values = [
        consistency_rmse(task, scene, image)
        for image in (truth, np.where(hidden, np.float32(0), truth))
    ]
    np.testing.assert_allclose(values[0], values[1], rtol=0, atol=2e-6)


def test_no_sensor_makes_radar_of_optical_images() -> None:
    task, scene, truth = made("sar_to_optical")
    assert through_sensor(task, scene, truth) is None
    assert consistency_rmse(task, scene, truth) is None


@both
def test_data_that_this_seed_does_not_make_are_refused(name: str) -> None:
    task, scene, truth = made(name)
    other = WORLD.model_copy(update={"seed": WORLD.seed + 1})
    with pytest.raises(BenchError, match=r"scene 900000, time step 0: .* build the data again"):
        through_sensor(replace(task, world=other), scene, truth)


COLUMNS = ["lr", "hr", "phase", "gain", "bias", "atmosphere_gain", "atmosphere_path"]


def test_scenes_of_a_dataset_folder_are_taken_as_they_are_read(tiny: Path) -> None:
    folder = DatasetFolder(tiny)
    task = folder.manifest.bound("super_res")
    for scene in folder.scenes("super_res", "train", COLUMNS):
        values = consistency_rmse(task, scene, restore(scene["hr"]))
        np.testing.assert_allclose(values, 0.004, rtol=0.1)
