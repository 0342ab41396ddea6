"""Recipes that somebody has spoilt: each ends in one message, or in finite images in [0, 1]."""

from __future__ import annotations

import copy
import signal
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from vrs_bench.data.build.shards import plan
from vrs_bench.errors import BenchError
from vrs_bench.recipes import HERE, SIZES, BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.recipes.original_models import DerivationRecipe, GenerationRecipe
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, observe_labels, view
from vrs_bench.tasks import TASKS, bind
from vrs_bench.world.scene import make_scene

MUTANTS = 150
"""Of each packaged recipe."""
SECONDS = 15
"""For one mutant, loading and drawing; the slowest takes less than one."""

VALUES = """
null; true; 0; 1; -1; 2; 3; 64; 1000; 2049; 8192; 32767; 65536; 650000; 10000000;
9223372036854775808; 0.0; 0.5; -0.5; 1.0e-320; 1.0e-9; 0.001; 6.5; 199.0; 1000.0; 1.0e+9; 1.0e+308;
-1.0e+308; 1.0e+999; .inf; -.inf; .nan; 1e308; ''; x; "1"; phenology; uea; rbf; sin_squared; iid;
constant; rational_quadratic; gaussian; jpg; sar; optical; clouds; brightness; noise; aggregation;
atmosphere; deformation; "\\0"; "\\ud800"; 2026-13-45; 2026-01-01; 2026-01-01 25:00:00; 1:2:3; 0x;
0b11; ~; no; []; [1];
[0.0, 0.0]; [[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]; {}; {a: 1};
{a: 1, a: 2}; {1: 2}; {[1]: 2}; {<<: {a: 1}}; {min: 0.0, max: 1.0e+308}; {min: 1.0, max: 0.0};
{min: -99.0, max: 99.0}; {min: 0.5, max: 1}; {name: rbf, length_scale: 1000}; {name: iid};
{name: sin_squared, periodicity: 2, length_scale: 1.0e-300}; {width: 8192, height: 8192};
{width: 1, height: 1}; &a [*a]; &a {a: *a}; &a 1; *b; !!binary x; !!binary aGk=; !!set {a};
!!timestamp 2026-99-99; !!int x; !!float []; !!python/object/apply:os.getcwd []; !x 1; @; "\\"; |; '
"""
HOSTILE = [
    *(value.strip() for value in VALUES.replace("\n", " ").split("; ")),
    "9" * 5000,
    "9" * 4200,
    "-" + "9" * 400,
    "x" * 9000,
    "[" * 3000,
    "{a: " * 3000,
    "[" + "1, " * 5000 + "1]",
]

_MARK = "@@{}@@"


def recipes() -> list[tuple[str, type[Any]]]:
    """Return the packaged recipes and the model of each."""
    found = []
    for path in sorted(HERE.rglob("*.yaml")):
        name = path.relative_to(HERE).with_suffix("").as_posix()
        if name in SIZES:
            model: type[Any] = BenchmarkRecipe
        elif "original" in name:
            model = GenerationRecipe if "ts:" in path.read_text() else DerivationRecipe
        else:
            model = SensorRecipe
        found.append((name, model))
    return found


