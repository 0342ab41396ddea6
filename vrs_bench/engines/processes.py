"""Doing jobs in several processes of this machine, each with one thread."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, Literal, TypeVar

from vrs_bench.errors import BenchError

J = TypeVar("J")
R = TypeVar("R")

Engine = Literal["processes", "ray"]

Advance = Callable[[int], None]
"""Called with a number of rows whenever they are done."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that hold linear algebra to a number of threads."""

_POLL = 0.25  # seconds between two looks at the progress of worker processes


def in_processes(
    do: Callable[[J, Advance], R],
    jobs: Iterable[J],
    workers: int,
    advance: Advance,
    *,
    caller: str,
    patient: bool,
) -> Iterator[R]:
    """Do jobs and yield what each gives, in their order.

    Jobs are asked for as workers get to them: at most two for each worker are under way.

    Args:
        do: a function of a module, called with a job and what it may tell its progress by.
        jobs: picklable.
        workers: processes.
        advance: called here with the progress of all workers.
        caller: what messages call the function that the user called.
        patient: whether workers end the jobs they are at when an error or Ctrl-C stops all others.

    Raises:
        BenchError: a worker process was killed; or what ``do`` raises, as it is.
    """
    context = multiprocessing.get_context("spawn")
    counter: Any = context.Value("q", 0)
    alive, stop = context.Pipe(duplex=False)
    with (
        alive,
        stop,
        _one_thread_each(),
        ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin, initargs=(counter, alive)
        ) as pool,
    ):
        rest = iter(jobs)
        seen = 0
        try:
            waiting = deque(pool.submit(_do, do, job) for job in islice(rest, 2 * workers))
            while waiting:
                done, _ = wait([waiting[0]], _POLL)
                rows = counter.get_obj().value  # a worker that was killed may hold the lock
                advance(rows - seen)
                seen = rows
                if done:
                    yield waiting.popleft().result()
                    waiting.extend(pool.submit(_do, do, job) for job in islice(rest, 1))
        except BrokenProcessPool as error:
            raise BenchError(
                f"a worker process ended early: it was killed (out of memory?), or {caller} was "
                "called from a script without `if __name__ == '__main__':`; run it again"
                + (" to go on" if patient else "")
            ) from error
        except BaseException:
            if not patient:
                stop.close()
            pool.shutdown(cancel_futures=True)
            raise


_counter: Any = None  # of a worker process: rows that all of them have done


def _begin(counter: Any, alive: Connection) -> None:
    """Prepare a worker process."""
    global _counter
    _counter = counter
    # Ctrl-C is the parent's, which tells its workers when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()


def _end_with_parent(alive: Connection) -> None:
    """End this process when its parent says so or is gone: one that was killed can't tell it."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101  # this is a worker process
    wait_for([alive, parent.sentinel])
    os._exit(1)


def _do(do: Callable[[J, Advance], R], job: J) -> R:
    return do(job, _count)


def _count(rows: int) -> None:
    with _counter.get_lock():
        _counter.value += rows


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
