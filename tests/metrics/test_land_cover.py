"""Scores of land-cover maps, against scikit-learn on the pixels of each part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from vrs_bench.columns import quantise
from vrs_bench.evaluation.judge import Judge, judged_scene
from vrs_bench.evaluation.tally import Tally, values_of
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Metric
from vrs_bench.metrics.land_cover import confusion_matrices
from vrs_bench.metrics.scene import ReadImages
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import bind
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER, class_names

SIDE, STEPS, CLASSES = 24, 3, len(LAND_COVER)


@dataclass(frozen=True)
class Maps:
    """Maps of land cover: of the series, (SIDE, SIDE), and of frames, (STEPS, SIDE, SIDE)."""

    series: Array
    frames: Array

    def read(self, scene: SceneTruth) -> ReadImages:
        """Return images of a scene in which the references read these maps for sure."""
        # The second reader sees nothing: the maps are those of the first.
        readers = np.stack([sure(self.series), np.full((CLASSES, SIDE, SIDE), 1 / CLASSES)])
        return ReadImages(scene.target, self.look, lambda _: readers)

    def look(self, rows: slice) -> Any:
        """Return what the encoder sees in some frames: these maps, and no features."""
        frames = sure(self.frames[rows])
        nothing = np.zeros((len(frames), 1, 1, 1), np.float32)
        return SimpleNamespace(features=(nothing,), pooled=nothing[..., 0, 0], probabilities=frames)


def sure(labels: Array) -> Floats:
    """Return labels (..., height, width) as probabilities (..., class, height, width)."""
    return np.moveaxis(np.eye(CLASSES, dtype=np.float32)[labels - 1], -1, -3)


def tally_of(scene: SceneTruth, predicted: Maps, best: Maps, metrics: Iterable[Metric]) -> Tally:
    """Return what metrics make of the maps that are read in predictions and in the truth."""
    judge = Judge(bind("cloud_removal", load_recipe(BenchmarkRecipe, "tiny")), (), {}, None, None)
    judged = judged_scene(scene, scene.target, None, judge, b"")
    judged = replace(judged, predicted=predicted.read(scene), true=best.read(scene), mapped=True)
    tally = Tally()
    tally.add(values_of(scene.number, judged, metrics, confusion_matrices(judged)))
    return tally


@pytest.fixture(scope="module")
def scene() -> SceneTruth:
    rng = np.random.default_rng(1)
    cell = np.kron(np.arange(1, 17).reshape(4, 4), np.ones((6, 6))).astype(np.int16)
    land_cover = rng.integers(1, 7, 17).astype(np.uint8)[cell]  # two classes don't occur
    cell[::6] = 0
    land_cover[::6] = 0
    cloud = quantise(rng.random((STEPS, SIDE, SIDE), np.float32))
    return SceneTruth(
        number=900_000,
        steps=np.arange(STEPS),
        target=np.zeros((STEPS, 4, SIDE, SIDE), np.float32),
        land_cover=land_cover,
        cell=cell,
        columns={"cloud": cloud, "shadow": np.zeros_like(cloud)},
    )


def maps(scene: SceneTruth, wrong: float, seed: int = 0) -> Maps:
    """Return maps of which a share of the pixels has a random class."""
    rng = np.random.default_rng(seed)
    every = np.stack([scene.land_cover] * (STEPS + 1))
    random = rng.integers(1, CLASSES + 1, every.shape).astype(np.uint8)
    found = np.where((rng.random(every.shape) < wrong) | (every == 0), random, every)
    return Maps(found[0], found[1:])


@pytest.fixture(scope="module")
def scored(scene: SceneTruth) -> tuple[Maps, Maps, Tally]:
    predicted, best = maps(scene, 0.4), maps(scene, 0.1, 1)
    metrics = [metric for metric in METRICS.values() if metric.group == "downstream"]
    return predicted, best, tally_of(scene, predicted, best, metrics)


def miou(truth: np.ndarray, labels: np.ndarray) -> float:
    inside = truth > 0
    classes = np.unique(truth[inside])
    return float(jaccard_score(truth[inside], labels[inside], labels=classes, average=None).mean())


def test_whole_scenes(scene: SceneTruth, scored: tuple[Maps, Maps, Tally]) -> None:
    predicted, best, tally = scored
    means = tally.means()
    inside = scene.land_cover > 0

    def jaccard(of: Maps) -> float:
        return float(jaccard_score(scene.land_cover[inside], of.series[inside], average="micro"))

    every = np.stack([scene.land_cover] * STEPS)
    assert means["jaccard"] == pytest.approx(jaccard(predicted))
    assert means["jaccard_truth"] == pytest.approx(jaccard(best))
    assert means["jaccard_ratio"] == pytest.approx(jaccard(predicted) / jaccard(best))
    assert means["segmentation_miou"] == pytest.approx(miou(every, predicted.frames))
    assert means["segmentation_ratio"] == pytest.approx(
        miou(every, predicted.frames) / miou(every, best.frames)
    )


def test_parts(scene: SceneTruth, scored: tuple[Maps, Maps, Tally]) -> None:
    predicted, best, tally = scored
    slices = tally.slices(100, 0)
    truth, every = scene.land_cover, np.stack([scene.land_cover] * STEPS)
    names = class_names()
    for label in range(1, CLASSES + 1):
        if label not in truth:
            assert names[label] not in slices["land_cover"]
            continue
        inside = truth > 0
        expected = jaccard_score(
            truth[inside], predicted.series[inside], labels=[label], average=None
        )[0]
        found = slices["land_cover"][names[label]]
        assert found["jaccard"].mean == pytest.approx(expected)
        ideal = jaccard_score(truth[inside], best.series[inside], labels=[label], average=None)[0]
        assert found["jaccard_truth"].mean == pytest.approx(ideal)
        assert found["jaccard_ratio"].mean == pytest.approx(expected / ideal)
    position = dict(zip(scene.parts.fixed, scene.parts.masks, strict=True))
    for name in ("border", "interior"):
        inside = (truth > 0) & position["position", name]
        found = slices["position"][name]
        assert found["jaccard"].mean == pytest.approx(
            jaccard_score(truth[inside], predicted.series[inside], average="micro")
        )
        masked = np.where(position["position", name], every, 0)
        assert found["segmentation_miou"].mean == pytest.approx(miou(masked, predicted.frames))
    for index, part in enumerate(scene.parts.by_step):
        masked = np.where(scene.parts.step_masks[:, index], every, 0)
        assert slices[part[0]][part[1]]["segmentation_miou"].mean == pytest.approx(
            miou(masked, predicted.frames)
        )
    mean_light = scene.transmittance.mean(axis=0)
    inside = (truth > 0) & (mean_light >= 0.5) & (mean_light < 0.95)
    assert slices["cloud"]["thin"]["jaccard"].mean == pytest.approx(
        jaccard_score(truth[inside], predicted.series[inside], average="micro")
    )
    for step in range(STEPS):
        assert slices["time_step"][str(step)]["segmentation_miou"].mean == pytest.approx(
            miou(truth, predicted.frames[step])
        )


def test_confusion_counts_every_pixel_inside_cells(
    scene: SceneTruth, scored: tuple[Maps, Maps, Tally]
) -> None:
    predicted, best, tally = scored
    confusion = tally.confusion()
    inside, labels = scene.land_cover > 0, range(1, CLASSES + 1)
    for source, of in (("reader", predicted), ("reader_truth", best)):
        expected = confusion_matrix(scene.land_cover[inside], of.series[inside], labels=labels)
        assert confusion[source] == expected.tolist()
    assert np.sum(confusion["segmentation"]) == STEPS * inside.sum()


def test_where_the_truth_is_good_for_nothing_the_ratio_is_1(scene: SceneTruth) -> None:
    """Here, all maps of the truth are wrong everywhere."""
    wrong = np.where(scene.land_cover == 1, 2, 1).astype(np.uint8)
    useless = Maps(wrong, np.stack([wrong] * STEPS))
    metrics = [METRICS["jaccard_ratio"], METRICS["segmentation_ratio"]]
    tally = tally_of(scene, maps(scene, 0.4), useless, metrics)
    assert tally.means() == {"jaccard_ratio": 1.0, "segmentation_ratio": 1.0}
