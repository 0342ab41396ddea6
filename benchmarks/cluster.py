"""The cost of building, measured on one core and extrapolated on paper to many.

python benchmarks/cluster.py [--size toy] [--scenes 1000000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from measure import print_table  # before NumPy: it sets the number of threads

# isort: split
from vrs_bench.data.build.shards import plan, write_shard
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS, bind

CORES = (16, 256)


def main() -> None:
    """Make one shard of each task, and multiply."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    parser.add_argument("--scenes", type=int, default=1_000_000, help="scenes to extrapolate to")
    arguments = parser.parse_args()
    recipe = load_recipe(BenchmarkRecipe, arguments.size)
    measured, projected = [], []
    for name in TASKS:
        shard, bound = plan(name, recipe)[0], bind(name, recipe)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            written = write_shard(shard, bound, Path(folder) / "shard.parquet")
            seconds = (time.perf_counter() - start) / len(shard.scenes)
        size = written.bytes / len(shard.scenes)
        measured.append(
            (name, f"{3600 / seconds:,.0f}", f"{size / 1e6:.1f}", f"{written.bytes / 1e6:.0f}")
        )
        hours = arguments.scenes * seconds / 3600
        projected.append(
            (
                name,
                f"{-(-arguments.scenes // len(shard.scenes)):,}",
                f"{arguments.scenes * size / 1e12:.1f}",
                f"{hours:,.0f}",
                *(f"{hours / cores:.1f}" for cores in CORES),
            )
        )
    print_table(
        f"Building, size {arguments.size}, {recipe.scenes_per_shard} scenes a shard, "
        f"{recipe.world.horizon} time steps of {recipe.world.height} × {recipe.world.width} pixels",
        ("task", "scenes a core-hour", "MB a scene", "MB a shard"),
        measured,
    )
    print_table(
        f"On paper: {arguments.scenes:,} scenes at these rates, cores kept busy",
        ("task", "shards", "TB", "core-hours", *(f"hours on {cores} cores" for cores in CORES)),
        projected,
    )


if __name__ == "__main__":
    main()
