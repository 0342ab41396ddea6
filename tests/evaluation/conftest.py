"""Data that several tests of evaluation read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.bounds import rival_methods
from vrs_bench.evaluation.truth import Truth
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS
from vrs_bench.types import Floats

Made = Callable[[str, str], Floats]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Return all tasks to read, not to change: 64 x 64 pixels, the eight dates of `tiny`.

    Two test scenes.
    """
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 6})
    world = recipe.world.model_copy(update={"height": 64, "width": 64, "cells": cells})
    path = tmp_path_factory.mktemp("evaluation") / "vrs-toy"
    build(TASKS, recipe.model_copy(update={"scenes": 13, "world": world}), path)
    return DatasetFolder(path)


@pytest.fixture(scope="session")
def made(folder: DatasetFolder) -> Made:
    """Return what makes the images of a task's test split, (row, band, height, width).

    It takes the task, and ``floor`` or ``truth``.
    """

    def images(task: str, what: str) -> Floats:
        bound = folder.manifest.bound(task)
        method = rival_methods(folder, bound)[{"truth": "ceiling"}.get(what, what)]
        return np.concatenate([method(scene) for scene in Truth(folder, bound, "test")])

    return images
