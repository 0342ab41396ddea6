"""Scenes without a dataset: drawn, and given as evaluation reads them from one."""

from __future__ import annotations

import numpy as np

from vrs_bench.columns import restore
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array
from vrs_bench.world.scene import make_scene


def columns_of(task: BoundTask, number: int) -> dict[str, Array]:
    """Return all columns of a scene, (n_steps, …) as they are stored."""
    rows = list(task.rows(make_scene(task.world, number)))
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def scene_of(task: BoundTask, number: int) -> SceneTruth:
    """Return a scene as evaluation reads it from a dataset."""
    return as_truth(task, number, columns_of(task, number))


def as_truth(task: BoundTask, number: int, columns: dict[str, Array]) -> SceneTruth:
    """Return the columns of a scene as evaluation reads them."""
    columns = {name: of for name, of in columns.items() if name != "scene"}
    return SceneTruth(
        number=number,
        steps=columns.pop("time_step"),
        target=restore(columns.pop(task.target)),
        land_cover=columns.pop("land_cover")[0],
        cell=columns.pop("cell")[0],
        columns=columns,
    )
