"""The scenes of a split, ready for a network, in one memory-mapped file.

Decoding and interpolating rows takes about as long as a step of a small network, so it is done
once: the file holds inputs and truth of all scenes on the grid of the target, and an example of
training is a window that is copied out of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from baselines.inputs import Inputs, at_step, bands_of, data_digest, input_stack, visible_inputs
from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.paths import free_bytes, whole_file
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats, Report

SCALE = 20_000
"""Values are kept as int16, value = round(20000 · x): twice as fine as they are published, so the
published are kept exactly; interpolated ones are off by at most 2.5e-5."""
VERSION = 1
"""Of what is in a file; part of its name."""
YEAR = 365


@dataclass(frozen=True)
class Store:
    """A split."""

    images: Array
    """(scene, date, bands of input and then of truth, H, W) int16 in a file."""
    days: Array
    """(scene, date) int64, days since the first of January before the scene's first date."""
    inputs: int
    """Bands of the input."""

    def cut(self, where: tuple[int | slice, ...]) -> tuple[Floats, Floats]:
        """Return input and truth at an index of the scenes, dates, all bands, rows, columns."""
        values = self.images[where].astype(np.float32) / np.float32(SCALE)
        bands = values.ndim - 3
        return tuple(np.split(values, [self.inputs], axis=bands))


def days_of(inputs: Inputs) -> Array:
    """Return the days of the dates of a scene, which go on where a year ends.

    >>> days_of({"day_of_year": np.array([340, 355, 5])})
    array([340, 355, 370])
    """
    days = np.asarray(inputs["day_of_year"], np.int64)
    return days + YEAR * np.cumsum(np.diff(days, prepend=days[0]) < 0)


def open_store(
    folder: str | Path,
    task: str,
    split: str,
    cache: Path,
    report: Report = lambda done, total: None,
) -> Store:
    """Open the scenes of a split; write their file first where it is not there.

    Args:
        folder: a dataset folder on this machine.
        task, split: which rows.
        cache: folder of such files; they may be removed at any time.
        report: called with the scenes written (done, in all).

    Raises:
        BenchError: no dataset there, no such task or split in it, or no room.
    """
    source = DatasetFolder(folder)
    manifest = source.manifest
    manifest.shards(task, split)
    bound = manifest.bound(task)
    size = bound.column(bound.target).shape[1:]
    dates, bands = bound.world.horizon, bands_of(bound)
    scenes = manifest.rows(task, split) // dates
    shape = (scenes, dates, bands.inputs + bands.outputs, *size)
    name = f"{data_digest(manifest, task)} {task} {split} {VERSION}"
    stem = f"{task}-{split}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    images, days = (cache / f"{stem}-{part}.npy" for part in ("images", "days"))
    if not (images.is_file() and days.is_file()):
        _write(source, bound, split, shape, images, days, report)
    return Store(
        np.load(images, mmap_mode="r", allow_pickle=False),
        np.load(days, allow_pickle=False),
        bands.inputs,
    )


def _write(
    source: DatasetFolder,
    bound: BoundTask,
    split: str,
    shape: tuple[int, ...],
    images: Path,
    days: Path,
    report: Report,
) -> None:
    needed = 2 * int(np.prod(shape))
    images.parent.mkdir(parents=True, exist_ok=True)
    if free_bytes(images.parent) < needed:
        raise BenchError(
            f"{images.parent}: the decoded {split} split needs {needed / 1e9:.1f} GB, and there is "
            f"less room; choose another --cache"
        )
    known = np.zeros(shape[:2], np.int64)
    with whole_file(images) as temporary:
        file = open_memmap(temporary, mode="w+", dtype=np.int16, shape=shape)
        read = source.scenes(bound.name, split, [*bound.visible, bound.target])
        for number, scene in enumerate(read):
            inputs = visible_inputs(bound, scene)
            known[number] = days_of(inputs)
            for step, truth in enumerate(restore(scene[bound.target])):
                both = np.concatenate([input_stack(bound, at_step(inputs, step)), truth])
                file[number, step] = np.rint(both * np.float32(SCALE))
            report(number + 1, shape[0])
        file.flush()
        del file
    with whole_file(days) as temporary, temporary.open("wb") as handle:
        np.save(handle, known, allow_pickle=False)
