"""Speed of the world and the sensors: every stage, whole scenes, large scenes.

python benchmarks/generate.py [--size toy]
"""

# The packaged sensors have the stages that are timed here: none of them is None.
# mypy: disable-error-code="union-attr, arg-type"

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from measure import copy_seconds, print_table, seconds  # before NumPy: it sets the threads

# isort: split
import numpy as np

from vrs_bench.columns import quantise
from vrs_bench.data.products.commands import generate
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.recipes.original_models import DerivationRecipe, GenerationRecipe
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.sensors.stage import Stage
from vrs_bench.sensors.stages.aggregation import Aggregation
from vrs_bench.sensors.stages.clouds import Clouds, draw_clouds
from vrs_bench.sensors.stages.deformation import Deformation
from vrs_bench.sensors.stages.noise import Noise, add_noise
from vrs_bench.tasks import TASKS, BoundTask, bind
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.fields import draw_fields
from vrs_bench.world.mixed_pixels import SCALE, mix
from vrs_bench.world.partition import draw_partition, surfaces
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.series.phenology import PhenologySettings
from vrs_bench.world.series.seasons import draw_state
from vrs_bench.world.streams import stream

Made = TypeVar("Made")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    size = parser.parse_args().size
    recipe = load_recipe(BenchmarkRecipe, size)
    stages(recipe, size)
    five_products()
    large_scene()


S = TypeVar("S", bound=Stage)


def stage_of(sensor: SensorRecipe, kind: type[S]) -> S:
    """Return the stage of a kind that a sensor has."""
    return next(stage for stage in sensor.stages if isinstance(stage, kind))


