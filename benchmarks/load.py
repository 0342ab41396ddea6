"""Speed of loading: rows a second of every way of reading, and how long training waits for them.

python benchmarks/load.py [--size toy] [--scenes 8]

Every way reads the same images, as published, and gives them as float32. The yardstick is the
same uint16 images in memory-mapped .npy files, read in the same order in the same run; all files
are in the page cache.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from measure import print_table, seconds  # first: NumPy and torch read the threads that it sets

# isort: split
import datasets
import numpy as np
import torch
import webdataset
from torch.utils.data import DataLoader

from baselines import CONFIGS
from baselines.inputs import bands_of
from baselines.networks.registry import build as build_network
from baselines.rows import Crops, Shuffled
from baselines.store import open_store
from baselines.training_config import TrainingConfig
from vrs_bench.columns import restore
from vrs_bench.data.build.building import build
from vrs_bench.data.export.exporting import export
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.read.loading import to_float
from vrs_bench.recipes import BenchmarkRecipe, load_recipe

READS = 60
"""Rows that are read one by one."""
BATCH = 8
STEPS = 40
Row = dict[str, Any]


def main() -> None:
    """Build a small dataset of the size's scenes, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    parser.add_argument("--scenes", type=int, default=8, help="scenes to build (default: 8)")
    arguments = parser.parse_args()
    datasets.disable_progress_bars()
    recipe = load_recipe(BenchmarkRecipe, arguments.size)
    changed = {"scenes": arguments.scenes, "scenes_per_shard": 2}
    recipe = recipe.model_copy(update=changed)
    with tempfile.TemporaryDirectory() as folder:
        datasets.config.HF_DATASETS_CACHE = str(Path(folder) / "cache")
        data = Path(folder) / "vrs-toy"
        build(["super_res", "cloud_removal"], recipe, data, workers=2)
        single_rows(data, Path(folder), arguments.size, "super_res", ["lr", "hr"])
        wide = ["cloudy", "sar", "clear", "land_cover", "cell"]
        single_rows(data, Path(folder), arguments.size, "cloud_removal", wide)
        loaders(data, Path(folder), arguments.size)
        training(data, Path(folder), arguments.size)


def single_rows(data: Path, folder: Path, size: str, task: str, columns: list[str]) -> None:
    """Time rows that are read one by one, in random order and in that of the files."""
    table = parquet(data, task, columns)
    mapped = memory_mapped(data, folder, task, columns)
    rng = np.random.default_rng(0)
    orders = {"random": rng.integers(0, len(table), READS), "sequential": np.arange(READS)}
    results = []
    for order_name, order in orders.items():
        yardstick = READS / seconds(partial(read_each, mapped, order, as_floats))
        results.append((f"memory-mapped .npy, {order_name}", yardstick, yardstick))
        for name, rows, finish in (
            ("load_dataset", table.with_format("numpy", dtype=np.uint16), as_floats),
            ("load_dataset, to_float", to_float(table, "numpy"), dict),
        ):
            taken = READS / seconds(partial(read_each, rows, order, finish))
            results.append((f"{name}, {order_name}", taken, yardstick))

    def by_reader() -> None:
        for scene in DatasetFolder(data).scenes(task, "train", columns):
            as_floats({name: scene[name] for name in columns})

    def by_streaming() -> None:
        for row in parquet(data, task, columns, streaming=True).with_format("numpy"):
            as_floats(row)

    def by_floats() -> None:
        for _ in to_float(parquet(data, task, columns, streaming=True), "numpy"):
            pass

    for name, work in (
        ("DatasetFolder.scenes, sequential", by_reader),
        ("load_dataset(streaming=True), sequential", by_streaming),
        ("load_dataset(streaming=True), to_float, sequential", by_floats),
    ):
        results.append((name, len(table) / seconds(work, 3), yardstick))
    show(f"Single rows of {task}, size {size}: {', '.join(columns)} as float32", results)


def loaders(data: Path, folder: Path, size: str) -> None:
    """Time whole epochs of batches of tensors, from processes that run already."""
    columns = ["lr", "hr"]
    export(data, "webdataset", folder / "tar", ["super_res"], ["train"])
    shards = [str(path) for path in sorted((folder / "tar" / "super_res").glob("*.tar"))]
    mapped = memory_mapped(data, folder, "super_res", columns)
    table = parquet(data, "super_res", columns)
    n_rows = len(table)
    yardsticks = {
        shuffled: n_rows / seconds(partial(read_each, mapped, order, as_floats), 3)
        for shuffled, order in (
            (False, np.arange(n_rows)),
            (True, np.random.default_rng(0).permutation(n_rows)),
        )
    }
    stream = parquet(data, "super_res", columns, streaming=True)
    wanted = tuple(f".{name}.npy" for name in columns)
    samples = webdataset.WebDataset(
        shards, shardshuffle=False, select_files=lambda name: name.endswith(wanted)
    ).decode()
    plain = table.with_format("numpy", dtype=np.uint16)
    sources: list[tuple[str, Any, bool, Any]] = [
        ("memory-mapped .npy, shuffled", mapped, True, as_batch),
        ("load_dataset, shuffled", plain, True, as_batch),
        ("load_dataset, to_float, shuffled", to_float(table), True, None),
        ("load_dataset(streaming=True)", stream.with_format("numpy"), False, as_batch),
        ("load_dataset(streaming=True), to_float", to_float(stream), False, None),
        ("WebDataset", samples, False, as_batch),
    ]
    results = [
        ("memory-mapped .npy, random, no DataLoader", yardsticks[True], yardsticks[True]),
        ("memory-mapped .npy, sequential, no DataLoader", yardsticks[False], yardsticks[False]),
    ]
    for name, source, shuffle, collate in sources:
        for workers in (0, 2):
            loader: DataLoader[Any] = DataLoader(
                source,
                BATCH,
                shuffle=shuffle or None,
                num_workers=workers,
                collate_fn=collate,
                persistent_workers=workers > 0,
            )
            taken = n_rows / seconds(partial(epoch, loader, n_rows), 3)
            results.append((f"{name}, {workers} workers", taken, yardsticks[shuffle]))
    show(f"DataLoader of super_res, size {size}: batches of {BATCH} (lr, hr) as float32", results)


