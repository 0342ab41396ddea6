"""Intervals against simulation, plain loops and SciPy: they hold what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.statistics import (
    FARTHEST,
    bootstrap_interval,
    bootstrap_intervals,
    jackknife_interval,
)

FREE = (-np.inf, np.inf)


def student(values: Any, confidence: float = 0.95) -> Any:
    """Return the distance of the ends of Student's interval from the mean."""
    return stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values)


# Bootstrap-t


@pytest.mark.parametrize(
    ("draw", "truth", "n", "held"),
    [
        ("normal", 0.0, 6, 0.95),
        ("normal", 0.0, 30, 0.95),
        ("lognormal", np.exp(0.5), 6, 0.89),
        ("lognormal", np.exp(0.5), 30, 0.93),
    ],
)
def test_intervals_hold_the_truth_as_often_as_documented(
    draw: str, truth: float, n: int, held: float
) -> None:
    """Percentiles reach .85 of 6 normal scenes, Student's interval .82 of 6 lognormal ones."""
    trials = 1500
    samples = getattr(np.random.default_rng(n), draw)(size=(trials, n))
    found = bootstrap_intervals(samples, [FREE] * trials, resamples=2000)
    share = np.mean([low <= truth <= high for low, high in filter(None, found)])
    assert share == pytest.approx(held, abs=0.01 + 3 * (held * (1 - held) / trials) ** 0.5)


def test_the_interval_is_that_of_a_plain_loop() -> None:
    values = np.random.default_rng(3).gamma(2, size=17)
    rng = np.random.default_rng(7)
    t = [
        (values[draw].mean() - values.mean()) / stats.sem(values[draw])
        for draw in rng.integers(17, size=(199, 17))
    ]
    below, above = np.sort(t)[[9, -10]]  # of 199, the 10th from either side, which is 5 % of 200
    expected = values.mean() - np.array([above, below]) * stats.sem(values)
    assert bootstrap_interval(values, FREE, 199, 0.9, seed=7) == pytest.approx(
        tuple(expected), rel=1e-4
    )


def test_the_interval_leans_to_the_long_tail() -> None:
    values = np.random.default_rng(1).lognormal(size=30)
    low, high = bootstrap_interval(values) or (0, 0)
    assert high - values.mean() > 1.3 * (values.mean() - low) > 0
    assert high - values.mean() > student(values)
    assert bootstrap_interval(-values) == pytest.approx((-high, -low), rel=0.05)


def test_intervals_of_shifted_and_scaled_values_are_shifted_and_scaled() -> None:
    values = np.random.default_rng(2).gamma(2, size=12)
    low, high = bootstrap_interval(values) or (0, 0)
    assert bootstrap_interval(1000 + values / 100) == pytest.approx(
        (1000 + low / 100, 1000 + high / 100), rel=1e-9
    )


def test_intervals_stay_inside_the_range_of_the_metric() -> None:
    """Most resamples of nearly perfect scenes hold one value only: t is infinite there."""
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 0.98]
    low, high = bootstrap_interval(values, (0, 1)) or (0, 0)
    assert high == 1
    assert low == pytest.approx(np.mean(values) - FARTHEST * student(values), rel=1e-6)
    assert (bootstrap_interval(values, (0.99, 1)) or (0, 0))[0] == 0.99
    assert (bootstrap_interval(values) or (0, 0))[1] > 1


@pytest.mark.parametrize("n", [2, 3, 4])
def test_intervals_of_very_few_values_are_finite_and_hold_the_mean(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(50, n))
    for sample, found in zip(values, bootstrap_intervals(values, [FREE] * 50), strict=True):
        low, high = found or (0, 0)
        assert np.isfinite([low, high]).all()
        assert low < sample.mean() < high
        assert high - low <= 2 * FARTHEST * student(sample) * (1 + 1e-6)


def test_values_that_are_all_equal_give_a_point() -> None:
    for value in (0.0, 3.0, 0.1, 31.7):
        assert bootstrap_interval([value] * 6) == pytest.approx((value, value), rel=1e-15)
    noise = 31.7 + 1e-14 * np.arange(6)
    low, high = bootstrap_interval(noise) or (0, 1)
    assert low == high == noise.mean()


def test_one_value_has_no_interval() -> None:
    assert bootstrap_interval([3.0]) is None


def test_many_intervals_are_those_of_each_sample_to_the_bit() -> None:
    rng = np.random.default_rng(3)
    samples = [rng.normal(size=n).tolist() for n in [*[38] * 100, *[7] * 3, 1, 5, 0, 2]]
    limits = [(-0.2, 0.2), (-1.0, 3.0)] * 53 + [FREE]
    found = bootstrap_intervals(samples, limits, resamples=200, seed=4)
    for sample, limit, interval in zip(samples, limits, found, strict=True):
        assert interval == (bootstrap_interval(sample, limit, 200, seed=4) if sample else None)
        if interval and limit != FREE:
            assert limit[0] <= interval[0] <= interval[1] <= limit[1]


def test_seed_zero_is_a_seed_and_seeds_differ() -> None:
    values = list(np.random.default_rng(0).normal(size=12))
    assert bootstrap_interval(values, seed=0) == bootstrap_interval(values, seed=0)
    assert bootstrap_interval(values, seed=0) != bootstrap_interval(values, seed=1)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002  # the global state stays as it is
    bootstrap_interval(values)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_more_resamples_than_are_summed_at_once_are_all_different() -> None:
    """Each block of draws continues the stream, it does not start it again."""
    values = np.random.default_rng(5).normal(size=9)
    ends = {bootstrap_interval(values, resamples=n) for n in (2000, 4000, 6000)}
    assert len(ends) == 3


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "one value a scene, got shape"),
        ([1.0, 2.0], {"resamples": 0}, "1 or more resamples.* got 0"),
        ([1.0, 2.0], {"confidence": 1.0}, "confidence between 0 and 1"),
        ([1.0, 2.0], {"seed": -1}, "a seed from 0, got 10000, 0.95 and -1"),
    ],
)
def test_bad_arguments_are_named(values: list[float], options: Any, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        bootstrap_interval(values, **options)


# Jackknife


def test_the_jackknife_of_a_mean_is_its_bootstrap_t_interval() -> None:
    values = np.random.default_rng(4).gamma(2, size=11)
    without = [np.delete(values, index).mean() for index in range(11)]
    found = jackknife_interval(values.mean(), without, FREE, 500, 0.9, seed=3)
    assert found == pytest.approx(bootstrap_interval(values, FREE, 500, 0.9, seed=3), rel=1e-6)


def test_the_jackknife_of_a_biased_number_stays_around_it() -> None:
    """The square of a mean is too large by the variance of the mean, with and without a scene."""
    values = np.random.default_rng(4).normal(0.2, 1, size=20)
    without = [np.delete(values, index).mean() ** 2 for index in range(20)]
    low, high = jackknife_interval(values.mean() ** 2, without) or (0, 0)
    assert low < values.mean() ** 2 < high
    error = 2 * abs(values.mean()) * stats.sem(values)  # by the derivative
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, 19) * error, rel=0.2)


def test_jackknife_intervals_are_cut_to_the_range_and_need_two_groups() -> None:
    low, high = jackknife_interval(0.5, [0.1, 0.9], (0, np.inf)) or (1, 1)
    assert low == 0
    assert high > 1
    assert jackknife_interval(0.5, [0.1]) is None
    assert jackknife_interval(0.5, []) is None
    assert jackknife_interval(0.5, [0.5, 0.5, 0.5]) == (0.5, 0.5)
