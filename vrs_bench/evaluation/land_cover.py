"""The downstream group: maps of land cover made from images, against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrs_bench.evaluation.slices import transmittance_masks
from vrs_bench.evaluation.tally import Tally
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.downstream import (
    cell_accuracy,
    confusion_matrix,
    jaccard_micro,
    jaccard_per_class,
)
from vrs_bench.types import Array
from vrs_bench.world.landcover import LAND_COVER

CLASSES = len(LAND_COVER)


@dataclass(frozen=True)
class Maps:
    """What was made of the images of a scene."""

    series: Array
    """By the reference classifier, of the series of each pixel: (height, width) uint8."""
    frames: Array
    """By the segmentation network, of single images: (row, height, width) uint8."""


def land_cover_scores(scene: SceneTruth, maps: Maps, best: Maps, tally: Tally) -> None:
    """Add the scores of maps to a tally.

    Args:
        scene: the truth.
        maps: made from the images.
        best: made from the true images.
        tally: of the images.
    """
    jaccard, jaccard_truth = (_jaccard(of.series, scene.land_cover) for of in (maps, best))
    every = np.broadcast_to(scene.land_cover, maps.frames.shape)
    miou, miou_truth = (_miou(of.frames, every) for of in (maps, best))
    tally.add(
        scene.number,
        {
            "jaccard_ratio": jaccard / jaccard_truth,
            "jaccard": jaccard,
            "jaccard_truth": jaccard_truth,
            "cell_accuracy": cell_accuracy(maps.series, scene.land_cover, scene.cell),
            "segmentation_miou": miou,
            "segmentation_ratio": miou / miou_truth,
        },
    )
    for of, suffix in ((maps, ""), (best, "_truth")):
        series = confusion_matrix(of.series, scene.land_cover, CLASSES)
        tally.add_confusion(f"classifier{suffix}", series)
        tally.add_confusion(f"segmentation{suffix}", confusion_matrix(of.frames, every, CLASSES))
    _parts(scene, maps, best, tally)


def _parts(scene: SceneTruth, maps: Maps, best: Maps, tally: Tally) -> None:
    """Score the maps by part.

    A land cover's part is its own Jaccard index. By cloud, a pixel's series is told apart by its
    mean transmittance, a single image by that of its date.
    """
    found, frames, parts = maps.series, maps.frames, scene.parts
    every = np.broadcast_to(scene.land_cover, frames.shape)
    by_class = [
        jaccard_per_class(confusion_matrix(labels, truth, CLASSES))
        for labels, truth in (
            (found, scene.land_cover),
            (best.series, scene.land_cover),
            (frames, every),
        )
    ]
    for index, part in enumerate(parts.fixed):
        inside = np.where(parts.masks[index], scene.land_cover, 0)
        if part[0] == "land_cover":
            there = parts.masks[index].any()
            here, ideal, seen = (float(of[index]) if there else np.nan for of in by_class)
        else:
            here, ideal = _jaccard(found, inside), _jaccard(best.series, inside)
            seen = _miou(frames, np.broadcast_to(inside, frames.shape))
        ratio = here / ideal if ideal > 0 else np.nan
        of = {"jaccard": here, "jaccard_truth": ideal, "jaccard_ratio": ratio}
        tally.add_part(scene.number, part, {**of, "segmentation_miou": seen})
    if scene.transmittance is not None:
        on_average = transmittance_masks(scene.transmittance.mean(axis=0))
        for index, part in enumerate(parts.by_step):
            under = np.where(parts.step_masks[:, index], every, 0)
            inside = np.where(on_average[index], scene.land_cover, 0)
            of = {"jaccard": _jaccard(found, inside), "segmentation_miou": _miou(frames, under)}
            tally.add_part(scene.number, part, of)
    steps = np.array([_miou(labels, scene.land_cover) for labels in frames])
    tally.add_steps(scene.number, {"segmentation_miou": steps})


def _jaccard(labels: Array, truth: Array) -> float:
    return float(jaccard_micro(confusion_matrix(labels, truth, CLASSES)))


def _miou(labels: Array, truth: Array) -> float:
    """Return the mean Jaccard index of the classes that occur in the truth; NaN without any."""
    confusion = confusion_matrix(labels, truth, CLASSES)
    there = confusion.sum(axis=1) > 0
    return float(jaccard_per_class(confusion)[there].mean()) if there.any() else np.nan
