"""Least-squares fit of a season to what is clear of a pixel's year.

All bands share the shape of the season, ``g(t) = r(t - start) · (1 - r'(t - end))`` with logistic
r, wrapped around the year, and each has its own level and amplitude. Shapes are a grid, in which
the best one is found by variable projection (Golub and Pereyra 1973): levels and amplitudes are
solved for, and the shape with the least sum of squares over bands is taken. Source of the model:
Beck et al. 2006, *Improved monitoring of vegetation dynamics at very high latitudes*.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from baselines.methods.series import YEAR, linear, never_seen
from vrs_bench.types import Array, Doubles, Floats

STARTS = np.arange(0, YEAR, 15.0)
"""Days on which the season has half begun."""
LENGTHS = np.arange(45, 300, 25.0)
"""Days until it has half ended."""
PACES = ((6.0, 4.0), (15.0, 12.0))
"""Time constants of begin and end, days: of fast seasons, and of slow ones."""

_PIXELS = 4096
"""At once, to bound the memory."""
_RIDGE = 1e-3
"""Added to the variance of a shape, so that one that hardly moves on the clear dates is no
explanation of them."""


def shapes(days: Doubles) -> Floats:
    """Return the seasons of the grid at some days, (shape, date) float32 from 0 to 1."""
    grid = [(start, length, *pace) for start, length, pace in product(STARTS, LENGTHS, PACES)]
    start, length, rise, fall = (np.array(of)[:, None] for of in zip(*grid, strict=True))
    since = (days - start + YEAR / 2 - length / 2) % YEAR - (YEAR / 2 - length / 2)
    begun, ended = _logistic(since / rise), _logistic((since - length) / fall)
    return (begun * (1 - ended)).astype(np.float32)


def _logistic(x: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))))


def double_logistic(images: Floats, clear: Array, days: Doubles) -> Floats:
    """Return the best season of each pixel, and a line through what it leaves on clear dates."""
    images, clear = never_seen(images, clear, days)
    flat = images.reshape(*images.shape[:2], -1)
    weights = clear.reshape(len(days), -1).astype(np.float32)
    grid = shapes(days)
    fitted = np.concatenate(
        [
            _fitted(flat[..., at : at + _PIXELS], weights[:, at : at + _PIXELS], grid)
            for at in range(0, flat.shape[-1], _PIXELS)
        ],
        axis=-1,
    ).reshape(images.shape)
    return fitted + linear(images - fitted, clear, days)


def _fitted(values: Floats, weights: Floats, grid: Floats) -> Floats:
    """Return the best seasons, (date, band, pixel).

    Args:
        values: (date, band, pixel).
        weights: 1 where they are clear, else 0, (date, pixel).
        grid: shapes (shape, date).
    """
    total = np.maximum(weights.sum(axis=0), 1)  # (pixel,)
    level = grid @ weights / total  # mean of each shape over the clear dates, (shape, pixel)
    spread = (grid**2) @ weights / total - level**2 + np.float32(_RIDGE)
    weighted = values * weights[:, None]
    mean = weighted.sum(axis=0) / total  # (band, pixel)
    along = np.einsum("sd,dbp->bsp", grid, weighted, optimize=True) / total - level * mean[:, None]
    explained = (along**2 / spread).sum(axis=0)
    best = explained.argmax(axis=0)
    pixels = np.arange(len(best))
    slope = along[:, best, pixels] / spread[best, pixels]  # (band, pixel)
    shape = grid[best].T - level[best, pixels]  # (date, pixel)
    return np.asarray(mean + slope * shape[:, None])
