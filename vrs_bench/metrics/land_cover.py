"""The downstream group: maps of land cover that readers make from images, against the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from vrs_bench.metrics.definition import Metric, PerScene
from vrs_bench.metrics.downstream import (
    cell_accuracy,
    confusion_matrix,
    jaccard_micro,
    jaccard_per_class,
)
from vrs_bench.metrics.frames import read_frames
from vrs_bench.metrics.scene import JudgedScene, Measured, Part
from vrs_bench.types import Array


def confusion_matrices(scene: JudgedScene) -> dict[str, Array]:
    """Count the pixels of each true class that each map gives each label, (K, K) int64.

    Returns:
        of the first reader on predictions (``reader``) and on the truth (``reader_truth``), and
        of the segmentation network on the single images of both.
    """
    matrices = {}
    for of, by_row, suffix in (
        (scene.predicted, scene.once(_found), ""),
        (scene.true, scene.once(_ideal), "_truth"),
    ):
        matrices[f"reader{suffix}"] = _confusion(scene, of.series_labels, scene.land_cover)
        matrices[f"segmentation{suffix}"] = by_row.sum(axis=0)
    return matrices


def _series(scene: JudgedScene) -> dict[str, Measured]:
    """Return the scores of maps that were made from the series of each pixel.

    A land cover's part is its own Jaccard index. By cloud, a pixel is told apart by the mean
    transmittance over its series.
    """
    found, best, truth = (
        scene.predicted.series_labels,
        scene.true.series_labels,
        scene.land_cover,
    )
    here, ideal = (_jaccard(scene, labels, truth) for labels in (found, best))
    values: dict[str, dict[Part, float]] = {name: {} for name in _OF_SERIES}
    parts = scene.parts
    of_class, best_of_class = (
        jaccard_per_class(_confusion(scene, labels, truth)) for labels in (found, best)
    )
    for index, part in enumerate(parts.fixed):
        if part[0] == "land_cover":
            there = parts.masks[index].any()
            of_part = float(of_class[index]) if there else np.nan
            best_of_part = float(best_of_class[index]) if there else np.nan
        else:
            inside = np.where(parts.masks[index], truth, 0)
            of_part, best_of_part = (_jaccard(scene, labels, inside) for labels in (found, best))
        values["jaccard"][part] = of_part
        values["jaccard_truth"][part] = best_of_part
        values["jaccard_ratio"][part] = of_part / best_of_part if best_of_part > 0 else np.nan
    for mask, part in zip(parts.series_masks, parts.by_step, strict=True):
        values["jaccard"][part] = _jaccard(scene, found, np.where(mask, truth, 0))
    wholes = {"jaccard_ratio": _ratio(here, ideal), "jaccard": here, "jaccard_truth": ideal}
    return {name: Measured(whole, values[name]) for name, whole in wholes.items()}


def _frames(scene: JudgedScene) -> Measured:
    """Return the mean Jaccard index of the maps of single images; by cloud, that of their date."""
    found, truth = scene.once(read_frames).predicted, scene.land_cover
    by_row = scene.once(_found)
    parts, values = scene.parts, {}
    of_class = jaccard_per_class(by_row.sum(axis=0))
    for index, part in enumerate(parts.fixed):
        if part[0] == "land_cover":
            values[part] = float(of_class[index]) if parts.masks[index].any() else np.nan
        else:
            inside = np.where(parts.masks[index], truth, 0)
            inside = np.broadcast_to(inside, found.shape)
            values[part] = _miou(_confusion(scene, found, inside))
    for index, part in enumerate(parts.by_step):
        under = parts.step_masks[:, index] * truth
        values[part] = _miou(_confusion(scene, found, under))
    for step, of_row in zip(scene.steps.tolist(), by_row, strict=True):
        values["time_step", str(step)] = _miou(of_row)
    return Measured(_miou(by_row.sum(axis=0)), values)


def _frames_ratio(scene: JudgedScene) -> Measured:
    best = _miou(scene.once(_ideal).sum(axis=0))
    return Measured(_ratio(scene.once(_frames).whole, best))


def _cells(scene: JudgedScene) -> Measured:
    return Measured(cell_accuracy(scene.predicted.series_labels, scene.land_cover, scene.cell))


def _found(scene: JudgedScene) -> Array:
    """Return the confusion matrix of each predicted image, (row, K, K)."""
    return _by_row(scene, scene.once(read_frames).predicted)


def _ideal(scene: JudgedScene) -> Array:
    """Return that of each true image."""
    return _by_row(scene, scene.once(read_frames).true)


def _by_row(scene: JudgedScene, labels: Array) -> Array:
    return np.stack([_confusion(scene, of_row, scene.land_cover) for of_row in labels])


def _confusion(scene: JudgedScene, labels: Array, truth: Array) -> Array:
    return confusion_matrix(labels, truth, scene.task.n_classes)


def _jaccard(scene: JudgedScene, labels: Array, truth: Array) -> float:
    return float(jaccard_micro(_confusion(scene, labels, truth)))


def _miou(confusion: Array) -> float:
    """Return the mean Jaccard index of the classes that occur in the truth; NaN without any."""
    there = confusion.sum(axis=1) > 0
    return float(jaccard_per_class(confusion)[there].mean()) if there.any() else np.nan


def _ratio(found: float, best: float) -> float:
    """Return what is left of what the truth is good for; 1 where that is nothing."""
    return 1.0 if best == 0 else found / best


def _of_series(name: str) -> Callable[[JudgedScene], Measured]:
    return lambda scene: scene.once(_series)[name]


_OF_SERIES = ("jaccard_ratio", "jaccard", "jaccard_truth")
_downstream = partial(Metric, group="downstream", higher_is_better=True, high=1.0)
_by_reader = partial(_downstream, needs=frozenset({"readers", "land_cover"}), version="2")
_by_network = partial(_downstream, needs=frozenset({"torch", "encoder", "land_cover"}), version="2")

METRICS = (
    _by_reader(
        name="jaccard_ratio",
        label="Jaccard ratio",
        computed=PerScene(_of_series("jaccard_ratio")),
        definition=(
            "Jaccard index of the first reader on the predicted series over that on the true "
            "ones, scene by scene; mean over scenes. How much of what the truth is good for is "
            "left: 1 is as good as the truth, also where the truth itself reaches 0. It rewards "
            "painting: what readers take for a class may exceed 1."
        ),
        high=np.inf,
    ),
    _by_reader(
        name="jaccard",
        label="Jaccard",
        computed=PerScene(_of_series("jaccard")),
        definition=(
            "The first reader (multinomial logistic regression on the optical bands of all time "
            "steps of a pixel, through noise) labels each pixel of a scene from its predicted "
            "series. Micro Jaccard index over the pixels inside cells: "
            "right ones c of n give c / (2n - c). Mean over scenes. From 0 to 1."
        ),
        shown=frozenset({"parts"}),
    ),
    _by_reader(
        name="jaccard_truth",
        label="Jaccard of the truth",
        computed=PerScene(_of_series("jaccard_truth")),
        definition="The same on the true series: what the reader can reach.",
    ),
    _by_reader(
        name="cell_accuracy",
        label="cell accuracy",
        computed=PerScene(_cells),
        needs=frozenset({"readers", "land_cover", "cell"}),
        definition=(
            "Share of a scene's cells whose most frequent label (the smallest of equally frequent "
            "ones) is their land cover; a cell counts once, whatever its size. Mean over scenes."
        ),
        shown=frozenset({"board"}),
    ),
    _by_network(
        name="segmentation_miou",
        label="segmentation mIoU",
        computed=PerScene(lambda scene: scene.once(_frames)),
        definition=(
            "The segmentation network (the reference encoder with its head) labels single "
            "predicted images. Jaccard index of each class that occurs in the scene, all its "
            "images pooled; mean over classes, then over scenes. Single dates are ambiguous, so "
            "the truth does not reach 1 either."
        ),
        shown=frozenset({"parts"}),
    ),
    _by_network(
        name="segmentation_ratio",
        label="segmentation ratio",
        computed=PerScene(_frames_ratio),
        definition=(
            "Segmentation mIoU on predictions over that on the true images, scene by scene; 1 "
            "where that is 0. Mean over scenes."
        ),
        high=np.inf,
        shown=frozenset({"board"}),
    ),
)
