"""How hard the tasks are: floor, classical methods and truth, side by side.

python benchmarks/difficulty.py [--size small] [--scenes 30] [--tasks cloud_removal,…]

Scenes are those of the test split, drawn one after the other; nothing is stored. Methods are
fitted on train and tuned on validation scenes. After the tables stands what is asked of the
world, and whether the figures reach it; then, whether a single scene's land cover can be told
from where a cell lies, its number or its size.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from measure import print_table  # before NumPy: it sets the threads

# isort: split
import numpy as np
from difficulty_asked import ASKED, Scores, interval
from shortcuts import cells_of, holm, p_values

from baselines.drawn_examples import DrawnExamples
from baselines.inputs import shown_inputs
from baselines.methods.method import Method, Restore
from baselines.methods.registry import METHODS
from vrs_bench.evaluation.drawn import as_truth, columns_of
from vrs_bench.evaluation.floors import floor_method
from vrs_bench.evaluation.judge import Judge, judge_scene, task_facts
from vrs_bench.evaluation.scores import Bound
from vrs_bench.evaluation.skill import skills
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.encoder import load_encoder
from vrs_bench.references.readers import Readers, load_readers
from vrs_bench.tasks import TASKS, BoundTask, bind
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import class_names
from vrs_bench.world.scene import make_scene
from vrs_bench.world.splits import SPLITS

T = TypeVar("T")

SHORTCUT_SCENES = 200
FLOOR, TRUTH, FLAT = "floor", "truth", "truth, cell means"
LIGHT = 0.95
"""Less light that came through makes a pixel clouded."""

SHOWN = {
    "super_res": ("nearest", "lanczos", "back-projection", "map-one-date", "map-all-dates"),
    "cloud_removal": (
        "cloudy",
        "nearest-date",
        "nearest-date-true-mask",
        "temporal-median",
        "linear",
        "linear-true-mask",
        "whittaker",
        "harmonic",
        "double-logistic",
        "boosting",
        "boosting-true-mask",
        "boosting-radar",
        "boosting-radar-true-mask",
    ),
    "sar_to_optical": ("ridge", "radar-series", "superpixels", "true-cells"),
}
"""The methods of each table, between the floor and the truth."""

COLUMNS = {
    "psnr": "PSNR",
    "psnr_inside": "inside cells",
    "psnr_border": "borders",
    "psnr_clouded": "clouded, inside",
    "jaccard_ratio": "Jaccard ratio",
    "agreement_inside": "agreement inside",
    "agreement_border": "at borders",
    "skill": "skill",
}
PARTS = {"inside": ("position", "interior"), "border": ("position", "border")}


@dataclass(frozen=True)
class Found:
    """What was measured of a method's images of one scene."""

    columns: dict[str, float]
    members: dict[str, float]
    """Members of the skill."""


