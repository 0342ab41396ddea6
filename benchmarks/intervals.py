"""How often intervals hold the truth and tests raise false alarms: simulated scenes.

python benchmarks/intervals.py [--simulations 2000]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import product, repeat
from typing import Any

from measure import print_table  # before NumPy: it sets the threads

# isort: split
import numpy as np
from scipy.special import stdtrit

from vrs_bench.evaluation.paired import paired_test
from vrs_bench.evaluation.statistics import Interval, bootstrap_intervals, jackknife_interval
from vrs_bench.metrics.definition import PerSplit
from vrs_bench.metrics.frames import METRICS

SIZES = (6, 30, 38)
KINDS = {"normal": 0.0, "beta(8, 1)": 8 / 9, "lognormal": np.exp(0.5)}
"""What a score's scenes are drawn from, and its mean; beta(8, 1) is like a Jaccard index."""

DISTANCES = ("frechet_distance", "kernel_distance")
RESAMPLES = 100  # of scenes, for the bootstrap that the jackknife is held against
FEATURES, ROWS = 16, 4  # of a simulated scene

Scene = tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Simulate every case in processes of their own and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--simulations", type=int, default=2000, help="of each case (default: 2000)"
    )
    trials = parser.parse_args().simulations
    with ProcessPoolExecutor() as pool:
        scores = list(pool.map(of_scores, repeat(trials), *columns(SIZES, KINDS)))
        splits = list(pool.map(of_splits, repeat(trials // 10), *columns(SIZES[:2], DISTANCES)))
    print_table(
        f"Intervals of 95 % and tests at 5 %: share of {trials} simulations, all cores",
        (
            "scenes",
            "drawn from",
            "mean held: bootstrap-t",
            "mean held: Student's t",
            "difference of equal methods held",
            "false alarms, equal methods",
            "difference held, differences drawn from this",
            "interval and p-value disagree",
        ),
        scores,
    )
    print_table(
        f"Intervals of one number for a split: share of {trials // 10} simulations, all cores",
        ("scenes", "metric", "jackknife", "percentiles", "basic bootstrap"),
        splits,
    )


def columns(sizes: Iterable[int], kinds: Iterable[str]) -> tuple[list[int], list[str]]:
    """Return every size with every kind, as two lists."""
    cases = list(product(sizes, kinds))
    return [size for size, _ in cases], [kind for _, kind in cases]


def of_scores(trials: int, n: int, kind: str) -> tuple[object, ...]:
    """Return a row of the first table: a score of n scenes, and two equal methods on them."""
    rng, truth = np.random.default_rng(n), KINDS[kind]
    draws: dict[str, Callable[..., Any]] = {
        "normal": rng.normal,
        "beta(8, 1)": lambda size: rng.beta(8.0, 1.0, size=size),
        "lognormal": rng.lognormal,
    }
    first, second = draws[kind](size=(2, trials, n))
    limits = (0.0, 1.0) if kind == "beta(8, 1)" else (-np.inf, np.inf)
    bootstrap = held(filter(None, bootstrap_intervals(first, [limits] * trials)), truth)
    half = stdtrit(n - 1, 0.975) * first.std(axis=1, ddof=1) / np.sqrt(n)
    student = np.mean(np.abs(first.mean(axis=1) - truth) <= half)
    methods = [paired_test(a, b) for a, b in zip(first, second, strict=True)]
    skewed = [paired_test(a, np.full(n, truth)) for a in first]
    alarms = np.mean([paired.p_value <= 0.05 for paired in methods])
    disagree = sum(
        (paired.p_value > 0.05) != (paired.interval[0] <= 0 <= paired.interval[1])
        for paired in (*methods, *skewed)
        if paired.interval
    )
    intervals = (held([p.interval for p in some if p.interval], 0) for some in (methods, skewed))
    equal, other = (f"{share:.3f}" for share in intervals)
    return n, kind, f"{bootstrap:.3f}", f"{student:.3f}", equal, f"{alarms:.3f}", other, disagree


def of_splits(trials: int, n: int, name: str) -> tuple[object, ...]:
    """Return a row of the second table: what n scenes give on average is to be held."""
    [metric] = [metric for metric in METRICS if metric.name == name]
    computed = metric.computed
    assert isinstance(computed, PerSplit)  # noqa: S101  # for the type
    rng = np.random.default_rng(n)
    truth = float(np.mean([computed.value(scenes(rng, n)) for _ in range(5 * trials)]))
    jackknife, percentiles, basic = [], [], []
    for _ in range(trials):
        kept = scenes(rng, n)
        value = computed.value(kept)
        jackknife.append(jackknife_interval(value, computed.without_each(kept)) or (0, 0))
        draws = rng.integers(n, size=(RESAMPLES, n))
        again = [computed.value([kept[scene] for scene in draw]) for draw in draws]
        low, high = np.quantile(again, [0.025, 0.975])
        percentiles.append((low, high))
        basic.append((2 * value - high, 2 * value - low))
    return n, metric.label, *(f"{held(of, truth):.3f}" for of in (jackknife, percentiles, basic))


def scenes(rng: np.random.Generator, n: int) -> list[Scene]:
    """Return predicted and true features of n scenes, the rows of each alike.

    Predictions are smoother than the truth and noisy, some scenes more than others.
    """
    order = np.arange(FEATURES)
    mixing = np.exp(-order / 8) * np.cos(np.outer(order, 1 + order)) / 4
    true = (rng.normal(size=(n, 1, FEATURES)) + rng.normal(size=(n, ROWS, FEATURES))) @ mixing
    noise = rng.normal(size=true.shape) * np.exp(0.5 * rng.normal(size=(n, 1, 1))) / 4
    return list(zip(0.85 * true + 0.15 + noise, true, strict=True))


def held(intervals: Iterable[Interval], truth: float) -> float:
    """Return the share of intervals that hold the truth."""
    return float(np.mean([low <= truth <= high for low, high in intervals]))


if __name__ == "__main__":
    main()
