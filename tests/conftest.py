"""Data that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_imagery import OwnImagery, make_own_imagery

from vrs_bench.data.build.building import build
from vrs_bench.recipes import BenchmarkRecipe, load_recipe


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset folder to read, not to change: super_res, 3 steps of 64 x 64 pixels.

    Four train scenes (12 rows), one validation scene, one test scene.
    """
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 8})
    size = {"height": 64, "width": 64, "horizon": 3, "cells": cells}
    world = recipe.world.model_copy(update=size)
    recipe = recipe.model_copy(update={"scenes": 6, "scenes_per_shard": 2, "world": world})
    folder = tmp_path_factory.mktemp("data") / "vrs-toy"
    build(["super_res"], recipe, folder)
    return folder


@pytest.fixture
def own_imagery(tmp_path: Path) -> OwnImagery:
    """Return own imagery that a test may change."""
    return make_own_imagery(tmp_path / "own")
