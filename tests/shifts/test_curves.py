"""What is said of curves, against curves of which it is known."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from vrs_bench.shifts import curves
from vrs_bench.shifts.curves import (
    area,
    falls_all_along,
    half_dose,
    half_dose_interval,
    kendall,
    steepest,
)

numbers = st.lists(st.integers(-1000, 1000), min_size=2, max_size=12, unique=True)


def test_examples() -> None:
    found = doctest.testmod(curves)
    assert (found.failed, found.attempted >= 4) == (0, True)


def test_the_area_of_a_fine_curve_is_its_integral() -> None:
    doses = np.linspace(0, np.pi, 2001)
    assert area(doses.tolist(), np.sin(doses)) == pytest.approx(2 / np.pi, abs=1e-6)


@given(numbers, st.floats(-1, 1), st.floats(-2, 2))
def test_the_area_of_a_line_is_its_middle(doses: list[int], slope: float, start: float) -> None:
    doses.sort()
    values = [start + slope * dose for dose in doses]
    middle = start + slope * (doses[0] + doses[-1]) / 2
    assert area(doses, values) == pytest.approx(middle, abs=1e-6)
    assert area(doses[::-1], values[::-1]) == pytest.approx(middle, abs=1e-6)


def test_the_half_dose_of_known_curves() -> None:
    doses = np.linspace(0, 5, 501)
    assert half_dose(doses.tolist(), np.exp(-doses)) == pytest.approx(np.log(2), abs=1e-4)
    hill = 0.9 / (1 + (doses / 1.7) ** 3)  # half of its start at 1.7
    assert half_dose(doses.tolist(), hill) == pytest.approx(1.7, abs=1e-4)
    assert half_dose([0.5, 0.25, 0.1], [0.8, 0.5, 0.2]) == pytest.approx(0.25 - 0.15 / 3)
    assert half_dose([0, 1, 2], [0.4, 0.3, 0.21]) is None  # not yet
    assert half_dose([0, 1], [0.0, -1.0]) is None  # nothing to halve
    assert half_dose([0, 1, 2, 3], [0.4, 0.1, 0.5, 0.0]) == pytest.approx(2 / 3)  # the first time


def test_the_interval_of_the_half_dose_holds_it_and_says_where_it_ends() -> None:
    """Scenes differ in their half dose alone: the mean curve's lies between theirs."""
    doses = [0.0, 1.0, 2.0, 3.0, 4.0]
    by_scene = np.array([[1 - dose / (2 * half) for dose in doses] for half in (1, 1.5, 2, 2.5, 3)])
    found = half_dose_interval(doses, by_scene)
    assert found is not None
    slope = np.mean([1 / (2 * half) for half in (1, 1.5, 2, 2.5, 3)])
    assert found.dose == pytest.approx(0.5 / slope)
    assert found.nearest is not None
    assert found.farthest is not None
    assert 1 <= found.nearest < found.dose < found.farthest <= 3
    alike = half_dose_interval(doses, np.repeat(by_scene[:1], 4, axis=0))
    assert alike is not None
    assert (alike.dose, alike.nearest, alike.farthest) == (1, 1, 1)


def test_the_half_dose_may_lie_beyond_and_towards_smaller_doses() -> None:
    flat = half_dose_interval([0, 1], np.array([[1, 0.9], [1, 0.8]]))
    assert flat is not None
    assert (flat.dose, flat.nearest, flat.farthest) == (None, None, None)
    falling = half_dose_interval([4, 2, 1], np.array([[1, 0.6, 0.2], [1, 0.4, 0.2]]))
    assert falling is not None
    assert falling.dose == pytest.approx(2)
    assert falling.nearest is not None
    assert falling.farthest is not None
    assert falling.nearest > 2 > falling.farthest
    assert half_dose_interval([0, 1], np.array([[-1, -2], [-1.0, 0]])) is None


def test_the_steepest_fall_is_by_the_unit_of_the_dose() -> None:
    found = steepest([8, 4, 2, 1], [0.9, 0.8, 0.5, 0.4])
    assert found is not None
    assert (found.start, found.end, found.slope) == (4, 2, 0.15)
    assert steepest([0, 1, 2], [0.1, 0.2, 0.2]) is None
    assert steepest([0, 1], [0.1, 0.1 - 1e-6]) is None
    assert steepest([1], [0.3]) is None


@given(numbers)
def test_kendall_is_scipys_where_no_two_are_equal(values: list[int]) -> None:
    expected = kendalltau(range(len(values)), values).statistic
    assert kendall(values) == pytest.approx(expected)
    assert kendall([-value for value in values]) == pytest.approx(-expected)


def test_kendall_counts_equal_pairs_as_none() -> None:
    assert kendall([1, 1, 1]) == 0
    assert kendall([3, 2, 2]) == pytest.approx(-2 / 3)


@given(numbers)
def test_what_falls_all_along_has_the_least_tau(values: list[int]) -> None:
    values.sort(reverse=True)
    assert falls_all_along(values)
    assert kendall(values) == -1
    assert not falls_all_along(values[::-1])


def test_a_flat_curve_does_not_fall() -> None:
    assert not falls_all_along([1, 1, 1])
    assert falls_all_along([1, 1, 0.5])
