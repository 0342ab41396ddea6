"""Rows of the published data as pairs (input, truth) on the target's grid.

Everything random here is a pure function of the seed and of what it is drawn for: the order of
the rows of (seed, epoch), the crop and its orientation of (seed, epoch, row). A run that stops
and goes on therefore sees exactly what it would have seen without the stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from torch.utils.data import Dataset, Sampler

from baselines.inputs import bands_of, input_stack, visible_inputs
from vrs_bench.columns import restore
from vrs_bench.data.manifest import read_manifest
from vrs_bench.errors import BenchError
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats

Place = tuple[int, int]
"""Epoch and row number: what a training example is drawn for."""


def load_rows(folder: str | Path, task: str, split: str) -> datasets.Dataset:
    """Open a split of a task as any user of `datasets` would, images as float32.

    Args:
        folder: a dataset folder on this machine; nothing is downloaded.
        task: name of the task.
        split: ``train``, ``validation`` or ``test``.

    Raises:
        BenchError: no dataset there, or no such task or split in it.
    """
    manifest = read_manifest(folder)
    manifest.shards(task, split)
    bound = manifest.bound(task)
    arrays = [name for name in bound.configs[task] if bound.column(name).shape]
    # An absolute path can't be taken for a repository's name.
    rows = datasets.load_dataset(str(Path(folder).absolute()), task, split=split)
    # Without a dtype, `datasets` widens uint16 to int64; the other columns stay Python numbers.
    return rows.with_format("numpy", columns=arrays, output_all_columns=True, dtype=np.float32)


def pair(bound: BoundTask, row: dict[str, Any]) -> tuple[Floats, Floats]:
    """Return what a network is given of a row, and its truth, both (band, H, W)."""
    return input_stack(bound, visible_inputs(bound, row)), restore(row[bound.target])


class WholeImages(Dataset[dict[str, Array]]):
    """All rows of a split, for validation."""

    def __init__(self, rows: datasets.Dataset, bound: BoundTask) -> None:
        self.rows, self.bound = rows, bound

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Array]:
        seen, truth = pair(self.bound, self.rows[index])
        return {"input": seen, "truth": truth, "row": np.array(index)}


class Crops(Dataset[dict[str, Array]]):
    """Training examples: a random window of a row, in one of the eight orientations.

    The observation is interpolated first and cut out afterwards, so that the window may lie
    anywhere and no turn or flip touches the registration shift.
    """

    def __init__(self, rows: datasets.Dataset, bound: BoundTask, seed: int, size: int) -> None:
        """Raises BenchError where the rows are smaller than the windows."""
        height, width = bound.column(bound.target).shape[1:]
        if size > min(height, width):
            raise BenchError(f"crop: {size} pixels, but the images are {height} × {width}")
        self.rows, self.bound, self.seed, self.size = rows, bound, seed, size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Place) -> dict[str, Array]:
        images = np.concatenate(pair(self.bound, self.rows[place[1]]))
        rng = _generator(self.seed, *place)
        top, left = (int(rng.integers(n - self.size + 1)) for n in images.shape[-2:])
        window = images[..., top : top + self.size, left : left + self.size]
        window = np.rot90(window, k=int(rng.integers(4)), axes=(-2, -1))
        if rng.integers(2):
            window = window[..., ::-1]
        window, n = np.ascontiguousarray(window), bands_of(self.bound).inputs
        return {"input": window[:n], "truth": window[n:]}


class Shuffled(Sampler[Place]):
    """Places ``start`` to ``stop`` of an endless sequence of epochs, each in its own order."""

    def __init__(self, rows: int, seed: int, start: int, stop: int) -> None:
        self.rows, self.seed, self.start, self.stop = rows, seed, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[Place]:
        epoch, place = divmod(self.start, self.rows)
        keys = (
            (number, int(row))
            for number in count(epoch)
            for row in _generator(self.seed, number).permutation(self.rows)
        )
        return islice(keys, place, place + len(self))


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
