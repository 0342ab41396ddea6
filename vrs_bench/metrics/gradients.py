"""GMSD: how much the likeness of gradients varies over an image."""

from __future__ import annotations

import numpy as np

from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.pairs import each_row, halved_with_zeros, paired_on_unit
from vrs_bench.types import Array, Doubles, Floats

CONSTANT = 170 / 255**2
"""Constant that steadies the gradient similarity: 170 on the scale [0, 255]."""

SIDE = 4
"""Least height and width that GMSD is defined for here: two pixels a side after halving."""


def gmsd(prediction: Array, truth: Array) -> Doubles:
    """Return the gradient magnitude similarity deviation of every row, mean over bands.

    Source: Xue, Zhang, Mou & Bovik 2014, *Gradient magnitude similarity deviation: a highly
    efficient perceptual image quality index*: images halved by means of 2 x 2 pixels, Prewitt
    gradients, constant 170 on the scale [0, 255], data range 1; the deviation is the population's,
    where the authors' code has the sample's. As ``piq.gmsd`` of grey images. With such dark images
    the constant is large beside the gradients, and values are small.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, in [0, 1].
        truth: the same shape, height and width at least 4.

    Returns:
        ``(...)`` float64, from 0 (best) to 0.5 at most. Computed in float32, the deviation in
        float64.

    Raises:
        BenchError: shapes that differ, images too small, another dtype, or values outside [0, 1].
    """
    x, y, lead = paired_on_unit(prediction, truth, side=SIDE)
    return each_row(_deviation, x, y, lead)


def _deviation(x: Array, y: Array) -> float:
    """Return the deviation of one pair (band, height, width)."""
    squares = _squared_gradients(halved_with_zeros(np.stack([x, y])))
    a, b = np.sqrt(squares)
    a *= 2
    a *= b
    a += np.float32(CONSTANT)
    total = squares[0] + squares[1]
    total += np.float32(CONSTANT)
    a /= total
    return float(a.std(axis=(1, 2), dtype=np.float64).mean())


def _squared_gradients(images: Array) -> Floats:
    """Return the squared lengths of Prewitt gradients; around the images are zeros."""
    padded = np.pad(images, [(0, 0)] * (images.ndim - 2) + [(1, 1)] * 2)
    columns = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
    rows = padded[..., :-2] + padded[..., 1:-1] + padded[..., 2:]
    across: Floats = columns[..., 2:] - columns[..., :-2]
    down = rows[..., 2:, :] - rows[..., :-2, :]
    across *= across
    down *= down
    across += down
    across *= np.float32(1 / 9)
    return across


METRICS = (
    Metric(
        name="gmsd",
        label="GMSD",
        group="perceptual",
        higher_is_better=False,
        computed=PerRow(lambda scene: gmsd(scene.images, scene.truth)),
        in_skill=True,
        definition=(
            "Gradient magnitude similarity deviation (Xue et al. 2014), as piq has it, per band: "
            "images halved by means (with a side that is odd, after a row and a column of zeros at "
            "the end), Prewitt gradients, constant 170/255², data range 1; population "
            "deviation (the authors' code has the sample's). Mean over bands, then over rows; 0 is "
            "perfect."
        ),
        high=0.5,
    ),
)
