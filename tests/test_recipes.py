"""Recipes: packaged ones load, faulty ones are explained key by key."""

import pytest
import yaml

from vrs_bench import recipes
from vrs_bench.errors import BenchError
from vrs_bench.recipes import (
    SIZES,
    BenchmarkRecipe,
    check_recipe,
    digest,
    dump_recipe,
    load_recipe,
)
from vrs_bench.recipes.original_models import DerivationRecipe, GenerationRecipe
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


def test_what_was_made_by_another_generation_fits_no_digest(monkeypatch):
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    before = digest(recipe)
    monkeypatch.setattr(recipes, "GENERATION", recipes.GENERATION + 1)
    assert digest(recipe) != before


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
        ("world: &w {seed: 0}\nname: *w", r"line 1, world: '&w' is there to be referred to"),
        ("world: {seed: *w}", r"line 1, world.seed: '\*w' refers to another place"),
        ("a: &a [*a]", "line 1, a: '&a' is there to be referred to"),
        ("name: x\nworld: {seed: 0}\nname: y", "line 3: the key 'name' stands there twice"),
        ("world: {seed: 0, seed: 1}", "line 1, world: the key 'seed' stands there twice"),
        ("world:\n  <<: {seed: 0}", "line 2, world: the key '<<' is no word"),
        ("1: x", "line 1: the key '1' is no word; put it in quotes"),
        ("? [a]\n: x", "line 1: a key is no word, but a list or a mapping"),
        ("world: " + 5000 * "[", r"line 1, world\.0.*: nested more than 20 levels deep"),
        ("world: " + 5000 * "{a: ", r"line 1, world\.a.*: nested more than 20 levels deep"),
        ("scenes: " + 5000 * "9", "line 1, scenes: '9+…' can't be read as int"),
        ("scenes: 0x" + 5000 * "f", "scenes: a whole number of 20000 bits is not meant"),
        ("name: !!timestamp 2026-13-45", "line 1, name: '2026-13-45' can't be read as timestamp"),
        ("scenes: 2026-13-45", r"scenes: .*valid integer, got '2026-13-45'"),
        ("scenes: .inf", "scenes: .*valid integer, got inf"),
        ("name: !!set {x}", "name: expected a word, a number, a list or a mapping, got a set"),
        ('name: "\\ud800"', "name: holds half a character"),
        ("name: x  #" + 100_000 * "x", "expected a file of at most 100,000 bytes"),
    ],
)
def test_what_is_no_recipe_is_refused_and_never_executed(text, message, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(BenchError, match=message):
        load_recipe(BenchmarkRecipe, path)


def test_plain_data_are_checked_like_yaml():
    loop = {**GOOD}
    loop["world"] = loop
    for data, message in (
        (loop, "world.*: nested more than 20 levels deep"),
        ({**GOOD, "scenes": 10**5000}, "scenes: a whole number of 16610 bits"),
        ({**GOOD, "name": b"x"}, "name: expected a word, a number, .* got a bytes"),
        ({**GOOD, 1: "x"}, "the key 1 is no word"),
    ):
        with pytest.raises(BenchError, match=rf"^bad.yaml: {message}"):
            check_recipe(BenchmarkRecipe, data, "bad.yaml")


def test_faults_are_told_in_a_few_short_lines():
    data = {**GOOD, **{f"key{i}": i for i in range(5000)}, "name": "x" * 50_000}
    with pytest.raises(BenchError, match=r"bad.yaml: … and 4981 more$") as error:
        check_recipe(BenchmarkRecipe, data, "bad.yaml")
    assert len(str(error.value)) < 5000


@pytest.mark.parametrize(
    ("model", "name", "meant"),
    [
        (BenchmarkRecipe, "tyni", "tiny"),
        (BenchmarkRecipe, "lagre", "large"),
        (SensorRecipe, "super_ress", "super_res"),
        (GenerationRecipe, "original/latent_opticl", "original/latent_optical"),
        (DerivationRecipe, "original/clean_opticl", "original/clean_optical"),
    ],
)
def test_a_misspelt_packaged_recipe_is_guessed(model, name, meant):
    with pytest.raises(BenchError, match=rf"^{name}: .*no such file; did you mean '{meant}'\?$"):
        load_recipe(model, name)


def test_what_can_not_be_the_name_of_a_file_is_told(tmp_path):
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(BenchError, match=r"the name is too long|holds a NUL character"):
            load_recipe(BenchmarkRecipe, name)
    for name in ("x" * 252, "", tmp_path):
        with pytest.raises(BenchError, match="can't be read as a recipe"):
            load_recipe(BenchmarkRecipe, name)


@pytest.mark.parametrize(
    ("world", "message"),
    [
        ({"gsd": 1e308}, r"world\.gsd: .*less than or equal to"),
        ({"class_prior": [1e308] * 8}, r"world\.class_prior\.0: .*less than or equal"),
        ({"cells": {"n": 2000, "lloyd_steps": 51}}, r"lloyd_steps: .*less than or equal to 50"),
        ({"cells": {"n": 3000, "lloyd_steps": 50}}, "50 steps of 3000 cells take minutes"),
        ({"cells": {"n": 5000, "class_patch_px": 9.0}}, "class_patch_px: expected 0 with more"),
        ({"cells": {"class_patch_px": 1e-300}}, "class_patch_px: expected 0, or 0.01 pixels"),
        ({"cells": {"border_px": 1e300}}, r"border_px: .*less than or equal to"),
        ({"height": 8, "width": 8, "cells": {"n": 65}}, "65 cells are more than the 8 × 8 pixels"),
        ({"height": 8192, "cells": {"n": 9999}}, "cells × rows may be"),
        ({"horizon": 10_000, "cells": {"n": 2000}}, "horizon: 10000 time steps of 2000 cells"),
        ({"series": {"rain_mm": 1e308}}, r"rain_mm: .*less than or equal to"),
        (
            {"series": {"source": "uea", "path": ["x"], "ndim": 10**12, "nclass": 2}},
            r"ndim: .*less than or equal to 4096",
        ),
        (
            {"series": {"source": "uea", "path": ["x"], "ndim": 2, "nclass": 10**12}},
            r"nclass: .*less than or equal to 4096",
        ),
        (
            {
                "height": 8192,
                "width": 8192,
                "series": {"source": "uea", "path": ["x"], "ndim": 9, "nclass": 2},
            },
            "pixels × bands may be",
        ),
    ],
)
def test_what_would_take_a_machine_is_refused(world, message):
    with pytest.raises(BenchError, match=message):
        check_recipe(BenchmarkRecipe, {**GOOD, "world": {"seed": 0, **world}}, "bad.yaml")


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ({"name": "rbf", "length_scale": 1000.0}, "length_scale: 1000 pixels are more than a quar"),
        ({"name": "rational_quadratic", "length_scale": 65.0}, "length_scale: 65 pixels"),
        ({"name": "sin_squared", "periodicity": 8.0}, "crop rows of 6000 cells in 2 bands"),
        ({"name": "rbf", "length_scale": 1e-300}, "length_scale: .*greater than or equal to"),
    ],
)
def test_texture_that_would_take_minutes_is_refused(kernel, message):
    product = {"background": [0, 0, 0, 0], "texture": {"kernel": kernel}}
    product["background"] = [0, 0]
    series = {"source": "uea", "path": ["x"], "ndim": 2, "nclass": 2}
    world = {"seed": 0, "cells": {"n": 6000}, "series": series, "products": {"frames": product}}
    with pytest.raises(BenchError, match=message):
        check_recipe(BenchmarkRecipe, {**GOOD, "world": world}, "bad.yaml")


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"stage": "brightness", "mul": {"min": 1.0, "max": 1e308}}, "mul: expected -100 ≤ min"),
        ({"stage": "noise", "salt_pepper": {"min": -0.1, "max": 1.0}}, "pepper: expected 0 ≤ min"),
        ({"stage": "aggregation", "factor": 2, "sigma_px": 1e-300}, "sigma_px: .*greater than or"),
    ],
)
def test_stages_give_finite_images(stage, message):
    data = {"name": "x", "product": "optical", "stages": [stage]}
    with pytest.raises(BenchError, match=message):
        check_recipe(SensorRecipe, data, "bad.yaml")
    with pytest.raises(BenchError, match="at most 16 items"):
        check_recipe(SensorRecipe, {**data, "stages": 17 * [{"stage": "brightness"}]}, "bad.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BenchError, match=r"nowhere\.yaml: can't be read"):
        load_recipe(BenchmarkRecipe, tmp_path / "nowhere.yaml")


def test_recipes_are_frozen():
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    with pytest.raises(ValueError, match="frozen"):
        recipe.scenes = 4  # type: ignore[misc]
    assert yaml.safe_load(dump_recipe(recipe))["scenes"] == 40
