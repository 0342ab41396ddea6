"""Reading a dataset folder scene by scene, with the memory of one scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vrs_bench.columns import Column
from vrs_bench.data.arrow import from_arrow
from vrs_bench.data.manifest import Manifest, read_manifest
from vrs_bench.errors import BenchError
from vrs_bench.types import Array


class DatasetFolder:
    """A dataset folder that was built here or downloaded: its manifest and its rows."""

    def __init__(self, path: str | Path) -> None:
        """Open a folder; raises BenchError where there is no dataset."""
        self.path = Path(path)
        self.manifest: Manifest = read_manifest(self.path)

    def keys(self, task: str, split: str) -> list[tuple[int, int]]:
        """Return the (scene, time step) of every row of a split, in row order."""
        keys: list[tuple[int, int]] = []
        for name in self.manifest.shards(task, split):
            with self._readable(name) as path:
                table = pq.read_table(path, columns=["scene", "time_step"])
            keys += zip(table["scene"].to_pylist(), table["time_step"].to_pylist(), strict=True)
        return keys

    def scenes(
        self, task: str, split: str, columns: Sequence[str], static: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Yield the scenes of a split in order, one at a time.

        Args:
            task, split: which rows.
            columns: names of the columns to read besides ``scene`` and ``time_step``.
            static: names of columns that are the same at all steps of a scene, which are read
                where the scene begins only.

        Yields:
            column name → array (n_steps, …) as stored (uint16 images), with ``scene`` an int;
            of ``static`` columns one row (1, …).
        """
        pending: list[dict[str, Array]] = []
        for part in self._parts(task, split, columns, static):
            if pending and pending[-1]["scene"][0] != part["scene"][0]:
                yield _joined(pending)
                pending = []
            pending.append(part)
        if pending:
            yield _joined(pending)

    def _parts(
        self, task: str, split: str, columns: Sequence[str], static: Sequence[str]
    ) -> Iterator[dict[str, Array]]:
        """Yield the runs of rows of one scene within one row group."""
        known = {c.name: c for c in self.manifest.bound(task).columns}
        moving = [known[name] for name in dict.fromkeys(["scene", "time_step", *columns])]
        fixed = [known[name] for name in static]
        last = None
        for name in self.manifest.shards(task, split):
            with self._readable(name) as path:
                file = pq.ParquetFile(path, page_checksum_verification=True)
            for group in range(file.num_row_groups):
                with self._readable(name):
                    rows = _read(file, group, moving)
                    scenes = rows["scene"]
                    begins = fixed and (scenes != last).any()
                    once = _read(file, group, fixed) if begins else {}
                starts = np.flatnonzero(np.diff(scenes, prepend=scenes[0] - 1))
                for start, stop in zip(starts, [*starts[1:], len(scenes)], strict=True):
                    part = {key: values[start:stop] for key, values in rows.items()}
                    if scenes[start] != last:
                        part |= {key: values[start : start + 1] for key, values in once.items()}
                    last = scenes[start]
                    yield part

    @contextmanager
    def _readable(self, name: str) -> Iterator[Path]:
        """Yield the path of a shard; turn a missing or damaged one into a clear error."""
        path = self.path / name
        if not path.is_file():
            raise BenchError(f"{path}: missing, though {self.path}/manifest.json lists it")
        try:
            yield path
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise BenchError(
                f"{path}: damaged ({error}); find all damaged files with: vrs-bench verify "
                f"{self.path}, and make them again with: vrs-bench build"
            ) from error


def _read(file: pq.ParquetFile, group: int, columns: Sequence[Column]) -> dict[str, Array]:
    table = file.read_row_group(group, columns=[column.name for column in columns])
    return {column.name: from_arrow(column, _one_chunk(table[column.name])) for column in columns}


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _joined(parts: list[dict[str, Array]]) -> dict[str, Any]:
    """Put the parts of one scene together; what is static lies in the first."""
    scene = {key: np.concatenate([part[key] for part in parts if key in part]) for key in parts[0]}
    return {**scene, "scene": int(scene["scene"][0])}
