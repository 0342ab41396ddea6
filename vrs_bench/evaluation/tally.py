"""What is kept of the scenes that were scored, and the scores over the split made of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vrs_bench.evaluation.scores import Bound, PartScore, Score
from vrs_bench.evaluation.skill import skills
from vrs_bench.evaluation.statistics import CONFIDENCE, bootstrap_intervals
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Composed, Metric, PerSplit
from vrs_bench.metrics.scene import JudgedScene, Part
from vrs_bench.types import Array

PerScene = dict[int, float]


class Tally:
    """The values of one set of images, scene by scene: numbers, no image is kept."""

    def __init__(self) -> None:
        """Start with no scene."""
        self._values: defaultdict[str, PerScene] = defaultdict(dict)
        self._of_split: dict[str, float] = {}
        self._parts: defaultdict[Part, defaultdict[str, PerScene]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._confusion: dict[str, Array] = {}
        self._gathered: defaultdict[Any, dict[int, Any]] = defaultdict(dict)

    def add(self, number: int, scene: JudgedScene, metrics: Iterable[Metric]) -> None:
        """Add what metrics say of a scene; of those that are of a split, what they gather."""
        for metric in metrics:
            if isinstance(metric.computed, Composed):  # made of the others, once all are there
                continue
            if isinstance(metric.computed, PerSplit):
                self._gathered[metric.computed.gather][number] = scene.once(metric.computed.gather)
                continue
            measured = metric.computed.measure(scene)
            self._values[metric.name][number] = measured.whole
            for part, value in measured.parts.items():
                of_part = self._parts[part]  # there from now on, so that parts keep their order
                if not math.isnan(value):
                    of_part[metric.name][number] = value

    def add_confusion(self, matrices: Mapping[str, Array]) -> None:
        """Add a scene's confusion matrices."""
        for source, matrix in matrices.items():
            self._confusion[source] = self._confusion.get(source, 0) + matrix

    def close(self, metrics: Iterable[Metric]) -> None:
        """Compute the metrics that are of a split, once all its scenes are there."""
        for metric in metrics:
            if isinstance(metric.computed, PerSplit):
                gathered = list(self._gathered[metric.computed.gather].values())
                self._of_split[metric.name] = metric.computed.value(gathered)

    def add_skills(self, bounds: Mapping[str, Bound], members: Sequence[Metric]) -> None:
        """Add what skill is made of the values of all scenes."""
        for name, values in skills(self._values, bounds, members).items():
            self._values[name] = values

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
