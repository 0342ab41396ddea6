"""Remarks: every honest method passes without one, every frequent mistake is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vrs_bench.columns import quantise
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation import evaluate as evaluate_all
from vrs_bench.evaluation.orders import AXES, Likeness, better_orders, likeness
from vrs_bench.tasks import TASKS
from vrs_bench.types import Array, Floats

Made = Callable[[str, str], Floats]

ROWS, STEPS = 16, 8
evaluate = partial(evaluate_all, groups=["distortion"])


@pytest.fixture(scope="module")
def honest(made: Made) -> Floats:
    """Return bicubic super-resolution, (16, 4, 64, 64)."""
    return made("super_res", "floor")


# Honest methods


@pytest.mark.parametrize("task", TASKS)
def test_honest_predictions_pass_without_remark(
    task: str, folder: DatasetFolder, made: Made
) -> None:
    truth, floor = made(task, "truth"), made(task, "floor")
    noise = np.random.default_rng(0).normal(0, 0.005, truth.shape).astype(np.float32)
    for images in (truth, truth + noise, floor, quantise(floor), floor.astype(np.float16)):
        assert evaluate(images, task, folder).warnings == []


UNINFORMED: dict[str, Callable[[Floats], Floats]] = {
    "grey": lambda truth: np.full_like(truth, 0.2),
    "mean spectrum": lambda truth: np.broadcast_to(
        truth.mean((0, 2, 3))[:, None, None], truth.shape
    ),
    "white noise": lambda truth: np.random.default_rng(1).random(truth.shape, np.float32),
    "dark": lambda truth: truth / 2,
    "blurred": lambda truth: (
        truth.reshape(ROWS, 4, 4, 16, 4, 16).mean((3, 5)).repeat(16, 2).repeat(16, 3)
    ),
}


@pytest.mark.parametrize("kind", UNINFORMED)
def test_bad_predictions_are_not_told_that_another_order_is_better(
    kind: str, folder: DatasetFolder, made: Made
) -> None:
    truth = made("super_res", "truth")
    assert evaluate(UNINFORMED[kind](truth), "super_res", folder, bounds=False).warnings == []


# Mistakes


def by_scene(change: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """Return a change of all scenes, (scene, step, band, height, width)."""
    return lambda rows: change(rows.reshape(-1, STEPS, *rows.shape[1:])).reshape(rows.shape)


MISTAKES: dict[str, tuple[Callable[[Floats], Array], str]] = {
    "bytes": (lambda x: np.clip(255 * x, 0, 255).astype(np.uint16), "if the scale is 0 to 255"),
    "denormal": (lambda x: x.astype(float) * 1e-320, r"no value of any row exceeds \d\.\d*e-321"),
    "zeros": (np.zeros_like, "no value of any row exceeds 0 in magnitude"),
    "negative": (
        lambda x: -0.8 * x,
        "100.0% of all values were outside of .0, 1. and were clipped",
    ),
    "standardised": (
        lambda x: np.clip((x - x.mean()) / 0.5, -0.5, 1.5),
        "% of all values were outside",
    ),
    "bands reversed": (lambda x: x[:, ::-1], "the bands look like nir, red, green, blue instead"),
    "blue and red swapped": (lambda x: x[:, [2, 1, 0, 3]], "look like red, green, blue, nir inst"),
    "blue and green swapped": (lambda x: x[:, [1, 0, 2, 3]], "look like green, blue, red, nir in"),
    **{
        name: (turn, rf"the images look like the truth {name} \(RMSE 0.0\d+ instead of 0.")
        for name, turn in AXES.items()
    },
    "time reversed": (by_scene(lambda x: x[:, ::-1]), "the time steps look reversed"),
    "a step late": (by_scene(lambda x: np.roll(x, 1, 1)), "the time steps look one step late"),
    "a step early": (by_scene(lambda x: np.roll(x, -1, 1)), "the time steps look one step early"),
    "two dates swapped": (
        by_scene(lambda x: x[:, [0, 6, 2, 3, 4, 5, 1, 7]]),
        "the time steps look out of order: step 1 like step 6, for example",
    ),
    "scenes swapped": (
        by_scene(lambda x: x[::-1]),
        "16 of 16 images .* of scene 900000, step 0, looks like scene 900001, step 0",
    ),
    "dates first": (
        by_scene(lambda x: x.swapaxes(0, 1)),
        "8 of 16 images .* of scene 900000, step 1, looks like scene 900001, step 0",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named_and_nothing_else(
    kind: str, folder: DatasetFolder, honest: Floats
) -> None:
    change, text = MISTAKES[kind]
    [warning] = evaluate(change(honest), "super_res", folder, bounds=False).warnings
    assert re.search(text, warning), warning


def test_scores_below_the_floor_are_named(folder: DatasetFolder, honest: Floats) -> None:
    """Half as bright: the angle is right, so that SAM is not among them."""
    result = evaluate(honest / 2, "super_res", folder)
    [warning] = result.warnings
    rmse, floor = result.scores["rmse"].mean, result.bounds["rmse"].floor
    assert warning.startswith("worse than the trivial method: ")
    assert f"rmse {rmse:.3g} (trivial: {floor:.3g})" in warning
    assert "psnr" in warning
    assert "sam" not in warning


def test_one_buffer_for_all_rows_is_named(folder: DatasetFolder, honest: Floats) -> None:
    aliased = dict.fromkeys(folder.keys("super_res", "test"), honest[-1])
    first, *_ = evaluate(aliased, "super_res", folder, bounds=False).warnings
    assert first.startswith(
        "16 of 16 rows hold the image of another row, such as scene 900000, step 0, and scene "
        "900000, step 1; if that is not meant, copy arrays"
    )


def test_one_buffer_for_each_scene_is_named(folder: DatasetFolder, honest: Floats) -> None:
    aliased = np.repeat(honest[::STEPS], STEPS, axis=0)
    [warning] = evaluate(aliased, "super_res", folder, bounds=False).warnings
    assert warning.startswith("16 of 16 rows hold the image of another row")


def test_a_few_images_may_repeat(folder: DatasetFolder, honest: Floats) -> None:
    """Of two dates under one cloud, the nearest clear date may be the same."""
    repeated = honest.copy()
    repeated[[1, 3, 5, 7]] = honest[[0, 2, 4, 6]]
    assert evaluate(repeated, "super_res", folder, bounds=False).warnings == []


def test_a_few_values_may_be_clipped(folder: DatasetFolder, honest: Floats) -> None:
    for share, named in ((0.009, False), (0.011, True)):
        images = honest.clip(0, 1)
        images.reshape(-1)[: int(share * images.size)] = -0.01
        warnings = evaluate(images, "super_res", folder, bounds=False).warnings
        assert ["1.1% of all values" in warning for warning in warnings] == [True] * named


# Scenes of any kind


def likenesses(truth: Floats, images: Floats) -> list[Likeness]:
    """Compare stacks (scene, step, band, height, width)."""
    scenes: list[Any] = [
        SimpleNamespace(number=number, steps=np.arange(truth.shape[1]), target=target)
        for number, target in enumerate(truth)
    ]
    return [likeness(scene, made) for scene, made in zip(scenes, images, strict=True)]


@pytest.mark.parametrize("size", [(11, 11), (24, 40), (37, 64), (129, 129)])
@pytest.mark.parametrize("name", AXES)
def test_axes_of_every_size_are_told(name: str, size: tuple[int, int]) -> None:
    truth = np.random.default_rng(2).random((2, 1, 1, *size), np.float32)
    images = AXES[name](truth)
    if images.shape == truth.shape:
        [warning] = better_orders(likenesses(truth, images), ("vv",))
        assert f"like the truth {name} (" in warning


def test_a_truth_without_differences_has_no_better_order() -> None:
    truth = np.full((3, 4, 2, 16, 16), 0.3, np.float32)
    noise = np.random.default_rng(3).normal(0, 0.1, truth.shape).astype(np.float32)
    for images in (truth, truth + np.float32(0.1), truth + noise):
        assert better_orders(likenesses(truth, images), ("vv", "vh")) == []


def test_an_order_must_be_better_in_every_scene() -> None:
    truth = np.random.default_rng(4).random((5, 3, 2, 16, 16), np.float32)
    images = truth[:, :, ::-1].copy()
    assert len(better_orders(likenesses(truth, images), ("vv", "vh"))) == 1
    images[2] = truth[2]
    assert better_orders(likenesses(truth, images), ("vv", "vh")) == []


def test_scenes_of_other_dates_are_compared_without_an_order_of_steps() -> None:
    truth = np.random.default_rng(5).random((1, 4, 1, 16, 16), np.float32)
    long = likenesses(truth, truth[:, ::-1])
    short = likenesses(truth[:, :2], truth[:, 1::-1])
    assert better_orders(long, ("vv",)) != []
    assert better_orders([*long, *short], ("vv",)) == []
