"""Radar to optical by regression on the whole radar series of a pixel and of what surrounds it.

Speckle of a single look is as large as the signal, so all that is told of a pixel is averaged:
over dates and over squares of pixels; and what is found of it, over regions that are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from baselines.inputs import Inputs, shows_target
from baselines.methods.boosting import Table, drawn, fit_boosting, joined
from baselines.methods.method import Example, Examples, Fit, Method, Restore
from baselines.methods.radar_series import box, decibels, power
from baselines.methods.ridge import fit_ridge
from baselines.methods.superpixels import region_means, superpixels
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats

NEEDS = "radar as its main input, on the grid of the target"
TRAIN_SCENES, VALIDATION_SCENES = 28, 6
PIXELS = 1500
"""Drawn of each scene, with all their dates."""

COMPONENTS = 8
"""Of what the ridge misses, that trees tell."""

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
SMALL, LARGE = 3, 7
"""Sides of the squares over which radar is averaged."""

SIDE, COMPACTNESS = 10, 4.0
"""Of superpixels."""

Regions = Callable[[Floats, Inputs], Array]
"""Estimated images and inputs → region of each pixel, (height, width) from 0."""


def averaged(inputs: Inputs, name: str) -> Floats:
    """Average the radar series of a scene.

    Args:
        inputs: of the scene.
        name: column of the radar.

    Returns:
        (channel, height, width) on the published scale: each date and band over large and over
        small squares; the mean of all dates, of single pixels and over small squares.
    """
    linear = power(inputs[name])
    flat, mean = linear.reshape(-1, *linear.shape[2:]), linear.mean(axis=0)
    return decibels(np.concatenate([box(flat, LARGE), box(flat, SMALL), mean, box(mean, SMALL)]))


def from_radar(bound: BoundTask) -> bool:
    """Say whether the main input is radar on the grid of another target."""
    radar = bound.main_sensor.product == "sar"
    return radar and not shows_target(bound) and bound.gsd_ratio == 1


def found_regions(images: Floats, _: Inputs) -> Array:
    """Return superpixels of estimated images, told apart by how their series differ."""
    flat = images.reshape(-1, *images.shape[2:])
    channels = flat - flat.mean(axis=(1, 2), keepdims=True)
    # In units of the noise: the median step to the next pixel.
    step = np.median(np.abs(np.diff(channels, axis=-1)), axis=(1, 2))[:, None, None]
    noise = np.maximum(step, 1e-6) * np.sqrt(len(channels), dtype=np.float32)
    return superpixels(channels / noise, SIDE, COMPACTNESS)


def true_cells(_: Floats, inputs: Inputs) -> Array:
    """Return the true cells; a pixel between them is a region of its own."""
    cell: Array = inputs["cell"][0].astype(np.intp)
    between = cell == 0
    return np.where(between, cell.max() + np.cumsum(between).reshape(cell.shape), cell)


def mean_of_date(bound: BoundTask, examples: Examples) -> Restore:
    """Return the mean of each date over train scenes, at every pixel."""
    means = [e.target.mean(axis=(2, 3), dtype=np.float64) for e in examples.train(TRAIN_SCENES)]
    average = np.mean(means, axis=0).astype(np.float32)[..., None, None]

    def restore(task: BoundTask, inputs: Inputs) -> Floats:
        shape = (*average.shape[:2], *inputs[task.main_input].shape[2:])
        return np.broadcast_to(average[inputs["time_step"]], shape).copy()

    return restore


def _table(scenes: Iterator[Example], name: str, key: int) -> Table:
    """Return what is told of some pixels of each scene, and their optical series."""
    parts = []
    for number, example in enumerate(scenes):
        told = averaged(example.inputs, name)
        told = told.reshape(len(told), -1)
        chosen = drawn(np.random.default_rng((key, number)), PIXELS, np.arange(told.shape[1]))
        wanted = example.target.reshape(-1, told.shape[1])
        parts.append((told[:, chosen].T, wanted[:, chosen].T))
    return joined(parts)


def _tables(bound: BoundTask, examples: Examples) -> tuple[Table, Table]:
    train = _table(examples.train(TRAIN_SCENES), bound.main_input, 2)
    return train, _table(examples.validation(VALIDATION_SCENES), bound.main_input, 3)


def ridge(bound: BoundTask, examples: Examples) -> Restore:
    """Fit all bands of all dates to the radar series by ridge regression."""
    fitted = fit_ridge(*_tables(bound, examples), PENALTIES)

    def restore(task: BoundTask, inputs: Inputs) -> Floats:
        told = averaged(inputs, task.main_input)
        return _images(task, inputs, fitted.predict(told.reshape(len(told), -1).T))

    return restore


def radar_series(bound: BoundTask, examples: Examples) -> Restore:
    """Fit trees that tell what the ridge misses of a pixel's series.

    That is told by its principal components over train scenes: a few numbers a pixel, and not one
    for each band of each date.
    """
    train, unseen = _tables(bound, examples)
    first = fit_ridge(train, unseen, PENALTIES)
    missed, missed_unseen = (y - first.predict(x) for x, y in (train, unseen))
    _, vectors = np.linalg.eigh(missed.T @ missed)
    directions = vectors[:, ::-1][:, :COMPONENTS].astype(np.float32)  # (channel, component)
    correct = fit_boosting(
        (train[0], np.asarray(missed @ directions, np.float32)),
        (unseen[0], np.asarray(missed_unseen @ directions, np.float32)),
    )

    def restore(task: BoundTask, inputs: Inputs) -> Floats:
        told = averaged(inputs, task.main_input)
        flat = told.reshape(len(told), -1).T
        return _images(task, inputs, first.predict(flat) + correct(flat) @ directions.T)

    return restore


def _fit_regions(regions: Regions) -> Fit:
    """Return a fit of what is averaged over regions."""

    def fit(bound: BoundTask, examples: Examples) -> Restore:
        of_pixels = radar_series(bound, examples)

        def restore(task: BoundTask, inputs: Inputs) -> Floats:
            images = of_pixels(task, inputs)
            flat = images.reshape(-1, *images.shape[2:])
            return region_means(flat, regions(images, inputs)).reshape(images.shape)

        return restore

    return fit


def _images(bound: BoundTask, inputs: Inputs, series: Floats) -> Floats:
    """Return series (pixel, date and band) as images."""
    radar = inputs[bound.main_input]
    shape = (len(radar), len(bound.bands), *radar.shape[2:])
    return np.clip(series.T.reshape(shape), 0, 1)


MEAN_OF_DATE = Method(
    name="mean-of-date",
    description="The mean of the date over train scenes, at every pixel.",
    needs=NEEDS,
    suits=from_radar,
    fit=mean_of_date,
)
RIDGE = Method(
    name="ridge",
    description="Linear in the radar series, averaged over 3 × 3 and 7 × 7 pixels and all dates.",
    needs=NEEDS,
    suits=from_radar,
    fit=ridge,
)
RADAR_SERIES = Method(
    name="radar-series",
    description="Trees that correct the ridge, pixel by pixel.",
    needs=NEEDS,
    suits=from_radar,
    fit=radar_series,
)
SUPERPIXELS = Method(
    name="superpixels",
    description="As radar-series, averaged over superpixels of what that finds.",
    needs=NEEDS,
    suits=from_radar,
    fit=_fit_regions(found_regions),
)
TRUE_CELLS = Method(
    name="true-cells",
    description="As radar-series, averaged over the true cells.",
    needs=NEEDS,
    suits=from_radar,
    fit=_fit_regions(true_cells),
    oracle=("cell",),
)
