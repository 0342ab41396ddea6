"""VRS-Bench: image restoration and translation in remote sensing, on a virtual Earth.

The truth is known, because the Earth is virtual: see ``evaluate`` for scores, ``build`` for data.
Names are imported on first use, so that ``import vrs_bench`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from vrs_bench.columns import restore
    from vrs_bench.data.build.building import build
    from vrs_bench.data.export.exporting import export
    from vrs_bench.data.publish import publish
    from vrs_bench.data.read.dataset_folder import DatasetFolder
    from vrs_bench.data.read.generated import VRSToy
    from vrs_bench.data.read.loading import load_dataset, to_float
    from vrs_bench.data.verify import verify
    from vrs_bench.errors import BenchError
    from vrs_bench.evaluation import (
        Result,
        Score,
        compare,
        evaluate,
        expected_input_format,
        expected_input_schema,
    )
    from vrs_bench.recipes import BenchmarkRecipe, load_recipe
    from vrs_bench.tasks import TASKS, BoundTask, bind, get_task
    from vrs_bench.world.latent import Scene
    from vrs_bench.world.scene import WorldRecipe, make_scene

_HOMES = {
    "BenchError": "errors",
    "BenchmarkRecipe": "recipes",
    "DatasetFolder": "data.read.dataset_folder",
    "Result": "evaluation",
    "Scene": "world.latent",
    "Score": "evaluation",
    "BoundTask": "tasks",
    "TASKS": "tasks",
    "VRSToy": "data.read.generated",
    "WorldRecipe": "world.scene",
    "bind": "tasks",
    "build": "data.build.building",
    "compare": "evaluation",
    "evaluate": "evaluation",
    "expected_input_format": "evaluation",
    "expected_input_schema": "evaluation",
    "export": "data.export.exporting",
    "get_task": "tasks",
    "load_dataset": "data.read.loading",
    "load_recipe": "recipes",
    "make_scene": "world.scene",
    "publish": "data.publish",
    "restore": "columns",
    "to_float": "data.read.loading",
    "verify": "data.verify",
}

__all__ = [  # noqa: RUF022  # by what they are for
    "evaluate",
    "expected_input_format",
    "expected_input_schema",
    "compare",
    "Result",
    "Score",
    "load_dataset",
    "to_float",
    "restore",
    "VRSToy",
    "build",
    "verify",
    "export",
    "publish",
    "DatasetFolder",
    "TASKS",
    "get_task",
    "bind",
    "BoundTask",
    "make_scene",
    "Scene",
    "WorldRecipe",
    "BenchmarkRecipe",
    "load_recipe",
    "BenchError",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # takes as long as the rest of this import

        return version("vrs-bench")
    if name not in _HOMES:
        raise AttributeError(f"module 'vrs_bench' has no attribute '{name}'")
    return getattr(import_module(f"vrs_bench.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
