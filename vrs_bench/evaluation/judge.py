"""Judging one scene: images against the truth, by each group of metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.land_cover import Maps, land_cover_scores
from vrs_bench.evaluation.tally import Tally
from vrs_bench.evaluation.through_sensor import consistency_rmse
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.correctness import spatial_shift, triplet
from vrs_bench.metrics.sliced import sliced_distortion
from vrs_bench.references.classifier import Classifier, classify, load_classifier
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Doubles, Floats

if TYPE_CHECKING:  # torch is imported only where a network is asked for
    from vrs_bench.references.encoder import Encoder, Perceived


@dataclass(frozen=True)
class Judge:
    """What images are judged by."""

    task: BoundTask
    groups: Collection[str]
    classifier: Classifier | None
    """For the downstream group."""
    encoder: Encoder | None
    """For the perceptual and the downstream group."""

    def references(self) -> dict[str, str]:
        """Return the SHA-256 of what metrics look through."""
        digests = {}
        if self.classifier is not None:
            digests["classifier"] = self.classifier.sha256
        if self.encoder is not None:
            digests["encoder"] = self.encoder.card.sha256
        return digests


def make_judge(
    folder: DatasetFolder, task: BoundTask, groups: Collection[str], classifier: str | Path | None
) -> Judge:
    """Load what the groups need.

    Args:
        folder: the data.
        task: the task.
        groups: of metrics.
        classifier: file of the reference classifier; None for the packaged one.

    Raises:
        BenchError: no classifier fits the data, or what a group needs is not installed.
    """
    manifest = folder.manifest
    found = encoder = None
    if "downstream" in groups:
        path = None if classifier is None else Path(classifier)
        found = load_classifier(manifest.recipe.world, path)
    if {"perceptual", "downstream"} & set(groups):
        try:
            from vrs_bench.references.encoder import load_encoder
        except ImportError as error:
            raise BenchError(
                f"the perceptual and the downstream group need pip install "
                f"'vrs-bench[evaluation]' ({error}); or choose other groups"
            ) from error
        encoder = load_encoder()
    return Judge(task, groups, found, encoder)


@dataclass(frozen=True)
class Looked:
    """Images of a scene, and what the references see in them: each is looked at once."""

    images: Floats
    """(row, band, height, width) float32 in [0, 1]."""
    judge: Judge

    @cached_property
    def perceived(self) -> Perceived:
        """What the encoder makes of each image."""
        from vrs_bench.references.encoder import perceive

        assert self.judge.encoder is not None  # noqa: S101  # the groups that look have one
        return perceive(self.judge.encoder, self.images)

    @cached_property
    def maps(self) -> Maps:
        """Maps of land cover, by classifier and encoder."""
        assert self.judge.classifier is not None  # noqa: S101
        return Maps(classify(self.judge.classifier, self.images), self.perceived.labels)


def judge_scene(scene: SceneTruth, images: Looked, truth: Looked, tally: Tally) -> None:
    """Score the images of a scene against the truth, by the groups that are asked for."""
    for group in images.judge.groups:
        _GROUPS[group](scene, images, truth, tally)


def _distortion(scene: SceneTruth, images: Looked, truth: Looked, tally: Tally) -> None:
    task, parts = images.judge.task, scene.parts
    bands = task.bands
    values = sliced_distortion(
        images.images,
        scene.target,
        parts.masks,
        parts.step_masks,
        ratio=task.gsd_ratio,
        red=bands.index("red"),
        nir=bands.index("nir"),
    )
    tally.add_rows(scene.number, values, (*parts.fixed, *parts.by_step))


def _perceptual(scene: SceneTruth, images: Looked, truth: Looked, tally: Tally) -> None:
    from vrs_bench.metrics.complex_wavelet import cw_ssim
    from vrs_bench.metrics.feature_distances import feature_distance
    from vrs_bench.metrics.perceptual import gmsd, haarpsi, ms_ssim

    rows = {
        "ms_ssim": ms_ssim(images.images, scene.target),
        "gmsd": gmsd(images.images, scene.target),
        "haarpsi": haarpsi(images.images, scene.target),
        "cw_ssim": cw_ssim(images.images, scene.target),
        "feature_distance": feature_distance(images.perceived.features, truth.perceived.features),
    }
    tally.add(scene.number, {metric: float(values.mean()) for metric, values in rows.items()})
    tally.add_features(images.perceived.pooled, truth.perceived.pooled)


def _downstream(scene: SceneTruth, images: Looked, truth: Looked, tally: Tally) -> None:
    land_cover_scores(scene, images.maps, truth.maps, tally)


def _consistency(scene: SceneTruth, images: Looked, truth: Looked, tally: Tally) -> None:
    """Score against what was observed, where the main input is an image of the target's product."""
    task = images.judge.task
    rows: dict[str, Doubles] = {"spatial_shift": spatial_shift(images.images, scene.target)}
    columns = {"scene": scene.number, "time_step": scene.steps}
    columns |= scene.columns
    disagreement = consistency_rmse(task, columns, images.images)
    if disagreement is not None:
        rows["through_sensor_rmse"] = disagreement
        observed = restore(scene.columns[task.main_input])
        shares = triplet(images.images, scene.target, observed)
        rows |= {
            # Where nothing is to be judged, nothing was left out or invented.
            "improvement": np.nan_to_num(shares.improvement, nan=1.0),
            "omission": np.nan_to_num(shares.omission),
            "hallucination": np.nan_to_num(shares.hallucination),
        }
    tally.add(scene.number, {metric: float(values.mean()) for metric, values in rows.items()})


def _original(scene: SceneTruth, images: Looked, truth: Looked, tally: Tally) -> None:
    from vrs_bench.metrics.original_definitions import original_scores

    values = original_scores(images.images, scene.target)
    tally.add(scene.number, {f"original_{name}": of.mean() for name, of in values.items()})


def judge_split(tally: Tally) -> None:
    """Add the metrics that are one number for a whole split: distances of two sets of images."""
    features = tally.features()
    if features is not None:
        from vrs_bench.metrics.feature_distances import frechet_distance, kernel_distance

        tally.set_split_value("frechet_distance", frechet_distance(*features))
        tally.set_split_value("kernel_distance", kernel_distance(*features))


_GROUPS: dict[str, Callable[[SceneTruth, Looked, Looked, Tally], None]] = {
    "distortion": _distortion,
    "perceptual": _perceptual,
    "downstream": _downstream,
    "consistency": _consistency,
    "original": _original,
}
