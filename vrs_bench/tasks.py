"""The tasks: which sensors, which columns, which forward operator.

A row is one scene at one time step. Its *derived* columns are what a method may see, plus the
target; its *latent* columns are the truth: target, masks, physical state, and the causes of what
was observed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.recipes import load_recipe
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.types import Array
from vrs_bench.world.landcover import OPTICAL_BANDS, SAR_BANDS
from vrs_bench.world.scene import Scene, WorldRecipe
from vrs_bench.world.series.phenology import PhenologySettings

SCALE = 10_000
"""Images are published as uint16, value = round(10000 · x), as Sentinel-2 reflectance is."""

BANDS = {"optical": OPTICAL_BANDS, "sar": SAR_BANDS}
"""The latent products that tasks are made of."""

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
    """Input column → packaged sensor recipe. The first input is the main one: only it may have
    clouds, a calibration error or a registration shift."""
    target: str
    """Column of the truth, on the latent grid."""
    target_product: str
    """Latent product that the target is."""
    gsd_ratio: int
    """Ground sampling distance of the main input over that of the target (for ERGAS)."""
    headline: str
    """The metric that ranks."""

    @property
    def main_input(self) -> str:
        """Column of the main input."""
        return next(iter(self.sensors))

    def sensor_recipes(self) -> dict[str, SensorRecipe]:
        """Load the packaged recipe of each input's sensor."""
        return {column: load_recipe(SensorRecipe, name) for column, name in self.sensors.items()}

    def configs(self, world: WorldRecipe) -> dict[str, tuple[str, ...]]:
        """Return the published configs and the columns of each: derived, and latent."""
        names = [column.name for column in self.columns(world)]
        truth = names.index(self.target)
        derived = names[: truth + 1]
        return {
            self.name: tuple(derived),
            f"{self.name}_latent": (*derived[: len(_KEY)], *names[truth:]),
        }

    def visible(self, world: WorldRecipe) -> tuple[str, ...]:
        """Return the columns that a method may see: keys, inputs, and what is known of them."""
        derived = self.configs(world)[self.name]
        return derived[: derived.index(self.target)]

    def columns(self, world: WorldRecipe) -> tuple[Column, ...]:
        """Return all columns for a world: keys, inputs, target, truth of masks and causes."""
        calendar(world)
        sensors = self.sensor_recipes()
        main = sensors[self.main_input]
        size = (world.height, world.width)
        columns = list(_KEY)
        for name, sensor in sensors.items():
            shape = (len(BANDS[sensor.product]), *sensor.output_size(*size))
            text = f"Input: {_PRODUCT_TEXT[sensor.product]}, {_SEEN_TEXT[sensor.product]}."
            columns.append(Column(name, "image", "uint16", text, shape))
        if main.phase is not None:
            columns.append(Column("phase", "vector", "float32", self._phase_text(), (2,)))
        shape = (len(BANDS[self.target_product]), *size)
        text = f"Target: latent {_PRODUCT_TEXT[self.target_product]}."
        columns.append(Column(self.target, "image", "uint16", text, shape))
        columns += [
            Column(
                "land_cover", "mask", "uint8", "Land-cover class 1 to 8; 0 between cells.", size
            ),
            Column("cell", "mask", "int16", "Cell (field) number from 1; 0 between cells.", size),
            Column(
                "backscatter",
                "image",
                "uint16",
                f"Noise-free {_PRODUCT_TEXT['sar']}.",
                (len(BANDS["sar"]), *size),
            ),
        ]
        if main.clouds is not None:
            columns += [
                Column("cloud", "mask", "uint16", "Opacity of the clouds × 10000.", size),
                Column("shadow", "mask", "uint16", "Light lost in cloud shadow × 10000.", size),
            ]
        if main.brightness is not None:
            of = f"of `{self.main_input}`'s calibration error, static per scene"
            columns += [
                Column("gain", "scalar", "float32", f"Gain {of}."),
                Column("bias", "scalar", "float32", f"Bias {of}, on the [0, 1] scale."),
            ]
        return tuple(columns)

    def _phase_text(self) -> str:
        name, ratio = self.main_input, self.gsd_ratio
        return (
            f"Registration shift (rows, columns) of `{name}` against the grid of `{self.target}`, "
            f"in `{name}` pixels: `{name}` pixel i is centred at (i + 0.5 + shift) · {ratio} of "
            f"`{self.target}`."
        )

    def rows(self, scene: Scene, sensors: Mapping[str, SensorRecipe]) -> Iterator[Row]:
        """Yield the rows of a scene in time order, as they are published.

        Args:
            scene: the truth.
            sensors: recipe of each input's sensor, see :meth:`sensor_recipes`.
        """
        world = scene.recipe
        place = Place(world.seed, scene.number, world.height, world.width)
        land_cover = scene.land_cover.astype(np.uint8)
        dates = calendar(world)
        for step in range(world.horizon):
            frames = {product: scene.frame(product, step) for product in BANDS}
            row: Row = {
                "scene": np.int32(scene.number),
                "time_step": np.int16(step),
                "day_of_year": np.int16(dates.day_of_year(step)),
            }
            for name, sensor in sensors.items():
                seen = view(sensor, place, step)
                row[name] = quantise(observe(sensor, place, step, frames[sensor.product], seen))
                if name == self.main_input:
                    main = seen
            row["phase"] = np.array(main.shift, np.float32)
            row[self.target] = quantise(frames[self.target_product])
            row |= {
                "land_cover": land_cover,
                "cell": scene.cell,
                "backscatter": quantise(frames["sar"]),
                "gain": np.float32(main.gain),
                "bias": np.float32(main.bias),
            }
            if sensors[self.main_input].clouds is not None:
                clear = np.zeros((world.height, world.width), np.float32)
                row["cloud"] = quantise(main.clouds.opacity if main.clouds else clear)
                shadow = main.clouds.shadow if main.clouds else None
                row["shadow"] = quantise(clear if shadow is None else shadow)
            yield row


