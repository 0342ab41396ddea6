"""What the encoder sees in single images, predicted and true: kept small.

Features and probabilities of all images of a scene are 80 bytes a pixel and image. They are made
and looked at a few images at a time, and what the metrics ask of them is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.metrics.definition import Metric, PerRow, PerSplit
from vrs_bench.metrics.feature_distances import (
    KERNEL_ROWS,
    feature_distance,
    frechet_distance,
    kernel_distance,
    kernel_distances_without,
)
from vrs_bench.metrics.pairs import strips
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.types import Array, Doubles, Floats

_ROWS = 4
"""Images that are looked at together: as many as the encoder takes at once."""


@dataclass(frozen=True, eq=False)
class ReadFrames:
    """What is kept of a scene's images."""

    distance: Doubles
    """:func:`~vrs_bench.metrics.feature_distances.feature_distance` of each image, (row,)."""
    pooled: tuple[Floats, Floats]
    """Pooled features of the images, predicted and true: (row, feature)."""
    agreement: Floats
    """:func:`overlap` of what is read in prediction and truth, (row, height, width); this and what
    follows have no rows where no metric asks for maps."""
    predicted: Array
    """The likeliest land cover in the predictions, (row, height, width) uint8 from 1."""
    true: Array
    """The same in the truth."""


def read_frames(scene: JudgedScene) -> ReadFrames:
    """Read all images of a scene, for :meth:`JudgedScene.once`."""
    count = len(scene.steps)
    shape = (count if scene.mapped else 0, *scene.land_cover.shape)
    agreement = np.empty(shape, np.float32)
    predicted, true = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    distances, pooled = [], []
    for rows in strips(count, _ROWS):
        here, ideal = scene.predicted.encode(rows), scene.true.encode(rows)
        distances.append(feature_distance(here.features, ideal.features))
        pooled.append((here.pooled, ideal.pooled))
        if scene.mapped:
            p, q = here.probabilities, ideal.probabilities
            agreement[rows] = overlap(p, q)
            predicted[rows], true[rows] = labels_of(p), labels_of(q)
    return ReadFrames(np.concatenate(distances), _together(pooled), agreement, predicted, true)


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


def _pooled(scene: JudgedScene) -> tuple[Array, Array]:
    """Return the pooled features of a scene's rows, predicted and true: (row, feature)."""
    return scene.once(read_frames).pooled


def _together(scenes: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the features of some scenes as those of one."""
    predicted, true = (np.concatenate(features) for features in zip(*scenes, strict=True))
    return predicted, true


_by_encoder = partial(
    Metric,
    group="perceptual",
    higher_is_better=False,
    needs=frozenset({"torch", "encoder"}),
    version="2",
)

METRICS = (
    _by_encoder(
        name="feature_distance",
        label="feature distance",
        computed=PerRow(lambda scene: scene.once(read_frames).distance),
        definition=(
            "LPIPS-style distance (Zhang et al. 2018, equation 1 with all weights 1) in the five "
            "stages of the reference encoder: features scaled to unit length across channels at "
            "each position, squared difference, sum over channels, mean over positions, mean over "
            "stages. A vector of zeros against another counts 0, against any other 1. Mean over "
            "rows; 0 is perfect. The encoder looks at both through the same noise of σ = 0.01, "
            "seeded by the digest of the split's predictions."
        ),
        high=2,
        shown=frozenset({"board"}),
    ),
    _by_encoder(
        name="frechet_distance",
        label="Fréchet distance",
        computed=PerSplit(_pooled, lambda scenes: frechet_distance(*_together(scenes))),
        definition=(
            "Fréchet distance (Heusel et al. 2017), as torchmetrics has it, between the reference "
            "encoder's pooled features (mean over positions of its last stage, 96 of them) of all "
            "predictions of the split and of all true images: one number for the split. Too high "
            "for few rows, and with fewer rows than features the covariances are singular: "
            "compare only where the number of rows is the same. 0 is perfect."
        ),
    ),
    _by_encoder(
        name="kernel_distance",
        label="kernel distance",
        computed=PerSplit(
            _pooled,
            lambda scenes: kernel_distance(*_together(scenes)),
            lambda groups: kernel_distances_without([_together(group) for group in groups]),
        ),
        definition=(
            "Squared maximum mean discrepancy with the kernel (x·y / 96 + 1)³ (Bińkowski et al. "
            "2018), as torchmetrics has it, of the same features: one number for the split; above "
            f"{KERNEL_ROWS} rows the mean over seeded random subsets of that size. Unbiased for "
            "independent sets; predictions show the scenes of their truth, so near-perfect ones "
            "fall below 0. Compare only where the number of rows is the same."
        ),
        low=-math.inf,
    ),
)