def training(data: Path, folder: Path, size: str) -> None:
    """Time the training loop of the small U-Net, and what of it is waiting for the next batch."""
    config = load_recipe(TrainingConfig, CONFIGS / "super_res" / "unet.yaml")
    bound = DatasetFolder(data).manifest.bound(config.task)
    store = open_store(data, config.task, "train", folder / "decoded")
    examples = Crops(store, config.seed, config.crop)
    results = []
    for workers in (0, 2):
        torch.manual_seed(config.seed)
        network = build_network(config.model, bands_of(bound)).to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate)
        order = Shuffled(len(examples), config.seed, 0, config.batch_size * (STEPS + BATCH))
        batches = iter(DataLoader(examples, config.batch_size, sampler=order, num_workers=workers))
        waited, steps = [], []
        for _ in range(STEPS + BATCH):
            start = time.perf_counter()
            batch = next(batches)
            ready = time.perf_counter()
            error = network(batch["input"]) - batch["truth"]
            error.square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            waited.append(ready - start)
            steps.append(time.perf_counter() - start)
        step, wait = (sum(times[BATCH:]) / STEPS for times in (steps, waited))  # after warming up
        results.append((workers, f"{step * 1e3:.1f}", f"{wait * 1e3:.1f}", f"{wait / step:.1%}"))
    print_table(
        f"Training of the small U-Net on super_res, size {size}: batches of {config.batch_size} "
        f"crops of {config.crop} px, one thread for the network",
        ("workers", "ms a step", "of it waiting for data, ms", "share"),
        results,
    )


def parquet(data: Path, task: str, columns: list[str], streaming: bool = False) -> Any:
    """Open the training rows of a task with plain `datasets`, some columns only."""
    files = [str(data / name) for name in DatasetFolder(data).manifest.shards(task, "train")]
    rows = datasets.load_dataset(
        "parquet", data_files=files, columns=columns, split="train", streaming=streaming
    )
    return rows


class Mapped:
    """Rows of the same images in memory-mapped .npy files."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, index: int) -> Row:
        return {name: array[index] for name, array in self.arrays.items()}


def memory_mapped(data: Path, folder: Path, task: str, columns: list[str]) -> Mapped:
    """Write the training images of a task as .npy files, and map them."""
    scenes = list(DatasetFolder(data).scenes(task, "train", columns))
    arrays = {}
    for name in columns:
        path = folder / f"{task}-{name}.npy"
        np.save(path, np.concatenate([scene[name] for scene in scenes]))
        arrays[name] = np.load(path, mmap_mode="r")
    return Mapped(arrays)


def as_floats(row: Row) -> Row:
    """Return the images of a row as float32."""
    return {name: restore(np.asarray(value)) for name, value in row.items()}


def read_each(rows: Any, order: np.ndarray, finish: Callable[[Row], Row]) -> None:
    """Read rows one by one, and make floats of them."""
    for index in order:
        finish(rows[int(index)])


def as_batch(rows: list[Row]) -> dict[str, torch.Tensor]:
    """Return rows as one tensor a column, of whatever of them is an image."""
    names = [name for name, value in rows[0].items() if isinstance(value, np.ndarray)]
    return {
        name: torch.from_numpy(restore(np.stack([row[name] for row in rows]))) for name in names
    }


def epoch(loader: Iterable[dict[str, torch.Tensor]], n_rows: int) -> None:
    """Read all batches; a loader that loses or doubles rows is not timed."""
    read = sum(len(next(iter(batch.values()))) for batch in loader)
    if read != n_rows:
        raise RuntimeError(f"{read} rows were read, of {n_rows}")


def show(title: str, results: list[tuple[str, float, float]]) -> None:
    """Print rates, and their ratio to the yardstick's."""
    print_table(
        title,
        ("way", "rows a second", "ms a row", "of the memory-mapped files"),
        [(n, f"{r:.0f}", f"{1e3 / r:.2f}", f"{r / y:.2f}") for n, r, y in results],
    )


if __name__ == "__main__":
    main()
