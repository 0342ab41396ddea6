"""Judging one scene: images against the truth, by every metric that was asked for and applies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vrs_bench.columns import restore
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.tally import SceneValues, values_of
from vrs_bench.evaluation.through_sensor import consistency_rmse
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Metric, Need
from vrs_bench.metrics.land_cover import confusion_matrices
from vrs_bench.metrics.scene import JudgedScene, ReadImages, TaskFacts
from vrs_bench.references.encoder_card import Card, read_weights
from vrs_bench.references.readers import Readers, load_readers, noise_answers, read_series
from vrs_bench.references.smoothing import noise_draw, noise_key
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Doubles, Floats
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS
from vrs_bench.world.series import RasterSettings

if TYPE_CHECKING:  # torch is imported only where a network is asked for
    from vrs_bench.references.encoder import Perceived

_NETWORK_LIBRARIES = ("safetensors", "torch")


@dataclass(frozen=True)
class Judge:
    """What images are judged by."""

    task: BoundTask
    metrics: tuple[Metric, ...]
    """All that were asked for and apply."""
    left_out: dict[str, str]
    """Metric that was asked for → why it does not apply."""
    readers: Readers | None
    encoder: Card | None
    """Of the network, which is loaded by the process that looks through it."""

    def needs(self, *needs: Need) -> bool:
        """Say whether any metric has any of these needs."""
        return any(metric.needs & set(needs) for metric in self.metrics)

    def maps_frames(self) -> bool:
        """Say whether any metric compares maps that are read in single images."""
        return any(
            "encoder" in metric.needs and metric.needs & {"land_cover", "cell"}
            for metric in self.metrics
        )

    def references(self) -> dict[str, str]:
        """Return the SHA-256 of what metrics look through."""
        digests = {}
        if self.readers is not None:
            digests["readers"] = self.readers.sha256
        if self.encoder is not None:
            digests["encoder"] = self.encoder.sha256
        return digests

    def look(self, predicted: Floats, true: Floats, key: bytes) -> tuple[ReadImages, ReadImages]:
        """Return a scene's predictions and truth as the references read them, through one noise.

        Args:
            predicted, true: (row, band, height, width) float32 in [0, 1].
            key: of the noise, see :func:`vrs_bench.references.smoothing.noise_key`.
        """
        shape = (len(true), len(OPTICAL_BANDS), *true.shape[2:])

        @cache
        def answers() -> Floats:
            assert self.readers is not None  # noqa: S101  # loaded where a metric needs them
            return noise_answers(self.readers, key, shape)

        @cache
        def noise() -> Floats:
            return noise_draw(key, 0, shape)

        def read(images: Floats) -> Floats:
            assert self.readers is not None  # noqa: S101
            return read_series(self.readers, _optical(images, self.task.bands), answers())

        def encode(images: Floats, rows: slice) -> Perceived:
            from vrs_bench.references.encoder import packaged_encoder, perceive

            seen = _optical(images[rows], self.task.bands) + noise()[rows]
            return perceive(packaged_encoder(), seen)

        return (
            ReadImages(predicted, partial(encode, predicted), read),
            ReadImages(true, partial(encode, true), read),
        )


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


def members(task: BoundTask) -> tuple[Metric, ...]:
    """Return the metrics of which skill is made on a task, whether they were asked for or not."""
    facts = task_facts(task)
    return tuple(m for m in METRICS.values() if m.in_skill and m.applies(facts))


def make_judge(task: BoundTask, groups: Collection[str], readers: str | Path | None) -> Judge:
    """Choose the metrics of some groups that apply to a task, and load what they need.

    Args:
        task: the task on its data.
        groups: of metrics.
        readers: file of the readers of series; None for the packaged ones.

    Raises:
        BenchError: no metric applies, no readers fit the data, or what a metric needs is not
            installed.
    """
    facts = task_facts(task)
    asked = [metric for metric in METRICS.values() if metric.group in groups]
    left_out = {m.name: m.obstacle(facts) for m in asked if not m.applies(facts)}
    if readers is None and isinstance(task.world.series, RasterSettings):
        left_out |= {
            metric.name: "no packaged readers read own imagery: fit some with 'vrs-bench fit "
            "readers', and give them as --readers"
            for metric in asked
            if "readers" in metric.needs and metric.name not in left_out
        }
    metrics = tuple(metric for metric in asked if metric.name not in left_out)
    if not metrics:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise BenchError(f"{task.name}: no metric of these groups applies ({reasons})")
    judge = Judge(task, metrics, left_out, None, None)
    found = card = None
    if judge.needs("readers"):
        path = None if readers is None else Path(readers)
        found = load_readers(task.world, path)
    if judge.needs("torch", "encoder"):
        missing = [name for name in _NETWORK_LIBRARIES if find_spec(name) is None]
        if missing:
            of = dict.fromkeys(m.group for m in metrics if m.needs & {"torch", "encoder"})
            raise BenchError(
                f"metrics of {' and '.join(of)} need pip install 'vrs-bench[evaluation]' "
                f"(not installed: {', '.join(missing)}); or choose other groups"
            )
    if judge.needs("encoder"):
        card, _ = read_weights()
    return Judge(task, metrics, left_out, found, card)


def judge_scene(
    scene: SceneTruth, predicted: Floats, floor: Floats | None, judge: Judge, split: bytes
) -> SceneValues:
    """Score the images of a scene against the truth.

    Args:
        scene: what is true of it.
        predicted: (row, band, height, width) float32 in [0, 1].
        floor: the same, as the task's trivial method makes it; None where no metric asks.
        judge: who judges.
        split: what the noise over the scenes of the split is keyed by, see
            :func:`vrs_bench.references.smoothing.noise_key`.
    """
    judged = judged_scene(scene, predicted, floor, judge, split)
    # The maps are shown side by side.
    mapped = judge.needs("readers") and judge.needs("encoder")
    confusion = confusion_matrices(judged) if mapped else {}
    return values_of(scene.number, judged, judge.metrics, confusion)


def judged_scene(
    scene: SceneTruth, images: Floats, floor: Floats | None, judge: Judge, split: bytes
) -> JudgedScene:
    """Return a scene as metrics see it."""
    task = judge.task
    predicted, true = judge.look(images, scene.target, noise_key(split, scene.number))

    def observe() -> Floats:
        return restore(scene.columns[task.main_input])

    def trivial() -> Floats:
        assert floor is not None  # noqa: S101  # made where a metric needs it
        return floor

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
        floor=trivial,
        through_sensor_rmse=through_sensor_rmse,
        mapped=judge.maps_frames(),
    )
