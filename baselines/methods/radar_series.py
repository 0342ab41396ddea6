"""Radar series with less speckle: backscatter averaged over pixels and dates."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from vrs_bench.types import Array, Floats

DECIBELS = 30.0
"""Published backscatter x is (dB + 30) / 30."""


def power(published: Array) -> Floats:
    """Return published backscatter as linear power, in which speckle averages out."""
    return np.asarray(10 ** ((published - 1) * np.float32(DECIBELS / 10)), np.float32)


def decibels(linear: Array) -> Floats:
    """Return linear power on the published scale."""
    floor = np.float32(10 ** (-DECIBELS / 10))
    return (1 + 10 / np.float32(DECIBELS) * np.log10(np.maximum(linear, floor))).astype(np.float32)


def box(linear: Array, side: int) -> Floats:
    """Return means over squares of pixels of (…, height, width)."""
    size = (*(1 for _ in linear.shape[:-2]), side, side)
    return np.asarray(uniform_filter(linear, size, mode="nearest"), np.float32)
