"""Building a dataset folder: shards by an engine, written whole, resumed after any crash."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from vrs_bench.data.build.engines import (
    RECORDS,
    Finished,
    Job,
    in_processes,
    on_ray,
    record_name,
)
from vrs_bench.data.build.shards import Shard, file_digest, plan
from vrs_bench.data.build.store import LocalStore, Store, is_url, open_store
from vrs_bench.data.documents.card import write_card
from vrs_bench.data.manifest import NAME, FileEntry, Manifest, TaskEntry, parse_manifest
from vrs_bench.engines.processes import Advance, Engine
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, digest, dump_recipe
from vrs_bench.tasks import TASKS, BoundTask, bind
from vrs_bench.types import Report

PACKED = 0.8
"""Bytes of a row on disk for each byte of its images, about: what is asked of the disk."""


@dataclass(frozen=True)
class Plan:
    """All that a build makes."""

    published: BenchmarkRecipe
    """What the folder says of the recipe: all of it, but for a secret seed."""
    bound: dict[str, BoundTask]
    """Task → the world and sensors that its shards are made from."""
    shards: tuple[Shard, ...]
    salt: str | None = None
    """Of a private split."""
    commitments: Mapping[str, str] = field(default_factory=dict)
    """Of a private split: task → what commits to its seed."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    """Of a private split that is revealed: task → its seed."""

    def key(self, task: str) -> str:
        """Return the digest of what the shards of a task are made from."""
        seed = self.seeds.get(task)
        recipe = self.published if seed is None else self.published.with_seed(seed)
        made_from = digest(recipe, *self.bound[task].sensors.values())
        secret = self.commitments.get(task)
        return made_from if secret is None else f"{secret[:32]}{made_from[:32]}"


def build(
    tasks: Iterable[str],
    recipe: BenchmarkRecipe,
    out: str | Path,
    workers: int = 1,
    report: Report = lambda done, total: None,
    *,
    engine: Engine = "processes",
    address: str | None = None,
) -> Manifest:
    """Build the dataset folder of some tasks, or what is missing of it.

    The bytes depend on the recipes only, not on engine or number of workers nor on how often the
    build was interrupted. Tasks that the folder already holds stay.

    Args:
        tasks: names of tasks; all of them where none is named.
        recipe: which world and how many scenes.
        out: the folder, made if needed, or a URL that fsspec knows (``s3://bucket/vrs-toy``).
        workers: processes, of the engine ``processes``.
        report: progress callback, (rows done, rows in all).
        engine: ``processes`` on this machine, or ``ray`` on a cluster.
        address: of the Ray cluster; None starts one here for the time of the build.

    Raises:
        BenchError: unknown task, the folder holds data of another recipe, another process is
            building there, there is no room for it on the disk, or the engine can't work.
    """
    store = open_store(out)
    with store.alone():
        before = existing(store, str(out))
        names = dict.fromkeys([*(before.tasks if before else ()), *(list(tasks) or TASKS)])
        bound = {name: bind(name, recipe) for name in names}
        shards = tuple(shard for name in names for shard in plan(name, recipe))
        made = Plan(recipe, bound, shards)
        return build_plan(made, out, workers, report, engine, address)


def build_plan(
    made: Plan,
    out: str | Path,
    workers: int,
    report: Report,
    engine: Engine = "processes",
    address: str | None = None,
    check: Callable[[Mapping[str, FileEntry]], None] = lambda entries: None,
) -> Manifest:
    """Make what is missing of a plan, then the documents, then the manifest.

    The caller holds the folder, see :meth:`vrs_bench.data.build.store.Store.alone`.
    All shards are shown to ``check`` first: where it raises, the folder gets no manifest.
    """
    if workers < 1:
        raise BenchError(f"workers: expected 1 or more, got {workers}")
    store = open_store(out)
    before = existing(store, str(out))
    if before is not None and (
        (before.recipe, before.salt) != (made.published, made.salt)
        or any(
            (task.commitment, task.seed) != (made.commitments.get(name), made.seeds.get(name))
            for name, task in before.tasks.items()
        )
    ):
        raise BenchError(
            f"{out}: holds a dataset of another recipe ('{before.recipe.name}', "
            f"{before.recipe.scenes} scenes) or another secret; choose another --out or remove it"
        )
    # Workers on a cluster do not run in our folder.
    place = str(out) if is_url(out) else str(Path(out).absolute())
    store.tidy()
    entries: dict[str, FileEntry] = {}
    missing: list[Job] = []
    for shard in made.shards:
        key = made.key(shard.task)
        entry = _finished(store, shard, key, before)
        if entry is None:
            missing.append(Job(place, shard, made.bound[shard.task], key))
        else:
            entries[shard.path] = entry
    _require_room(store, str(out), missing)
    counter = _Counter(made, entries, report)
    for path, entry in _run(missing, workers, counter.advance, engine, address):
        if store.size(path) != entry.bytes:
            raise BenchError(
                f"{out}: {path} was made, but is not there; on a cluster, all nodes must see the "
                f"same folder under that path"
            )
        entries[path] = entry
    store.tidy()
    check(entries)
    manifest = Manifest(
        package=version("vrs-bench"),
        recipe=made.published,
        tasks={
            name: TaskEntry(
                sensors=dict(bound.sensors),
                digest=made.key(name),
                commitment=made.commitments.get(name),
                seed=made.seeds.get(name),
            )
            for name, bound in made.bound.items()
        },
        files={shard.path: entries[shard.path] for shard in made.shards},
        salt=made.salt,
    )
    documents = _write_documents(store, manifest)
    manifest = manifest.model_copy(update={"documents": documents})
    manifest = manifest.model_copy(update={"sha256": manifest.own_digest()})
    store.write_text(NAME, manifest.model_dump_json(indent=2, exclude_none=True) + "\n")
    store.remove(RECORDS)
    return manifest


class _Counter:
    """Rows done of a plan, told to a progress callback."""

    def __init__(self, made: Plan, entries: Mapping[str, FileEntry], report: Report) -> None:
        steps = made.published.world.horizon
        self._total = sum(len(shard.scenes) for shard in made.shards) * steps
        self._done = sum(entry.rows for entry in entries.values())
        self._report = report
        report(self._done, self._total)

    def advance(self, rows: int) -> None:
        self._done = min(self._done + rows, self._total)
        self._report(self._done, self._total)


def _run(
    jobs: Sequence[Job], workers: int, advance: Advance, engine: Engine, address: str | None
) -> Iterator[Finished]:
    """Make shards by an engine."""
    if engine == "ray" and jobs:
        return on_ray(jobs, address, advance)
    return in_processes(jobs, workers, advance)


def existing(store: Store, out: str) -> Manifest | None:
    """Return the manifest of an earlier build."""
    text = store.read_text(NAME)
    return None if text is None else parse_manifest(text, f"{out}/{NAME}")


def _finished(store: Store, shard: Shard, key: str, before: Manifest | None) -> FileEntry | None:
    """Return the entry of a shard that is already there, whole and of these recipes."""
    entry = None
    record = store.read_text(record_name(shard, key))
    if record is not None:
        try:
            entry = FileEntry.model_validate_json(record)
        except ValidationError:
            return None  # a record that can't be trusted is no record: the shard is made again
    elif before is not None and shard.task in before.tasks:
        # An older build, perhaps of another version, whose sensors may have been others.
        entry = before.files.get(shard.path) if before.tasks[shard.task].digest == key else None
    return entry if entry and store.digest(shard.path) == entry.sha256 else None


def _require_room(store: Store, out: str, jobs: Sequence[Job]) -> None:
    """Refuse to begin what the disk has no room for."""
    needed = 0.0
    for job in jobs:
        world = job.bound.world
        values = sum(
            column.shape[0] * column.shape[1] * column.shape[2]
            for column in job.bound.columns
            if column.kind == "image" and (column.visible or not job.shard.inputs_only)
        )
        needed += PACKED * 2 * values * len(job.shard.scenes) * world.horizon
    free = store.free_bytes()
    if free is not None and needed > free:
        raise BenchError(
            f"{out}: about {needed / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free there; "
            f"choose another --out, fewer --scenes or a smaller --size"
        )


def _write_documents(store: Store, manifest: Manifest) -> dict[str, str]:
    """Write card, pictures and recipes; return the SHA-256 of each."""
    with tempfile.TemporaryDirectory() as temporary:
        if isinstance(store, LocalStore):
            folder = store.folder
        else:  # documents are made beside the first shard of each task, of which they show pictures
            folder = Path(temporary)
            for name in manifest.tasks:
                first = next(path for path, f in manifest.files.items() if f.task == name)
                (folder / name).mkdir()
                store.fetch(first, folder / first)
        names = write_card(folder, manifest)
        recipes = {f"recipes/{manifest.recipe.name}.yaml": dump_recipe(manifest.recipe)}
        for name, entry in manifest.tasks.items():
            if entry.seed is not None:
                recipes[f"recipes/{manifest.recipe.name}-{name}.yaml"] = dump_recipe(
                    manifest.recipe.with_seed(entry.seed)
                )
            for column, sensor in entry.sensors.items():
                recipes[f"recipes/{name}-{column}.yaml"] = dump_recipe(sensor)
        for path, text in recipes.items():
            LocalStore(folder).write_text(path, text)
        names = sorted([*names, *recipes])
        for name in names if not isinstance(store, LocalStore) else ():
            source = folder / name
            store.put(name, lambda path, source=source: shutil.copyfile(source, path))  # type: ignore[misc]
        return {name: file_digest(folder / name) for name in names}
