"""What a method sees of a task's data, and all of it as one image on the grid of the target."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vrs_bench.columns import restore
from vrs_bench.data.manifest import Manifest
from vrs_bench.interpolation import Weights, cubic_matrix, upsample
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats

Inputs = Mapping[str, Array]
"""Column name → values at the time steps of a scene, (n_steps, …): all that a method may see but
the scene's number. Images are float32 in [0, 1], (n_steps, band, height, width)."""


@dataclass(frozen=True)
class Bands:
    """What a network is given and what it returns, by the task that it is for."""

    inputs: int
    """Bands of the input, those of the main input first."""
    outputs: int
    """Bands of the target."""
    corrects: bool
    """Whether the first ``outputs`` bands of the input show what the target shows, so that they
    are to be corrected."""


def shows_target(bound: BoundTask) -> bool:
    """Say whether the main input is an image of what the target is an image of."""
    return bound.main_sensor.product == bound.task.target_product


def bands_of(bound: BoundTask) -> Bands:
    """Return the bands of :func:`input_stack` and of the target."""
    inputs = sum(bound.column(name).shape[0] for name in bound.sensors)
    return Bands(inputs, len(bound.bands), shows_target(bound))


def truth_bands(bound: BoundTask) -> Bands:
    """Return the bands of a network that is given the truth and has to return it."""
    return Bands(len(bound.bands), len(bound.bands), corrects=False)


def visible_inputs(bound: BoundTask, values: Mapping[str, Any]) -> dict[str, Array]:
    """Return what a method may see of published values.

    Args:
        bound: the task on its data.
        values: column name → value of a row, or values of a scene, as published.

    Returns:
        column name → value or values, images as float32 in [0, 1].
    """
    return shown_inputs(bound, (), values)


def shown_inputs(
    bound: BoundTask, told: Collection[str], values: Mapping[str, Any]
) -> dict[str, Array]:
    """Return what a method may see, and columns of the truth that it is told as an oracle.

    Args:
        bound: the task on its data.
        told: names of columns of the truth; what is no image stays as it is stored.
        values: as of :func:`visible_inputs`.
    """
    shown = [column for column in bound.columns if column.visible or column.name in told]
    return {
        column.name: restore(values[column.name])
        if column.kind == "image"
        else np.asarray(values[column.name])
        for column in shown
        if column.name != "scene"
    }


def at_step(inputs: Inputs, step: int) -> dict[str, Array]:
    """Return the inputs of one time step of a scene, each without its first axis."""
    return {name: values[step] for name, values in inputs.items()}


def on_target_grid(bound: BoundTask, inputs: Inputs, name: str, weights: Weights) -> Floats:
    """Return an input image of one time step, interpolated on the grid of the target.

    Args:
        bound: the task on its data.
        inputs: of one time step.
        name: column of the image.
        weights: of the interpolation; an image that is on the grid already stays as it is.

    Returns:
        float32 (band, height, width), not clipped.
    """
    image, size = inputs[name], bound.column(bound.target).shape[1:]
    known = name == bound.main_input and "phase" in inputs
    shift = inputs["phase"] if known else np.zeros(2, np.float32)
    if image.shape[1:] == size and not shift.any():
        return image
    return upsample(image, shift, (size[0], size[1]), weights)


def input_stack(bound: BoundTask, inputs: Inputs) -> Floats:
    """Return all input images of one time step on the grid of the target, the main input first.

    Args:
        bound: the task on its data.
        inputs: of one time step.

    Returns:
        float32 (band, height, width), interpolated by cubic convolution where it must be.
    """
    images = [on_target_grid(bound, inputs, name, cubic_matrix) for name in bound.sensors]
    return np.concatenate(images)


def data_digest(manifest: Manifest, task: str) -> str:
    """Return what tells the data of a task in a folder from any other: a SHA-256.

    Raises:
        BenchError: the folder does not hold that task.
    """
    files = [path for split in manifest.splits(task) for path in manifest.shards(task, split)]
    return hashlib.sha256(
        "".join(manifest.files[path].sha256 for path in files).encode()
    ).hexdigest()
