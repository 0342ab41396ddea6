"""Clear views: gaps of known sequences, and what is filled from them."""

import numpy as np
import pytest
from clear_views import cover_shares, days_between, fill


def test_days_between_clear_views_are_those_of_each_pixel():
    days = np.array([6, 18, 30, 42, 60])
    clear = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 1]], bool)
    assert days_between(clear, days).tolist() == [12, 42, 42]


def test_gaps_of_independent_dates_are_geometric():
    clear = np.random.default_rng(0).random((4000, 50)) < 0.3
    gaps = days_between(clear, 5 * np.arange(4000))
    quantile = [5 * np.ceil(np.log(1 - q) / np.log(1 - 0.3)) for q in (0.5, 0.9, 0.99)]
    assert np.percentile(gaps, (50, 90, 99)).tolist() == quantile == [10, 35, 65]
    assert gaps.mean() == pytest.approx(5 / 0.3, rel=0.01)


def test_dates_are_clear_partly_covered_or_overcast():
    cover = np.array([0, 0.04, 0.05, 0.5, 0.95, 0.96, 1.0, 1.0])
    shares = cover_shares(cover, (0.05, 0.95))
    np.testing.assert_allclose(shares, np.array([2, 3, 3]) / 8, atol=1e-15)


@pytest.mark.parametrize("linear", [False, True])
def test_clouded_pixels_come_from_the_clear_dates_on_both_sides(linear):
    rng = np.random.default_rng(1)
    days = np.cumsum(rng.integers(1, 3, 9)) * 4  # some as near before as after
    seen = rng.random((9, 2, 12, 11), np.float32)
    clear = rng.random((9, 12, 11)) < 0.3
    clear[:, 0, 0] = False
    found = fill(seen, clear, days, linear)
    for row, column in np.ndindex(12, 11):
        series, known = seen[:, :, row, column], np.flatnonzero(clear[:, row, column])
        if not len(known):
            expected = series
        elif linear:
            lines = [np.interp(days, days[known], band[known]) for band in series.T]
            expected = np.stack(lines, axis=1)
        else:  # the first of the nearest is the earlier
            expected = series[[known[np.abs(days[known] - day).argmin()] for day in days]]
        np.testing.assert_allclose(found[:, :, row, column], expected, atol=1e-6)
    assert found.dtype == np.float32
