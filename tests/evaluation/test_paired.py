"""Paired tests against SciPy and simulation; intervals never contradict them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.paired import holm, paired_test

Draws = list[float]


def sign_flip(differences: Any) -> float:
    """Return SciPy's exact two-sided p-value."""
    test = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    return float(test.pvalue)


# The test


@pytest.mark.parametrize("n", [2, 5, 6, 9, 12])
def test_p_values_of_few_scenes_are_the_exact_ones(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(10):
        a, b = rng.gamma(2, size=(2, n)) + np.array([[0.4], [0]])
        assert paired_test(a, b).p_value == pytest.approx(sign_flip(a - b), rel=1e-12)
        c = rng.integers(-2, 6, size=n)  # many ties, as shares of a few cells have
        assert paired_test(c, np.zeros(n)).p_value == pytest.approx(sign_flip(c), rel=1e-12)


def test_p_values_of_many_scenes_are_sampled_ones() -> None:
    rng = np.random.default_rng(1)
    for shift in (0, 0.3, 0.5):
        a, b = rng.normal(size=(2, 38)) + np.array([[shift], [0]])
        normal = stats.ttest_rel(a, b).pvalue
        assert paired_test(a, b).p_value == pytest.approx(normal, abs=0.02)
    assert paired_test(a, b, seed=0) == paired_test(a, b, seed=0)
    assert paired_test(a, b, seed=0) != paired_test(a, b, seed=1)


@pytest.mark.parametrize(("n", "draw"), [(6, "normal"), (14, "lognormal"), (30, "lognormal")])
def test_alarms_are_as_rare_as_they_should_be(n: int, draw: str) -> None:
    rng = np.random.default_rng(n)
    pairs = getattr(rng, draw)(size=(2000, 2, n))
    alarms = np.mean([paired_test(a, b, resamples=1000).p_value <= 0.05 for a, b in pairs])
    nominal = 2 / 64 if n == 6 else 0.05  # of 64 choices of signs, 3.2 are 5 %
    assert alarms == pytest.approx(nominal, abs=3 * (nominal * (1 - nominal) / 2000) ** 0.5)


def test_a_real_shift_is_found() -> None:
    rng = np.random.default_rng(6)
    scenes = rng.normal(30, 5, size=(100, 30))  # scenes differ far more than the methods do
    found = [
        paired_test(scene + rng.normal(0.5, 0.5, size=30), scene, resamples=1000)
        for scene in scenes
    ]
    assert np.mean([paired.p_value < 0.05 for paired in found]) > 0.98
    assert np.mean([paired.difference for paired in found]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([paired.effect_size or 0 for paired in found]) == pytest.approx(1, abs=0.1)


# The interval


def test_the_ends_are_where_the_test_changes_its_mind() -> None:
    """By brute force: the exact test of all differences on a fine grid."""
    values = np.random.default_rng(11).gamma(2, size=8)
    low, high = paired_test(values, np.zeros(8)).interval or (0, 0)
    grid = np.linspace(values.min() - 1, values.max() + 1, 300)
    kept = [shift for shift in grid if sign_flip(values - shift) > 0.05]
    step = grid[1] - grid[0]
    assert low == pytest.approx(min(kept), abs=step)
    assert high == pytest.approx(max(kept), abs=step)


@settings(max_examples=200, deadline=None)
@given(
    differences=st.lists(
        st.one_of(st.integers(-3, 9).map(float), st.floats(-1, 3), st.sampled_from([0.1, 1 / 3])),
        min_size=1,
        max_size=20,
    ),
    confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]),
)
@example(differences=[1.0, 1 / 3, 1 / 3, 1 / 3, -1.0, 1.0], confidence=0.9)
@example(differences=[1e-9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], confidence=0.95)
@example(differences=[1e-20] * 8, confidence=0.95)
def test_an_interval_leaves_out_zero_just_where_the_test_rejects_it(
    differences: Draws, confidence: float
) -> None:
    pairs = np.array(differences) + 1, np.ones(len(differences))
    paired = paired_test(*pairs, resamples=500, confidence=confidence)
    rejected = paired.p_value <= 1 - confidence + 1e-12
    low, high = paired.interval or (-np.inf, np.inf)
    assert rejected == (low > 0 or high < 0)
    assert low <= paired.difference <= high


