"""Net improvement: where is a prediction nearer to the truth than doing the obvious?"""

from __future__ import annotations

import numpy as np

from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.pairs import paired
from vrs_bench.types import Array, Doubles

TIE = 0.002
"""Difference of two errors, in reflectance, up to which neither image is nearer."""


def net_improvement(prediction: Array, truth: Array, floor: Array) -> Doubles:
    """Return the share of pixels nearer to the truth than the floor is, less the share farther.

    Doing nothing wins nothing: the floor itself has 0, whatever it leaves undone.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape.
        floor: the same shape, what the trivial method makes.

    Returns:
        ``(...)`` float64 from -1 to 1 (best). A pixel's error is the root of its mean square over
        bands; errors within :data:`TIE` of each other are a tie.

    Raises:
        BenchError: shapes that differ or aren't images, or another dtype.
    """
    ours, theirs = _errors(prediction, truth), _errors(floor, truth)
    nearer = (ours < theirs - TIE).mean(axis=(-2, -1))
    farther = (ours > theirs + TIE).mean(axis=(-2, -1))
    return np.asarray(nearer - farther)


def _errors(image: Array, truth: Array) -> Array:
    """Return the root mean square error over bands, (..., height, width)."""
    x, y, lead = paired(image, truth)
    difference = x - y
    square = np.einsum("rbhw,rbhw->rhw", difference, difference) / x.shape[1]
    errors: Array = np.sqrt(square).reshape(*lead, *square.shape[1:])
    return errors


METRICS = (
    Metric(
        name="net_improvement",
        label="net improvement",
        group="consistency",
        higher_is_better=True,
        computed=PerRow(lambda scene: net_improvement(scene.images, scene.truth, scene.floor())),
        definition=(
            "Share of the pixels of one row that are nearer to the truth than the task's floor "
            "is, less the share that are farther: RMSE over the bands of a pixel, errors within "
            f"{TIE:g} of each other are a tie. Mean over rows. From -1 to 1; the floor has 0, so "
            "doing nothing wins nothing, and harm counts as much as help."
        ),
        low=-1,
        high=1,
        needs=frozenset({"floor"}),
        in_skill=True,
        shown=frozenset({"board"}),
    ),
)
