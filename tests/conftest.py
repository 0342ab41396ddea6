"""Data that several tests read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from own_imagery import OwnImagery, make_own_imagery

from vrs_bench.data.build.building import build
from vrs_bench.recipes import BenchmarkRecipe, load_recipe

# The same examples in every run, so that a change is judged by what it changes. To look for new
# ones: pytest --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset folder to read, not to change: super_res, 3 steps of 64 x 64 pixels.

    Four train scenes (12 rows), one validation scene, one test scene.
    """
    return _built(tmp_path_factory, scenes=6, scenes_per_shard=2)


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset folder with a name of its own: two test scenes of 3 steps, 64 x 64 pixels.

    Of ``super_res``; to read, not to change.
    """
    return _built(tmp_path_factory, name="little", scenes=14, scenes_per_shard=20)


def _built(tmp_path_factory: pytest.TempPathFactory, **changes: Any) -> Path:
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 8})
    size = {"height": 64, "width": 64, "horizon": 3, "cells": cells}
    world = recipe.world.model_copy(update=size)
    folder = tmp_path_factory.mktemp("data") / "vrs-toy"
    build(["super_res"], recipe.model_copy(update={**changes, "world": world}), folder)
    return folder


@pytest.fixture
def own_imagery(tmp_path: Path) -> OwnImagery:
    """Return own imagery that a test may change."""
    return make_own_imagery(tmp_path / "own")
