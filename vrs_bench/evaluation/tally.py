"""What is kept of the scenes that were scored, and the scores over the split made of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vrs_bench.evaluation.scores import Bound, PartScore, Score
from vrs_bench.evaluation.skill import skills
from vrs_bench.evaluation.statistics import (
    CONFIDENCE,
    bootstrap_intervals,
    jackknife_interval,
)
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Composed, Metric, PerSplit
from vrs_bench.metrics.scene import JudgedScene, Measured, Part
from vrs_bench.types import Array

PerScene = dict[int, float]

PartFloors = Mapping[Part, Mapping[str, float]]
"""Part → metric → what the task's trivial method reaches there."""
Ends = tuple[float, float] | tuple[None, None]


@dataclass(frozen=True)
class SceneValues:
    """What is kept of one scene: numbers, no image."""

    number: int
    measured: dict[str, Measured]
    """Metric → what it says of the scene."""
    gathered: dict[str, Any]
    """Metric that is of a split → what it keeps of the scene."""
    confusion: dict[str, Array]
    """Confusion matrices, see :func:`vrs_bench.metrics.land_cover.confusion_matrices`."""


def values_of(
    number: int, scene: JudgedScene, metrics: Iterable[Metric], confusion: dict[str, Array]
) -> SceneValues:
    """Return what metrics say of a scene, whose confusion matrices are known."""
    values = SceneValues(number, {}, {}, confusion)
    for metric in metrics:
        if isinstance(metric.computed, PerSplit):
            values.gathered[metric.name] = scene.once(metric.computed.gather)
        elif not isinstance(metric.computed, Composed):  # which are made of the others
            values.measured[metric.name] = metric.computed.measure(scene)
    return values


class Tally:
    """The values of one set of images, scene by scene in the order of the split."""

    def __init__(self) -> None:
        """Start with no scene."""
        self._values: defaultdict[str, PerScene] = defaultdict(dict)
        self._of_split: dict[str, float] = {}
        self._parts: defaultdict[Part, defaultdict[str, PerScene]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._confusion: dict[str, Array] = {}
        self._gathered: defaultdict[str, list[Any]] = defaultdict(list)

    def add(self, scene: SceneValues) -> None:
        """Add the values of the next scene."""
        for metric, kept in scene.gathered.items():
            self._gathered[metric].append(kept)
        for metric, measured in scene.measured.items():
            self._values[metric][scene.number] = measured.whole
            for part, value in measured.parts.items():
                of_part = self._parts[part]  # there from now on, so that parts keep their order
                if not math.isnan(value):
                    of_part[metric][scene.number] = value
        for source, matrix in scene.confusion.items():
            self._confusion[source] = self._confusion.get(source, 0) + matrix

    def close(self, metrics: Iterable[Metric]) -> None:
        """Compute the metrics that are of a split, once all its scenes are there."""
        for metric in metrics:
            if isinstance(metric.computed, PerSplit):
                self._of_split[metric.name] = metric.computed.value(self._gathered[metric.name])

    def add_skills(
        self, bounds: Mapping[str, Bound], part_floors: PartFloors, members: Sequence[Metric]
    ) -> None:
        """Add the skills, which are made of the values of all scenes and of their bounds.

        Over a part, floors are those of the part; the truth is as good over parts as over all.
        """
        self._values |= skills(self._values, bounds, members)
        for part, of_part in self._parts.items():
            floors = part_floors.get(part, {})
            placed = {
                name: Bound(floors[name], bounds[name].ceiling) for name in floors if name in bounds
            }
            of_part |= skills(of_part, placed, members)

    def part_floors(self) -> PartFloors:
        """Return the means over each part of what skill is made of."""
        return {
            part: {name: _mean(of) for name, of in values.items() if METRICS[name].in_skill}
            for part, values in self._parts.items()
        }

    def scores(self, resamples: int, seed: int) -> dict[str, Score]:
        """Return the score of every metric, in the order of the catalogue."""
        means = self.means()
        per_scene = [self._values.get(metric, {}) for metric in means]
        intervals = dict(zip(means, _intervals(means, per_scene, resamples, seed), strict=True))
        intervals |= self._jackknife(resamples, seed)
        return {
            metric: Score(
                metric=metric,
                mean=mean,
                ci_low=intervals[metric][0],
                ci_high=intervals[metric][1],
                per_scene=dict(of),
                unit=METRICS[metric].unit,
                higher_is_better=METRICS[metric].higher_is_better,
                version=METRICS[metric].version,
            )
            for (metric, mean), of in zip(means.items(), per_scene, strict=True)
        }

    def means(self) -> dict[str, float]:
        """Return every metric over the split, in the order of the catalogue."""
        means = {metric: _mean(of) for metric, of in self._values.items()}
        means |= self._of_split
        return {metric: means[metric] for metric in METRICS if metric in means}

    def slices(self, resamples: int, seed: int) -> dict[str, dict[str, dict[str, PartScore]]]:
        """Return the score of every metric over every part that occurs."""
        places = [
            (kind, name, metric, of[metric])
            for (kind, name), of in self._parts.items()
            for metric in METRICS
            if metric in of
        ]
        metrics = [metric for *_, metric, _ in places]
        intervals = _intervals(metrics, [values for *_, values in places], resamples, seed)
        slices: dict[str, dict[str, dict[str, PartScore]]] = {}
        for (kind, name, metric, values), (low, high) in zip(places, intervals, strict=True):
            mean = _mean(values)
            part = slices.setdefault(kind, {}).setdefault(name, {})
            part[metric] = PartScore(mean, low, high, len(values))
        return slices

    def _jackknife(self, resamples: int, seed: int) -> dict[str, Ends]:
        """Return the intervals of the metrics that are of a split."""
        intervals: dict[str, Ends] = {}
        for name, value in self._of_split.items():
            metric, computed = METRICS[name], METRICS[name].computed
            if isinstance(computed, PerSplit):
                without = computed.without_each(self._gathered[name])
                limits = metric.low, metric.high
                found = jackknife_interval(value, without, limits, resamples, CONFIDENCE, seed)
                intervals[name] = found or (None, None)
        return intervals

    def confusion(self) -> dict[str, list[list[int]]]:
        """Return the confusion matrices over the split."""
        return {source: matrix.tolist() for source, matrix in self._confusion.items()}


def bounds_of(floor: Tally, ceiling: Tally) -> dict[str, Bound]:
    """Return between what each metric lies."""
    floors, ceilings = floor.means(), ceiling.means()
    return {metric: Bound(floors[metric], ceilings[metric]) for metric in floors}


def joined(first: PartFloors, second: PartFloors) -> PartFloors:
    """Return the floors of both: they are of other metrics."""
    parts = dict.fromkeys([*first, *second])
    return {part: {**first.get(part, {}), **second.get(part, {})} for part in parts}


def _mean(values: PerScene) -> float:
    return float(np.mean(list(values.values())))


def _intervals(
    metrics: Iterable[str], samples: Iterable[PerScene], resamples: int, seed: int
) -> list[Ends]:
    lists = [list(values.values()) for values in samples]
    limits = [(METRICS[metric].low, METRICS[metric].high) for metric in metrics]
    found = bootstrap_intervals(lists, limits, resamples, CONFIDENCE, seed)
    return [interval or (None, None) for interval in found]
