"""The input contract of every metric: a checked pair of images, and one value a row."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles, Floats

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


def paired_on_unit(
    prediction: Array, truth: Array, *, side: int
) -> tuple[Array, Array, tuple[int, ...]]:
    """Do as :func:`paired`, for metrics of images within [0, 1].

    With the range of values fixed to 1, the physical scale, a score does not depend on what else
    is in the image: a band of reflectance is darker and lower in contrast than a photograph.

    Raises:
        BenchError: as :func:`paired`, or values outside of [0, 1].
    """
    x, y, lead = paired(prediction, truth, side=side)
    for name, images in (("prediction", x), ("truth", y)):
        # Also where a value is NaN: then no comparison holds.
        if images.size and not (images.min() >= 0 and images.max() <= 1):
            raise BenchError(
                f"{name}: expected values from 0 to 1, got {images.min():g} to {images.max():g}; "
                "clip it first"
            )
    return x, y, lead


def halved_with_zeros(images: Array) -> Floats:
    """Return means of 2 x 2 pixels, float32.

    Where a side of images (..., height, width) is odd, a row and a column of zeros follow first.
    """
    *lead, height, width = images.shape
    if height % 2 or width % 2:
        images = np.pad(images, [(0, 0)] * len(lead) + [(0, 1), (0, 1)])
        height, width = (height + 1) // 2 * 2, (width + 1) // 2 * 2
    whole = images[..., :height, :width].astype(np.float32, copy=False)
    pairs = whole[..., ::2, :] + whole[..., 1::2, :]
    means: Floats = pairs[..., ::2] + pairs[..., 1::2]
    means *= np.float32(0.25)
    return means


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