def main() -> None:
    """Measure all tasks, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="small", help="packaged recipe, or a recipe file")
    parser.add_argument("--scenes", type=int, default=30, help="test scenes (default: 30)")
    parser.add_argument("--tasks", default=",".join(TASKS), help="with commas (default: all)")
    parser.add_argument("--readers", type=Path, help="file of readers, where no packaged ones fit")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    given = parser.parse_args()
    recipe = load_recipe(BenchmarkRecipe, given.size)
    readers = load_readers(recipe.world, given.readers)
    asked = []
    for name in given.tasks.split(","):
        task = bind(name, recipe)
        scores = measured(task, given.scenes, readers, given.workers)
        print_table(f"{name}, {given.scenes} scenes of {recipe.name}", *table(scores))
        asked += [(name, *line) for demand in ASKED[name] for line in [demand.line(scores)]]
    print_table(
        f"What is asked of the world, size {recipe.name}",
        ("task", "asked", "found (95 %)", ""),
        asked,
    )
    task = bind("super_res", recipe)
    drawn = (make_scene(task.world, number) for number in range(SHORTCUT_SCENES))
    p = p_values((cells_of(of.land_cover, of.cell) for of in drawn), len(class_names()) - 1)
    rows = [(cue, f"{p[cue]:.3f}", f"{value:.3f}") for cue, value in holm(p).items()]
    title = f"Land cover told from one scene, {SHORTCUT_SCENES} scenes of {recipe.name}"
    print_table(title, ("by", "p", "p, adjusted"), rows)


def measured(task: BoundTask, scenes: int, readers: Readers, workers: int = 1) -> Scores:
    """Return the scores of floor, methods and truth: name → column → (scene,)."""
    judge, methods, floor_of = make_judge(task, readers), fitted(task), floor_method(task)
    start = time.perf_counter()

    def found_in(number: int) -> dict[str, Found]:
        columns = columns_of(task, number)
        scene = as_truth(task, number, columns)
        floor = floor_of(scene)
        images: dict[str, Callable[[], Floats]] = {
            FLOOR: lambda: floor,
            **{name: partial(method, columns) for name, method in methods.items()},
            FLAT: lambda: cell_means(scene),
            TRUTH: lambda: scene.target,
        }
        return {n: judged(scene, np.clip(of(), 0, 1), floor, judge) for n, of in images.items()}

    found = []
    for of_scene in spread(found_in, range(SPLITS["test"], SPLITS["test"] + scenes), workers):
        found.append(of_scene)
        say(f"{task.name}: {len(found)} of {scenes} scenes, {time.perf_counter() - start:.0f} s")
    members = {
        name: {m: {i: of[name].members[m] for i, of in enumerate(found)} for m in first.members}
        for name, first in found[0].items()
    }
    low, high = (
        {m: float(np.mean(list(of.values()))) for m, of in members[row].items()}
        for row in (FLOOR, TRUTH)
    )
    bounds = {name: Bound(low[name], high[name]) for name in low}
    scores = {}
    for name, first in found[0].items():
        scores[name] = {c: np.array([of[name].columns[c] for of in found]) for c in first.columns}
        skill = skills(members[name], bounds, [m for m in judge.metrics if m.in_skill])["skill"]
        scores[name]["skill"] = np.array(list(skill.values()))
    return scores


def spread(work: Callable[[int], T], numbers: Iterable[int], workers: int) -> Iterator[T]:
    """Yield what some work makes of numbers, in order, by forked processes if asked.

    What is fitted is not sent to them: they are copies of this process.
    """
    if workers == 1:
        yield from map(work, numbers)
        return
    with get_context("fork").Pool(workers, _take, (work,)) as pool:
        yield from pool.imap(_do, numbers)


_taken: list[Callable[[int], Any]] = []


def _take(work: Callable[[int], Any]) -> None:
    _taken.append(work)


def _do(number: int) -> Any:
    return _taken[-1](number)


def make_judge(task: BoundTask, readers: Readers) -> Judge:
    """Return a judge by the members of skill, PSNR and the Jaccard ratio."""
    facts = task_facts(task)
    chosen = [m for m in METRICS.values() if m.in_skill or m.name in ("psnr", "jaccard_ratio")]
    metrics = tuple(m for m in chosen if m.applies(facts))
    return Judge(task, metrics, {}, readers, load_encoder().card)


def fitted(task: BoundTask) -> Mapping[str, Callable[[Mapping[str, Array]], Floats]]:
    """Return the methods of a task's table, fitted: columns of a scene → images."""
    told = tuple(dict.fromkeys(c for name in SHOWN[task.name] for c in METHODS[name].oracle))
    examples = DrawnExamples(task, told)
    ready = {}
    for name in SHOWN[task.name]:
        start, method = time.perf_counter(), METHODS[name]
        ready[name] = partial(images_of, task, method, method.ready(task, examples))
        say(f"{task.name}: {name} fitted, {time.perf_counter() - start:.0f} s")
    return ready


def images_of(
    task: BoundTask, method: Method, restore: Restore, columns: Mapping[str, Array]
) -> Floats:
    """Return what a method makes of a scene."""
    return restore(task, shown_inputs(task, method.oracle, columns))


def judged(scene: SceneTruth, images: Floats, floor: Floats, judge: Judge) -> Found:
    """Return what a scene's images are worth."""
    found = judge_scene(scene, images, floor, judge, b"").measured
    columns = {name: found[name].whole for name in ("psnr", "jaccard_ratio")}
    for part, key in PARTS.items():
        columns[f"psnr_{part}"] = found["psnr"].parts[key]
        columns[f"agreement_{part}"] = found["reader_agreement"].parts[key]
    if scene.transmittance is not None:
        inside = scene.parts.masks[scene.parts.fixed.index(PARTS["inside"])]
        hidden = np.square(images - scene.target).mean(axis=1)[
            (scene.transmittance < LIGHT) & inside
        ]
        error = hidden.mean(dtype=np.float64) if len(hidden) else np.nan
        columns["psnr_clouded"] = float(-10 * np.log10(np.maximum(error, 1e-8)))
    return Found(columns, {m.name: found[m.name].whole for m in judge.metrics if m.in_skill})


def cell_means(scene: SceneTruth) -> Floats:
    """Return the truth without what varies inside of cells: what all texture is worth."""
    flat = scene.cell.ravel().astype(np.intp)
    images = scene.target.reshape(*scene.target.shape[:2], -1).copy()
    counts = np.maximum(np.bincount(flat), 1)
    between = flat == 0
    for image in images.reshape(-1, images.shape[-1]):
        image[~between] = (np.bincount(flat, image) / counts)[flat[~between]]
    return images.reshape(scene.target.shape)


def table(scores: Scores) -> tuple[tuple[str, ...], Sequence[Sequence[str]]]:
    """Return head and rows of a task's table."""
    columns = [name for name in COLUMNS if any(name in of for of in scores.values())]
    rows = []
    for name, of in scores.items():
        method = METHODS.get(name)
        mark = ""
        if method is not None:
            mark = " *(oracle)*" * bool(method.oracle) + " *(informed)*" * method.informed
        rows.append([f"{name}{mark}", *(cell(of.get(column)) for column in columns)])
    return ("method", *(COLUMNS[name] for name in columns)), rows


def cell(values: Array | None) -> str:
    """Return a mean with its interval."""
    if values is None or not len(values):
        return "–"
    digits = 1 if values.mean() > 2 else 3
    mean, low, high = interval(values)
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def say(line: str) -> None:
    """Tell progress."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
