"""What a task asks for, with the numbers of one dataset: for checks, messages and help."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vrs_bench.columns import SCALE, Key, row_name
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError

LOWEST, HIGHEST = -0.5, 1.5
"""Floats beyond these are not overshoot but another scale."""


@dataclass(frozen=True)
class Expected:
    """The predictions that a split of a dataset asks for."""

    task: str
    split: str
    target: str
    """Column of the truth, whose grid the predictions are on."""
    keys: tuple[Key, ...]
    """All rows, in order."""
    shape: tuple[int, ...]
    """(band, height, width) of one prediction."""

    @property
    def stack_shape(self) -> tuple[int, ...]:
        """Shape of all predictions as one array."""
        return (len(self.keys), *self.shape)

    @property
    def most_rows(self) -> int:
        """Rows that are put up with, wrong ones included; more are not looked at."""
        return 2 * len(self.keys) + 1000

    @property
    def row_bytes(self) -> int:
        """Bytes of one prediction in the widest type in which it may come."""
        return math.prod(self.shape) * np.dtype(np.longdouble).itemsize

    @property
    def content(self) -> str:
        """How many rows of what shape and values, in words."""
        scenes = len({scene for scene, _ in self.keys})
        return (
            f"{self.task}, split {self.split}: {len(self.keys)} rows ({scenes} scenes), for each "
            f"an array of shape {self.shape}, which is (band, height, width), on the grid of the "
            f"column '{self.target}': floats in [0, 1], or uint16 holding round({SCALE} · x)."
        )

    @property
    def forms(self) -> str:
        """The forms in which predictions are accepted, in words."""
        stack, name = self.stack_shape, row_name(self.keys[0])
        return (
            f"- a mapping {{(scene, time_step): array}}, or an iterable of such pairs\n"
            f"- one array or tensor of shape {stack}, in the order of the split's rows\n"
            f"- a datasets.Dataset with the columns scene, time_step and prediction\n"
            f"- the path of a folder of files such as {name}.npy (scene_step, in at least "
            f"six and three digits), or of an .npz with such names\n"
            f"- the path of a .tar, or a folder of them, with members such as {name}.npy or "
            f"{name}.prediction.npy\n"
            f"- the path of one .npy of shape {stack}, in the order of the split's rows\n"
            f"- the path of a .parquet file, or a folder of them, with the columns scene, "
            f"time_step and prediction"
        )

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of one row of predictions in a table."""
        value: dict[str, Any] = {"type": "number", "minimum": LOWEST, "maximum": HIGHEST}
        for length in reversed(self.shape):
            value = {"type": "array", "items": value, "minItems": length, "maxItems": length}
        scenes, steps = ({key[part] for key in self.keys} for part in (0, 1))
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"A row of predictions of {self.task}, split {self.split}",
            "description": f"{len(self.keys)} rows, each (scene, time_step) once; or uint16 "
            f"predictions holding round({SCALE} · x).",
            "type": "object",
            "required": ["scene", "time_step", "prediction"],
            "properties": {
                "scene": {"type": "integer", "minimum": min(scenes), "maximum": max(scenes)},
                "time_step": {"type": "integer", "minimum": min(steps), "maximum": max(steps)},
                "prediction": value,
            },
        }


def expectation(task: str, folder: DatasetFolder, split: str) -> Expected:
    """Return what a split of a dataset folder asks for.

    Raises:
        BenchError: the folder does not hold that task or split.
    """
    if folder.manifest.salt is not None:
        raise BenchError(
            f"{folder.path}: holds the inputs of a private split; its truth is with those who know "
            f"the secret: vrs-bench reveal"
        )
    keys = folder.keys(task, split)
    if not keys:
        raise BenchError(f"{folder.path}: its manifest lists no rows of {task}, split {split}")
    repeated = next((key for key, count in Counter(keys).items() if count > 1), None)
    if repeated is not None:
        raise BenchError(
            f"{folder.path}: scene {repeated[0]}, step {repeated[1]} of {task}, split {split}, is "
            f"there more than once, expected once; build or download the dataset again"
        )
    bound = folder.manifest.bound(task)
    shape = bound.column(bound.target).shape
    return Expected(task, split, bound.target, tuple(keys), shape)


def expected_input_format(task: str, data: str | Path | DatasetFolder, split: str) -> str:
    """Say in words what :func:`vrs_bench.evaluate` wants for a split, with its numbers.

    Args:
        task: name of the task.
        data: dataset folder.
        split: ``train``, ``validation`` or ``test``.

    Raises:
        BenchError: no dataset there, or it does not hold that task or split.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    expected = expectation(task, folder, split)
    return f"{expected.content}\nGiven as one of:\n{expected.forms}"


def expected_input_schema(
    task: str, data: str | Path | DatasetFolder, split: str
) -> dict[str, Any]:
    """Return what :func:`expected_input_format` says as a JSON Schema of one row.

    Args:
        task, data, split: as there.

    Raises:
        BenchError: as there.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    return expectation(task, folder, split).schema
