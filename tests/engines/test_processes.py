"""Jobs in several processes: results in order, errors as they are, nobody left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from vrs_bench.engines.processes import THREADS, in_processes
from vrs_bench.errors import BenchError

Advance = Callable[[int], None]
PATIENCE = 120


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def run(do: Callable[[Path, Advance], str], jobs: Iterator[Path] | list[Path]) -> Iterator[str]:
    return in_processes(do, jobs, 2, lambda rows: None, caller="work()", patient=False)


# What workers do


def named(job: Path, advance: Advance) -> str:
    """Let the first job wait until the third has begun."""
    job.touch()
    if job.name == "0":
        until(job.with_name("2").exists)
    advance(len(job.name))
    return job.name


def failing(job: Path, _: Advance) -> str:
    if job.name == "2":
        raise BenchError("the third job can't be done")
    return job.name


def dying(job: Path, _: Advance) -> str:
    if job.name == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return job.name


def held(job: Path, _: Advance) -> str:
    """Say that all but the first job have begun, and wait for what does not come."""
    if job.name != "0":
        job.with_name(f"pid-{os.getpid()}").touch()
        until(job.with_name("released").exists)
    return job.name


def threads(job: Path, _: Advance) -> str:
    return " ".join(os.environ[name] for name in THREADS)


# Tests


def jobs(folder: Path, n: int) -> list[Path]:
    return [folder / str(number) for number in range(n)]


def test_results_come_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    asked: list[int] = []

    def asked_for() -> Iterator[Path]:
        for number in range(9):
            asked.append(number)
            yield tmp_path / str(number)

    told: list[int] = []
    results = in_processes(named, asked_for(), 2, told.append, caller="work()", patient=False)
    assert next(results) == "0"
    assert asked == [0, 1, 2, 3]  # two for each worker, not all there are
    assert list(results) == list("12345678")
    assert sum(told) == 9
    assert multiprocessing.active_children() == []


def test_an_error_is_raised_as_it_is_when_its_turn_comes(tmp_path: Path) -> None:
    results = run(failing, jobs(tmp_path, 8))
    assert [next(results), next(results)] == ["0", "1"]
    with pytest.raises(BenchError, match=r"^the third job can't be done$"):
        next(results)
    assert multiprocessing.active_children() == []


def test_a_worker_that_is_killed_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"ended early: .* or work\(\) was called"):
        list(run(dying, jobs(tmp_path, 4)))
    assert multiprocessing.active_children() == []


def test_who_asks_for_no_more_leaves_no_worker_behind(tmp_path: Path) -> None:
    results = run(held, jobs(tmp_path, 4))
    assert next(results) == "0"
    until(lambda: len(list(tmp_path.glob("pid-*"))) == 2)
    results.close()  # type: ignore[attr-defined]  # a generator
    assert multiprocessing.active_children() == []


def test_each_worker_has_one_thread_and_this_process_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(THREADS[0], "3")
    monkeypatch.delenv(THREADS[1], raising=False)
    assert list(run(threads, jobs(tmp_path, 1))) == ["1 1 1"]
    assert os.environ[THREADS[0]] == "3"
    assert THREADS[1] not in os.environ


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_a_parent_that_is_stopped(number: int, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path; import test_processes as t\n"
        f"list(t.run(t.held, t.jobs(Path({str(tmp_path)!r}), 4)))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    until(lambda: len(list(tmp_path.glob("pid-*"))) == 2)
    workers = [psutil.Process(int(path.name[4:])) for path in tmp_path.glob("pid-*")]
    parent.send_signal(number)
    parent.wait(PATIENCE)
    _, left = psutil.wait_procs(workers, timeout=PATIENCE)
    for worker in left:
        worker.kill()
    assert not left
    assert parent.stderr is not None
    assert ("KeyboardInterrupt" in parent.stderr.read()) == (number == signal.SIGINT)
