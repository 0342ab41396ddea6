"""Building a dataset folder: shards in processes, written whole, resumed after any crash."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from vrs_bench.data.card import write_card
from vrs_bench.data.manifest import (
    NAME,
    FileEntry,
    Manifest,
    TaskEntry,
    read_manifest,
    write_manifest,
)
from vrs_bench.data.shards import Shard, file_digest, plan, write_shard
from vrs_bench.errors import BenchError
from vrs_bench.paths import TEMPORARY, whole_file, write_text
from vrs_bench.recipes import BenchmarkRecipe, digest, dump_recipe
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.tasks import get_task
from vrs_bench.types import Report

RECORDS = ".build"
"""Folder of the records of finished shards, while a build is under way."""

Job = tuple[Path, Shard, BenchmarkRecipe, Mapping[str, SensorRecipe], str]
Sensors = dict[str, dict[str, SensorRecipe]]


def build(
    tasks: Iterable[str],
    recipe: BenchmarkRecipe,
    out: str | Path,
    workers: int = 1,
    report: Report = lambda done, total: None,
) -> Manifest:
    """Build the dataset folder of some tasks, or what is missing of it.

    The bytes depend on the recipes only, not on the number of workers nor on how often the build
    was interrupted. Tasks that the folder already holds stay.

    Args:
        tasks: names of tasks.
        recipe: which world and how many scenes.
        out: the folder; made if needed.
        workers: processes.
        report: progress callback, (rows done, rows in all) whenever a shard is finished.

    Raises:
        BenchError: unknown task, or the folder holds data of another recipe.
    """
    if workers < 1:
        raise BenchError(f"workers: expected 1 or more, got {workers}")
    folder = Path(out)
    before = _existing(folder, recipe)
    names = dict.fromkeys([*(before.tasks if before else ()), *tasks])
    sensors: Sensors = {name: get_task(name).sensor_recipes() for name in names}
    for name in names:
        get_task(name).columns(recipe.world)  # refuses a world that the task can't be made of
    keys = {name: digest(recipe, *sensors[name].values()) for name in names}

    shards = [shard for name in names for shard in plan(name, recipe)]
    steps = recipe.world.horizon
    total = sum(len(shard.scenes) for shard in shards) * steps
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.rglob(f".*{TEMPORARY}"):
        leftover.unlink()
    entries: dict[str, FileEntry] = {}
    missing: list[Job] = []
    for shard in shards:
        key = keys[shard.task]
        entry = _finished(folder, shard, key, before)
        if entry is None:
            missing.append((folder, shard, recipe, sensors[shard.task], key))
        else:
            entries[shard.path] = entry
    done = sum(entry.rows for entry in entries.values())
    report(done, total)
    for path, entry in _run(missing, workers):
        entries[path] = entry
        done += entry.rows
        report(done, total)

    for name in names:
        for column, sensor in sensors[name].items():
            write_text(folder / "recipes" / f"{name}-{column}.yaml", dump_recipe(sensor))
    write_text(folder / "recipes" / f"{recipe.name}.yaml", dump_recipe(recipe))
    manifest = Manifest(
        package=version("vrs-bench"),
        recipe=recipe,
        tasks={name: TaskEntry(sensors=sensors[name], digest=keys[name]) for name in names},
        files={shard.path: entries[shard.path] for shard in shards},
    )
    write_card(folder, manifest)
    write_manifest(folder, manifest)
    for record in sorted((folder / RECORDS).glob("*.json")):
        record.unlink()
    if (folder / RECORDS).is_dir():
        (folder / RECORDS).rmdir()
    return manifest


def _existing(folder: Path, recipe: BenchmarkRecipe) -> Manifest | None:
    """Return the manifest of an earlier build, which must be of the same recipe."""
    if not (folder / NAME).is_file():
        return None
    manifest = read_manifest(folder)
    if manifest.recipe != recipe:
        raise BenchError(
            f"{folder}: holds a dataset of another recipe ('{manifest.recipe.name}', "
            f"{manifest.recipe.scenes} scenes); choose another --out or remove the folder"
        )
    return manifest


def _record(folder: Path, shard: Shard, key: str) -> Path:
    """Return where the record of a finished shard lies; its name binds it to its recipes."""
    return folder / RECORDS / f"{shard.path.replace('/', '--')}.{key[:16]}.json"


def _finished(folder: Path, shard: Shard, key: str, before: Manifest | None) -> FileEntry | None:
    """Return the entry of a shard that is already there, whole and of these recipes."""
    path, record = folder / shard.path, _record(folder, shard, key)
    entry = None
    if record.is_file():
        try:
            entry = FileEntry.model_validate_json(record.read_text(encoding="utf-8"))
        except ValidationError:
            return None  # a record that can't be trusted is no record: the shard is made again
    elif before is not None:
        entry = before.files.get(shard.path)
    if entry is None or not path.is_file() or path.stat().st_size != entry.bytes:
        return None
    return entry if file_digest(path) == entry.sha256 else None


def _make(
    folder: Path,
    shard: Shard,
    recipe: BenchmarkRecipe,
    sensors: Mapping[str, SensorRecipe],
    key: str,
) -> tuple[str, FileEntry]:
    """Write one shard and, before it appears, the record that vouches for it."""
    with whole_file(folder / shard.path) as temporary:
        written = write_shard(shard, recipe, sensors, temporary)
        entry = FileEntry(
            task=shard.task,
            split=shard.split,
            rows=written.rows,
            bytes=written.bytes,
            sha256=written.sha256,
        )
        write_text(_record(folder, shard, key), entry.model_dump_json())
    return shard.path, entry


def _run(jobs: list[Job], workers: int) -> Iterator[tuple[str, FileEntry]]:
    """Make the shards, here or in processes, and yield each as it is finished."""
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield _make(*job)
        return
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            min(workers, len(jobs)),
            mp_context=context,
            # Ctrl-C is the parent's: workers end their shard, which is then there to go on from.
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),
        ) as pool,
    ):
        futures = [pool.submit(_make, *job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise BenchError(
                "a worker process ended early: it was killed (out of memory?), or build() was "
                "called from a script without `if __name__ == '__main__':`; run it again to go on"
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let worker processes start with one linear-algebra thread each: they share the cores."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def verify(folder: str | Path) -> list[str]:
    """Compare a dataset folder with its manifest.

    Returns:
        one line for each fault: a missing, changed or unexpected data file. Empty if all is well.

    Raises:
        BenchError: no readable manifest.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    faults = []
    for name, entry in manifest.files.items():
        path = root / name
        if not path.is_file():
            faults.append(f"{name}: missing")
        elif path.stat().st_size != entry.bytes:
            faults.append(f"{name}: {path.stat().st_size} bytes, the manifest says {entry.bytes}")
        elif file_digest(path) != entry.sha256:
            faults.append(f"{name}: its content differs from the manifest's SHA-256")
    present = {
        path.relative_to(root).as_posix()
        for task in manifest.tasks
        for path in (root / task).glob("*")
    }
    faults += [f"{name}: not in the manifest" for name in sorted(present - set(manifest.files))]
    return faults
