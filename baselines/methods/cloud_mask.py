"""Where clouds and their shadows are, told from images alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation

from baselines.inputs import Inputs
from baselines.methods.method import Example, Examples
from baselines.methods.series import days_of, kept, linear
from vrs_bench.columns import restore
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Doubles, Floats

BRIGHT = 0.15
"""Blue reflectance above which a pixel is cloud whatever its other dates show."""

COMPARED = 4
"""Nearest dates that are not bright, whose median a date is compared with."""

AMONG = 12
"""Nearest dates among which those are looked for."""

TUNED_ON = 4
"""Validation scenes by which thresholds are chosen."""

EVERY = 3
"""Rows and columns apart of the pixels whose error counts there: neighbours tell the same."""

LIGHT = (0.99, 0.97, 0.95, 0.9, 0.8)
"""Shares of light that are tried as what has to come through for a pixel to be clear in truth:
where dates are far apart, a thin cloud hides less than a line between clear dates gets wrong."""


@dataclass(frozen=True)
class Thresholds:
    """What makes a pixel of a date cloud or shadow."""

    rise: float = 0.02
    """Cloud: blue reflectance is above the median of near dates by more than this."""
    fall: float = 0.2
    """Shadow: all bands are below the median of near dates by more than this share of it."""
    margin: int = 1
    """Pixels around cloud and shadow that count as such."""


GRID = {
    "rise": (0.01, 0.015, 0.02, 0.03, 0.05),
    "fall": (0.06, 0.12, 0.2, 0.35, 1.0),
    "margin": (0, 1, 2, 3),
}
"""Values that are tried, one setting after the other."""


@dataclass(frozen=True)
class Compared:
    """Images beside what their near dates show."""

    bright: Array
    """(date, height, width) bool"""
    rise: Floats
    """Of blue over the median of near dates, (date, height, width)."""
    ratio: Floats
    """To the median of near dates, the largest over bands, (date, height, width)."""

    def clear(self, by: Thresholds) -> Array:
        """Return what is neither cloud nor shadow, (date, height, width) bool."""
        covered = self.bright | (self.rise > by.rise) | (self.ratio < 1 - by.fall)
        if by.margin:
            square = np.ones((1, 2 * by.margin + 1, 2 * by.margin + 1), bool)
            covered = binary_dilation(covered, square)
        return ~covered


def compared(bound: BoundTask, images: Floats, days: Doubles) -> Compared:
    """Compare each date of (date, band, height, width) with those near to it."""
    blue = bound.bands.index("blue")
    bright = images[:, blue] > BRIGHT
    median = np.empty_like(images)
    for date in range(len(days)):
        others = np.arange(len(days)) != date
        order = np.argsort(np.abs(days - days[date]), kind="stable")
        near = order[others[order]][:AMONG]
        median[date] = _median_of_first(images[near], ~bright[near], COMPARED)
    # Without a date to compare with, there is neither rise nor fall.
    median = np.where(np.isnan(median), images, median)
    ratio = (images / np.maximum(median, 1e-4)).max(axis=1)
    return Compared(bright, images[:, blue] - median[:, blue], ratio)


def _median_of_first(images: Floats, usable: Array, count: int) -> Floats:
    """Return the median of the first usable images at each pixel; NaN where there is none."""
    chosen = usable & (np.cumsum(usable, axis=0) <= count)
    values = np.sort(np.where(chosen[:, None], images, np.inf), axis=0)
    last = np.maximum(chosen.sum(axis=0) - 1, 0)
    low, high = (
        np.take_along_axis(values, np.broadcast_to(at, images.shape[1:])[None], axis=0)[0]
        for at in (last // 2, (last + 1) // 2)
    )
    with np.errstate(invalid="ignore"):
        middle = (low + high) / 2
    return np.where(np.isfinite(middle), middle, np.float32(np.nan))


def fit_thresholds(bound: BoundTask, examples: Examples) -> Thresholds:
    """Choose thresholds by the error of linear interpolation on validation scenes."""
    scenes = [
        (example, compared(bound, example.inputs[bound.main_input], days_of(example.inputs)))
        for example in examples.validation(TUNED_ON)
    ]

    def error(by: Thresholds) -> float:
        return float(np.mean([_error(bound, of, beside.clear(by)) for of, beside in scenes]))

    best = Thresholds()
    for name, values in GRID.items():
        tried = [replace(best, **{name: value}) for value in values]  # type: ignore[arg-type]
        best = min(tried, key=error)
    return best


def fit_light(bound: BoundTask, examples: Examples) -> float:
    """Choose among :data:`LIGHT` by the error of linear interpolation on validation scenes."""
    scenes = list(examples.validation(TUNED_ON))

    def error(light: float) -> float:
        return float(np.mean([_error(bound, of, true_clear(of.inputs, light)) for of in scenes]))

    return min(LIGHT, key=error)


def _error(bound: BoundTask, example: Example, clear: Array) -> float:
    """Return the mean squared error of lines between dates that are taken for clear."""
    some = (..., slice(None, None, EVERY), slice(None, None, EVERY))
    images, target, clear = (
        example.inputs[bound.main_input][some],
        example.target[some],
        clear[some],
    )
    filled = kept(images, clear, linear(images, clear, days_of(example.inputs)))
    return float(np.square(filled - target).mean(dtype=np.float64))


def estimated_clear(bound: BoundTask, inputs: Inputs, by: Thresholds) -> Array:
    """Return what the images themselves tell to be clear, (date, height, width) bool."""
    return compared(bound, inputs[bound.main_input], days_of(inputs)).clear(by)


def true_clear(inputs: Inputs, light: float) -> Array:
    """Return where so much light came through by the columns ``cloud`` and ``shadow``."""
    through = (1 - restore(inputs["cloud"])) * (1 - restore(inputs["shadow"]))
    return np.asarray(through >= light)
