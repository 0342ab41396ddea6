"""What the segmentation network reads in single images, predicted and true: kept small.

Probabilities of all images of a scene are 32 bytes a pixel and image. They are made and looked at
a few images at a time, and what the metrics ask of them is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.metrics.pairs import strips
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.types import Array, Floats

_ROWS = 4
"""Images that are looked at together."""


@dataclass(frozen=True, eq=False)
class ReadFrames:
    """What is kept of a scene's images."""

    agreement: Floats
    """:func:`overlap` of what is read in prediction and truth, (row, height, width)."""
    predicted: Array
    """The likeliest land cover in the predictions, (row, height, width) uint8 from 1."""
    true: Array
    """The same in the truth."""


def read_frames(scene: JudgedScene) -> ReadFrames:
    """Read all images of a scene, for :meth:`JudgedScene.once`."""
    shape = (len(scene.steps), *scene.land_cover.shape)
    read = ReadFrames(
        np.empty(shape, np.float32), np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    )
    for rows in strips(len(scene.steps), _ROWS):
        here, ideal = (of.perceived.probabilities_of(rows) for of in (scene.predicted, scene.true))
        read.agreement[rows] = overlap(here, ideal)
        read.predicted[rows], read.true[rows] = labels_of(here), labels_of(ideal)
    return read


def overlap(first: Floats, second: Floats) -> Floats:
    """Return how far two distributions over classes agree: the sum of min(p, q) over classes.

    One minus their total variation distance: 1 where they are equal, 0 where they exclude each
    other.

    Args:
        first: (..., class, height, width), probabilities that sum to 1 over classes.
        second: the same shape.

    Returns:
        (..., height, width), from 0 to 1.

    Raises:
        BenchError: shapes that differ.

    >>> half, sure = np.full((2, 1, 1), 0.5), np.array([1.0, 0.0]).reshape(2, 1, 1)
    >>> float(overlap(half, sure)[0, 0])
    0.5
    """
    if first.shape != second.shape:
        raise BenchError(f"expected one shape, got {first.shape} and {second.shape}")
    shared: Floats = np.minimum(first, second).sum(axis=-3)
    return shared


def labels_of(probabilities: Floats) -> Array:
    """Return the likeliest class at each pixel, from 1; of equally likely ones the first.

    Class by class over whole planes: ``argmax`` goes from pixel to pixel, ten times slower.

    Args:
        probabilities: (..., class, height, width), finite.

    Returns:
        (..., height, width) uint8.

    >>> labels_of(np.array([0.2, 0.4, 0.4]).reshape(3, 1, 1))
    array([[2]], dtype=uint8)
    """
    first, *others = np.moveaxis(probabilities, -3, 0)
    most, labels = first.copy(), np.ones(first.shape, np.uint8)
    for number, plane in enumerate(others, 2):
        np.copyto(labels, np.uint8(number), where=plane > most)
        np.maximum(most, plane, out=most)
    return labels
