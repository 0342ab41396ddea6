"""The builder class against the folder that `build` makes of the same recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.read.generated import CONFIGS, VRSToy
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.tasks import TASKS


@pytest.fixture(scope="module")
def recipe() -> BenchmarkRecipe:
    """Return a recipe of two train scenes, one validation and one test scene of two steps."""
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 4})
    size = {"height": 32, "width": 32, "horizon": 2, "cells": cells}
    world = recipe.world.model_copy(update=size)
    return recipe.model_copy(update={"scenes": 4, "scenes_per_shard": 1, "world": world})


@pytest.fixture(scope="module")
def folder(recipe: BenchmarkRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the dataset folder of all tasks."""
    folder = tmp_path_factory.mktemp("built") / "vrs-toy"
    build(TASKS, recipe, folder)
    return folder


def stored(folder: Path, config: str, split: str, names: list[str]) -> dict[str, np.ndarray]:
    """Return the columns of a split as the folder holds them."""
    scenes = list(DatasetFolder(folder).scenes(CONFIGS[config].name, split, names))
    return {
        name: np.concatenate([np.broadcast_to(s[name], len(s["time_step"])) for s in scenes])
        if name == "scene"
        else np.concatenate([s[name] for s in scenes])
        for name in names
    }


def test_every_published_config_is_there() -> None:
    names = {f"{task}{kind}" for task in TASKS for kind in ("", "_latent")}
    assert set(VRSToy.builder_configs) == names


@pytest.mark.parametrize("config", CONFIGS)
def test_features_and_rows_are_those_of_the_folder(
    config: str, recipe: BenchmarkRecipe, folder: Path, tmp_path: Path
) -> None:
    builder = VRSToy(config_name=config, recipe=recipe, cache_dir=tmp_path)
    published = datasets.load_dataset_builder(str(folder), config)
    assert builder.info.features == published.info.features
    stream = builder.as_streaming_dataset("train")
    assert stream.features == published.info.features
    assert stream.num_shards == 2
    rows = list(stream.with_format("arrow"))
    truth = stored(folder, config, "train", list(stream.column_names))
    for name, values in truth.items():
        got = np.stack([np.array(row[name].to_pylist()[0]) for row in rows])
        np.testing.assert_array_equal(got, values)


def test_prepared_by_processes_it_is_the_same_as_streamed(
    recipe: BenchmarkRecipe, folder: Path, tmp_path: Path
) -> None:
    builder = VRSToy(config_name="cloud_removal", recipe=recipe, cache_dir=tmp_path)
    builder.download_and_prepare(num_proc=2)
    for split in ("train", "validation", "test"):
        rows = builder.as_dataset(split)
        assert rows.features == builder.info.features
        truth = stored(folder, "cloud_removal", split, ["scene", "time_step", "cloudy"])
        np.testing.assert_array_equal(np.array(rows["scene"]), truth["scene"])
        np.testing.assert_array_equal(np.array(rows["time_step"]), truth["time_step"])
        np.testing.assert_array_equal(np.array(rows["cloudy"][:]), truth["cloudy"])


def test_the_default_is_the_first_config_of_size_tiny(tmp_path: Path) -> None:
    builder = VRSToy(cache_dir=tmp_path)
    assert builder.config.name == "super_res"
    tiny = load_recipe(BenchmarkRecipe, "tiny")
    assert builder.info.features["hr"].shape == (4, tiny.world.height, tiny.world.width)


def test_the_cache_folder_follows_the_recipe(
    recipe: BenchmarkRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cache(**keywords: Any) -> str:
        return str(VRSToy(cache_dir=tmp_path, **{"recipe": recipe, **keywords}).cache_dir)

    world = recipe.world.model_copy(update={"seed": recipe.world.seed + 1})
    different = [
        cache(),
        cache(config_name="super_res_latent"),
        cache(scenes=5),
        cache(recipe=recipe.model_copy(update={"world": world})),
        cache(recipe=None),
        cache(recipe=None, size="toy"),
    ]
    assert len(set(different)) == len(different)
    assert cache() == cache(scenes=recipe.scenes) == different[0]
    sensor = load_recipe(SensorRecipe, "cloudy")
    monkeypatch.setattr("vrs_bench.tasks.binding.load_recipe", lambda model, name: sensor)
    assert cache() not in different
    monkeypatch.undo()
    own = {"super_res": {"lr": sensor}}
    assert cache(recipe=recipe.model_copy(update={"sensors": own})) not in different


def test_faulty_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'super_ress' not found"):
        VRSToy(config_name="super_ress", cache_dir=tmp_path)
    with pytest.raises(ValueError, match=r"huge\.yaml: can't be read as a recipe"):
        VRSToy(size="huge.yaml", cache_dir=tmp_path)
    with pytest.raises(ValueError, match="scenes"):
        VRSToy(scenes=1, cache_dir=tmp_path)
