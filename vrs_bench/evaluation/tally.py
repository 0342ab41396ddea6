"""What is kept of the scenes that were scored, and the scores over the split made of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from vrs_bench.evaluation.result import Bound, PartScore, Score
from vrs_bench.evaluation.slices import Part
from vrs_bench.evaluation.statistics import CONFIDENCE, bootstrap_intervals
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.types import Array, Doubles, Floats

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
        self._features: list[tuple[Floats, Floats]] = []

    def add(self, scene: int, values: Mapping[str, float]) -> None:
        """Add a scene's values."""
        for metric, value in values.items():
            self._values[metric][scene] = float(value)

    def add_part(self, scene: int, part: Part, values: Mapping[str, float]) -> None:
        """Add a scene's values over a part; NaN says that the scene does not have it."""
        for metric, value in values.items():
            if not math.isnan(value):
                self._parts[part][metric][scene] = float(value)

    def add_rows(self, scene: int, values: Mapping[str, Doubles], parts: Iterable[Part]) -> None:
        """Add a scene's values by row and part, (row, 1 + part): the whole image comes first.

        The scene's value of a part is the mean over the rows that have it; each row is also the
        scene's value of its time step.
        """
        self.add(scene, {metric: of[:, 0].mean() for metric, of in values.items()})
        for index, part in enumerate(parts, start=1):
            means = {metric: _mean(of[:, index]) for metric, of in values.items()}
            self.add_part(scene, part, means)
        self.add_steps(scene, {metric: of[:, 0] for metric, of in values.items()})

    def add_steps(self, scene: int, values: Mapping[str, Doubles]) -> None:
        """Add a scene's values by time step, (row,)."""
        for metric, of in values.items():
            for step, value in enumerate(of):
                self.add_part(scene, ("time_step", str(step)), {metric: float(value)})

    def add_confusion(self, source: str, matrix: Array) -> None:
        """Add a scene's confusion matrix."""
        self._confusion[source] = self._confusion.get(source, 0) + matrix

    def add_features(self, predicted: Floats, true: Floats) -> None:
        """Add the pooled features of a scene's rows, (row, feature)."""
        self._features.append((predicted, true))

    def features(self) -> tuple[Floats, Floats] | None:
        """Return the pooled features of all rows, predicted and true; None where there are none."""
        if not self._features:
            return None
        predicted, true = zip(*self._features, strict=True)
        return np.concatenate(predicted), np.concatenate(true)

    def set_split_value(self, metric: str, value: float) -> None:
        """Set a metric that is one number for a whole split."""
        self._of_split[metric] = value

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


def _mean(values: Doubles) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else math.nan


def _intervals(
    samples: Iterable[PerScene], resamples: int, seed: int
) -> list[tuple[float, float] | tuple[None, None]]:
    lists = [list(values.values()) for values in samples]
    found = bootstrap_intervals(lists, resamples, CONFIDENCE, seed)
    return [interval or (None, None) for interval in found]
