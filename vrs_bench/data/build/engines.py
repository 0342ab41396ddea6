"""Making shards: one job a shard, in this process, in several, or on a Ray cluster.

A job is a pure function of what it holds, so whoever does it, in whatever order and however often,
writes the same values, and by the same version of pyarrow the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from vrs_bench.data.build.shards import WRITER, Shard, Written, digest_shard, write_shard
from vrs_bench.data.build.store import open_store
from vrs_bench.data.manifest import FileEntry
from vrs_bench.engines import cluster, processes
from vrs_bench.engines.processes import Advance
from vrs_bench.tasks import BoundTask

RECORDS = ".build"
"""Folder of the records of finished shards, while a build is under way."""

Finished = tuple[str, FileEntry]
"""Path of a shard that was made, and its entry."""

_AHEAD = 4  # shards in the queue for each core: enough to keep it busy, few enough to forget


@dataclass(frozen=True)
class Job:
    """One shard to make."""

    out: str
    """Folder or URL of the dataset."""
    shard: Shard
    bound: BoundTask
    key: str
    """Digest of all that the shard is made from."""


def record_name(shard: Shard, key: str) -> str:
    """Return where the record of a finished shard lies; its name binds it to its recipes."""
    return f"{RECORDS}/{shard.path.replace('/', '--')}.{key[:16]}.json"


def make_shard(job: Job, advance: Advance = lambda rows: None) -> Finished:
    """Write one shard and, before it appears, the record that vouches for it."""
    store, shard = open_store(job.out), job.shard
    truth: Written | None = None
    if shard.inputs_only:
        truth = digest_shard(replace(shard, inputs_only=False), job.bound)

    def write(path: Path) -> FileEntry:
        written = write_shard(shard, job.bound, path, advance)
        entry = FileEntry(
            task=shard.task,
            split=shard.split,
            rows=written.rows,
            bytes=written.bytes,
            sha256=written.sha256,
            values_sha256=written.values_sha256,
            writer=written.writer,
            truth_sha256=truth.sha256 if truth else None,
            truth_values_sha256=truth.values_sha256 if truth else None,
        )
        store.write_text(record_name(shard, job.key), entry.model_dump_json())
        return entry

    return shard.path, store.put(shard.path, write)


def in_processes(jobs: Sequence[Job], workers: int, advance: Advance) -> Iterator[Finished]:
    """Make shards here, or in several processes, and yield them in order."""
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield make_shard(job, advance)
        return
    # Workers end their shard when they are stopped: it is then there to go on from.
    yield from processes.in_processes(
        make_shard, jobs, min(workers, len(jobs)), advance, caller="build()", patient=True
    )


def on_ray(jobs: Sequence[Job], address: str | None, advance: Advance) -> Iterator[Finished]:
    """Make shards on a cluster, every node of which sees their folder or URL, in order."""
    made = cluster.on_ray(
        make_shard,
        jobs,
        address,
        package=_package,
        ahead=_AHEAD,
        lost=(
            f"a shard {cluster.RETRIES + 1} times; what is finished is kept: run it again to go on"
        ),
    )
    for path, entry in made:
        advance(entry.rows)
        yield path, entry


def _package() -> str:
    """Return the versions that decide on the bytes."""
    return f"vrs-bench {version('vrs-bench')} with {WRITER}"
