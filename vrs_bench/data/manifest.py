"""The manifest of a dataset folder: what it was made from, and the digest of every shard."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from vrs_bench.columns import Column
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import named, shown
from vrs_bench.recipes import BenchmarkRecipe, check_recipe
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.settings import Settings
from vrs_bench.tasks import TASKS, BoundTask, bind

NAME = "manifest.json"
FORMAT = 1
"""The newest format that this version reads, and the one that it writes."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(Settings):
    """One shard as it was written."""

    task: str
    split: Annotated[str, Field(pattern=r"^[a-z]+$")]
    rows: Annotated[int, Field(ge=1)]
    bytes: Annotated[int, Field(ge=1)]
    sha256: Digest
    """Of the file. Its container differs between versions of ``writer``, its values do not."""
    values_sha256: Digest | None = None
    """Of the values alone, see :class:`vrs_bench.data.values.ValuesDigest`: the same on every
    machine and by every version of ``writer``."""
    writer: str | None = None
    """Library and version that wrote the file, ``pyarrow 21.0.0``: the same one, the same bytes."""
    truth_sha256: Digest | None = None
    """Of a private split: digest of the same shard with its truth, which is held back."""
    truth_values_sha256: Digest | None = None
    """Of a private split: digest of the values of the same shard with its truth."""


class TaskEntry(Settings):
    """One task of the folder."""

    sensors: dict[str, SensorRecipe]
    """Input column → sensor recipe, whole."""
    digest: Digest
    """SHA-256 of the world's and the sensors' recipes, see :func:`vrs_bench.recipes.digest`."""
    commitment: Digest | None = None
    """Of a private split: what commits to the task's seed, see :mod:`vrs_bench.data.secret`."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Of a private split that was revealed: the world's seed of this task, in place of that in the
    manifest's ``recipe``."""


