"""Speed of loading: rows a second of `datasets`, random and sequential, as float32 arrays.

python benchmarks/load.py [--size toy] [--scenes 12]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from datasets import disable_progress_bars, load_dataset
from measure import print_table, seconds

from vrs_bench.data.build import build
from vrs_bench.data.reader import DatasetFolder
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import restore

READS = 60


def main() -> None:
    """Build a small dataset of the size's scenes, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    parser.add_argument("--scenes", type=int, default=12, help="scenes to build (default: 12)")
    arguments = parser.parse_args()
    disable_progress_bars()
    recipe = load_recipe(BenchmarkRecipe, arguments.size)
    recipe = recipe.model_copy(update={"scenes": arguments.scenes})
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "vrs-toy"
        build(["super_res"], recipe, data, workers=2)
        measure(data, Path(folder), arguments.size)


def measure(data: Path, folder: Path, size: str) -> None:
    """Time each way of reading against the same rows in a memory-mapped .npy."""
    rows = load_dataset(str(data), "super_res", split="train", cache_dir=str(folder / "cache"))
    arrays = rows.with_format("numpy")
    rng = np.random.default_rng(0)
    order = rng.integers(0, len(rows), READS)

    np.save(folder / "hr.npy", np.stack([arrays[i]["hr"] for i in range(len(rows))]))
    np.save(folder / "lr.npy", np.stack([arrays[i]["lr"] for i in range(len(rows))]))
    hr, lr = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("hr", "lr"))

    def by_datasets(indices: np.ndarray) -> None:
        for index in indices:
            row = arrays[int(index)]
            restore(row["hr"])
            restore(row["lr"])

    def by_memmap(indices: np.ndarray) -> None:
        for index in indices:
            restore(hr[index])
            restore(lr[index])

    def by_reader() -> None:
        for scene in DatasetFolder(data).scenes("super_res", "train", ["hr", "lr"]):
            restore(scene["hr"])
            restore(scene["lr"])

    def by_streaming() -> None:
        stream = load_dataset(str(data), "super_res", split="train", streaming=True)
        for row in stream.with_format("numpy"):
            restore(row["hr"])
            restore(row["lr"])

    sequence = np.arange(READS)
    yardstick = READS / seconds(lambda: by_memmap(order))
    results = [
        ("memory-mapped .npy, random", yardstick),
        ("load_dataset, random", READS / seconds(lambda: by_datasets(order))),
        ("load_dataset, sequential", READS / seconds(lambda: by_datasets(sequence))),
        ("DatasetFolder.scenes, sequential", len(rows) / seconds(by_reader, 3)),
        ("load_dataset(streaming=True)", len(rows) / seconds(by_streaming, 3)),
    ]
    print_table(
        f"Loading super_res, size {size}: input and target as float32",
        ("way", "rows a second", "ms a row", "of the memory-mapped file"),
        [(n, f"{r:.0f}", f"{1e3 / r:.2f}", f"{r / yardstick:.2f}") for n, r in results],
    )


if __name__ == "__main__":
    main()
