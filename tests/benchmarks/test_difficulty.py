"""The table of difficulty: what is measured of images, and what is said to be reached."""

from __future__ import annotations

import difficulty
import numpy as np
import pytest
from difficulty import COLUMNS, SHOWN, cell_means, table
from difficulty_asked import ASKED, Apart, AtMost, best_classical, interval

from baselines.drawn_examples import DrawnExamples
from baselines.methods.registry import METHODS
from vrs_bench.evaluation.drawn import scene_of
from vrs_bench.metrics.distortion import psnr
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.readers import load_readers
from vrs_bench.tasks import TASKS, bind
from vrs_bench.world.splits import SPLITS

ROWS = {
    "floor": {"psnr": np.array([30.0, 31, 32]), "skill": np.array([0.0, 0.1, -0.1])},
    "linear": {"psnr": np.array([33.0, 34.5, 35]), "skill": np.array([0.3, 0.4, 0.2])},
    "linear-true-mask": {"psnr": np.array([40.0, 41, 42]), "skill": np.array([0.9, 0.9, 0.9])},
    "double-logistic": {"psnr": np.array([37.0, 37, 37]), "skill": np.array([0.8, 0.8, 0.8])},
    "truth": {"psnr": np.array([80.0, 80, 80]), "skill": np.array([1.0, 1, 1])},
}


def test_the_best_method_is_neither_told_nor_informed() -> None:
    assert best_classical(ROWS, "psnr") == "linear"


def test_what_is_asked_is_compared_scene_by_scene() -> None:
    asked, found, reached = Apart("best", "floor", "psnr", 3).line(ROWS)
    assert (asked, reached) == ("psnr: linear over floor, at least 3", "yes")
    assert found.startswith("+3.167 (")
    assert Apart("best", "floor", "psnr", 3.5).line(ROWS)[2] == "no"
    assert Apart("floor", "best", "psnr").line(ROWS)[2] == "no"
    assert AtMost("floor", "psnr", 31).line(ROWS)[2] == "yes"
    assert AtMost("floor", "psnr", 30.9).line(ROWS)[2] == "no"


def test_intervals_leave_out_what_a_scene_does_not_have() -> None:
    assert interval(np.array([1.0, np.nan, 1.0])) == (1, 1, 1)
    assert interval(np.array([2.0])) == (2, 2, 2)


def test_all_that_is_shown_or_asked_is_there() -> None:
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    for task, names in SHOWN.items():
        assert all(METHODS[name].suits(bind(task, recipe)) for name in names)
        rows = {*names, "floor", "truth", "truth, cell means", "best"}
        for demand in ASKED[task]:
            assert isinstance(demand, Apart | AtMost)
            mentioned = {demand.method} if isinstance(demand, AtMost) else {demand.better}
            assert mentioned <= rows
            assert demand.column in COLUMNS
    assert set(SHOWN) == set(ASKED) == set(TASKS)


def test_cell_means_keep_means_and_what_lies_between() -> None:
    scene = scene_of(bind("super_res", load_recipe(BenchmarkRecipe, "tiny")), SPLITS["test"])
    flat = cell_means(scene)
    assert np.array_equal(flat[..., scene.cell == 0], scene.target[..., scene.cell == 0])
    inside = scene.cell == 3
    assert np.ptp(flat[..., inside], axis=-1).max() == 0
    assert flat[..., inside].mean(axis=-1) == pytest.approx(
        scene.target[..., inside].mean(axis=-1), abs=1e-5
    )


def test_a_table_of_quick_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    task = bind("cloud_removal", recipe)
    monkeypatch.setitem(SHOWN, "cloud_removal", ("linear", "linear-true-mask"))
    scores = difficulty.measured(task, 2, load_readers(recipe.world))
    assert list(scores) == ["floor", "linear", "linear-true-mask", "truth, cell means", "truth"]
    assert {column for of in scores.values() for column in of} == set(COLUMNS)
    assert scores["truth"]["skill"].mean() == pytest.approx(1, abs=0.02)
    assert scores["floor"]["skill"].mean() == pytest.approx(0, abs=0.1)
    # PSNR of the clouded pixels inside, by hand.
    method, number = METHODS["linear"], SPLITS["test"]
    restore = method.ready(task, DrawnExamples(task, ()))
    columns = difficulty.columns_of(task, number)
    images = np.clip(difficulty.images_of(task, method, restore, columns), 0, 1)
    scene = scene_of(task, number)
    assert scores["linear"]["psnr"][0] == pytest.approx(psnr(images, scene.target).mean())
    assert scene.transmittance is not None
    inside = scene.parts.masks[scene.parts.fixed.index(("position", "interior"))]
    hidden = [
        (of[:, inside & (light < 0.95)] - true[:, inside & (light < 0.95)]).ravel()
        for of, true, light in zip(images, scene.target, scene.transmittance, strict=True)
    ]
    error = np.square(np.concatenate(hidden)).mean()
    assert scores["linear"]["psnr_clouded"][0] == pytest.approx(-10 * np.log10(error), abs=1e-3)
    head, rows = table(scores)
    assert head[0] == "method"
    assert rows[2][0] == "linear-true-mask *(oracle)*"
