"""Shards: what goes where, and the writing of one of them.

A shard is a pure function of the recipes and its place in the plan, so any process on any
machine writes the same values, and the same bytes as far as it has the same version of pyarrow.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from vrs_bench.columns import Row
from vrs_bench.data.arrow import arrow_schema, column_encodings, to_arrow
from vrs_bench.data.manifest import shard_name
from vrs_bench.data.values import ValuesDigest
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.tasks import BoundTask
from vrs_bench.world.scene import make_scene
from vrs_bench.world.splits import split_scenes

PRIVATE = "private"
"""A split whose truth is held back: drawn from a secret seed, see :mod:`vrs_bench.data.private`."""
_FIRST_PRIVATE = 700_000

WRITER = f"pyarrow {pa.__version__}"
"""What writes the containers: their bytes are the same as far as this is."""

ROW_GROUP = 10
"""Rows in a Parquet row group: the unit that random access decodes."""


@dataclass(frozen=True)
class Shard:
    """One data file of a task: which scenes of which split."""

    task: str
    split: str
    index: int
    of: int
    scenes: tuple[int, ...]
    inputs_only: bool = False
    """Whether truth and causes are left out: what a method may see of a private split."""

    @property
    def path(self) -> str:
        """Path inside the dataset folder."""
        return shard_name(self.task, self.split, self.index, self.of)


@dataclass(frozen=True)
class Written:
    """What was written for a shard."""

    rows: int
    bytes: int
    sha256: str
    """Of the file."""
    values_sha256: str
    """Of the values in it, see :class:`vrs_bench.data.values.ValuesDigest`."""
    writer: str = WRITER


def plan(task: str, recipe: BenchmarkRecipe) -> list[Shard]:
    """Return the shards of a task, in order."""
    shards = []
    for split, scenes in split_scenes(recipe.scenes).items():
        step = recipe.scenes_per_shard
        parts = [scenes[i : i + step] for i in range(0, len(scenes), step)]
        shards += [
            Shard(task, split, index, len(parts), tuple(part)) for index, part in enumerate(parts)
        ]
    return shards


def private_plan(task: str, recipe: BenchmarkRecipe, inputs_only: bool) -> list[Shard]:
    """Return the shards of a task's private split, as long as the test split, in order."""
    n, step = len(split_scenes(recipe.scenes)["test"]), recipe.scenes_per_shard
    scenes = range(_FIRST_PRIVATE, _FIRST_PRIVATE + n)
    parts = [tuple(scenes[i : i + step]) for i in range(0, n, step)]
    return [
        Shard(task, PRIVATE, index, len(parts), part, inputs_only)
        for index, part in enumerate(parts)
    ]


def write_shard(
    shard: Shard,
    bound: BoundTask,
    path: Path,
    advance: Callable[[int], None] = lambda rows: None,
) -> Written:
    """Generate the scenes of a shard and write them as Parquet.

    Memory holds one scene's fields and one row group, whatever the number of scenes.

    Args:
        shard: which scenes.
        bound: its task, with world and sensors.
        path: file to write; the caller makes it appear whole.
        advance: called with the number of rows whenever some have been written.
    """
    with path.open("wb") as file:
        return _write(shard, bound, file, advance)


def digest_shard(shard: Shard, bound: BoundTask) -> Written:
    """Return what :func:`write_shard` would write, and write it nowhere.

    Truth that is held back is digested like this: a process that is killed leaves nothing of it.
    """
    with Path(os.devnull).open("wb") as file:
        return _write(shard, bound, file, lambda rows: None)


class _Digested(io.RawIOBase):
    """Hands on to a file what is written, with count and digest of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.bytes, self.sha256 = 0, hashlib.sha256()
        self._file = file

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.bytes

    def write(self, part: Any) -> int:
        self.sha256.update(part)
        self.bytes += len(part)
        return self._file.write(part)


def _write(
    shard: Shard, bound: BoundTask, file: BinaryIO, advance: Callable[[int], None]
) -> Written:
    columns = tuple(c for c in bound.columns if c.visible or not shard.inputs_only)
    schema = arrow_schema(columns)
    rows, digest, digested = 0, ValuesDigest(columns), _Digested(file)
    # Encoding is two thirds of the work. To do it in a thread, while the next rows are drawn, would
    # help one process with a core to spare, yet not a process on each core: none of them waits.
    with (
        # The matrices are small: threads that share their products spend five times the work in
        # waiting for each other, and take the cores of other workers.
        threadpool_limits(1, user_api="blas"),
        pq.ParquetWriter(
            digested,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            column_encoding=column_encodings(columns),
            write_statistics=False,
            write_page_checksum=True,
        ) as writer,
    ):
        group: list[Row] = []

        def flush() -> None:
            arrays = [to_arrow(column, [row[column.name] for row in group]) for column in columns]
            digest.add(arrays)
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), ROW_GROUP)
            advance(len(group))
            group.clear()

        for number in shard.scenes:
            for row in bound.rows(make_scene(bound.world, number)):
                group.append(row)
                rows += 1
                if len(group) == ROW_GROUP:
                    flush()
        if group:
            flush()
    return Written(rows, digested.bytes, digested.sha256.hexdigest(), digest.hexdigest())


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