_KEY = (
    Column("scene", "scalar", "int32", "Scene number; a split holds whole scenes."),
    Column("time_step", "scalar", "int16", "Time step within the scene, from 0."),
    Column("day_of_year", "scalar", "int16", "Day of the year of the time step."),
)
_PRODUCT_TEXT = {
    "optical": "reflectance (blue, green, red, NIR) × 10000",
    "sar": "backscatter (VV, VH): 10000 · (dB + 30) / 30",
}
_SEEN_TEXT = {"optical": "as the imager sees it", "sar": "with speckle"}


def calendar(world: WorldRecipe) -> PhenologySettings:
    """Return the calendar of a world that has optical and radar products of one state.

    Raises:
        BenchError: the world's series come from an archive.
    """
    if not isinstance(world.series, PhenologySettings):
        raise BenchError(
            f"world.series.source: tasks pair optical with radar images, which the source "
            f"'{world.series.source}' does not have; choose 'phenology'"
        )
    return world.series


def quantise(image: Array) -> Array:
    """Return an image in [0, 1] on the published uint16 scale; values are off by ≤ 0.5e-4."""
    return np.rint(np.clip(image, 0, 1) * np.float32(SCALE)).astype(np.uint16)


def restore(values: Array) -> Array:
    """Return published uint16 values as float32 in [0, 1]."""
    return values.astype(np.float32) / np.float32(SCALE)


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
    headline="jaccard_ratio",
)

CLOUD_REMOVAL = Task(
    name="cloud_removal",
    title="Cloud removal",
    description=(
        "Restore the latent optical image from one under clouds and their shadows, with the "
        "speckled radar image of the same day beside it. Rows of one scene follow each other in "
        "time, so a method may look for clear pixels on other days."
    ),
    sensors={"cloudy": "cloudy", "sar": "sar"},
    target="clear",
    target_product="optical",
    gsd_ratio=1,
    headline="jaccard_ratio",
)

SAR_TO_OPTICAL = Task(
    name="sar_to_optical",
    title="SAR-to-optical translation",
    description=(
        "Translate a speckled radar image into the optical image of the same day. Both come from "
        "one physical state (leaf area, soil moisture), so the translation has a physical reason; "
        "what radar does not see, such as colour within a class, stays unknown."
    ),
    sensors={"sar": "sar"},
    target="optical",
    target_product="optical",
    gsd_ratio=1,
    headline="jaccard_ratio",
)

TASKS: dict[str, Task] = {task.name: task for task in (SUPER_RES, CLOUD_REMOVAL, SAR_TO_OPTICAL)}


def get_task(name: str) -> Task:
    """Return a task by name.

    Raises:
        BenchError: no such task.
    """
    if name not in TASKS:
        raise BenchError(f"unknown task '{name}'{did_you_mean(name, TASKS)}")
    return TASKS[name]
