"""Cloud removal by boosting: trees correct the line between clear dates, with radar or without.

What they see of a clouded pixel: its observed value, the line, both clear dates and how far away
they are, the mean of the clear dates, what lies around it, how far pixels that are clear on this
date are from their own lines; and with radar, how the backscatter of the date differs from that of
both clear dates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from baselines.inputs import Inputs
from baselines.methods.boosting import drawn, fit_boosting, joined
from baselines.methods.cloud_mask import Thresholds, estimated_clear, fit_light, true_clear
from baselines.methods.filling import NEEDS, Clear, clouded, with_true_mask
from baselines.methods.method import Example, Examples, Fit, Method, Restore
from baselines.methods.radar_series import box, decibels, power
from baselines.methods.series import days_of, kept, linear, neighbours, never_seen
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Doubles, Floats

TRAIN_SCENES, VALIDATION_SCENES = 24, 6
PIXELS = 3000
"""Clouded ones, over all dates, that are drawn of each scene."""

DOUBTFUL = Thresholds(rise=0.02, fall=0.2, margin=1)
"""What is restored where the mask is estimated: all that may be cloud or shadow. Trees see the
observed values too, so a pixel that is clear after all costs little."""

NEAR, FAR = 1.5, 8.0
"""Standard deviations of the windows around a pixel, pixels."""


@dataclass(frozen=True)
class Gaps:
    """A scene, and what its clear dates say of the rest; arrays (date, …, height, width)."""

    images: Floats
    clear: Array
    days: Doubles
    line: Floats
    """Between the clear dates before and after."""
    before: Array
    """Clear date before, -1 where there is none."""
    after: Array
    offset: Floats
    """Mean difference of the clear pixels around from their own lines through other dates."""
    mean: Floats
    """Of the clear dates, (band, height, width)."""
    radar: tuple[Floats, ...]
    """Backscatter (date, band, height, width) averaged over windows; empty without radar."""


def gaps_of(bound: BoundTask, inputs: Inputs, clear: Clear, with_radar: bool) -> Gaps:
    """Return what is known of a scene before anything is fitted."""
    images, days, seen = inputs[bound.main_input], days_of(inputs), clear(bound, inputs)
    known, usable = never_seen(images, seen, days)
    before, after = neighbours(usable)
    line = linear(images, seen, days)
    apart = np.where(seen[:, None], images - linear(images, seen, days, itself=False), 0)
    window = (0, 0, FAR, FAR)
    share = gaussian_filter(seen[:, None].astype(np.float32), window)
    # A little of "no difference" where hardly any pixel around is clear.
    offset = gaussian_filter(apart, window) / (share + np.float32(0.02))
    mean = (known * usable[:, None]).sum(axis=0) / np.maximum(usable.sum(axis=0), 1)
    radar: tuple[Floats, ...] = ()
    if with_radar:
        linear_power = power(inputs["sar"])
        radar = tuple(decibels(box(linear_power, side)) for side in (3, 7))
    return Gaps(images, seen, days, line, before, after, offset, mean, radar)


def features(gaps: Gaps, date: int, pixels: Array) -> Floats:
    """Return what is told of some pixels of a date, (pixel, feature)."""
    first = np.maximum(gaps.before[date], 0)
    last = np.minimum(gaps.after[date], len(gaps.days) - 1)
    first = np.where(gaps.before[date] < 0, last, first)
    last = np.where(gaps.after[date] == len(gaps.days), first, last)

    def at(images: Floats, dates: Array) -> Floats:
        taken: Floats = np.take_along_axis(images, dates[None, None], axis=0)[0]
        return taken

    line, day = gaps.line[date], 2 * np.pi * gaps.days[date] / 365
    since, until = gaps.days[date] - gaps.days[first], gaps.days[last] - gaps.days[date]
    around = gaussian_filter(line, (0, NEAR, NEAR))
    flat = np.ones_like(line[:1])
    layers = [
        line,
        gaps.images[date],
        at(gaps.images, first),
        at(gaps.images, last),
        gaps.mean,
        around,
    ]
    layers += [gaps.offset[date], since[None], until[None], flat * np.sin(day), flat * np.cos(day)]
    for radar in gaps.radar:
        now, then, later = radar[date], at(radar, first), at(radar, last)
        share = since / np.maximum(since + until, 1)
        layers += [now, now - then, now - later, now - (then + share * (later - then))]
    if gaps.radar:
        widest = gaps.radar[-1]
        layers += [widest.mean(axis=0), widest[max(date - 1, 0)]]
        layers += [widest[min(date + 1, len(widest) - 1)]]
    stacked = np.concatenate(layers).astype(np.float32)
    return np.ascontiguousarray(stacked.reshape(len(stacked), -1)[:, pixels].T)


def hidden(gaps: Gaps, date: int) -> Array:
    """Return the pixels of a date that are to be restored, as flat indices."""
    return np.flatnonzero(~gaps.clear[date])


def _fit(with_radar: bool, true_mask: bool) -> Fit:
    def fit(bound: BoundTask, examples: Examples) -> Restore:
        clear = _fit_clear(bound, examples, true_mask)

        def tables(scenes: Iterator[Example], key: int) -> Iterator[tuple[Floats, Floats]]:
            for number, example in enumerate(scenes):
                gaps = gaps_of(bound, example.inputs, clear, with_radar)
                rng = np.random.default_rng((key, number))
                chosen = drawn(rng, PIXELS, np.flatnonzero(~gaps.clear))
                dates, pixels = np.divmod(chosen, gaps.clear[0].size)
                for date in np.unique(dates).tolist():
                    here = pixels[dates == date]
                    missing = (example.target[date] - gaps.line[date]).reshape(len(bound.bands), -1)
                    yield features(gaps, date, here), missing[:, here].T

        correct = fit_boosting(
            joined(tables(examples.train(TRAIN_SCENES), 0)),
            joined(tables(examples.validation(VALIDATION_SCENES), 1)),
        )
        return lambda task, inputs: _restored(gaps_of(task, inputs, clear, with_radar), correct)

    return fit


def _fit_clear(bound: BoundTask, examples: Examples, true_mask: bool) -> Clear:
    if true_mask:
        light = fit_light(bound, examples)
        return lambda _, inputs: true_clear(inputs, light)
    return lambda task, inputs: estimated_clear(task, inputs, DOUBTFUL)


def _restored(gaps: Gaps, correct: Callable[[Floats], Floats]) -> Floats:
    images = kept(gaps.images, gaps.clear, gaps.line).reshape(*gaps.images.shape[:2], -1)
    for date in range(len(images)):
        pixels = hidden(gaps, date)
        images[date][:, pixels] += correct(features(gaps, date, pixels)).T
    clipped: Floats = np.clip(images, 0, 1).reshape(gaps.images.shape)
    return clipped


def _with_radar(bound: BoundTask) -> bool:
    size = bound.column(bound.target).shape[1:]
    return clouded(bound) and "sar" in bound.sensors and bound.column("sar").shape[1:] == size


BOOSTING = Method(
    name="boosting",
    description="Trees that correct the line between clear dates, pixel by pixel; no radar.",
    needs=NEEDS,
    suits=clouded,
    fit=_fit(with_radar=False, true_mask=False),
    main_input_alone=True,
)
BOOSTING_RADAR = Method(
    name="boosting-radar",
    description="Trees that correct the line between clear dates by what radar saw change.",
    needs=f"{NEEDS}, and radar beside it",
    suits=_with_radar,
    fit=_fit(with_radar=True, true_mask=False),
)
BOOSTING_TRUE_MASK = with_true_mask(BOOSTING, _fit(with_radar=False, true_mask=True))
BOOSTING_RADAR_TRUE_MASK = with_true_mask(BOOSTING_RADAR, _fit(with_radar=True, true_mask=True))
