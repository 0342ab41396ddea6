"""Scores of a split and of its parts, and between what a score lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

from vrs_bench.errors import BenchError
from vrs_bench.metrics.catalogue import METRICS

Count = Annotated[int, Field(ge=1)]
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""Of what is read from files: nothing unknown, no guess at types, no number that is not finite."""


@dataclass(frozen=True)
class Score:
    """One metric over a split."""

    metric: str
    """Its key, see :data:`vrs_bench.metrics.catalogue.METRICS`."""
    mean: float
    """Mean over scenes of the mean over the rows of a scene; for a metric that is one number for
    a whole split, that number."""
    ci_low: float | None
    """Lower end of the confidence interval over scenes: bootstrap-t of a mean, jackknife of one
    number for the split; None where there is one scene."""
    ci_high: float | None
    per_scene: dict[int, float]
    """Scene → mean over its rows, in the order of the split; empty where there is one number for
    the split."""
    unit: str
    higher_is_better: bool
    version: str
    """Version of the metric's definition."""

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Refuse a score that contradicts itself."""
        if (self.ci_low is None) != (self.ci_high is None):
            raise BenchError(f"{self.metric}: half of an interval")
        _check_order(self.metric, self.ci_low, self.ci_high)
        if not self.per_scene:
            return
        mean = sum(self.per_scene.values()) / len(self.per_scene)
        if not math.isclose(self.mean, mean, rel_tol=1e-9, abs_tol=1e-12):
            raise BenchError(
                f"{self.metric}: the mean is {self.mean:g}, that of the scenes {mean:g}"
            )


@dataclass(frozen=True)
class PartScore:
    """One metric over a part of a split: a land cover, the borders of fields, a time step."""

    mean: float
    """Mean over the scenes that have the part."""
    ci_low: float | None
    ci_high: float | None
    n_scenes: Count

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Refuse a score that contradicts itself."""
        _check_order("a part", self.ci_low, self.ci_high)


@dataclass(frozen=True)
class Bound:
    """Between what a score lies: the trivial baseline, and the truth itself as a prediction."""

    floor: float
    ceiling: float

    __pydantic_config__ = STRICT


def _check_order(what: str, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise BenchError(f"{what}: its interval is the wrong way round, {low:g} to {high:g}")


def placed(score: Score, bound: Bound | None) -> tuple[float, float | None, float | None] | None:
    """Place a score between the trivial baseline (0) and the truth itself (1).

    Where the ceiling is a cap, the metric says where the scale ends, and so does it here.

    Returns:
        the score and its interval on that scale, better always up; None without a bound, or where
        the floor reaches the ceiling. Below 0: worse than doing nothing.
    """
    end = METRICS[score.metric].scale_end if score.metric in METRICS else math.inf
    if bound is None or bound.floor == bound.ceiling or bound.floor >= end:
        return None
    span = min(bound.ceiling, end) - bound.floor
    mean, *ends = (
        None if value is None else (min(value, end) - bound.floor) / span
        for value in (score.mean, score.ci_low, score.ci_high)
    )
    low, high = (None, None) if None in ends else sorted(end for end in ends if end is not None)
    return (float(mean or 0.0), low, high)
