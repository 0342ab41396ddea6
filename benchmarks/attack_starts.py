"""What attacks start from: honest methods, and a classifier that knows more than readers see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter
from sklearn.ensemble import RandomForestClassifier

from baselines.drawn_examples import DrawnExamples
from baselines.inputs import Inputs, shown_inputs
from baselines.methods.registry import METHODS
from vrs_bench.columns import restore
from vrs_bench.evaluation.floors import Method, floor_method
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER

STARTS = {
    "super_res": ("floor", "map-all-dates"),
    "cloud_removal": ("linear", "boosting-radar"),
    "sar_to_optical": ("ridge", "superpixels"),
}
"""Methods that attacks start from: an easy one, and the best that needs no network."""

_PIXELS = 1500
"""Drawn of each train scene for a fit."""

Told = Callable[[SceneTruth], Floats]
"""Scene → what its inputs tell of a pixel, (feature, height, width)."""


def honest_method(task: BoundTask, name: str) -> Method:
    """Return the floor or a classical method of a task, fitted where there is something to fit."""
    if name == "floor":
        return floor_method(task)
    ready = METHODS[name].ready(task, DrawnExamples(task, ()))
    return lambda scene: np.clip(ready(task, inputs_of(task, scene)), 0, 1).astype(np.float32)


def inputs_of(task: BoundTask, scene: SceneTruth) -> Inputs:
    """Return what methods see of a scene."""
    return shown_inputs(task, (), {**scene.columns, "time_step": scene.steps})


def told_by_inputs(task: BoundTask) -> Told:
    """Return what tells of a pixel what is optical in the inputs, roughly restored, and radar."""
    simple: Method | None = None
    if task.name == "super_res":
        simple = floor_method(task)
    if task.name == "cloud_removal":
        simple = honest_method(task, "linear")

    def told(scene: SceneTruth) -> Floats:
        layers: list[Floats] = []
        if simple is not None:
            images = simple(scene)
            layers += [images, *(gaussian_filter(images, (0, 0, s, s)) for s in (1, 2, 4))]
        if "sar" in scene.columns:
            radar = np.log(restore(scene.columns["sar"]) + np.float32(1e-3))
            layers += [uniform_filter(radar, (0, 0, side, side)) for side in (5, 9, 21)]
        return np.concatenate([of.reshape(-1, *of.shape[2:]) for of in layers])

    return told


def fitted_forest(told: Told, train: Sequence[SceneTruth]) -> Callable[[SceneTruth], Array]:
    """Return a forest that tells land cover from all inputs: scene → (height, width) from 0."""
    rng = np.random.default_rng(0)
    drawn, labels = [], []
    for scene in train:
        pixels, land_cover = told(scene), scene.land_cover.ravel()
        inside = np.flatnonzero(land_cover)
        chosen = rng.choice(inside, min(_PIXELS, len(inside)), replace=False)
        drawn.append(pixels.reshape(len(pixels), -1)[:, chosen].T)
        labels.append(land_cover[chosen])
    forest = RandomForestClassifier(60, min_samples_leaf=5, random_state=0)
    forest.fit(np.concatenate(drawn), np.concatenate(labels))

    def land_cover_of(scene: SceneTruth) -> Array:
        pixels = told(scene)
        found: Array = forest.predict(pixels.reshape(len(pixels), -1).T)
        return found.reshape(pixels.shape[1:]).astype(int) - 1

    return land_cover_of


def prototypes(train: Sequence[SceneTruth]) -> Floats:
    """Return the mean series of each class, (class, row, band)."""
    sums = np.zeros((len(LAND_COVER), *train[0].target.shape[:2]))
    counts = np.zeros(len(LAND_COVER))
    for scene in train:
        for number in range(len(LAND_COVER)):
            pixels: Array = scene.target[:, :, scene.land_cover == number + 1]
            sums[number] += pixels.sum(axis=-1)
            counts[number] += pixels.shape[-1]
    return (sums / np.maximum(counts, 1)[:, None, None]).astype(np.float32)
