"""What a response curve says: its area, where it is at half, where it falls most, its order.

Values are better the higher, doses lie in the order in which a task gets harder: rising or falling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vrs_bench.evaluation.statistics import CONFIDENCE
from vrs_bench.types import Doubles

HALF_RESAMPLES = 2000
LEAST = 0.01
"""Skill at the default dose, at least, of which half says anything."""
NEGLIGIBLE = 1e-4
"""A fall from dose to dose that is none: the step in which images are published."""


def area(doses: Sequence[float], values: Sequence[float] | Doubles) -> float:
    """Return the mean of the straight lines between the doses: area over the range of doses.

    >>> area([0, 1, 4], [1, 1, 0])
    0.625
    """
    width = np.abs(np.diff(np.asarray(doses, np.float64)))
    middle = (np.asarray(values)[1:] + np.asarray(values)[:-1]) / 2
    return float((width * middle).sum() / width.sum())


def half_dose(doses: Sequence[float], values: Sequence[float] | Doubles) -> float | None:
    """Return the dose at which values have first fallen to half of the first one (ED50).

    Between doses the curve is a straight line.

    >>> half_dose([0, 1, 3], [0.8, 0.6, 0.2])
    2.0

    Returns:
        None where the first value is not above 0, or none of the doses is enough.
    """
    values = np.asarray(values, np.float64)
    half = values[0] / 2
    below = np.flatnonzero(values <= half)
    if half <= 0 or not below.size:
        return None
    at = int(below[0])
    share = (values[at - 1] - half) / (values[at - 1] - values[at])
    return float(doses[at - 1] + share * (doses[at] - doses[at - 1]))


@dataclass(frozen=True)
class HalfDose:
    """Dose at half skill, with an interval by resampling of scenes."""

    dose: float | None
    """None: not reached by the doses that were tried."""
    nearest: float | None
    """End of the interval towards the default; None: not reached either."""
    farthest: float | None
    """The other end; None: not reached by the doses that were tried."""


def half_dose_interval(doses: Sequence[float], by_scene: Doubles, seed: int = 0) -> HalfDose | None:
    """Return :func:`half_dose` of the mean over scenes, with a percentile interval.

    Scenes are drawn with all their doses, so that the curve stays paired. A resample in which no
    dose is enough counts as farther than all.

    Args:
        doses: from the default on.
        by_scene: (scene, dose).
        seed: of the resampling.

    Returns:
        None where the curve starts below :data:`LEAST`: there is nothing to halve. No ends for
        one scene.
    """
    mean = by_scene.mean(axis=0)
    if len(doses) < 2 or mean[0] < LEAST:
        return None
    dose, n = half_dose(doses, mean), len(by_scene)
    if n < 2:
        return HalfDose(dose, None, None)
    draws = np.random.default_rng(seed).integers(n, size=(HALF_RESAMPLES, n))
    found = [half_dose(doses, curve) for curve in by_scene[draws].mean(axis=1)]
    away = sorted(np.inf if one is None else abs(one - doses[0]) for one in found)
    tail = int((1 - CONFIDENCE) / 2 * HALF_RESAMPLES)
    sign = np.sign(doses[-1] - doses[0])
    near, far = (
        None if not np.isfinite(end) else float(doses[0] + sign * end)
        for end in (away[tail], away[-1 - tail])
    )
    return HalfDose(dose, near, far)


@dataclass(frozen=True)
class Fall:
    """Two neighbouring doses between which a curve falls."""

    start: float
    end: float
    slope: float
    """How much it falls for one unit of the dose."""


def steepest(doses: Sequence[float], values: Sequence[float] | Doubles) -> Fall | None:
    """Return where a curve falls most for a unit of the dose; None where it falls nowhere.

    >>> steepest([0, 1, 3], [1, 0.9, 0.3])
    Fall(start=1.0, end=3.0, slope=0.3)
    """
    falls = -np.diff(np.asarray(values, np.float64))
    slopes = falls / np.abs(np.diff(np.asarray(doses, np.float64)))
    at = int(np.argmax(slopes)) if slopes.size else 0
    if not slopes.size or falls[at] <= NEGLIGIBLE:
        return None
    return Fall(float(doses[at]), float(doses[at + 1]), round(float(slopes[at]), 12))


def kendall(values: Sequence[float] | Doubles) -> float:
    """Return Kendall's τ-a of values with their order: 1 if each is higher than all before.

    Kendall 1938, *A new measure of rank correlation*: pairs that rise less pairs that fall, over
    all pairs; equal ones count as neither.

    >>> kendall([3, 2, 1, 1])
    -0.8333333333333334
    """
    values = np.asarray(values, np.float64)
    rises = np.sign(values[None, :] - values[:, None])[np.triu_indices(len(values), 1)]
    return float(rises.mean())


def falls_all_along(values: Sequence[float] | Doubles) -> bool:
    """Say whether no value is higher than the one before, and the last is lower than the first."""
    values = np.asarray(values, np.float64)
    return bool((np.diff(values) <= 0).all() and values[-1] < values[0])