@pytest.mark.parametrize(("n", "draw"), [(6, "normal"), (30, "normal"), (30, "lognormal")])
def test_intervals_hold_the_difference(n: int, draw: str) -> None:
    rng = np.random.default_rng(n)
    first, second = getattr(rng, draw)(size=(2, 1000, n))
    found = [paired_test(a, b, resamples=1000).interval for a, b in zip(first, second, strict=True)]
    held = np.mean([low <= 0 <= high for low, high in filter(None, found)])
    nominal = 1 - 2 / 64 if n == 6 else 0.95
    assert held == pytest.approx(nominal, abs=3 * (nominal * (1 - nominal) / 1000) ** 0.5)


def test_the_order_of_the_methods_only_turns_the_sign() -> None:
    for n in (8, 20):
        a, b = np.random.default_rng(8).normal([[0.3], [0.0]], size=(2, n))
        forth, back = paired_test(a, b), paired_test(b, a)
        assert forth.difference == -back.difference
        assert forth.p_value == back.p_value
        assert back.effect_size == -(forth.effect_size or 0)
        assert forth.interval is not None
        assert back.interval == (-forth.interval[1], -forth.interval[0])


# Few scenes, no spread


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fewer_than_six_scenes_show_nothing(n: int) -> None:
    paired = paired_test([5.0] * n, [1.0] * n)
    assert (paired.difference, paired.interval, paired.effect_size) == (4, None, None)
    assert paired.p_value == 2 / 2**n
    assert paired_test([5.0] * n, [1.0] * n, confidence=0.3).interval is not None or n == 1


def test_identical_results_do_not_differ() -> None:
    values = [31.0, 32.5, 29.0, 30.1, 28.0, 27.1]
    paired = paired_test(values, values)
    assert (paired.difference, paired.interval) == (0, (0, 0))
    assert (paired.p_value, paired.effect_size) == (1, 0)
    again = paired_test(np.array(values) * (1 + 1e-15), values)  # another machine's last bit
    assert again == paired


@pytest.mark.parametrize(("n", "least"), [(6, 2 / 64), (8, 2 / 256), (40, 2 / 500)])
def test_one_constant_difference_is_a_point_whatever_its_rounding(n: int, least: float) -> None:
    values = np.random.default_rng(2).normal(30, 3, size=n)
    paired = paired_test(values + 0.1, values, resamples=500)
    assert paired.p_value == least
    assert paired.effect_size is None
    assert paired.interval == (paired.difference, paired.difference)
    assert paired.difference == pytest.approx(0.1)


def test_effect_size_is_the_mean_over_the_standard_deviation() -> None:
    a, b = np.array([3.0, 5.0, 4.0]), np.array([1.0, 4.0, 1.0])
    assert paired_test(a, b).effect_size == pytest.approx(2 / 1.0)


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
        paired_test(values, values, **options)


def test_pairs_need_partners() -> None:
    with pytest.raises(BenchError, match="pairs of values, got 3 and 2"):
        paired_test([1.0, 2.0, 3.0], [1.0, 2.0])


# Many tests


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    """Adjusted: the largest, over all sets with a hypothesis, of the set's size times its least."""
    p = np.random.default_rng(9).uniform(0, 0.4, size=6)
    sets = [[i for i in range(6) if chosen >> i & 1] for chosen in range(1, 64)]
    closed = [max(min(1, len(s) * p[s].min()) for s in sets if i in s) for i in range(6)]
    assert holm(p.tolist()) == pytest.approx(closed)


def test_holm_keeps_order_and_ties() -> None:
    assert holm([0.03, 0.01, 0.01, 0.9]) == pytest.approx([0.06, 0.04, 0.04, 0.9])
    assert holm([0.02]) == [0.02]
    assert holm([]) == []