def places(data: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    found = []
    for key, value in items:
        found.append((data, key))
        if isinstance(value, dict | list) and value:
            found += places(value)
    return found


def mutate(data: Any, rng: np.random.Generator) -> str:
    """Spoil a recipe in one to three places; return its YAML."""
    data, raw = copy.deepcopy(data), {}

    def hostile() -> str:
        mark = _MARK.format(len(raw))
        raw[mark] = HOSTILE[rng.integers(len(HOSTILE))]
        return mark

    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        spots = places(data)
        holder, key = spots[rng.integers(len(spots))]
        other, other_key = spots[rng.integers(len(spots))]
        match rng.integers(14):
            case 0:
                del holder[key]
                if not data:
                    data["name"] = 1
            case 1 if isinstance(holder, dict):
                holder[f"{key}s"] = holder.pop(key)
            case 2 if isinstance(holder, dict):
                holder[hostile()] = holder[key]
            case 3:
                holder[key] = copy.deepcopy(other[other_key])
            case 4:
                holder[key] = [holder[key]] * 3
            case 5:
                holder[key] = {str(key): holder[key]}
            case 6:
                holder[key] = str(holder[key])
            case 7 | 8 if isinstance(holder[key], int | float):
                holder[key] *= rng.choice([0, 0.5, 2, 3, 7, 100]).item()
            case _:
                holder[key] = hostile()
    text = yaml.safe_dump(data, sort_keys=False)
    for mark, value in raw.items():
        text = text.replace(f"'{mark}'", value).replace(mark, value)
    lines = text.splitlines()
    if rng.random() < 0.1:  # a line that stands there twice, or is gone
        at = rng.integers(len(lines))
        lines[at : at + 1] = [lines[at]] * int(rng.choice([0, 2]))
    return "\n".join(lines)


def in_unit(image: np.ndarray) -> None:
    assert np.isfinite(image).all()
    assert 0 <= image.min() <= image.max() <= 1


def smaller(world: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a world on fewer pixels and time steps, with fewer cells."""
    cells = {**world["cells"], "n": min(world["cells"]["n"], 60)}
    size = {key: min(world[key], most) for key, most in (("height", 64), ("width", 48))}
    return {**world, **size, "horizon": min(world["horizon"], 2), "cells": cells}


def draw_benchmark(recipe: BenchmarkRecipe) -> None:
    data = recipe.model_dump(mode="json")
    recipe = check_recipe(BenchmarkRecipe, {**data, "world": smaller(data["world"])}, "smaller")
    scene = None
    for name in TASKS:
        bound = bind(name, recipe)
        scene = scene or make_scene(recipe.world, 0)
        for row in bound.rows(scene):
            for column in bound.columns:
                assert row[column.name].shape == column.shape
        for sensor in bound.sensors.values():
            frame = scene.frame(sensor.product, 0)
            in_unit(frame)
            in_unit(observe(sensor, bound.place(0), 0, frame))
    if recipe.scenes < 10_000:
        assert plan("super_res", recipe)


def draw_sensor(recipe: SensorRecipe) -> None:
    look(recipe, 64, 64, 4 if recipe.product == "optical" else 2)


def draw_generation(recipe: GenerationRecipe) -> None:
    data = recipe.model_dump(mode="json")
    product = data["product"]
    size = {key: min(most, product["size"][key]) for key, most in (("height", 64), ("width", 48))}
    few = {"n_polygons": min(product["n_polygons"], 60), "horizon": min(product["horizon"], 2)}
    data["product"] = {**product, "size": size, **few}
    scene = make_scene(check_recipe(GenerationRecipe, data, "smaller").world(), 0)
    for step in range(scene.recipe.horizon):
        in_unit(scene.frame("frames", step))


def draw_derivation(recipe: DerivationRecipe) -> None:
    at = recipe.deformation
    if at and at.image_height * at.image_width < 400 * 400:
        height, width = at.image_height, at.image_width
    elif recipe.aggregation is None:
        height, width = min(recipe.target_size.height, 256), min(recipe.target_size.width, 256)
    else:
        height, width = 256, 256
    look(recipe.sensor(height, width), height, width, 3)


def look(sensor: SensorRecipe, height: int, width: int, bands: int) -> None:
    rng = np.random.default_rng(0)
    place = Place(1, 0, height, width)
    frame = rng.random((bands, height, width), np.float32)
    sensor.output_size(height, width)
    seen = view(sensor, place, 0)
    in_unit(observe(sensor, place, 0, frame, seen))
    for stage, cause in zip(seen.stages, seen.causes, strict=True):
        assert isinstance(stage.explain(cause), str)
    for value in seen.published.values():
        assert np.isfinite(value).all()
    observe_labels(sensor, rng.integers(0, 9, (height, width)).astype(np.int16))


DRAW: dict[type[Any], Callable[[Any], None]] = {
    BenchmarkRecipe: draw_benchmark,
    SensorRecipe: draw_sensor,
    GenerationRecipe: draw_generation,
    DerivationRecipe: draw_derivation,
}


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("name", "model"), recipes())
def test_a_spoilt_recipe_ends_in_a_message_or_in_finite_images(
    name: str, model: type[Any], tmp_path: Path
) -> None:
    packaged = (HERE / f"{name}.yaml").read_text()
    if "2048" in packaged:  # the large templates with the sizes of a test
        packaged = packaged.replace("256", "64").replace("2048", "256")
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    path = tmp_path / "mutant.yaml"
    accepted = 0
    for number in range(MUTANTS):
        text = mutate(yaml.safe_load(packaged), rng)
        path.write_text(text, encoding="utf-8")
        loaded = False
        try:
            with time_limit(SECONDS):
                recipe = load_recipe(model, path)
                loaded = True
                DRAW[model](recipe)
                accepted += 1
        except BenchError as error:
            message = str(error)
            if not message or max(map(len, message.splitlines())) > 1000:
                pytest.fail(f"no message to read: {message}\n{text}")
            if not loaded and not message.startswith(f"{path}: "):
                pytest.fail(f"does not name the file: {message}\n{text}")
        except Exception as error:
            error.add_note(f"mutant {number} of {name}:\n{text[:2000]}")
            raise
    assert accepted  # else the mutator spoils so much that nothing is ever drawn
