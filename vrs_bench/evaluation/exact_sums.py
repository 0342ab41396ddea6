"""Sums that are exact, whatever their order.

Deviations are rounded to integers so small that every sum of them and of their squares is exact
in float64. So no interval or p-value depends on the machine or on what else is computed with it,
and a spread of zero is exactly zero.
"""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array, Doubles

BLOCK = 2000
"""Resamples that are handled at once, so that memory does not grow with their number."""


def as_integers(deviations: Doubles) -> tuple[Doubles, Doubles]:
    """Return (sample, scene) deviations as integers, and (sample,) what one of them stands for.

    n² times the largest square stays below 2⁵³. Units are powers of 2, so what is short in
    binary stays as it is.
    """
    _, exponent = np.frexp(np.abs(deviations).max(axis=1))
    unit = np.ldexp(1.0, exponent - (26 - (deviations.shape[1] - 1).bit_length()))
    return np.rint(deviations / unit[:, None]), unit


def weighted_sums(integers: Doubles, weights: Array) -> Doubles:
    """Return (sample, resample) sums of (sample, scene) integers by (resample, scene) weights."""
    sums = np.empty((len(integers), len(weights)))
    for start in range(0, len(weights), BLOCK):
        block = slice(start, start + BLOCK)
        sums[:, block] = integers @ weights[block].T.astype(np.float64)
    return sums
