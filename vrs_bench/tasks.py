"""The tasks: which sensors, which columns, which forward operator.

A row is one scene at one time step. Its *derived* columns are what a method may see, plus the
target; its *latent* columns are the truth: target, masks, physical state, calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.recipes import load_recipe
from vrs_bench.sensors.sensor import SensorRecipe, observe, view
from vrs_bench.types import Array
from vrs_bench.world.scene import BANDS, Scene, WorldRecipe

SCALE = 10_000
"""Images are published as uint16, value = round(10000 · x), as Sentinel-2 reflectance is."""

Row = dict[str, Any]
"""Column name → NumPy array or scalar of the published type."""


@dataclass(frozen=True)
class Column:
    """One column of the published data."""

    name: str
    kind: Literal["image", "mask", "vector", "scalar"]
    dtype: str
    text: str
    """What it holds, with units; goes into the dataset card."""
    shape: tuple[int, ...] = ()
    """Shape of one value; () for a scalar."""


@dataclass(frozen=True)
class Task:
    """A restoration or translation problem: inputs, and the truth that answers it."""

    name: str
    title: str
    description: str
    sensors: Mapping[str, str]
    """Input column → packaged sensor recipe."""
    target: str
    """Column of the truth on the output grid."""
    target_product: str
    """Latent product that the target is."""
    gsd_ratio: int
    """Ground sampling distance of the main input over that of the target (for ERGAS)."""
    headline: str
    """The metric that ranks."""
    columns: Callable[[WorldRecipe], tuple[Column, ...]]
    rows: Callable[[Scene, Mapping[str, SensorRecipe]], Iterator[Row]]
    derived: tuple[str, ...]
    """Columns of the config named after the task."""
    latent: tuple[str, ...]
    """Columns of the config `<task>_latent`."""

    def sensor_recipes(self) -> dict[str, SensorRecipe]:
        """Load the packaged recipe of each input's sensor."""
        return {column: load_recipe(SensorRecipe, name) for column, name in self.sensors.items()}


def quantise(image: Array) -> Array:
    """Return an image in [0, 1] on the published uint16 scale; values are off by ≤ 0.5e-4."""
    return np.rint(np.clip(image, 0, 1) * np.float32(SCALE)).astype(np.uint16)


def restore(values: Array) -> Array:
    """Return published uint16 values as float32 in [0, 1]."""
    return values.astype(np.float32) / np.float32(SCALE)


def _key_columns() -> tuple[Column, ...]:
    return (
        Column("scene", "scalar", "int32", "Scene number; a split holds whole scenes."),
        Column("time_step", "scalar", "int16", "Time step within the scene, from 0."),
        Column("day_of_year", "scalar", "int16", "Day of the year of the time step."),
    )


def _key(scene: Scene, step: int) -> Row:
    return {
        "scene": np.int32(scene.number),
        "time_step": np.int16(step),
        "day_of_year": np.int16(scene.recipe.series.day_of_year(step)),
    }


def _mask_columns(world: WorldRecipe) -> tuple[Column, ...]:
    size = (world.height, world.width)
    return (
        Column("land_cover", "mask", "uint8", "Land-cover class 1 to 8; 0 between cells.", size),
        Column("cell", "mask", "int16", "Cell (field) number from 1; 0 between cells.", size),
        Column(
            "sar",
            "image",
            "uint16",
            "Noise-free backscatter (VV, VH): 10000 · (dB + 30) / 30.",
            (len(BANDS["sar"]), *size),
        ),
    )


def _masks(scene: Scene, step: int) -> Row:
    return {
        "land_cover": scene.land_cover.astype(np.uint8),
        "cell": scene.cell,
        "sar": quantise(scene.frame("sar", step)),
    }


def _super_res_columns(world: WorldRecipe) -> tuple[Column, ...]:
    bands, ratio = len(BANDS["optical"]), SUPER_RES.gsd_ratio
    low = (bands, world.height // ratio, world.width // ratio)
    reflectance = "reflectance (blue, green, red, NIR) × 10000"
    return (
        *_key_columns(),
        Column("lr", "image", "uint16", f"Input: low-resolution {reflectance}.", low),
        Column(
            "phase",
            "vector",
            "float32",
            "Registration shift (rows, columns) of `lr` against the grid of `hr`, in `lr` pixels: "
            "`lr` pixel i is centred at (i + 0.5 + shift) · 4 of `hr`.",
            (2,),
        ),
        Column(
            "hr",
            "image",
            "uint16",
            f"Target: latent high-resolution {reflectance}.",
            (bands, world.height, world.width),
        ),
        *_mask_columns(world),
        Column("gain", "scalar", "float32", "Gain of `lr`'s calibration error, static per scene."),
        Column("bias", "scalar", "float32", "Bias of `lr`'s calibration error, in reflectance."),
    )


def _super_res_rows(scene: Scene, sensors: Mapping[str, SensorRecipe]) -> Iterator[Row]:
    for step in range(scene.recipe.horizon):
        frame = scene.frame("optical", step)
        seen = view(sensors["lr"], scene, step)
        yield {
            **_key(scene, step),
            "lr": quantise(observe(sensors["lr"], scene, step, frame, seen)),
            "phase": np.array(seen.shift, np.float32),
            "hr": quantise(frame),
            **_masks(scene, step),
            "gain": np.float32(seen.gain),
            "bias": np.float32(seen.bias),
        }


SUPER_RES = Task(
    name="super_res",
    title="Super-resolution",
    description=(
        "Restore the latent optical image from one with pixels four times as large, blurred by "
        "the sensor's point spread function, shifted by a known fraction of a pixel, "
        "miscalibrated and noisy. Rows of one scene follow each other in time, so a method may "
        "use the whole series."
    ),
    sensors={"lr": "super_res"},
    target="hr",
    target_product="optical",
    gsd_ratio=4,
    headline="psnr",
    columns=_super_res_columns,
    rows=_super_res_rows,
    derived=("scene", "time_step", "day_of_year", "lr", "phase", "hr"),
    latent=(
        *("scene", "time_step", "day_of_year", "hr"),
        *("land_cover", "cell", "sar", "gain", "bias"),
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in (SUPER_RES,)}


def get_task(name: str) -> Task:
    """Return a task by name.

    Raises:
        BenchError: no such task.
    """
    if name not in TASKS:
        raise BenchError(f"unknown task '{name}'{did_you_mean(name, TASKS)}")
    return TASKS[name]
