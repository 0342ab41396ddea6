"""Judging one scene: images against the truth, by every metric that was asked for and applies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.tally import SceneValues, values_of
from vrs_bench.evaluation.through_sensor import consistency_rmse
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Metric, Need
from vrs_bench.metrics.land_cover import confusion_matrices
from vrs_bench.metrics.scene import JudgedScene, ReadImages, TaskFacts
from vrs_bench.references.classifier import Classifier, classify, load_classifier
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Doubles, Floats
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS
from vrs_bench.world.series import RasterSettings

if TYPE_CHECKING:  # torch is imported only where a network is asked for
    from vrs_bench.references.encoder import Encoder, Perceived

_NETWORK_LIBRARIES = ("piq", "safetensors", "timm", "torch", "torchmetrics")


@dataclass(frozen=True)
class Judge:
    """What images are judged by."""

    task: BoundTask
    metrics: tuple[Metric, ...]
    """All that were asked for and apply."""
    left_out: dict[str, str]
    """Metric that was asked for → why it does not apply."""
    classifier: Classifier | None
    encoder: Encoder | None

    def needs(self, *needs: Need) -> bool:
        """Say whether any metric has any of these needs."""
        return any(metric.needs & set(needs) for metric in self.metrics)

    def references(self) -> dict[str, str]:
        """Return the SHA-256 of what metrics look through."""
        digests = {}
        if self.classifier is not None:
            digests["classifier"] = self.classifier.sha256
        if self.encoder is not None:
            digests["encoder"] = self.encoder.card.sha256
        return digests

    def read(self, images: Floats) -> ReadImages:
        """Return images as the references read them, (row, band, height, width)."""
        return ReadImages(images, self._encode, self._classify)

    def _encode(self, images: Floats) -> Perceived:
        from vrs_bench.references.encoder import perceive

        assert self.encoder is not None  # noqa: S101  # loaded where a metric needs it
        return perceive(self.encoder, _optical(images, self.task.bands))

    def _classify(self, images: Floats) -> Array:
        assert self.classifier is not None  # noqa: S101
        return classify(self.classifier, _optical(images, self.task.bands))


def _optical(images: Floats, bands: tuple[str, ...]) -> Floats:
    """Return the bands that the references know, in their order."""
    if bands == OPTICAL_BANDS:
        return images
    return images[:, [bands.index(band) for band in OPTICAL_BANDS]]


def task_facts(task: BoundTask) -> TaskFacts:
    """Return what metrics have to know of a task."""
    return TaskFacts(
        bands=task.bands,
        gsd_ratio=task.gsd_ratio,
        n_classes=len(LAND_COVER),
        readable=set(OPTICAL_BANDS) <= set(task.bands),
        input_is_like_target=task.main_sensor.product == task.task.target_product,
        masks=task.world.series.masks(),
    )


def make_judge(
    folder: DatasetFolder, task: BoundTask, groups: Collection[str], classifier: str | Path | None
) -> Judge:
    """Choose the metrics of some groups that apply to a task, and load what they need.

    Args:
        folder: the data.
        task: the task.
        groups: of metrics.
        classifier: file of the reference classifier; None for the packaged one.

    Raises:
        BenchError: no metric applies, no classifier fits the data, or what a metric needs is not
            installed.
    """
    facts = task_facts(task)
    asked = [metric for metric in METRICS.values() if metric.group in groups]
    left_out = {m.name: m.obstacle(facts) for m in asked if not m.applies(facts)}
    if classifier is None and isinstance(task.world.series, RasterSettings):
        left_out |= {
            metric.name: "no packaged classifier reads own imagery: fit one with 'vrs-bench fit "
            "classifier', and give it as --classifier"
            for metric in asked
            if "classifier" in metric.needs and metric.name not in left_out
        }
    metrics = tuple(metric for metric in asked if metric.name not in left_out)
    if not metrics:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise BenchError(f"{task.name}: no metric of these groups applies ({reasons})")
    judge = Judge(task, metrics, left_out, None, None)
    found = encoder = None
    if judge.needs("classifier"):
        path = None if classifier is None else Path(classifier)
        found = load_classifier(folder.manifest.recipe.world, path)
    if judge.needs("torch", "encoder"):
        missing = [name for name in _NETWORK_LIBRARIES if find_spec(name) is None]
        if missing:
            of = dict.fromkeys(m.group for m in metrics if m.needs & {"torch", "encoder"})
            raise BenchError(
                f"metrics of {' and '.join(of)} need pip install 'vrs-bench[evaluation]' "
                f"(not installed: {', '.join(missing)}); or choose other groups"
            )
    if judge.needs("encoder"):
        from vrs_bench.references.encoder import load_encoder

        encoder = load_encoder()
    return Judge(task, metrics, left_out, found, encoder)


def judge_scene(
    scene: SceneTruth, predicted: ReadImages, true: ReadImages, judge: Judge
) -> SceneValues:
    """Score the images of a scene against the truth."""
    judged = judged_scene(scene, predicted, true, judge.task)
    # The maps are shown side by side.
    mapped = judge.needs("classifier") and judge.needs("encoder")
    confusion = confusion_matrices(judged) if mapped else {}
    return values_of(scene.number, judged, judge.metrics, confusion)


def judged_scene(
    scene: SceneTruth, predicted: ReadImages, true: ReadImages, task: BoundTask
) -> JudgedScene:
    """Return a scene as metrics see it."""

    def observe() -> Floats:
        return restore(scene.columns[task.main_input])

    def through_sensor_rmse(images: Floats) -> Doubles:
        columns = {"scene": scene.number, "time_step": scene.steps, **scene.columns}
        values = consistency_rmse(task, columns, images)
        assert values is not None  # noqa: S101  # metrics that ask apply where there is an operator
        return values

    return JudgedScene(
        task=task_facts(task),
        predicted=predicted,
        true=true,
        steps=scene.steps,
        land_cover=scene.land_cover,
        cell=scene.cell,
        parts=scene.parts,
        observe=observe,
        through_sensor_rmse=through_sensor_rmse,
    )
