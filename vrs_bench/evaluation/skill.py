"""Skill: scores between the task's floor and the truth, as one number a group, and one in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from vrs_bench.evaluation.scores import Bound
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Composed, Group, Metric

PerScene = Mapping[int, float]
"""Scene → value."""

_FLAGGED = ("rmse", "through_sensor_rmse")
"""The scores in which whoever is worse than doing the obvious stands below all who are not."""
_HAIR = 1e-3
"""Share of the floor's error that is not held against anybody: the floor's own images, rounded as
they are published, are worse than the floor by some 1e-6."""
_LEAST_SPAN = 1e-6
"""Difference of floor and ceiling below which they are the same up to rounding."""


def skills(
    values: Mapping[str, PerScene], bounds: Mapping[str, Bound], members: Iterable[Metric]
) -> dict[str, dict[int, float]]:
    """Return the skill of every group, and of all groups together, scene by scene.

    Args:
        values: metric → its value by scene.
        bounds: floor and ceiling of each metric, means over the split.
        members: the metrics that skill is to be made of; a group's skill is there only if all of
            its members are, and the skill of all groups only if those of all are.

    Returns:
        name of the skill → scene → value, at most 1; the mean over scenes is at least -1. A member
        that can't tell floor from ceiling has no part in it.
    """
    by_group: dict[Group, list[str]] = {}
    for metric in members:
        by_group.setdefault(metric.group, []).append(metric.name)
    found: dict[Group, dict[int, float]] = {}
    for group, names in by_group.items():
        if all(name in values and name in bounds for name in names):
            scaled = [between(METRICS[name], values[name], bounds[name]) for name in names]
            made = _mean([of for of in scaled if of])
            if made:
                found[group] = made
    skill: dict[str, dict[int, float]] = {}
    for metric in METRICS.values():
        if isinstance(metric.computed, Composed):
            groups = [group for group in metric.computed.groups if group in by_group]
            if groups and all(group in found for group in groups):
                skill[metric.name] = _mean([found[group] for group in groups])
    return {name: of for name, of in skill.items() if of}


def between(metric: Metric, values: PerScene, bound: Bound) -> dict[int, float]:
    """Place values between floor (0) and ceiling (1).

    Values of scenes are cut at 1: nothing is better than the truth. Below they are not, so that
    the floor stands at 0 whatever its scenes are like; but where the mean over scenes is less than
    -1, all are scaled so that it is -1: one member does not drown the others. Empty where the
    floor is as good as the ceiling, or better: nothing can be placed there.
    """
    span = bound.ceiling - bound.floor
    if (span if metric.higher_is_better else -span) < _LEAST_SPAN:
        return {}
    placed = {scene: min((value - bound.floor) / span, 1.0) for scene, value in values.items()}
    mean = sum(placed.values()) / max(len(placed), 1)
    return {scene: value / -mean for scene, value in placed.items()} if mean < -1 else placed


def flags(means: Mapping[str, float], bounds: Mapping[str, Bound]) -> list[str]:
    """Say in what an entry is worse than the task's floor, of what tells image from make-believe.

    Args:
        means: metric → mean over the split.
        bounds: floor and ceiling of each metric.
    """
    return [
        f"{METRICS[name].label} {means[name]:.4g} is worse than the floor's "
        f"{bounds[name].floor:.4g}"
        for name in _FLAGGED
        if name in means and name in bounds and means[name] > (1 + _HAIR) * bounds[name].floor
    ]


def _mean(parts: list[dict[int, float]]) -> dict[int, float]:
    """Return the mean over parts, of the scenes that all have."""
    if not parts:
        return {}
    scenes = [scene for scene in parts[0] if all(scene in part for part in parts)]
    return {scene: float(np.mean([part[scene] for part in parts])) for scene in scenes}
