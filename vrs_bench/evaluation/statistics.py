"""Intervals of what is measured on a sample of scenes.

Scenes are drawn, not rows: the rows of one scene are not independent. Paired tests are in
:mod:`vrs_bench.evaluation.paired`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.exact_sums import BLOCK, as_integers, weighted_sums
from vrs_bench.types import Array, Doubles

RESAMPLES = 10_000
CONFIDENCE = 0.95

Limits = tuple[float, float]
"""Least and largest value that a mean can have."""
Interval = tuple[float, float]

FARTHEST = 3
"""How many times farther from the mean than Student's an interval may end."""

_TOGETHER = 64  # samples that are resampled at once

ROUNDING = 1e-12
"""Relative to the values: smaller differences are none."""


def bootstrap_interval(
    values: Sequence[float] | Doubles,
    limits: Limits = (-np.inf, np.inf),
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval | None:
    """Return the bootstrap-t interval of a mean.

    Source: Efron & Tibshirani 1993, *An introduction to the bootstrap*, equation 12.19: with
    t* = (mean* - mean) / (s* / √n) of every resample, the interval goes from mean - t*(1 - α/2) ·
    s / √n to mean - t*(α/2) · s / √n. Unlike percentiles it is wide enough for few scenes and
    leans to the side of a skewed sample's tail; BENCHMARK.md has simulated coverages.

    A resample that holds one value n times has an infinite t*. Where such are frequent, the
    sample does not tell how far the mean may be; an end is then :data:`FARTHEST` times as far
    as Student's. From six scenes on this changes the coverage by less than .01.

    Args:
        values: one finite number a scene.
        limits: what the mean can't leave; the interval is cut there.
        resamples: number of bootstrap samples.
        confidence: nominal share of intervals that hold the truth, between 0 and 1.
        seed: of the generator; the same seed gives the same interval.

    Returns:
        (low, high); the mean where all values are equal; None where one value says nothing about
        spread.

    Raises:
        BenchError: no values, no resamples, a negative seed, or a confidence that is not between
            0 and 1.
    """
    check_sample(np.asarray(values, np.float64))
    return bootstrap_intervals([values], [limits], resamples, confidence, seed)[0]


def bootstrap_intervals(
    samples: Sequence[Sequence[float] | Doubles],
    limits: Sequence[Limits],
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> list[Interval | None]:
    """Return :func:`bootstrap_interval` of each of many samples, to the bit; None for empty ones.

    Samples of one size share their draws, so their sums are products with one matrix.
    """
    check_settings(resamples, confidence, seed)
    intervals: list[Interval | None] = [None] * len(samples)
    sizes = np.array([len(sample) for sample in samples])
    for size in np.unique(sizes[sizes > 1]).tolist():
        counts = _counts(size, resamples, seed)
        members = np.flatnonzero(sizes == size).tolist()
        for start in range(0, len(members), _TOGETHER):
            chosen = members[start : start + _TOGETHER]
            values = np.array([samples[index] for index in chosen], np.float64)
            low, high = _bootstrap_t(values, counts, confidence)
            ends = np.clip([low, high], *np.array([limits[index] for index in chosen]).T)
            for index, *interval in zip(chosen, *ends.tolist(), strict=True):
                intervals[index] = interval[0], interval[1]
    return intervals


def jackknife_interval(
    value: float,
    without: Sequence[float] | Doubles,
    limits: Limits = (-np.inf, np.inf),
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval | None:
    """Return the interval of one number for a whole split, from its values without some scenes.

    Source: Efron & Tibshirani 1993, equation 11.12: a group of scenes counts as its pseudo-value,
    value + (g - 1) · (mean of v - v_i) where v_i is the value without the i-th of g groups, here
    centred at the value; their mean has a bootstrap-t interval.

    It is an interval of what so many scenes give on average, which for a Fréchet distance is more
    than what endless scenes would. To resample the scenes themselves puts some in twice, and so
    adds that bias once more; BENCHMARK.md compares the simulated coverages.

    Args:
        value: of all scenes.
        without: the value of all scenes but one group, for each group.
        limits: what the value can't leave.
        resamples, confidence, seed: as for :func:`bootstrap_interval`.

    Returns:
        (low, high); None for fewer than two groups.
    """
    values = np.asarray(without, np.float64)
    if len(values) < 2:
        return None
    pseudo = value + (len(values) - 1) * (values.mean() - values)
    return bootstrap_interval(pseudo, limits, resamples, confidence, seed)


def _bootstrap_t(values: Doubles, counts: Array, confidence: float) -> tuple[Doubles, Doubles]:
    """Return the ends for (sample, scene) values, from (resample, scene) counts of scenes."""
    n = values.shape[1]
    mean = values.mean(axis=1)
    integers, unit = as_integers(values - mean[:, None])
    total, spread = (
        integers.sum(axis=1),
        _spread(integers.sum(axis=1), (integers**2).sum(axis=1), n),
    )
    sums = weighted_sums(integers, counts)
    spreads = _spread(sums, weighted_sums(integers**2, counts), n)
    farthest = FARTHEST * stdtrit(n - 1, (1 + confidence) / 2)
    moved = sums - total[:, None]
    t = moved * np.sqrt(n - 1) / np.maximum(spreads, 1)  # a spread is 0 or at least 1
    t = np.where(spreads > 0, np.clip(t, -farthest, farthest), np.sign(moved) * farthest)
    tail = max(tail_of(len(counts) + 1, confidence), 1)
    t.partition([tail - 1, t.shape[1] - tail], axis=1)
    error = spread / n / np.sqrt(n - 1) * unit
    # Values that differ by rounding alone are one value.
    error[np.ptp(values, axis=1) <= ROUNDING * np.abs(values).max(axis=1)] = 0
    # The mean itself is always inside, however few the resamples.
    low = mean - np.maximum(t[:, -tail], 0) * error
    return low, mean - np.minimum(t[:, tail - 1], 0) * error


def _spread(sums: Doubles, squares: Doubles, n: int) -> Doubles:
    """Return n times the population's standard deviation, exactly 0 for one value n times."""
    spread: Doubles = np.sqrt(n * squares - sums**2)
    return spread


def tail_of(draws: int, confidence: float) -> int:
    """Return how many of so many draws lie outside of an interval on each side."""
    return int((1 - confidence) / 2 * draws + 1e-9)  # 250 of 10,000 at 0.95, whatever its rounding


def check_sample(values: Doubles) -> None:
    """Refuse what is not one value a scene, at least one."""
    if values.ndim != 1 or not len(values):
        raise BenchError(f"expected one value a scene, got shape {values.shape}")


def check_settings(resamples: int, confidence: float, seed: int) -> None:
    """Refuse settings that no resampling can have."""
    if resamples < 1 or seed < 0 or not 0 < confidence < 1:
        raise BenchError(
            f"expected 1 or more resamples, a confidence between 0 and 1 and a seed from 0, "
            f"got {resamples}, {confidence} and {seed}"
        )


def _counts(n: int, resamples: int, seed: int) -> Array:
    """Return how often each bootstrap sample holds each scene: (resample, scene) uint8."""
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, n), np.uint8)
    for start in range(0, resamples, BLOCK):
        block = counts[start : start + BLOCK]
        draws = rng.integers(n, size=block.shape) + n * np.arange(len(block))[:, None]
        block[...] = np.bincount(draws.ravel(), minlength=block.size).reshape(block.shape)
    return counts
