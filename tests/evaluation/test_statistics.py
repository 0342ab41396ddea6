"""Intervals and tests against simulation: they hold what they promise, and say where they don't."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.statistics import (
    bootstrap_interval,
    bootstrap_intervals,
    paired_bootstrap,
)


def coverage(n: int, trials: int) -> float:
    """Return how often the interval of n standard normal values holds 0."""
    rng = np.random.default_rng(n)
    held = 0
    for seed in range(trials):
        low, high = bootstrap_interval(rng.normal(size=n), resamples=400, seed=seed) or (1, 0)
        held += low <= 0 <= high
    return held / trials


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    trials = 1000
    # The docstring's 94 % for 30 values, within three binomial standard deviations.
    assert coverage(30, trials) == pytest.approx(0.94, abs=3 * (0.94 * 0.06 / trials) ** 0.5)
    assert coverage(100, trials) == pytest.approx(0.95, abs=3 * (0.95 * 0.05 / trials) ** 0.5)


def test_interval_of_few_values_is_as_narrow_as_documented() -> None:
    trials = 1000
    assert coverage(6, trials) == pytest.approx(0.85, abs=3 * (0.85 * 0.15 / trials) ** 0.5)


def test_interval_is_that_of_a_plain_loop() -> None:
    values = np.random.default_rng(3).gamma(2, size=17)
    rng = np.random.default_rng(7)
    means = [values[draw].mean() for draw in rng.integers(17, size=(250, 17))]
    expected = np.quantile(means, [0.05, 0.95])
    assert bootstrap_interval(values, 250, 0.9, seed=7) == pytest.approx(tuple(expected))


def test_interval_needs_more_than_one_value() -> None:
    assert bootstrap_interval([3.0]) is None
    assert bootstrap_interval([3.0, 3.0]) == (3.0, 3.0)


def test_seed_zero_is_a_seed_and_seeds_differ() -> None:
    values = list(np.random.default_rng(0).normal(size=12))
    assert bootstrap_interval(values, seed=0) == bootstrap_interval(values, seed=0)
    assert bootstrap_interval(values, seed=0) != bootstrap_interval(values, seed=1)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002  # the global state stays as it is
    paired_bootstrap(values, values[::-1])
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("n", [6, 30])
def test_p_values_are_uniform_where_there_is_no_difference(n: int) -> None:
    rng = np.random.default_rng(5)
    p = [
        paired_bootstrap(*rng.normal(size=(2, n)), resamples=199, seed=i).p_value
        for i in range(600)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    alarms = float(np.mean(np.array(p) < 0.05))
    assert alarms <= 0.05 + 3 * (0.05 * 0.95 / len(p)) ** 0.5


def test_a_real_shift_is_found() -> None:
    rng = np.random.default_rng(6)
    scenes = rng.normal(30, 5, size=(100, 30))  # scenes differ far more than the methods do
    found = [
        paired_bootstrap(scene + rng.normal(0.5, 0.5, size=30), scene, resamples=200)
        for scene in scenes
    ]
    assert np.mean([paired.p_value < 0.05 for paired in found]) > 0.98
    assert np.mean([paired.difference for paired in found]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([paired.effect_size or 0 for paired in found]) == pytest.approx(1, abs=0.1)


def test_the_order_of_the_methods_only_turns_the_sign() -> None:
    a, b = np.random.default_rng(8).normal([[0.3], [0.0]], size=(2, 20))
    forth, back = paired_bootstrap(a, b), paired_bootstrap(b, a)
    assert forth.difference == -back.difference
    assert forth.p_value == back.p_value
    assert forth.effect_size is not None
    assert back.effect_size == -forth.effect_size
    assert forth.interval is not None
    assert back.interval == pytest.approx((-forth.interval[1], -forth.interval[0]))


def test_effect_size_is_the_mean_over_the_standard_deviation() -> None:
    a, b = np.array([3.0, 5.0, 4.0]), np.array([1.0, 4.0, 1.0])
    assert paired_bootstrap(a, b).effect_size == pytest.approx(2 / 1.0)


def test_identical_results_do_not_differ() -> None:
    values = [31.0, 32.5, 29.0, 30.1]
    paired = paired_bootstrap(values, values)
    assert (paired.difference, paired.interval) == (0, (0, 0))
    assert (paired.p_value, paired.effect_size) == (1, 0)


def test_one_constant_difference_is_beyond_doubt_whatever_its_rounding() -> None:
    values = np.random.default_rng(2).normal(30, 3, size=8)
    paired = paired_bootstrap(values + 0.1, values, resamples=500)
    assert paired.p_value == 1 / 501
    assert paired.effect_size is None


def test_p_value_is_never_zero() -> None:
    a = np.random.default_rng(4).normal(100, 1, size=40)
    assert paired_bootstrap(a, a * 0.01, resamples=99).p_value == 1 / 100


def test_one_scene_can_not_tell_methods_apart() -> None:
    paired = paired_bootstrap([5.0], [1.0])
    assert (paired.difference, paired.interval) == (4, None)
    assert (paired.p_value, paired.effect_size) == (1, None)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "one value a scene, got shape"),
        ([1.0, 2.0], {"resamples": 0}, "1 or more resamples.* got 0"),
        ([1.0, 2.0], {"confidence": 1.0}, "confidence between 0 and 1"),
        ([1.0, 2.0], {"seed": -1}, "a seed from 0, got 1000, 0.95 and -1"),
    ],
)
def test_bad_arguments_are_named(
    values: list[float], options: dict[str, int], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        bootstrap_interval(values, **options)
    with pytest.raises(BenchError, match=message):
        paired_bootstrap(values, values, **options)


def test_pairs_need_partners() -> None:
    with pytest.raises(BenchError, match="pairs of values, got 3 and 2"):
        paired_bootstrap([1.0, 2.0, 3.0], [1.0, 2.0])


def test_many_intervals_are_those_of_each_sample() -> None:
    rng = np.random.default_rng(3)
    samples = [rng.normal(size=n).tolist() for n in [*[5] * 20, 1, 7, 5, 0, 2]]
    found = bootstrap_intervals(samples, resamples=200, seed=4)
    for sample, interval in zip(samples, found, strict=True):
        expected = bootstrap_interval(sample, 200, seed=4) if len(sample) > 1 else None
        assert interval == (None if expected is None else pytest.approx(expected, rel=1e-12))
