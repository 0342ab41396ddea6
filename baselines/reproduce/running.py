"""Doing the jobs: each a row of commands that a user could type, several jobs at a time.

A folder holds it all: the data, and for each job its training, its predictions, its result and a
log of what its commands said. What is there and whole is not made again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from baselines.inputs import data_digest
from baselines.launching import training_command
from baselines.predict import claim
from baselines.reproduce.jobs import Job
from baselines.trained import CONFIG, WEIGHTS
from vrs_bench.data.manifest import Manifest
from vrs_bench.errors import BenchError
from vrs_bench.paths import write_text
from vrs_bench.recipes import dump_recipe

DATA, CACHE = "data", ".decoded"
"""Inside the folder: the data, and its scenes as trainings read them."""
RESULT, LOG = "result.json", "log.txt"
"""Of each job: its scores, and what its commands said."""


@dataclass(frozen=True)
class Place:
    """Where a job's files are, inside the folder of all."""

    out: Path
    job: Job

    @property
    def folder(self) -> Path:
        """Of all that the job makes."""
        return self.out / self.job.task / self.job.label

    @property
    def run(self) -> Path:
        """Of its training."""
        return self.folder / "run"

    @property
    def predictions(self) -> Path:
        """Of the test split."""
        return self.folder / "predictions"

    @property
    def result(self) -> Path:
        """Scores; written last: the job is done when it is there."""
        return self.folder / RESULT


@dataclass
class Crew:
    """The commands that are running; once it is stopped, no other begins."""

    running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Run a command to its end, what it says going to the end of a file.

        Raises:
            BenchError: it failed; with the last lines that it said.
        """
        with log.open("ab") as said:
            begun = said.tell()
            with self.lock:
                if self.stopped:
                    raise BenchError("stopped")
                # A group of its own: a launcher does not pass on that it is to stop.
                process = subprocess.Popen(  # noqa: S603
                    list(command),
                    env=dict(environment),
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
                self.running.add(process)
            status = process.wait()
            with self.lock:
                self.running.discard(process)
        if status:
            words = log.read_bytes()[begun:].decode("utf-8", "replace").splitlines()
            last = "\n  ".join(words[-5:])
            raise BenchError(f"{log}: a command ended with status {status}:\n  {last}")

    def stop(self) -> None:
        """Ask all commands to stop: a training leaves a checkpoint."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                os.killpg(process.pid, signal.SIGTERM)


def run_jobs(
    jobs: Sequence[Job],
    out: Path,
    manifest: Manifest,
    workers: int,
    say: Callable[[str], None],
) -> Iterator[tuple[Job, BenchError | None]]:
    """Do jobs, and yield each that has ended with its fault, if it had one.

    Args:
        jobs: what there is to do.
        out: folder of all, with the data.
        manifest: of the data.
        workers: jobs at a time; they share the cores.
        say: called with what begins.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    crew = Crew()
    with ThreadPoolExecutor(workers) as pool:
        futures: dict[Future[None], Job] = {
            pool.submit(_do, job, out, manifest, threads, crew, say): job for job in jobs
        }
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    fault = future.exception()
                    if fault is not None and not isinstance(fault, BenchError):
                        raise fault
                    yield futures[future], fault
        except BaseException:
            crew.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _do(
    job: Job,
    out: Path,
    manifest: Manifest,
    threads: int,
    crew: Crew,
    say: Callable[[str], None],
) -> None:
    place = Place(out, job)
    if place.result.is_file():
        return
    data, log, method = out / DATA, place.folder / LOG, job.method
    made_of = {"method": job.method, "data": data_digest(manifest, job.task)}
    config = None if job.seed is None else job.config()
    if config is not None:
        made_of["config"] = json.dumps(config.model_dump(mode="json"))
    claim(place.folder, made_of)
    if config is not None:
        method = str(place.run)
        if not (place.run / WEIGHTS).is_file():
            say(f"{job.task}, {job.label}: training; its progress is in {log}")
            file = place.folder / CONFIG
            write_text(file, dump_recipe(config))
            cache = ("--cache", str(out / CACHE))
            crew.call(*training_command(file, data, place.run, threads, *cache), log)
    say(f"{job.task}, {job.label}: predicting and scoring")
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    where = ["--task", job.task, "--data", str(data)]
    crew.call(
        _bench("predict", "--method", method, *where, "--out", str(place.predictions)),
        environment,
        log,
    )
    crew.call(
        _bench("evaluate", str(place.predictions), *where, "--out", str(place.result)),
        environment,
        log,
    )


def _bench(*words: str) -> list[str]:
    return [sys.executable, "-m", "vrs_bench", *words]
