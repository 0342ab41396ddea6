"""Honest methods that attacks start from: quick, without a network or with a very small one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPRegressor

from vrs_bench.columns import restore
from vrs_bench.evaluation.floors import CLOUD_BLUE, Method, floor_method
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.sensors.sensor import view
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER

_PIXELS = 1500
"""Drawn of each train scene for a fit."""

Features = Callable[[SceneTruth], Floats]
"""Scene → (feature, height, width)."""


def back_projected(task: BoundTask, scene: SceneTruth, start: Floats, steps: int) -> Floats:
    """Return images nearer to what was observed, by steps along the sensor's adjoint."""
    images = start.astype(np.float64)
    observed = restore(scene.columns[task.main_input])
    place = task.place(scene.number)
    for image, seen, step in zip(images, observed, scene.steps.tolist(), strict=True):
        operator = view(task.main_sensor, place, step).operator()
        assert operator is not None  # noqa: S101  # this sensor mixes pixels
        rate = (np.linalg.norm(operator.rows, 2) * np.linalg.norm(operator.columns, 2)) ** -2
        for _ in range(steps):
            image += rate * operator.adjoint.apply(seen - operator.apply(image))
    return np.clip(images, 0, 1).astype(np.float32)


def linear_in_time(task: BoundTask, scene: SceneTruth) -> Floats:
    """Return at every pixel the line between the clear dates before and after."""
    seen = restore(scene.columns[task.main_input])
    images = seen.copy()
    clear = seen[:, task.bands.index("blue")] <= CLOUD_BLUE
    steps = np.arange(len(seen))
    # Pixels share their pattern of clear dates with many others.
    patterns, which = np.unique(clear.reshape(len(seen), -1), axis=1, return_inverse=True)
    of_pixel = which.reshape(clear.shape[1:])
    for number, pattern in enumerate(patterns.T):
        known = np.flatnonzero(pattern)
        if len(known):
            weights = np.stack([np.interp(steps, known, row) for row in np.eye(len(known))], axis=1)
            series = seen[known][:, :, of_pixel == number]
            images[:, :, of_pixel == number] = np.tensordot(weights, series, axes=1)
    return images


def fitted_forest(task: BoundTask, train: Sequence[SceneTruth]) -> Callable[[SceneTruth], Array]:
    """Return a forest that reads land cover from all inputs, (height, width) from 0."""
    features = _features(task)
    x, y = _sampled(train, features, lambda scene: scene.land_cover[None])
    inside = y[:, 0] > 0
    forest = RandomForestClassifier(60, min_samples_leaf=5, random_state=0)
    forest.fit(x[inside], y[inside, 0].astype(int) - 1)

    def labels(scene: SceneTruth) -> Array:
        pixels = features(scene)
        found: Array = forest.predict(pixels.reshape(len(pixels), -1).T)
        return found.reshape(pixels.shape[1:])

    return labels


def fitted_perceptron(task: BoundTask, train: Sequence[SceneTruth]) -> Method:
    """Return a small perceptron that corrects a simple method, pixel by pixel.

    It sees all dates of a pixel and of what surrounds it, in all inputs.
    """
    features, simple = _features(task), _simple(task)

    def missing(scene: SceneTruth) -> Floats:
        return (scene.target - simple(scene)).reshape(-1, *scene.target.shape[2:])

    x, y = _sampled(train, features, missing)
    centre, spread = x.mean(axis=0), x.std(axis=0) + np.float32(1e-6)
    scale = y.std()
    network = MLPRegressor(
        hidden_layer_sizes=(128, 128), max_iter=40, early_stopping=True, random_state=0
    )
    network.fit((x - centre) / spread, y / scale)

    def method(scene: SceneTruth) -> Floats:
        pixels = features(scene)
        found = network.predict((pixels.reshape(len(pixels), -1).T - centre) / spread) * scale
        images = simple(scene) + found.T.reshape(scene.target.shape)
        clipped: Floats = np.clip(images, 0, 1).astype(np.float32)
        return clipped

    return method


def prototypes(train: Sequence[SceneTruth]) -> Floats:
    """Return the mean series of each class, (class, row, band)."""
    sums = np.zeros((len(LAND_COVER), *train[0].target.shape[:2]))
    counts = np.zeros(len(LAND_COVER))
    for scene in train:
        for number in range(len(LAND_COVER)):
            pixels = scene.target[:, :, scene.land_cover == number + 1]
            sums[number] += pixels.sum(axis=-1)
            counts[number] += pixels.shape[-1]
    return (sums / np.maximum(counts, 1)[:, None, None]).astype(np.float32)


def _simple(task: BoundTask) -> Method:
    """Return the method that a perceptron corrects."""
    if task.name == "cloud_removal":
        return lambda scene: linear_in_time(task, scene)
    return floor_method(task)


def _features(task: BoundTask) -> Features:
    """Return what is seen of a pixel: the simple method where it says anything, and the radar."""
    simple = _simple(task)

    def features(scene: SceneTruth) -> Floats:
        layers = []
        if task.name != "sar_to_optical":
            images = simple(scene)
            layers += [images, *(gaussian_filter(images, (0, 0, s, s)) for s in (1, 2, 4))]
            mean = images.mean(axis=0, keepdims=True)
            beside = ((-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (1, 1), (-1, 1), (1, -1))
            layers += [np.roll(mean, offset, (2, 3)) - mean for offset in beside]
        if "sar" in scene.columns:
            radar = np.log(restore(scene.columns["sar"]) + np.float32(1e-3))
            layers += [uniform_filter(radar, (0, 0, side, side)) for side in (5, 9, 21)]
        return np.concatenate([of.reshape(-1, *of.shape[2:]) for of in layers])

    return features


def _sampled(
    train: Sequence[SceneTruth], features: Features, target: Callable[[SceneTruth], Array]
) -> tuple[Floats, Array]:
    """Return (pixel, feature) and (pixel, value) of pixels that are drawn of each scene."""
    rng = np.random.default_rng(0)
    drawn = []
    for scene in train:
        x, y = features(scene), target(scene)
        chosen = rng.choice(x[0].size, _PIXELS, replace=False)
        drawn.append([of.reshape(len(of), -1)[:, chosen].T for of in (x, y)])
    x, y = (np.concatenate(of) for of in zip(*drawn, strict=True))
    return x, y
