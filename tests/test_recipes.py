"""Recipes: packaged ones load, faulty ones are explained key by key."""

import pytest
import yaml

from vrs_bench.errors import BenchError
from vrs_bench.recipes import (
    SIZES,
    BenchmarkRecipe,
    check_recipe,
    digest,
    dump_recipe,
    load_recipe,
)
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.tasks import TASKS, bind

GOOD = {"name": "x", "scenes": 3, "scenes_per_shard": 1, "world": {"seed": 0}}


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_declared(size):
    recipe = load_recipe(BenchmarkRecipe, size)
    assert recipe.name == size
    assert [bind(task, recipe).gsd_ratio for task in TASKS] == [4, 1, 1]


def test_sizes_draw_different_worlds():
    seeds = [load_recipe(BenchmarkRecipe, size).world.seed for size in SIZES]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(
    ("model", "name"), [(BenchmarkRecipe, "tiny"), (SensorRecipe, "super_res")]
)
def test_a_dumped_recipe_is_the_recipe(model, name, tmp_path):
    recipe = load_recipe(model, name)
    path = tmp_path / "r.yaml"
    path.write_text(dump_recipe(recipe))
    assert load_recipe(model, path) == recipe
    assert digest(load_recipe(model, path)) == digest(recipe)


def test_any_change_changes_the_digest():
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    world = recipe.world.model_copy(update={"gsd": 20.0})
    assert digest(recipe) != digest(recipe.model_copy(update={"world": world}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scene": 3}, "unknown key 'scene'; did you mean 'scenes'?"),
        (
            {"world": {"seed": 0, "series": {"start_dy": 3}}},
            r"unknown key 'world\.series\.start_dy'; did you mean 'start_day'",
        ),
        (
            {"world": {"seed": 0, "series": {"source": "uea", "path": ["x"], "nclass": 2}}},
            r"missing key 'world\.series\.ndim'",
        ),
        (
            {
                "world": {
                    "seed": 0,
                    "products": {
                        "sar": {
                            "background": [0, 0],
                            "texture": {"kernel": {"name": "rbf", "lenght_scale": 2}},
                        }
                    },
                }
            },
            r"unknown key 'world\.products\.sar\.texture\.kernel\.lenght_scale'; did you mean 'len",
        ),
        ({"world": {}}, "missing key 'world.seed'"),
        ({"world": {"seed": 0, "heigth": 9}}, "unknown key 'world.heigth'; did you mean 'height'?"),
        ({"world": {"seed": 0, "cells": {"count": 9}}}, "unknown key 'world.cells.count'"),
        (
            {"world": {"seed": 0, "height": -64}},
            "world.height: .*greater than or equal to 8, got -64",
        ),
        ({"world": {"seed": "0"}}, "world.seed: .*valid integer, got '0'"),
        ({"world": {"seed": True}}, "world.seed: .*valid integer, got True"),
        ({"scenes": 2}, "scenes: .*greater than or equal to 3, got 2"),
        ({"world": {"seed": 0, "class_prior": [1, 2]}}, "class_prior: expected 8 frequencies"),
        (
            {"world": {"seed": 0, "products": {"sar": {"background": [0.1]}}}},
            "products.sar.background: expected 2 values",
        ),
    ],
)
def test_every_fault_names_its_key(change, message):
    with pytest.raises(BenchError, match=f"^bad.yaml: .*{message}"):
        check_recipe(BenchmarkRecipe, {**GOOD, **change}, "bad.yaml")


def test_all_faults_are_listed_at_once():
    with pytest.raises(BenchError) as error:
        check_recipe(BenchmarkRecipe, {"name": "x", "scenes": 1, "world": {"sed": 3}}, "bad.yaml")
    assert len(str(error.value).splitlines()) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("world: [", "not valid YAML"),
        ("!!python/object/apply:os.system ['echo x']", "not valid YAML"),
        ("- 1", "valid dictionary|object"),
        ("", "valid dictionary|object"),
    ],
)
def test_what_is_no_recipe_is_refused_and_never_executed(text, message, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(BenchError, match=message):
        load_recipe(BenchmarkRecipe, path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BenchError, match=r"nowhere\.yaml: can't be read"):
        load_recipe(BenchmarkRecipe, tmp_path / "nowhere.yaml")


def test_recipes_are_frozen():
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    with pytest.raises(ValueError, match="frozen"):
        recipe.scenes = 4  # type: ignore[misc]
    assert yaml.safe_load(dump_recipe(recipe))["scenes"] == 40
