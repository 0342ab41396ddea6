"""Mixed pixels: how much of each surface a pixel at an edge sees.

Surfaces are numbered on a grid three times as fine, and a pixel sees them through the weights of a
quadratic B-spline three pixels wide, which is a pixel's square convolved with itself twice: the
square of the detector, and optics that are matched to it. Inside, where the window holds one
surface, there is nothing to compute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrs_bench.types import Array, Floats, Labels

SCALE = 3
"""Sub-pixels along a pixel's side."""
_WINDOW = (1, 3, 6, 7, 6, 3, 1)  # the square of three sub-pixels, convolved with itself twice


@dataclass(frozen=True)
class Part:
    """One of the surfaces that mixed pixels see."""

    pixels: Array
    """Which of the mixed pixels, (n,): positions in ``MixedPixels.mixed``."""
    surfaces: Array
    """What each sees, int (n,)."""
    weights: Floats
    """And how much of it, (n, 1); the weights of a pixel add up to 1."""


@dataclass(frozen=True)
class MixedPixels:
    """Which surfaces each pixel sees."""

    pure: Array
    """The surface of each pixel that sees but one, int (height · width,)."""
    mixed: Array
    """Flat indices of the pixels that see more, (n,)."""
    parts: tuple[Part, ...]
    """What those see, one surface after the other: all of them the first, few more than two."""


def mix(fine: Labels) -> MixedPixels:
    """Return which surfaces each pixel sees.

    Args:
        fine: surface numbers on the fine grid, int (3 · height, 3 · width).
    """
    height, width = (side // SCALE for side in fine.shape)
    reach = len(_WINDOW) // 2 - SCALE // 2  # of the window beyond the pixel
    padded = np.pad(fine, reach, mode="edge")
    least, most = _extremes(_extremes((padded, padded), 0, height), 1, width)
    mixed = np.flatnonzero(least != most)

    row, column = np.divmod(mixed, width)
    stride = padded.shape[1]
    down, right = np.divmod(np.arange(len(_WINDOW) ** 2), len(_WINDOW))
    corner = SCALE * (row * stride + column)
    window = padded.ravel().take(corner[:, None] + (down * stride + right))
    share = np.outer(_WINDOW, _WINDOW).ravel()
    parts = []
    seen, left = np.arange(len(mixed)), np.ones(window.shape, bool)
    while len(seen):
        surface = window[np.arange(len(seen)), left.argmax(axis=1)]
        here = left & (window == surface[:, None])
        weight = (here @ share / share.sum()).astype(np.float32)
        parts.append(Part(seen, surface.astype(np.intp), weight[:, None]))
        left &= ~here
        more = np.flatnonzero(left.any(axis=1))
        seen, window, left = seen[more], window[more], left[more]
    return MixedPixels(least.ravel().astype(np.intp), mixed, tuple(parts))


def _extremes(of: tuple[Labels, Labels], axis: int, n: int) -> tuple[Labels, Labels]:
    """Return the least and the most within the windows along an axis."""
    found = []
    for values, extreme in zip(of, (np.minimum, np.maximum), strict=True):
        lines = np.moveaxis(values, axis, 0)
        parts = [lines[first:][: SCALE * n : SCALE] for first in range(len(_WINDOW))]
        result = parts[0]
        for part in parts[1:]:
            result = extreme(result, part)
        found.append(np.moveaxis(result, 0, axis))
    return found[0], found[1]
