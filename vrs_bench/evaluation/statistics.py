"""What can be said from a sample of scenes: bootstrap intervals and paired tests.

Scenes are drawn, not rows: the rows of one scene are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles

RESAMPLES = 1000
CONFIDENCE = 0.95

_TOGETHER = 16  # samples that are resampled at once

_ROUNDING = 1e-12
"""Spread relative to the values below which differences are all the same."""


@dataclass(frozen=True)
class Paired:
    """A paired comparison of two samples."""

    difference: float
    """Mean of the first minus mean of the second."""
    interval: tuple[float, float] | None
    """Percentile bootstrap interval; None for one pair."""
    p_value: float
    """Two-sided; never 0, and 1 for one pair."""
    effect_size: float | None
    """Cohen's d: mean over standard deviation of the differences; None where that is 0 / 0 or
    infinite."""


def bootstrap_interval(
    values: Sequence[float] | Doubles,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return the percentile bootstrap interval of a mean.

    With few scenes it is too narrow: of normal values, a nominal 95 % interval holds the truth in
    85 % of cases for 6 scenes, 90 % for 10 and 94 % for 30.

    Args:
        values: one finite number a scene.
        resamples: number of bootstrap samples.
        confidence: share of samples inside, between 0 and 1.
        seed: of the generator; the same seed gives the same interval.

    Returns:
        (low, high), or None where one value says nothing about spread.

    Raises:
        BenchError: no values, no resamples, a negative seed, or a confidence that is not between
            0 and 1.
    """
    sample = np.asarray(values, np.float64)
    draws = _draws(sample, resamples, confidence, seed)
    return _interval(sample[draws].mean(axis=1), confidence) if len(sample) > 1 else None


def bootstrap_intervals(
    samples: Sequence[Sequence[float]],
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> list[tuple[float, float] | None]:
    """Return :func:`bootstrap_interval` of each of many samples; those of one size together."""
    intervals: list[tuple[float, float] | None] = [None] * len(samples)
    sizes = np.array([len(sample) for sample in samples])
    for size in np.unique(sizes[sizes > 1]):
        members = np.flatnonzero(sizes == size).tolist()
        for start in range(0, len(members), _TOGETHER):
            chosen = members[start : start + _TOGETHER]
            values = np.array([samples[index] for index in chosen], np.float64)
            draws = _draws(values[0], resamples, confidence, seed)
            means = values[:, draws].mean(axis=2)
            ends = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2], axis=1)
            for index, low, high in zip(chosen, *ends.tolist(), strict=True):
                intervals[index] = low, high
    return intervals


def paired_bootstrap(
    first: Sequence[float] | Doubles,
    second: Sequence[float] | Doubles,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Paired:
    """Compare two methods on the same scenes.

    The p-value is that of the studentised (bootstrap-t) test of a mean difference of 0, with one
    added to both counts. Its rate of false alarms is right for few scenes too, where tests by
    percentile are far too eager (13 % instead of 5 % for 6 scenes of normal values).

    Args:
        first: one finite number a scene.
        second: the same scenes in the same order.
        resamples: number of bootstrap samples.
        confidence: of the interval of the difference.
        seed: of the generator.

    Raises:
        BenchError: no values, different numbers of them, no resamples, a negative seed, or a
            confidence that is not between 0 and 1.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise BenchError(f"expected pairs of values, got {len(a)} and {len(b)}")
    differences = a - b
    draws = _draws(differences, resamples, confidence, seed)
    mean, n = float(differences.mean()), len(differences)
    if n == 1:
        return Paired(mean, None, 1.0, None)
    samples = differences[draws]
    means = samples.mean(axis=1)
    interval = _interval(means, confidence)
    spread = float(differences.std(ddof=1))
    negligible = _ROUNDING * max(np.abs(a).max(), np.abs(b).max())
    if spread <= negligible:  # one number, n times: no difference at all, or beyond doubt
        same = abs(mean) <= negligible
        return Paired(mean, interval, 1.0 if same else 1 / (resamples + 1), 0.0 if same else None)
    # |t*| >= |t| without a division, for samples that hold one value only.
    extreme = np.abs(means - mean) * spread >= abs(mean) * samples.std(axis=1, ddof=1)
    return Paired(mean, interval, (1 + int(extreme.sum())) / (resamples + 1), mean / spread)


def _draws(values: Doubles, resamples: int, confidence: float, seed: int) -> Array:
    """Return (resamples, n) indices of the values that each bootstrap sample holds."""
    if values.ndim != 1 or not len(values):
        raise BenchError(f"expected one value a scene, got shape {values.shape}")
    if resamples < 1 or seed < 0 or not 0 < confidence < 1:
        raise BenchError(
            f"expected 1 or more resamples, a confidence between 0 and 1 and a seed from 0, "
            f"got {resamples}, {confidence} and {seed}"
        )
    return _indices(len(values), resamples, seed)


@lru_cache(maxsize=64)
def _indices(n: int, resamples: int, seed: int) -> Array:
    """Return the same draws for all metrics and parts of as many scenes."""
    return np.random.default_rng(seed).integers(n, size=(resamples, n))


def _interval(means: Doubles, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
