"""Speed of the world and the sensors: time a frame, share of each stage, ratio to a plain copy.

python benchmarks/generate.py [--size toy]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import copy_seconds, print_table, seconds

from vrs_bench.data.shards import plan, write_shard
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.sensors.noise import add_noise
from vrs_bench.sensors.sensor import observe, view
from vrs_bench.tasks import get_task, quantise
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.cells import draw_sites, rasterise
from vrs_bench.world.scene import make_scene
from vrs_bench.world.series.phenology import backscatter, draw_state, reflectance
from vrs_bench.world.streams import stream
from vrs_bench.world.texture import draw_texture


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    size = parser.parse_args().size
    recipe = load_recipe(BenchmarkRecipe, size)
    stages(recipe, size)
    writing(recipe, size)


def stages(recipe: BenchmarkRecipe, size: str) -> None:
    """Time every stage from cells to the quantised observation of super_res."""
    world, steps = recipe.world, recipe.world.horizon
    scene = make_scene(world, 0)
    sensor = get_task("super_res").sensor_recipes()["lr"]
    frame, radar = scene.frame("optical", 0), scene.frame("sar", 0)
    seen = view(sensor, scene, 0)
    clean = settle(seen.apply(frame))
    observed = observe(sensor, scene, 0, frame, seen)
    sites = draw_sites(world.cells, stream(0, 0, "cells"), world.height, world.width)
    settings = world.product("optical").texture

    def phenology() -> None:
        state = draw_state(world.series, scene.classes, steps, world.seed, 0)
        reflectance(state)
        backscatter(state)

    def texture() -> None:
        for bands in (4, 2):
            draw_texture(settings, stream(0, 0, "t"), bands, scene.cell, world.cells.n)

    # name, work, calls a scene, bytes of its output
    work: list[tuple[str, Callable[[], object], int, int]] = [
        (
            "cells and masks",
            lambda: rasterise(sites, world.height, world.width, world.cells.border_px),
            1,
            scene.cell.nbytes,
        ),
        ("phenology", phenology, 1, sum(s.nbytes for s in scene.series.values())),
        ("texture", texture, 1, sum(t.nbytes for t in scene.texture.values())),
        ("render optical", lambda: scene.frame("optical", 3), steps, frame.nbytes),
        ("render radar", lambda: scene.frame("sar", 3), steps, radar.nbytes),
        (
            "view (phase, PSF matrices)",
            lambda: view(sensor, scene, int(np.random.default_rng().integers(10**6))),
            steps,
            observed.nbytes,
        ),
        ("aggregation", lambda: settle(seen.apply(frame)), steps, clean.nbytes),
        (
            "noise",
            lambda: add_noise(sensor.noise, clean, stream(0, 0, "n", 0)),
            steps,
            observed.nbytes,
        ),
        (
            "quantise",
            lambda: (quantise(frame), quantise(radar)),
            steps,
            (frame.nbytes + radar.nbytes) // 2,
        ),
    ]
    measured = [
        (name, seconds(call) * calls, n_bytes * calls) for name, call, calls, n_bytes in work
    ]
    total = sum(time for _, time, _ in measured)
    rows = [
        (
            name,
            f"{time / steps * 1e3:.3f}",
            f"{time / total:.0%}",
            f"{time / copy_seconds(n_bytes):.0f}",
        )
        for name, time, n_bytes in measured
    ]
    rows.append(("**all**", f"{total / steps * 1e3:.3f}", "100%", ""))
    print_table(
        f"World and sensors, size {size}: {steps / total:.0f} time steps a second "
        f"({total:.3f} s a scene of {steps})",
        ("stage", "ms a time step", "share", "times a plain copy of its output"),
        rows,
    )


def writing(recipe: BenchmarkRecipe, size: str) -> None:
    """Time whole shards, encoded and written."""
    task = get_task("super_res")
    shard = plan("super_res", recipe.model_copy(update={"scenes_per_shard": 2}))[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shard.parquet"
        written = write_shard(shard, recipe, task.sensor_recipes(), path)
        time = seconds(lambda: write_shard(shard, recipe, task.sensor_recipes(), path), 3)
    raw = sum(int(np.prod(c.shape)) * 4 for c in task.columns(recipe.world) if c.kind == "image")
    print_table(
        f"Building super_res, size {size}, with encoding and writing",
        ("rows a second", "bytes a row", "share of raw float32"),
        [
            (
                f"{written.rows / time:.0f}",
                f"{written.bytes / written.rows:.0f}",
                f"{written.bytes / written.rows / raw:.2f}",
            )
        ],
    )


if __name__ == "__main__":
    main()
