"""The manifest of a dataset folder: what it was made from, and the digest of every shard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from vrs_bench.data.shards import SPLITS
from vrs_bench.errors import BenchError
from vrs_bench.paths import write_text
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.settings import Settings
from vrs_bench.tasks import TASKS

NAME = "manifest.json"
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(Settings):
    """One shard as it was written."""

    task: str
    split: str
    rows: Annotated[int, Field(ge=1)]
    bytes: Annotated[int, Field(ge=1)]
    sha256: Digest


class TaskEntry(Settings):
    """One task of the folder."""

    sensors: dict[str, SensorRecipe]
    """Input column → sensor recipe, whole."""
    digest: Digest
    """SHA-256 of the world's and the sensors' recipes, see :func:`vrs_bench.recipes.digest`."""


class Manifest(Settings):
    """All of it. The folder is complete if and only if this file is there."""

    format: Literal[1] = 1
    package: str
    """Version of the package that built the folder."""
    recipe: BenchmarkRecipe
    tasks: dict[str, TaskEntry]
    files: dict[str, FileEntry]
    """Path inside the folder → entry, in the order of the rows."""

    def shards(self, task: str, split: str) -> list[str]:
        """Return the paths of a task's split in row order.

        Raises:
            BenchError: the folder does not hold that task or split.
        """
        if task not in self.tasks:
            raise BenchError(
                f"this dataset holds no task '{task}', only {', '.join(self.tasks)}; "
                f"build it with: vrs-bench build {task}"
            )
        if split not in SPLITS:
            raise BenchError(f"unknown split '{split}'; known: {', '.join(SPLITS)}")
        return [p for p, file in self.files.items() if (file.task, file.split) == (task, split)]

    def rows(self, task: str, split: str) -> int:
        """Return the number of rows of a task's split."""
        return sum(self.files[path].rows for path in self.shards(task, split))


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check the manifest of a dataset folder.

    Raises:
        BenchError: there is none, it is not one, or it names files outside of the folder.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        raise BenchError(
            f"{folder}: no dataset here ({NAME} is missing); build one with: "
            f"vrs-bench build super_res --size tiny --out {folder}"
        )
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: not a manifest of a dataset: {error}") from error
    for name, file in manifest.files.items():
        parts = Path(name).parts
        if len(parts) != 2 or parts[0] != file.task or ".." in parts or file.task not in TASKS:
            raise BenchError(f"{path}: names the file '{name}', which is no shard of a known task")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all."""
    write_text(folder / NAME, manifest.model_dump_json(indent=2) + "\n")
