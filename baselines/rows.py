"""Rows of the published data as pairs (input, truth) on the target's grid.

Everything random here is a pure function of the seed and of what it is drawn for: the order of
the rows of (seed, epoch), the crop and its orientation of (seed, epoch, row). A run that stops
and goes on therefore sees exactly what it would have seen without the stop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from models.untrained import upsample
from torch.utils.data import Dataset, Sampler

from vrs_bench.columns import restore
from vrs_bench.data.build.shards import SPLITS
from vrs_bench.data.manifest import read_manifest
from vrs_bench.errors import BenchError
from vrs_bench.tasks import SUPER_RES
from vrs_bench.types import Array, Floats

Key = tuple[int, int]
"""Epoch and row number: what a training example is drawn for."""


def load_rows(folder: str | Path, split: str) -> datasets.Dataset:
    """Open a split of super_res as any user of `datasets` would, images as float32.

    Args:
        folder: a dataset folder on this machine; nothing is downloaded.
        split: ``train``, ``validation`` or ``test``.

    Raises:
        BenchError: no dataset there, or no such task or split in it.
    """
    read_manifest(folder).shards(SUPER_RES.name, split)
    # An absolute path can't be taken for a repository's name.
    rows = datasets.load_dataset(str(Path(folder).absolute()), SUPER_RES.name, split=split)
    # Without a dtype, `datasets` widens uint16 to int64; the other columns stay Python numbers.
    return rows.with_format(
        "numpy", columns=["lr", "phase", "hr"], output_all_columns=True, dtype=np.float32
    )


def data_digest(folder: str | Path) -> str:
    """Return what tells the data of super_res in a folder from any other: a SHA-256."""
    manifest = read_manifest(folder)
    files = [path for split in SPLITS for path in manifest.shards(SUPER_RES.name, split)]
    return hashlib.sha256(
        "".join(manifest.files[path].sha256 for path in files).encode()
    ).hexdigest()


def observation(row: dict[str, Any], method: str = "bicubic") -> Floats:
    """Return a row's observation, interpolated on the grid of the truth, (band, H, W)."""
    return upsample(restore(row["lr"]), row["phase"], SUPER_RES.gsd_ratio, method)


def truth(row: dict[str, Any]) -> Floats:
    """Return a row's truth, (band, H, W)."""
    return restore(row["hr"])


class WholeImages(Dataset[dict[str, Array]]):
    """All rows of a split, for validation."""

    def __init__(self, rows: datasets.Dataset) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Array]:
        row = self.rows[index]
        return {"input": observation(row), "truth": truth(row), "row": np.array(index)}


class Crops(Dataset[dict[str, Array]]):
    """Training examples: a random window of a row, in one of the eight orientations.

    The observation is interpolated first and cut out afterwards, so that the window may lie
    anywhere and no turn or flip touches the registration shift.
    """

    def __init__(self, rows: datasets.Dataset, seed: int, size: int) -> None:
        """Raises BenchError where the rows are smaller than the windows."""
        height, width = rows[0]["hr"].shape[-2:]
        if size > min(height, width):
            raise BenchError(f"crop: {size} pixels, but the images are {height} × {width}")
        self.rows, self.seed, self.size = rows, seed, size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Key) -> dict[str, Array]:
        row = self.rows[key[1]]
        pair = np.stack([observation(row), truth(row)])
        rng = _generator(self.seed, *key)
        top, left = (int(rng.integers(n - self.size + 1)) for n in pair.shape[-2:])
        window = pair[..., top : top + self.size, left : left + self.size]
        window = np.rot90(window, k=int(rng.integers(4)), axes=(-2, -1))
        if rng.integers(2):
            window = window[..., ::-1]
        return dict(zip(("input", "truth"), np.ascontiguousarray(window), strict=True))


class Shuffled(Sampler[Key]):
    """Places ``start`` to ``stop`` of an endless sequence of epochs, each in its own order."""

    def __init__(self, rows: int, seed: int, start: int, stop: int) -> None:
        self.rows, self.seed, self.start, self.stop = rows, seed, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[Key]:
        epoch, place = divmod(self.start, self.rows)
        keys = (
            (number, int(row))
            for number in count(epoch)
            for row in _generator(self.seed, number).permutation(self.rows)
        )
        return islice(keys, place, place + len(self))


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
