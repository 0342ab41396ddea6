"""What a method sees of a task's data, and all of it as one image on the grid of the target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines.interpolation import Weights, cubic_matrix, upsample
from vrs_bench.columns import restore
from vrs_bench.data.manifest import Manifest
from vrs_bench.errors import BenchError
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


def visible_inputs(bound: BoundTask, values: Mapping[str, Any]) -> dict[str, Array]:
    """Return what a method may see of published values.

    Args:
        bound: the task on its data.
        values: column name → value of a row, or values of a scene, as published.

    Returns:
        column name → value or values, images as float32 in [0, 1].
    """
    seen = [column for column in bound.columns if column.visible and column.name != "scene"]
    return {
        column.name: restore(values[column.name])
        if column.kind == "image"
        else np.asarray(values[column.name])
        for column in seen
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

    Raises:
        BenchError: the sizes are not whole multiples of the image's.
    """
    size, target = (bound.column(column).shape[1:] for column in (name, bound.target))
    ratio = target[0] // size[0]
    if (size[0] * ratio, size[1] * ratio) != target:
        raise BenchError(
            f"{bound.name}: '{name}' of {size[0]} × {size[1]} pixels can't be enlarged to "
            f"{target[0]} × {target[1]} by a whole number; this method needs a sensor with one"
        )
    known = name == bound.main_input and "phase" in inputs
    shift = inputs["phase"] if known else np.zeros(2, np.float32)
    if ratio == 1 and not shift.any():
        return inputs[name]
    return upsample(inputs[name], shift, ratio, weights)


def input_stack(bound: BoundTask, inputs: Inputs) -> Floats:
    """Return all input images of one time step on the grid of the target, the main input first.

    Args:
        bound: the task on its data.
        inputs: of one time step.

    Returns:
        float32 (band, height, width), interpolated by cubic convolution where it must be.

    Raises:
        BenchError: an input is not a whole number of times smaller than the target.
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
