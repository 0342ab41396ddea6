"""Speed of `build`: encoding and writing, and two processes against one, start-up in and out.

python benchmarks/building.py [--size toy] [--scenes 80]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from measure import print_table, seconds  # before NumPy: it sets the threads

# isort: split
import numpy as np

from vrs_bench.data.build.building import build
from vrs_bench.data.build.shards import plan, write_shard
from vrs_bench.recipes import BenchmarkRecipe, dump_recipe, load_recipe
from vrs_bench.tasks import TASKS, bind

TASK = "cloud_removal"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    parser.add_argument("--scenes", type=int, default=80, help="scenes to build (default: 80)")
    arguments = parser.parse_args()
    recipe = load_recipe(BenchmarkRecipe, arguments.size)
    encoding(recipe, arguments.size)
    building(recipe, arguments.size, arguments.scenes)


def encoding(recipe: BenchmarkRecipe, size: str) -> None:
    """Time whole shards, encoded and written."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in TASKS:
            shard = plan(name, recipe.model_copy(update={"scenes_per_shard": 2}))[0]
            path, bound = Path(folder) / "shard.parquet", bind(name, recipe)
            written = write_shard(shard, bound, path)
            taken = seconds(partial(write_shard, shard, bound, path), 3)
            images = [c for c in bound.columns if c.kind == "image"]
            raw = sum(int(np.prod(c.shape)) * 4 for c in images)
            share = f"{written.bytes / written.rows / raw:.2f}"
            rows.append((name, f"{written.rows / taken:.0f}", written.bytes // written.rows, share))
    print_table(
        f"Building with encoding and writing, size {size}, one core",
        ("task", "rows a second", "bytes a row", "share of raw float32 images"),
        rows,
    )


def building(recipe: BenchmarkRecipe, size: str, scenes: int) -> None:
    """Time one against two processes: the whole command, and the work once all have begun."""
    small = recipe.model_copy(update={"scenes": scenes, "scenes_per_shard": 2})
    whole, work = [], []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            whole.append(of_command(small, workers, Path(folder)))
            work.append(of_work(small, workers, Path(folder)))
    print_table(
        f"`build {TASK}`, size {size}, {scenes} scenes: the whole command, start and card "
        f"included, and the work alone, which is the middle half of the rows",
        ("processes", "whole command, rows/s", "× one", "work alone, rows/s", "× one"),
        [
            (n, f"{w:.0f}", f"{w / whole[0]:.2f}", f"{a:.0f}", f"{a / work[0]:.2f}")
            for n, w, a in zip((1, 2), whole, work, strict=True)
        ],
    )


def of_command(recipe: BenchmarkRecipe, workers: int, folder: Path) -> float:
    """Return rows a second of `vrs-bench build` as a user runs it."""
    path = folder / "recipe.yaml"
    path.write_text(dump_recipe(recipe))
    words = ["build", TASK, "--size", str(path), "--out", str(folder / "whole")]
    words = [sys.executable, "-m", "vrs_bench", *words, "--workers", str(workers)]
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603
    return recipe.scenes * recipe.world.horizon / (time.perf_counter() - start)


def of_work(recipe: BenchmarkRecipe, workers: int, folder: Path) -> float:
    """Return rows a second of the middle half: no process is starting then, and none has ended."""
    told: list[tuple[float, int]] = []

    def report(done: int, total: int) -> None:
        if total <= 4 * done <= 3 * total:
            told.append((time.perf_counter(), done))

    build([TASK], recipe, folder / "work", workers, report)
    (first, before), (last, after) = told[0], told[-1]
    return (after - before) / (last - first)


if __name__ == "__main__":
    main()
