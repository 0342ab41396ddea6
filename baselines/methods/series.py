"""Series of images in which some pixels are not seen on some dates: what fills the gaps.

Everywhere, ``images`` are (date, band, height, width) float32, ``clear`` is (date, height, width)
bool, and ``days`` are the dates in days, (date,) ascending. A fill gives a value for every pixel
and date; what was seen clearly is put back by :func:`kept`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from baselines.inputs import Inputs
from vrs_bench.types import Array, Doubles, Floats

YEAR = 365

Fill = Callable[[Floats, Array, Doubles], Floats]
"""Images, clear, days → images."""


def days_of(inputs: Inputs) -> Doubles:
    """Return the days of the time steps, counted on over New Year, (date,) float64."""
    day = inputs["day_of_year"].astype(np.float64)
    years = np.cumsum(np.diff(day, prepend=day[:1]) < 0)
    return np.asarray(day + YEAR * years)


def kept(images: Floats, clear: Array, filled: Floats) -> Floats:
    """Return the images where they are clear, and what fills them elsewhere."""
    return np.where(clear[:, None], images, filled)


def neighbours(clear: Array, itself: bool = True) -> tuple[Array, Array]:
    """Return the last clear date up to each date, and the first from it on, (date, height, width).

    Args:
        clear: (date, height, width) bool.
        itself: whether a date may be its own neighbour.

    Returns:
        indices of dates; -1 where none comes before, the number of dates where none comes after.
    """
    dates, last = np.arange(len(clear))[:, None, None], len(clear)
    before = np.maximum.accumulate(np.where(clear, dates, -1), axis=0)
    after = np.minimum.accumulate(np.where(clear, dates, last)[::-1], axis=0)[::-1]
    if not itself:
        before = np.concatenate([np.full_like(before[:1], -1), before[:-1]])
        after = np.concatenate([after[1:], np.full_like(after[:1], last)])
    return before, after


def at_dates(images: Array, dates: Array) -> Array:
    """Return the values of other dates, pixel by pixel: (date, band, height, width)."""
    return np.take_along_axis(images, np.clip(dates, 0, len(images) - 1)[:, None], axis=0)


def never_seen(images: Floats, clear: Array, days: Doubles) -> tuple[Floats, Array]:
    """Give pixels that are clear on no date the mean of the pixels that are, date by date.

    Returns:
        images and clear, in which those pixels count as clear; dates on which no pixel is clear
        are interpolated. A scene that is never seen stays as it is.
    """
    never, seen = ~clear.any(axis=0), clear.any(axis=(1, 2))
    if not never.any() or not seen.any():
        return images, clear
    counts = np.maximum(clear.sum(axis=(1, 2)), 1)[:, None]
    means = (images * clear[:, None]).sum(axis=(2, 3), dtype=np.float64) / counts
    series = np.stack([np.interp(days, days[seen], of[seen]) for of in means.T], axis=1)
    images = np.where(never, series[..., None, None].astype(np.float32), images)
    return images, clear | never


def linear(images: Floats, clear: Array, days: Doubles, itself: bool = True) -> Floats:
    """Return the line between the clear dates before and after; beyond the last one, its value.

    Args:
        itself: whether a clear date counts for itself; else it is interpolated from the others.
    """
    images, clear = never_seen(images, clear, days)
    before, after = neighbours(clear, itself)
    alone = (before < 0) & (after == len(days))  # no other clear date: it stays as it is
    dates = np.arange(len(days))[:, None, None]
    first = np.where(alone, dates, np.where(before < 0, after, before))
    last = np.where(alone, dates, np.where(after == len(days), before, after))
    since, until = days[dates] - days[first], days[last] - days[dates]
    share = (since / np.maximum(since + until, 1e-9))[:, None]
    at_first = at_dates(images, first)
    lines: Floats = at_first + share.astype(np.float32) * (at_dates(images, last) - at_first)
    return lines


def nearest_clear_dates(images: Floats, clear: Array, days: Doubles, count: int) -> Floats:
    """Return the values of the nearest clear dates, (rank, date, band, height, width).

    Of two that are as near, the earlier comes first. Ranks that there are not are NaN.
    """
    images, clear = never_seen(images, clear, days)
    found = np.full((count, *images.shape), np.nan, np.float32)
    for date, day in enumerate(days):
        rank = np.zeros(clear.shape[1:], np.intp)
        for other in np.argsort(np.abs(days - day), kind="stable"):
            for number in range(count):
                here = clear[other] & (rank == number)
                found[number, date][:, here] = images[other][:, here]
            rank += clear[other]
            if rank.min() >= count:
                break
    return found


def nearest_date(images: Floats, clear: Array, days: Doubles) -> Floats:
    """Return the nearest clear date, of two as near the earlier."""
    nearest = nearest_clear_dates(images, clear, days, 1)[0]
    return np.where(np.isnan(nearest), images, nearest)


MEDIAN_OF = 3
"""Dates of a temporal median: the fewest that leave out one that is wrong."""


def temporal_median(images: Floats, clear: Array, days: Doubles) -> Floats:
    """Return the median of the nearest clear dates; of two dates, the mean."""
    first, *others = nearest_clear_dates(images, clear, days, MEDIAN_OF)
    first = np.where(np.isnan(first), images, first)
    second = np.where(np.isnan(others[0]), first, others[0])
    third = np.where(np.isnan(others[1]), (first + second) / 2, others[1])
    return np.asarray(np.median(np.stack([first, second, third]), axis=0))


def whittaker(
    images: Floats, clear: Array, days: Doubles, smoothness: float, order: int = 2
) -> Floats:
    """Return the series that are smooth and near to what is clear, by penalised least squares.

    Source: Eilers 2003, *A perfect smoother*: least ``Σ w (y - z)² + λ Σ (z⁽ᵈ⁾)²``, here with
    divided differences at the days of the dates, whose median distance is the unit.

    Args:
        smoothness: λ.
        order: d, 1 or 2.
    """
    start = linear(images, clear, days)
    if len(days) <= order:
        return start
    differences = divided_differences(days, order)
    penalty = smoothness * differences.T @ differences
    # A hair of the interpolated values makes it solvable where fewer than two dates are clear.
    weights = clear.reshape(len(days), -1) + _HAIR
    wanted = clear[:, None] * images + np.float32(_HAIR) * start
    flat = wanted.reshape(*images.shape[:2], -1)
    smooth = solve_banded(penalty, weights, flat)
    return smooth.reshape(images.shape).astype(np.float32)


_HAIR = 1e-4


def divided_differences(days: Doubles, order: int) -> Doubles:
    """Return the matrix of first or second derivatives of a series, (date - order, date).

    The unit of time is the median distance of the dates.
    """
    steps = np.diff(days) / np.median(np.diff(days))
    slopes = np.diff(np.eye(len(days)), axis=0) / steps[:, None]
    if order == 1:
        return slopes
    return np.diff(slopes, axis=0) / ((steps[1:] + steps[:-1]) / 2)[:, None]


def solve_banded(band: Doubles, diagonal: Doubles, wanted: Array) -> Doubles:
    """Solve (band + diag(diagonal of a pixel)) z = wanted of all pixels at once, by LDLᵀ.

    Args:
        band: (n, n) symmetric, positive semidefinite, zero beyond the second side diagonals.
        diagonal: (n, pixel), positive.
        wanted: (n, channel, pixel).

    Returns:
        float64 (n, channel, pixel).
    """
    n = len(band)
    pivot = np.empty_like(diagonal, dtype=np.float64)
    lower = np.zeros((2, *diagonal.shape))  # L at (row, row - 1) and (row, row - 2)
    z = np.array(wanted, np.float64)
    for row in range(n):
        pivot[row] = band[row, row] + diagonal[row]
        if row > 1:
            lower[1, row] = band[row, row - 2] / pivot[row - 2]
            pivot[row] -= lower[1, row] ** 2 * pivot[row - 2]
            z[row] -= lower[1, row] * z[row - 2]
        if row > 0:
            side = band[row, row - 1]
            if row > 1:
                side = side - lower[1, row] * lower[0, row - 1] * pivot[row - 2]
            lower[0, row] = side / pivot[row - 1]
            pivot[row] -= lower[0, row] ** 2 * pivot[row - 1]
            z[row] -= lower[0, row] * z[row - 1]
    z /= pivot[:, None]
    for row in range(n - 2, -1, -1):
        z[row] -= lower[0, row + 1] * z[row + 1]
        if row + 2 < n:
            z[row] -= lower[1, row + 2] * z[row + 2]
    return z


def harmonic(images: Floats, clear: Array, days: Doubles, harmonics: int) -> Floats:
    """Return the least-squares fit of a mean and so many harmonics of the year to what is clear.

    Gaps that leave the fit open are held by a hair of their linear interpolation.
    """
    angle = 2 * np.pi * np.outer(days, np.arange(1, harmonics + 1)) / YEAR
    basis = np.concatenate([np.ones((len(days), 1)), np.cos(angle), np.sin(angle)], axis=1)
    start = linear(images, clear, days)
    size = basis.shape[1]
    weights = (clear + _HAIR).reshape(len(days), -1)
    wanted = (clear[:, None] * images + np.float32(_HAIR) * start).reshape(*images.shape[:2], -1)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(days), -1)
    matrix = (weights.T @ products).reshape(-1, size, size)
    right = np.tensordot(basis, wanted, axes=(0, 0)).transpose(2, 0, 1)  # (pixel, basis, band)
    found = np.linalg.solve(matrix + 1e-9 * np.eye(size), right)
    series = np.tensordot(basis, found, axes=(1, 1)).transpose(0, 2, 1)
    return series.reshape(images.shape).astype(np.float32)
