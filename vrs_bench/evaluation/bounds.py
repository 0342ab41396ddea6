"""Floor and ceiling of every score: the trivial baseline, and the truth itself as a prediction."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.judge import Judge
from vrs_bench.evaluation.result import Bound
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.grids import on_grid
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import VERSION
from vrs_bench.paths import write_text
from vrs_bench.references import HERE
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats
from vrs_bench.world.scene import make_scene

Method = Callable[[SceneTruth], Floats]
"""Scene → images (row, band, height, width) float32 in [0, 1]."""

AVERAGED_SCENES = 8
"""Train scenes behind the average reflectance of each date."""

PACKAGED = HERE / "bounds.json"


def rival_methods(folder: DatasetFolder, task: BoundTask) -> dict[str, Method]:
    """Return the trivial baseline of a task as ``floor``, and the truth as ``ceiling``."""
    return {
        "floor": trivial_method(task),
        "ceiling": lambda scene: scene.target,
    }


def trivial_method(task: BoundTask) -> Method:
    """Return the trivial method of a task.

    An input that is an image of the target's product stands for the target: as it is (clouds and
    all), or with its pixels repeated where they are larger. Else (from radar), every pixel gets
    the average reflectance of its date over the first train scenes.
    """
    if task.main_sensor.product == task.task.target_product:
        return lambda scene: on_grid(
            restore(scene.columns[task.main_input]), *scene.target.shape[-2:]
        )
    averages = _averages(task)
    return lambda scene: np.broadcast_to(averages[scene.steps], scene.target.shape).copy()


def _averages(task: BoundTask) -> Floats:
    """Return the average reflectance by date, (time step, band, 1, 1)."""
    world, product = task.world, task.task.target_product
    sums = np.zeros((world.horizon, len(task.bands)))
    for number in range(AVERAGED_SCENES):
        scene = make_scene(world, number)
        for step in range(world.horizon):
            sums[step] += scene.frame(product, step).mean(axis=(1, 2))
    return (sums / AVERAGED_SCENES).astype(np.float32)[..., None, None]


def packaged_bounds(
    folder: DatasetFolder, task: str, split: str, judge: Judge
) -> dict[str, Bound] | None:
    """Return the bounds that were measured beforehand, for the metrics of the judge's groups.

    They hold for the very recipes, references and definitions that they were measured with.

    Returns:
        metric → bound; None where none hold, so that they must be measured.
    """
    text = PACKAGED.read_text(encoding="utf-8")
    entry = json.loads(text).get(bounds_key(folder, task, split))
    if entry is None or not judge.references().items() <= entry["references"].items():
        return None
    return {
        metric: Bound(*ends)
        for metric, ends in entry["bounds"].items()
        if METRICS[metric].group in judge.groups
    }


def bounds_key(folder: DatasetFolder, task: str, split: str) -> str:
    """Return under what name the bounds of a split are kept."""
    return f"{task}/{split}/{folder.manifest.tasks[task].digest}/{VERSION}"


def keep_bounds(path: Path, key: str, judge: Judge, bounds: dict[str, Bound]) -> None:
    """Write the bounds of a split into a JSON file; what else it holds stays."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    ends = {metric: [bound.floor, bound.ceiling] for metric, bound in bounds.items()}
    kept[key] = {"references": judge.references(), "bounds": ends}
    write_text(path, json.dumps(kept, indent=1, sort_keys=True) + "\n")