def stages(recipe: BenchmarkRecipe, size: str) -> None:
    """Time every stage of the world and of the sensors on one scene."""
    world = recipe.world
    source = world.series
    assert isinstance(source, PhenologySettings)  # noqa: S101  # of packaged recipes
    steps, scene = world.horizon, make_scene(world, 0)
    place = Place(world.seed, 0, world.height, world.width)
    lr = bind("super_res", recipe).main_sensor
    clouded = bind("cloud_removal", recipe).sensors
    clouds = stage_of(clouded["cloudy"], Clouds)
    read_noise, speckle = stage_of(lr, Noise), stage_of(clouded["sar"], Noise)
    warp = Deformation().operator(world.height, world.width, None)
    salt = Noise(salt_pepper=Interval(min=0.08, max=0.15))
    frame, radar = scene.frame("optical", 0), scene.frame("sar", 0)
    seen = view(lr, place, 0)
    low = settle(seen.apply(frame))
    warped = warp.apply(frame)
    sampled = stage_of(lr, Aggregation).operator(world.height, world.width, (0.0, 0.0))
    size_px = (world.height, world.width)
    partition = draw_partition(world.cells, 0, 0, *size_px)
    fine = surfaces(partition, SCALE)
    days = np.array([source.day(step) for step in range(steps)])
    fields = draw_fields(0, 0, *size_px, days)
    layer = draw_clouds(clouds, stream(0, 0, "c", 1), world.height, world.width)
    count = iter(range(10**9))

    def fresh() -> np.random.Generator:
        return stream(0, 0, "n", next(count))

    # name, work, calls a scene, bytes of its output
    work: list[tuple[str, Callable[[], object], int, int]] = [
        (
            "cells and strips",
            lambda: draw_partition(world.cells, 0, 0, *size_px),
            1,
            partition.normals.nbytes,
        ),
        ("raster, three times as fine", lambda: surfaces(partition, SCALE), 1, fine.nbytes),
        ("mixed pixels", lambda: mix(fine), 1, scene.cell.nbytes),
        (
            "state of cells",
            lambda: draw_state(source, scene.classes, steps, 0, 0),
            1,
            scene.classes.size * steps * 8,
        ),
        (
            "texture fields",
            lambda: draw_fields(0, 0, *size_px, days),
            1,
            8 * fields.lasting.nbytes,
        ),
        ("render optical", lambda: scene.frame("optical", 3), steps, frame.nbytes),
        ("render radar", lambda: scene.frame("sar", 3), steps, radar.nbytes),
        (
            "clouds and shadows, drawn",
            lambda: draw_clouds(clouds, fresh(), world.height, world.width),
            steps,
            3 * layer.opacity.nbytes,
        ),
        ("clouds, blended", lambda: layer.over(frame), steps, frame.nbytes),
        ("distortion", lambda: warp.apply(frame), steps, warped.nbytes),
        (
            "PSF matrices of a new phase",
            lambda: view(lr, place, next(count)).operator(),
            steps,
            sum(matrix.nbytes for matrix in (sampled.rows, sampled.columns)),
        ),
        ("PSF and sampling by 4", lambda: settle(seen.apply(frame)), steps, low.nbytes),
        ("read noise", lambda: add_noise(read_noise, low, fresh()), steps, low.nbytes),
        ("speckle", lambda: add_noise(speckle, radar, fresh()), steps, radar.nbytes),
        ("salt and pepper", lambda: add_noise(salt, frame, fresh()), steps, frame.nbytes),
        ("quantise", lambda: quantise(frame), steps, frame.nbytes // 2),
    ]
    rows = []
    for name, call, calls, n_bytes in work:
        taken = seconds(call)
        per_step = f"{taken * calls / steps * 1e3:.3f}"
        rows.append((name, f"{taken * 1e3:.3f}", per_step, f"{taken / copy_seconds(n_bytes):.0f}"))
    print_table(
        f"Stages of world and sensors, size {size}, {world.height} × {world.width}",
        ("stage", "ms a call", "ms a time step", "times a plain copy of its output"),
        rows,
    )
    rows = []
    whole = []
    for name in TASKS:
        taken = seconds(partial(_all_rows, bind(name, recipe)), 3)
        whole.append((name, f"{taken:.3f}", f"{steps / taken:.0f}"))
    print_table(
        f"All rows of a scene in memory, size {size}, {steps} time steps",
        ("task", "s a scene", "rows a second"),
        whole,
    )


def _all_rows(bound: BoundTask) -> int:
    """Make all rows of a scene."""
    return sum(1 for _ in bound.rows(make_scene(bound.world, 1)))


def five_products() -> None:
    """Time the original's cloud-removal recipes: five products of a scene, in memory."""

    def world(name: str) -> WorldRecipe:
        return load_recipe(GenerationRecipe, f"original/{name}").world()

    def sensor(name: str, height: int, width: int) -> SensorRecipe:
        return load_recipe(DerivationRecipe, f"original/{name}").sensor(height, width)

    optical, radar = world("latent_optical"), world("latent_sar")
    clean, sar = sensor("clean_optical", 256, 337), sensor("sar", 256, 337)
    clouded = sensor("clouded_optical", 256, 256)
    wide, square = Place(73, 0, 256, 337), Place(73, 0, 256, 256)
    spent = dict.fromkeys(("latent optical", "clean", "clouded", "latent SAR", "SAR"), 0.0)

    def timed(name: str, call: Callable[..., Made], *given: object) -> Made:
        start = time.perf_counter()
        result = call(*given)
        spent[name] += time.perf_counter() - start
        return result

    def scene() -> None:
        first = timed("latent optical", make_scene, optical, 0)
        second = timed("latent SAR", make_scene, radar, 0)
        for step in range(optical.horizon):
            frame = timed("latent optical", first.frame, "frames", step)
            seen = timed("clean", observe, clean, wide, step, frame)
            timed("clouded", observe, clouded, square, step, seen)
            frame = timed("latent SAR", second.frame, "frames", step)
            timed("SAR", observe, sar, wide, step, frame)

    scene()  # reads the archives
    spent.update(dict.fromkeys(spent, 0.0))
    total = seconds(scene, 9)
    whole = sum(spent.values())
    rows = [
        (name, f"{total * s / whole * 1e3:.1f}", f"{s / whole:.0%}") for name, s in spent.items()
    ]
    rows.append(("**all five**", f"{total * 1e3:.1f}", "100%"))
    print_table(
        "The original's cloud-removal recipes, 337 × 256 × 3, 30 steps, five products in memory",
        ("product", "ms a scene", "share"),
        rows,
    )


def large_scene() -> None:
    """Time the original's 2048-px template, and measure its memory in a process of its own."""
    world = load_recipe(GenerationRecipe, "original/template").world()

    def frames() -> None:
        scene = make_scene(world, 0)
        for step in range(world.horizon):
            scene.frame("frames", step)

    taken = seconds(frames, 3)
    context = multiprocessing.get_context("spawn")
    rows = [("frames in memory, one by one", f"{taken:.2f}", "")]
    for horizon in (15, 60):
        with context.Pool(1) as pool:
            wall, peak = pool.apply(_stream_to_disk, (horizon,))
        rows.append((f"streamed to HDF5, {horizon} steps", f"{wall:.2f}", f"{peak:.2f}"))
    print_table(
        "The original's template, 2048 × 2048 × 5, 128 cells, 15 steps",
        ("what", "s", "peak memory of the process, GB"),
        rows,
    )


def _stream_to_disk(horizon: int) -> tuple[float, float]:
    """Generate the template's product to disk; return seconds and peak memory in GB."""
    recipe = load_recipe(GenerationRecipe, "original/template")
    product = recipe.product.model_copy(update={"horizon": horizon})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        generate(recipe.model_copy(update={"product": product}), Path(folder) / "template")
        taken = time.perf_counter() - start
    return taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