class Manifest(Settings):
    """All of it. The folder is complete if and only if this file is there."""

    format: Literal[1] = 1
    package: str
    """Version of the package that built the folder."""
    recipe: BenchmarkRecipe
    tasks: dict[str, TaskEntry]
    files: dict[str, FileEntry]
    """Path inside the folder → entry, in the order of the rows."""
    documents: dict[str, Digest] = Field(default_factory=dict)
    """Path inside the folder → SHA-256 of all else that was written: card, recipes, pictures."""
    salt: Digest | None = None
    """Of a private split, which holds inputs only: 32 random bytes in hexadecimal, from which and
    the secret each task's seed is derived. The seed in ``recipe`` means nothing then."""
    sha256: Digest | None = None
    """SHA-256 of all the rest of the manifest, see :meth:`own_digest`."""

    def own_digest(self) -> str:
        """Return the SHA-256 of all settings but itself; defaults are left out of it."""
        text = self.model_dump_json(exclude={"sha256"}, exclude_defaults=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def sensors_of(self, task: str) -> dict[str, SensorRecipe]:
        """Return the recipe of each input's sensor, with which the folder was made.

        Raises:
            BenchError: the folder does not hold that task.
        """
        if task not in self.tasks:
            raise BenchError(
                f"this dataset holds no task '{task}', only {', '.join(self.tasks)}; "
                f"build it with: vrs-bench build {task}"
            )
        return self.tasks[task].sensors

    def bound(self, task: str) -> BoundTask:
        """Return a task as it is in this folder.

        Raises:
            BenchError: the folder does not hold that task.
        """
        bound = bind(task, self)
        seed = self.tasks[task].seed
        return bound if seed is None else replace(bound, world=self.recipe.with_seed(seed).world)

    def splits(self, task: str) -> list[str]:
        """Return the splits that the folder holds of a task, in their order."""
        return list(dict.fromkeys(f.split for f in self.files.values() if f.task == task))

    def configs(self, task: str) -> dict[str, tuple[str, ...]]:
        """Return the configs that the folder holds of a task, and the columns of each.

        Of a private split, there is one: what a method may see.
        """
        bound = self.bound(task)
        return bound.configs if self.salt is None else {task: bound.visible}

    def columns(self, task: str) -> list[Column]:
        """Return the columns that the folder holds of a task."""
        held = {name for names in self.configs(task).values() for name in names}
        return [column for column in self.bound(task).columns if column.name in held]

    def shards(self, task: str, split: str) -> list[str]:
        """Return the paths of a task's split in row order.

        Raises:
            BenchError: the folder does not hold that task or split.
        """
        self.sensors_of(task)  # the folder holds the task, or says so
        if split not in self.splits(task):
            raise BenchError(
                f"unknown split '{split}' of {task}; this dataset holds "
                f"{', '.join(self.splits(task))}"
            )
        return [p for p, file in self.files.items() if (file.task, file.split) == (task, split)]

    def rows(self, task: str, split: str) -> int:
        """Return the number of rows of a task's split."""
        return sum(self.files[path].rows for path in self.shards(task, split))


def shard_name(task: str, split: str, index: int, of: int) -> str:
    """Return the path of a data file inside the dataset folder."""
    return f"{task}/{split}-{index:05d}-of-{of:05d}.parquet"


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check the manifest of a dataset folder.

    Raises:
        BenchError: there is none, it can't be read, or as :func:`parse_manifest`.
    """
    path = named(folder) / NAME
    if not path.is_file():
        raise BenchError(
            f"{shown(folder)}: no dataset here ({NAME} is missing); build one with: "
            f"vrs-bench build super_res --size tiny --out {shown(folder)}"
        )
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BenchError(f"{shown(path)}: can't be read ({error.strerror})") from error
    return parse_manifest(text, shown(path))


def parse_manifest(text: str, origin: str) -> Manifest:
    """Check the text of a manifest; ``origin`` names it in messages.

    Raises:
        BenchError: it is not one (every fault with its key), a newer version wrote it, a task's
            sensors or data files are not all there, or it names files outside of the folder.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{origin}: not a manifest of a dataset: not JSON: {error}") from error
    if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
        raise BenchError(
            f"{origin}: written by a newer vrs-bench, in a format that this version does not know "
            f"yet; upgrade vrs-bench to read this dataset"
        )
    if isinstance(data, dict) and "commitment" in data:
        raise BenchError(
            f"{origin}: this private split is of an earlier version, which drew all tasks from one "
            f"seed, so that the inputs of one give the truth of another away; build it again, with "
            f"a new secret"
        )
    try:
        manifest = check_recipe(Manifest, data, origin)
    except BenchError as error:
        lines = "\n".join(map(shown, str(error).splitlines()))
        raise BenchError(f"{origin}: not a manifest of a dataset:\n{lines}") from error
    for fault in (_fault_of_tasks(manifest), _fault_of_names(manifest)):
        if fault is not None:
            raise BenchError(f"{origin}: {fault}")
    return manifest


def _fault_of_tasks(manifest: Manifest) -> str | None:
    """Say which task is not one, or is not there whole."""
    if not manifest.tasks:
        return "names no task"
    for name, entry in manifest.tasks.items():
        if name not in TASKS:
            return f"names the task {shown(name)}{did_you_mean(name, TASKS)}"
        # A sensor that is left out must not become the packaged one: others made these data.
        if entry.sensors.keys() != TASKS[name].sensors.keys():
            expected, got = ", ".join(TASKS[name].sensors), ", ".join(entry.sensors)
            return f"tasks.{name}.sensors: expected those of {expected}, got {shown(got) or 'none'}"
        if not manifest.splits(name):
            return f"names no data file of {name}"
    return None


def _fault_of_names(manifest: Manifest) -> str | None:
    """Say which file has no place in the folder, or is missing in the list of a split."""
    shards: dict[tuple[str, str], list[str]] = {}
    for path, file in manifest.files.items():
        shards.setdefault((file.task, file.split), []).append(path)
    for (task, split), paths in shards.items():
        if task not in manifest.tasks:
            return f"names the file {shown(paths[0])}, which is no shard of a known task"
        for index, path in enumerate(paths):
            expected = shard_name(task, split, index, len(paths))
            if path != expected:
                return (
                    f"names the file {shown(path)}, which is no shard of a whole list: the "
                    f"{len(paths)} of {task}, {split}, should hold {expected} there"
                )
    for name in manifest.documents:
        parts = Path(name).parts
        if not parts or Path(name).is_absolute() or ".." in parts:
            return f"names the file '{shown(name)}', which lies outside of the folder"
    return None
