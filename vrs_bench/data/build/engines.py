"""Making shards: one job a shard, in this process, in several, or on a Ray cluster.

A job is a pure function of what it holds, so whoever does it, in whatever order and however often,
writes the same values, and by the same version of pyarrow the same bytes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from vrs_bench.data.build.shards import Shard, Written, digest_shard, write_shard
from vrs_bench.data.build.store import open_store
from vrs_bench.data.manifest import FileEntry
from vrs_bench.errors import BenchError
from vrs_bench.tasks import BoundTask

RECORDS = ".build"
"""Folder of the records of finished shards, while a build is under way."""

Advance = Callable[[int], None]
"""Called with a number of rows whenever they have been written."""
Finished = tuple[str, FileEntry]
"""Path of a shard that was made, and its entry."""

_POLL = 0.25  # seconds between two looks at the progress of worker processes


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
    """Make shards here, or in several processes, and yield each as it is finished."""
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield make_shard(job, advance)
        return
    context = multiprocessing.get_context("spawn")
    counter: Any = context.Value("q", 0)
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            min(workers, len(jobs)), mp_context=context, initializer=_begin, initargs=(counter,)
        ) as pool,
    ):
        rest = iter(jobs)
        waiting = {pool.submit(_make_counted, job) for job in islice(rest, 2 * workers)}
        seen = 0
        try:
            while waiting:
                done, waiting = wait(waiting, _POLL, FIRST_COMPLETED)
                waiting |= {pool.submit(_make_counted, job) for job in islice(rest, len(done))}
                rows = counter.get_obj().value  # a worker that was killed may hold the lock
                advance(rows - seen)
                seen = rows
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise BenchError(
                "a worker process ended early: it was killed (out of memory?), or build() was "
                "called from a script without `if __name__ == '__main__':`; run it again to go on"
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


_counter: Any = None  # of a worker process: rows that all of them have written


def _begin(counter: Any) -> None:
    """Prepare a worker process."""
    global _counter
    _counter = counter
    # Ctrl-C is the parent's: workers end their shard, which is then there to go on from.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is gone: one that was killed can't tell its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_counted(job: Job) -> Finished:
    return make_shard(job, _count)


def _count(rows: int) -> None:
    with _counter.get_lock():
        _counter.value += rows


THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that hold linear algebra to a number of threads."""


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let worker processes start with one linear-algebra thread each: they share the cores."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
