"""The input contract of every metric: a checked pair of images, and one value a row."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles

LAYOUT = "(..., band, height, width)"
_ROWS_OF_MAPS = 2


def paired(
    prediction: Array, truth: Array, *, side: int = 1
) -> tuple[Array, Array, tuple[int, ...]]:
    """Check a pair of images or stacks and view both as ``(row, band, height, width)``.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.
        side: least height and width that the metric needs.

    Returns:
        The two views, and the leading shape ``(...)`` that the metric's result has.

    Raises:
        BenchError: another dtype (integers are not rescaled by guess), fewer than three axes,
            shapes that differ, an empty image, or one smaller than ``side``.
    """
    for name, array in (("prediction", prediction), ("truth", truth)):
        if array.dtype not in (np.float32, np.float64):
            raise BenchError(
                f"{name}: expected float32 or float64 on the scale [0, 1], got {array.dtype}"
            )
        if array.ndim < 3:
            raise BenchError(f"{name}: expected shape {LAYOUT}, got {array.shape}")
    if prediction.shape != truth.shape:
        raise BenchError(
            f"prediction and truth: expected one shape {LAYOUT}, "
            f"got {prediction.shape} and {truth.shape}"
        )
    *lead, bands, height, width = truth.shape
    if bands < 1 or min(height, width) < side:
        raise BenchError(
            f"prediction and truth: expected at least one band of {side} x {side} pixels, "
            f"got {bands} of {height} x {width}"
        )
    shape = (math.prod(lead), bands, height, width)
    return prediction.reshape(shape), truth.reshape(shape), tuple(lead)


def each_row(
    measure: Callable[[Array, Array], float], prediction: Array, truth: Array, lead: tuple[int, ...]
) -> Doubles:
    """Apply ``measure`` to every pair of ``(band, height, width)`` images.

    Row by row, so that temporaries stay in cache and do not grow with the stack.
    """
    values = [measure(x, y) for x, y in zip(prediction, truth, strict=True)]
    return np.array(values, dtype=np.float64).reshape(lead)


def means_of(
    to_maps: Callable[[Array, Array], Array],
    prediction: Array,
    truth: Array,
    lead: tuple[int, ...],
) -> Doubles:
    """Return the mean over each row's map, for a function that makes maps (row, height, width).

    A few rows at a time, so that maps do not grow with the stack.
    """
    parts = strips(len(truth), _ROWS_OF_MAPS)
    maps = (to_maps(prediction[part], truth[part]) for part in parts)
    means = [of.mean(axis=(-2, -1), dtype=np.float64) for of in maps]
    return np.concatenate(means).reshape(lead) if means else np.empty(lead)


def strips(length: int, rows: int) -> list[slice]:
    """Cut ``range(length)`` into consecutive slices of ``rows`` or, for the last, fewer."""
    return [slice(start, min(start + rows, length)) for start in range(0, length, rows)]
