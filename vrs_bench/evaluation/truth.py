"""The truth of a split, scene by scene."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from vrs_bench.columns import Column, restore
from vrs_bench.data.manifest import TaskEntry
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.slices import parts_of
from vrs_bench.metrics.scene import Parts
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats

T = TypeVar("T")


@dataclass(frozen=True)
class SceneTruth:
    """One scene: what was to be found, and all that is known of how it was seen."""

    number: int
    steps: Array
    """(row,) int16"""
    target: Floats
    """(row, band, height, width) float32 in [0, 1]."""
    land_cover: Array
    """(height, width) uint8"""
    cell: Array
    """(height, width) int16"""
    columns: dict[str, Array]
    """Inputs and causes as they are stored, (row, …)."""

    @cached_property
    def parts(self) -> Parts:
        """The parts by which scores are told apart."""
        return parts_of(self.land_cover, self.cell, self.transmittance, len(self.steps))

    @cached_property
    def transmittance(self) -> Floats | None:
        """Share of light that came through clouds and their shadows, (row, height, width)."""
        if "cloud" not in self.columns:
            return None
        light: Floats = (1 - restore(self.columns["cloud"])) * (1 - restore(self.columns["shadow"]))
        return light


class Truth:
    """The scenes of a split in order, and the digest of what has been read of them."""

    def __init__(
        self, folder: DatasetFolder, bound: BoundTask, split: str, inputs: bool = True
    ) -> None:
        """Open a split; nothing is read yet. Who does not look at inputs may leave them unread."""
        self._folder, self._bound, self._split, self._inputs = folder, bound, split, inputs
        self._hash = hashlib.sha256(sensor_settings(folder.manifest.tasks[bound.name]))

    def __iter__(self) -> Iterator[SceneTruth]:
        """Yield the scenes in order."""
        return self._scenes()

    @property
    def sha256(self) -> str:
        """SHA-256 of the sensors' settings, and of the keys and truth of all rows read so far."""
        return self._hash.hexdigest()

    def _scenes(self) -> Iterator[SceneTruth]:
        task = self._bound
        unread = () if self._inputs else task.visible
        static, moving = _columns(task.columns, {task.target, *unread})
        read = self._folder.scenes(task.name, self._split, [task.target, *moving], static)
        for scene in read:
            target, number = scene.pop(task.target), scene.pop("scene")
            for step, image in zip(scene["time_step"].tolist(), target, strict=True):
                self._hash.update(np.array([number, step], "<i8").tobytes())
                self._hash.update(np.ascontiguousarray(image, "<u2").data)
            yield SceneTruth(
                number=number,
                steps=scene.pop("time_step"),
                target=restore(target),
                land_cover=scene.pop("land_cover")[0],
                cell=scene.pop("cell")[0],
                columns=scene,
            )


def sensor_settings(entry: TaskEntry) -> bytes:
    """Return what made the inputs of a dataset, for its digest.

    Defaults are left out, so that a later version with one more setting gives the same digest.
    """
    sensors = {
        column: sensor.model_dump(mode="json", exclude_defaults=True)
        for column, sensor in entry.sensors.items()
    }
    return json.dumps(sensors, sort_keys=True).encode()


def _columns(columns: tuple[Column, ...], unread: set[str]) -> tuple[list[str], list[str]]:
    """Return the columns to read that stay the same over a scene, and those that change by row."""
    static = [column.name for column in columns if column.static]
    left_out = {"scene", "time_step", "day_of_year", "backscatter", *unread, *static}
    return static, [column.name for column in columns if column.name not in left_out]


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield items, the next of which is made in a thread while the last one is used."""
    end: Any = object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item
