"""What is kept of the scenes that were scored, and the scores over the split made of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vrs_bench.evaluation.scores import Bound, PartScore, Score
from vrs_bench.evaluation.statistics import CONFIDENCE, bootstrap_intervals
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Metric, PerSplit
from vrs_bench.metrics.scene import JudgedScene, Measured, Part
from vrs_bench.types import Array

PerScene = dict[int, float]


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
        else:
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

    def scores(self, resamples: int, seed: int) -> dict[str, Score]:
        """Return the score of every metric, in the order of the catalogue."""
        means = self.means()
        per_scene = [self._values.get(metric, {}) for metric in means]
        intervals = _intervals(per_scene, resamples, seed)
        return {
            metric: Score(
                metric=metric,
                mean=mean,
                ci_low=low,
                ci_high=high,
                per_scene=dict(of),
                unit=METRICS[metric].unit,
                higher_is_better=METRICS[metric].higher_is_better,
                version=METRICS[metric].version,
            )
            for (metric, mean), of, (low, high) in zip(
                means.items(), per_scene, intervals, strict=True
            )
        }

    def means(self) -> dict[str, float]:
        """Return every metric over the split, in the order of the catalogue."""
        means = {metric: float(np.mean(list(of.values()))) for metric, of in self._values.items()}
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
        intervals = _intervals([values for *_, values in places], resamples, seed)
        slices: dict[str, dict[str, dict[str, PartScore]]] = {}
        for (kind, name, metric, values), (low, high) in zip(places, intervals, strict=True):
            mean = float(np.mean(list(values.values())))
            part = slices.setdefault(kind, {}).setdefault(name, {})
            part[metric] = PartScore(mean, low, high, len(values))
        return slices

    def confusion(self) -> dict[str, list[list[int]]]:
        """Return the confusion matrices over the split."""
        return {source: matrix.tolist() for source, matrix in self._confusion.items()}


def bounds_of(floor: Tally, ceiling: Tally) -> dict[str, Bound]:
    """Return between what each metric lies."""
    floors, ceilings = floor.means(), ceiling.means()
    return {metric: Bound(floors[metric], ceilings[metric]) for metric in floors}


def _intervals(
    samples: Iterable[PerScene], resamples: int, seed: int
) -> list[tuple[float, float] | tuple[None, None]]:
    lists = [list(values.values()) for values in samples]
    found = bootstrap_intervals(lists, resamples, CONFIDENCE, seed)
    return [interval or (None, None) for interval in found]
