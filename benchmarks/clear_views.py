"""When a pixel is seen without cloud, and what can be told from its clear dates alone."""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array, Doubles, Floats


def days_between(clear: Array, days: Array) -> Array:
    """Return the days from each clear view of a pixel to its next, all pixels in one array.

    Args:
        clear: (date, pixel) bool.
        days: (date,) ascending.
    """
    pixel, date = np.nonzero(clear.T)
    return np.asarray(np.diff(days[date])[np.diff(pixel) == 0])


def cover_shares(cover: Doubles, edges: tuple[float, float]) -> Doubles:
    """Return the shares of dates that are clear, partly covered and overcast.

    Args:
        cover: (date,) share of pixels under cloud.
        edges: below the first a date is clear, above the second it is overcast.
    """
    low, high = edges
    clear, overcast = np.mean(cover < low), np.mean(cover > high)
    return np.array([clear, 1 - clear - overcast, overcast])


def fill(seen: Floats, clear: Array, days: Array, linear: bool) -> Floats:
    """Return images whose clouded pixels are taken from the clear dates before and after.

    Args:
        seen: (date, band, height, width).
        clear: (date, height, width) bool.
        days: (date,) ascending.
        linear: a line between both dates; else the nearer of them, of two as near the earlier.

    Returns:
        as ``seen``. Where there is but one of both dates, it is taken; where there is none, the
        pixel stays as it is.
    """
    dates = np.arange(len(days))[:, None, None]
    before = np.maximum.accumulate(np.where(clear, dates, -1), axis=0)
    last = len(days)
    after = np.minimum.accumulate(np.where(clear, dates, last)[::-1], axis=0)[::-1]
    never = before[-1] < 0
    before, after = (
        np.where(never, dates, np.where(before < 0, after, before)),
        np.where(never, dates, np.where(after == last, before, after)),
    )
    since, until = days[dates] - days[before], days[after] - days[dates]
    lines = since / np.maximum(since + until, 1)
    share = lines if linear else abs(since) > abs(until)
    first, second = (np.take_along_axis(seen, of[:, None], axis=0) for of in (before, after))
    return np.asarray(first + share[:, None].astype(np.float32) * (second - first))
