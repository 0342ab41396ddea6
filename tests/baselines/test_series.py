"""Fills of series: against closed forms, dense solves and brute force."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.methods.double_logistic import double_logistic, shapes
from baselines.methods.series import (
    Fill,
    days_of,
    divided_differences,
    harmonic,
    kept,
    linear,
    nearest_date,
    neighbours,
    solve_banded,
    temporal_median,
    whittaker,
)
from vrs_bench.types import Array, Doubles, Floats

DAYS = np.array([3.0, 15, 33, 40, 80, 92, 130, 171, 172, 260, 300, 340])
FILLS: tuple[Fill, ...] = (
    nearest_date,
    temporal_median,
    linear,
    partial(whittaker, smoothness=0.1),
    partial(whittaker, smoothness=0.1, order=1),
    partial(harmonic, harmonics=2),
    double_logistic,
)


def gaps(seed: int, share: float = 0.5, size: tuple[int, int] = (5, 4)) -> Array:
    return np.random.default_rng(seed).random((len(DAYS), *size)) > share


def series(of: Doubles, size: tuple[int, int] = (5, 4)) -> Floats:
    """Return images (date, 2, …) of a series and its half at every pixel."""
    both = np.stack([of, of / 2], axis=1)[..., None, None]
    return np.broadcast_to(both, (len(of), 2, *size)).astype(np.float32)


def spoilt(images: Floats, clear: Array) -> Floats:
    """Return images with a value in the gaps that nobody may look at."""
    return np.where(clear[:, None], images, np.float32(0.9))


def test_days_go_on_over_new_year() -> None:
    inputs = {"day_of_year": np.array([300, 345, 25, 70, 5], np.int16)}
    assert days_of(inputs).tolist() == [300, 345, 390, 435, 735]
    assert days_of({"day_of_year": np.array([7], np.int16)}).tolist() == [7]


@pytest.mark.parametrize("fill", FILLS)
def test_a_constant_is_filled_by_itself_whatever_lies_over_it(fill: Fill) -> None:
    clear = gaps(1)
    images = series(np.full(len(DAYS), 0.3))
    assert fill(spoilt(images, clear), clear, DAYS) == pytest.approx(images, abs=2e-4)


@pytest.mark.parametrize("fill", FILLS)
def test_a_scene_without_a_clear_pixel_stays_as_it_is(fill: Fill) -> None:
    images = np.random.default_rng(0).random((len(DAYS), 2, 3, 3)).astype(np.float32)
    filled = fill(images, np.zeros((len(DAYS), 3, 3), bool), DAYS)
    assert filled.shape == images.shape
    assert np.isfinite(filled).all()


@pytest.mark.parametrize("fill", FILLS)
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.98))
@settings(max_examples=15, deadline=None)
def test_no_fill_looks_at_what_is_hidden(fill: Fill, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    images = rng.random((len(DAYS), 2, 4, 3)).astype(np.float32)
    clear = rng.random((len(DAYS), 4, 3)) > share
    if not clear.any():
        return
    other = np.where(clear[:, None], images, rng.random(images.shape).astype(np.float32))
    one, two = (kept(of, clear, fill(of, clear, DAYS)) for of in (images, other))
    assert one == pytest.approx(two, abs=1e-5)
    assert np.isfinite(one).all()


def test_linear_interpolation_restores_a_line_between_clear_dates() -> None:
    clear = gaps(2)
    clear[[0, -1]] = True
    images = series(0.1 + 0.002 * DAYS)
    assert linear(spoilt(images, clear), clear, DAYS) == pytest.approx(images, abs=1e-6)


def test_linear_interpolation_is_that_of_numpy() -> None:
    clear, rng = gaps(3), np.random.default_rng(3)
    clear[4] = True
    images = rng.random((len(DAYS), 2, 5, 4)).astype(np.float32)
    filled = linear(images, clear, DAYS)
    for row, column in np.ndindex(5, 4):
        known = clear[:, row, column]
        for band in range(2):
            expected = np.interp(DAYS, DAYS[known], images[known, band, row, column])
            assert filled[:, band, row, column] == pytest.approx(expected, abs=1e-6)


def test_a_date_that_does_not_count_for_itself_comes_from_the_others() -> None:
    clear = np.ones((len(DAYS), 1, 1), bool)
    images = np.random.default_rng(4).random((len(DAYS), 1, 1, 1)).astype(np.float32)
    lines = linear(images, clear, DAYS, itself=False).ravel()
    for date in range(len(DAYS)):
        others = np.arange(len(DAYS)) != date
        expected = np.interp(DAYS[date], DAYS[others], images.ravel()[others])
        assert lines[date] == pytest.approx(expected, abs=1e-6)


def test_neighbours_against_a_search() -> None:
    clear = gaps(5)
    for itself in (True, False):
        before, after = neighbours(clear, itself)
        for date, row, column in np.ndindex(clear.shape):
            known = np.flatnonzero(clear[:, row, column])
            left = known[known <= date] if itself else known[known < date]
            right = known[known >= date] if itself else known[known > date]
            assert before[date, row, column] == (left.max() if len(left) else -1)
            assert after[date, row, column] == (right.min() if len(right) else len(DAYS))


def test_nearest_and_median_against_a_search() -> None:
    clear = gaps(6, 0.7)
    clear[0] = True
    images = np.random.default_rng(6).random((len(DAYS), 2, 5, 4)).astype(np.float32)
    nearest, median = nearest_date(images, clear, DAYS), temporal_median(images, clear, DAYS)
    for date, row, column in np.ndindex(clear.shape):
        known = np.flatnonzero(clear[:, row, column])
        order = known[np.argsort(np.abs(DAYS[known] - DAYS[date]), kind="stable")][:3]
        values = images[order, :, row, column]
        assert (nearest[date, :, row, column] == values[0]).all()
        assert median[date, :, row, column] == pytest.approx(np.median(values, axis=0))


def test_a_pixel_that_is_never_clear_gets_the_mean_of_the_others() -> None:
    clear = np.ones((len(DAYS), 1, 3), bool)
    clear[:, :, 2] = False
    images = np.random.default_rng(7).random((len(DAYS), 2, 1, 3)).astype(np.float32)
    filled = linear(images, clear, DAYS)
    assert filled[..., 2] == pytest.approx(images[..., :2].mean(axis=-1), abs=1e-6)


def test_banded_solutions_are_dense_ones() -> None:
    rng = np.random.default_rng(8)
    differences = divided_differences(DAYS, 2)
    band = 0.7 * differences.T @ differences
    diagonal, wanted = rng.random((len(DAYS), 6)) + 0.01, rng.random((len(DAYS), 3, 6))
    solved = solve_banded(band, diagonal, wanted)
    for pixel in range(6):
        expected = np.linalg.solve(band + np.diag(diagonal[:, pixel]), wanted[..., pixel])
        assert solved[..., pixel] == pytest.approx(expected, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("order", [1, 2])
def test_differences_are_derivatives_of_polynomials(order: int) -> None:
    unit = np.median(np.diff(DAYS))
    values = (DAYS / unit) ** order
    expected = 1.0 if order == 1 else 2.0
    assert divided_differences(DAYS, order) @ values == pytest.approx(expected)


@pytest.mark.parametrize("order", [1, 2])
def test_whittaker_against_the_dense_normal_equations(order: int) -> None:
    clear = gaps(9, 0.4)
    images = np.random.default_rng(9).random((len(DAYS), 2, 5, 4)).astype(np.float32)
    smooth = whittaker(images, clear, DAYS, smoothness=0.3, order=order)
    penalty = 0.3 * divided_differences(DAYS, order).T @ divided_differences(DAYS, order)
    for row, column in np.ndindex(5, 4):
        weights = np.diag(clear[:, row, column].astype(float))
        expected = np.linalg.lstsq(
            weights + penalty, weights @ images[:, :, row, column], rcond=None
        )[0]
        if clear[:, row, column].sum() > 5:  # well posed; else a hair of the line decides
            assert smooth[:, :, row, column] == pytest.approx(expected, abs=5e-3)


def test_harmonics_are_recovered_from_the_clear_dates() -> None:
    clear = gaps(10, 0.3)
    clear[::2] = True
    angle = 2 * np.pi * DAYS / 365
    images = series(0.3 + 0.1 * np.cos(angle - 1) + 0.05 * np.sin(2 * angle))
    found = harmonic(spoilt(images, clear), clear, DAYS, harmonics=2)
    assert found == pytest.approx(images, abs=2e-3)
    # One harmonic can not tell it.
    one = harmonic(spoilt(images, clear), clear, DAYS, harmonics=1)
    assert np.abs(one - images).max() > 0.02


def test_a_season_of_the_grid_is_recovered_with_levels_of_its_own_in_each_band() -> None:
    grid = shapes(DAYS)
    moving = np.flatnonzero(grid.std(axis=1) > 0.3)
    season = grid[moving[len(moving) // 2]].astype(np.float64)
    clear = gaps(11, 0.3, (3, 3))
    clear[::2] = True
    images = series(0.1 + 0.4 * season, (3, 3))
    found = double_logistic(spoilt(images, clear), clear, DAYS)
    line = linear(spoilt(images, clear), clear, DAYS)
    assert np.abs(found - images).mean() < 0.3 * np.abs(line - images).mean()


def test_seasons_are_periodic_and_between_0_and_1() -> None:
    grid = shapes(DAYS)
    assert grid.min() >= 0
    assert grid.max() <= 1
    assert grid == pytest.approx(shapes(DAYS + 365), abs=1e-6)
