"""Agreement: the overlap of distributions, and what of a scene it is averaged over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.judge import Judge, judged_scene
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.agreement import WINDOW
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import PerScene
from vrs_bench.metrics.frames import labels_of, overlap
from vrs_bench.metrics.scene import JudgedScene, Measured, ReadImages
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.readers import load_readers
from vrs_bench.tasks import bind
from vrs_bench.types import Array, Floats
from vrs_bench.world.scene import make_scene

STEPS, SIDE, CLASSES = 3, 40, 8

# Overlap

WEIGHTS = arrays(np.float64, (2, 5, 3, 4), elements=st.floats(1e-3, 1))


def distributions(weights: Array) -> Array:
    return weights / weights.sum(axis=-3, keepdims=True)


@given(WEIGHTS, WEIGHTS)
def test_overlap_is_one_minus_the_total_variation(first: Array, second: Array) -> None:
    p, q = distributions(first), distributions(second)
    found = overlap(p, q)
    assert found.shape == (2, 3, 4)
    np.testing.assert_allclose(found, 1 - np.abs(p - q).sum(axis=-3) / 2, atol=1e-12)
    np.testing.assert_array_equal(overlap(q, p), found)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-12
    apart = np.abs(p - q).max(axis=-3) > 1e-6
    assert (found[apart] < 1 - 1e-7).all()
    np.testing.assert_allclose(overlap(p, p), 1, atol=1e-12)


@given(arrays(np.float32, (2, 5, 3, 4), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
def test_labels_are_the_first_of_the_likeliest_classes(probabilities: Floats) -> None:
    labels = labels_of(probabilities)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, probabilities.argmax(axis=1) + 1)


def test_overlap_of_what_excludes_each_other_is_0() -> None:
    sure = np.eye(3).reshape(3, 3, 1, 1)
    assert overlap(sure[0], sure[1]).item() == 0
    assert overlap(sure[0], np.full((3, 1, 1), 1 / 3)).item() == pytest.approx(1 / 3)


def test_overlap_of_other_shapes_is_refused() -> None:
    with pytest.raises(BenchError, match="expected one shape"):
        overlap(np.ones((3, 2, 2)), np.ones((2, 2, 2)))


# Over a scene


@pytest.fixture(scope="module")
def scene() -> SceneTruth:
    """Return a scene of two halves with a border between them."""
    cell = np.ones((SIDE, SIDE), np.int16)
    cell[:, SIDE // 2 :] = 2
    return SceneTruth(
        number=900_000,
        steps=np.arange(STEPS),
        target=np.zeros((STEPS, 4, SIDE, SIDE), np.float32),
        land_cover=cell.astype(np.uint8),
        cell=cell,
        columns={},
    )


def border(scene: SceneTruth) -> Array:
    """Return the pixels that count as a border, (height, width) bool."""
    mask: Array = scene.parts.masks[scene.parts.fixed.index(("position", "border"))]
    return mask


def judged(scene: SceneTruth, predicted: Floats, true: Floats) -> JudgedScene:
    """Return a scene in whose images the references read these probabilities, (class, h, w)."""
    judge = Judge(bind("super_res", load_recipe(BenchmarkRecipe, "tiny")), (), {}, None, None)

    def seen(probabilities: Floats) -> ReadImages:
        def look(rows: slice) -> Any:
            frames = np.stack([probabilities] * len(range(STEPS)[rows]))
            nothing = np.zeros((len(frames), 1, 1, 1), np.float32)
            return SimpleNamespace(
                features=(nothing,), pooled=nothing[..., 0, 0], probabilities=frames
            )

        readers = np.stack([probabilities, probabilities])
        return ReadImages(scene.target, look, lambda _: readers)

    made = judged_scene(scene, scene.target, None, judge, b"")
    return replace(made, predicted=seen(predicted), true=seen(true), mapped=True)


def measure(name: str, scene: JudgedScene) -> Measured:
    computed = METRICS[name].computed
    assert isinstance(computed, PerScene)
    return computed.measure(scene)


def sure(labels: Array) -> Floats:
    """Return labels (height, width) from 1 as probabilities (class, height, width)."""
    return np.moveaxis(np.eye(CLASSES, dtype=np.float32)[labels - 1], -1, 0)


both = pytest.mark.parametrize("name", ["reader_agreement", "segmentation_agreement"])


@both
def test_what_is_read_alike_agrees_and_what_is_read_otherwise_does_not(
    name: str, scene: SceneTruth
) -> None:
    truth = sure(scene.land_cover)
    assert measure(name, judged(scene, truth, truth)).whole == pytest.approx(1, abs=1e-6)
    wrong = sure(scene.land_cover + 2)
    assert measure(name, judged(scene, wrong, truth)).whole == pytest.approx(0, abs=1e-6)


@both
@pytest.mark.parametrize("where", ["border", "inside"])
def test_borders_and_what_lies_inside_weigh_the_same(
    name: str, where: str, scene: SceneTruth
) -> None:
    """However few pixels borders have: all wrong there and all wrong inside are as bad."""
    at_border = border(scene)
    assert at_border.mean() < 0.2
    wrong = at_border if where == "border" else ~at_border
    labels = np.where(wrong, scene.land_cover + 2, scene.land_cover)
    found = measure(name, judged(scene, sure(labels), sure(scene.land_cover)))
    parts = {part: found.parts["position", part] for part in ("border", "interior")}
    assert found.whole == pytest.approx(np.mean(list(parts.values())))
    if name == "segmentation_agreement":  # pixel by pixel; readers of series look around
        assert found.whole == pytest.approx(0.5)
        assert parts["border"] == pytest.approx(float(where != "border"))


def test_readers_of_series_average_over_their_surroundings_before_they_are_compared(
    scene: SceneTruth,
) -> None:
    """A chessboard of two classes has the averages of its opposite, but for 1 in 25."""
    board = np.indices((SIDE, SIDE)).sum(axis=0) % 2
    first, other = sure(board + 1), sure(2 - board)
    found = measure("reader_agreement", judged(scene, first, other))
    inside = 1 - 1 / WINDOW**2
    assert found.parts["position", "interior"] == pytest.approx(inside, abs=0.02)
    assert measure("segmentation_agreement", judged(scene, first, other)).whole == 0


def test_a_scene_without_borders_is_what_lies_inside(scene: SceneTruth) -> None:
    whole = np.ones((SIDE, SIDE), np.uint8)
    plain = replace(scene, land_cover=whole, cell=whole.astype(np.int16))
    found = measure("reader_agreement", judged(plain, sure(whole), sure(whole)))
    assert found.whole == pytest.approx(1, abs=1e-6)


# The packaged readers


@cache
def real_scene() -> tuple[SceneTruth, Judge]:
    """Return the first test scene of `tiny`, and a judge with its readers."""
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    world, made = recipe.world, make_scene(recipe.world, 900_000)
    frames = np.stack([made.frame("optical", step) for step in range(world.horizon)])
    scene = SceneTruth(
        number=900_000,
        steps=np.arange(world.horizon),
        target=frames.astype(np.float32),
        land_cover=made.land_cover,
        cell=made.cell,
        columns={},
    )
    return scene, Judge(bind("super_res", recipe), (), {}, load_readers(world), None)


def agreement(images: Callable[[SceneTruth], Floats]) -> float:
    scene, judge = real_scene()
    made = judged_scene(scene, images(scene), None, judge, b"")
    return measure("reader_agreement", made).whole


def painted(scene: SceneTruth) -> Floats:
    """Return the true map, painted: every pixel is the mean series of its class in the truth."""
    images = np.empty_like(scene.target)
    for label in np.unique(scene.land_cover):
        where = scene.land_cover == label
        images[..., where] = scene.target[..., where].mean(axis=-1, keepdims=True)
    return images


def test_the_truth_agrees_with_itself_and_the_painted_map_less() -> None:
    assert agreement(lambda scene: scene.target) == pytest.approx(1, abs=1e-6)
    paint = agreement(painted)
    assert paint < 0.995
    faint = np.random.default_rng(0).normal(0, 0.005, real_scene()[0].target.shape)
    assert agreement(lambda scene: scene.target + faint.astype(np.float32)) > paint
    assert agreement(lambda scene: np.full_like(scene.target, 0.2)) < 0.5
