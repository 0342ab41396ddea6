"""What becomes of a task on the data of one recipe.

A row is one scene at one time step. Its *derived* columns are what a method may see, plus the
target; its *latent* columns are the truth: target, masks, physical state, and the causes of what
was observed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from vrs_bench.columns import Column, Row, quantise
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.sensors.stage import Observed
from vrs_bench.tasks.definitions import BANDS, TASKS, Task, get_task
from vrs_bench.world.scene import Scene, WorldRecipe


class Described(Protocol):
    """What says how data were made: a dataset's manifest."""

    @property
    def recipe(self) -> BenchmarkRecipe:
        """The world and its size."""

    def sensors_of(self, task: str) -> Mapping[str, SensorRecipe]:
        """Return the recipe of each input's sensor."""


@dataclass(frozen=True)
class BoundTask:
    """A task on the data of one recipe: what its rows hold, and what made them."""

    task: Task
    world: WorldRecipe
    sensors: Mapping[str, SensorRecipe]
    """Input column → recipe of its sensor, the main input first."""

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.task.name

    @property
    def target(self) -> str:
        """Column of the truth."""
        return self.task.target

    @property
    def main_input(self) -> str:
        """Column of the main input."""
        return self.task.main_input

    @property
    def main_sensor(self) -> SensorRecipe:
        """Sensor of the main input."""
        return self.sensors[self.main_input]

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the target's bands."""
        return BANDS[self.task.target_product]

    @cached_property
    def gsd_ratio(self) -> float:
        """Ground sampling distance of the main input over that of the target (for ERGAS)."""
        size = (self.world.height, self.world.width)
        return _ratio(size, self.main_sensor.output_size(*size))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns: keys, inputs and what is known of them, target, truth of masks and causes.

        Raises:
            BenchError: a sensor does not fit the size of the world.
        """
        size = (self.world.height, self.world.width)
        columns = list(_KEY)
        causes: list[Column] = []
        for name, sensor in self.sensors.items():
            seen = sensor.output_size(*size)
            shape = (len(BANDS[sensor.product]), *seen)
            text = f"Input: {_PRODUCT_TEXT[sensor.product]}, {_SEEN_TEXT[sensor.product]}."
            columns.append(Column(name, "image", "uint16", text, shape, visible=True))
            observed = Observed(name, self.target, _ratio(size, seen), *size)
            causes += [
                replace(column, name=self._cause(name, column.name))
                for column in sensor.columns(observed)
            ]
        shape = (len(self.bands), *size)
        text = f"Target: latent {_PRODUCT_TEXT[self.task.target_product]}."
        classes = len(self.world.series.classes()) - 1
        return (
            *columns,
            *(column for column in causes if column.visible),
            Column(self.target, "image", "uint16", text, shape),
            Column(
                "land_cover",
                "mask",
                "uint8",
                f"Land-cover class 1 to {classes}; 0 between cells.",
                size,
                static=True,
            ),
            Column(
                "cell",
                "mask",
                "int16",
                "Cell (field) number from 1; 0 between cells.",
                size,
                static=True,
            ),
            Column(
                "backscatter",
                "image",
                "uint16",
                f"Noise-free {_PRODUCT_TEXT['sar']}.",
                (len(BANDS["sar"]), *size),
            ),
            *(column for column in causes if not column.visible),
        )

    def _cause(self, name: str, column: str) -> str:
        """Return the name of a published cause; those of the main input need no prefix."""
        return column if name == self.main_input else f"{name}_{column}"

    def column(self, name: str) -> Column:
        """Return a column by name.

        Raises:
            BenchError: no such column.
        """
        found = {column.name: column for column in self.columns}
        if name not in found:
            raise BenchError(f"{self.name}: no column '{name}'{did_you_mean(name, found)}")
        return found[name]

    @cached_property
    def visible(self) -> tuple[str, ...]:
        """The columns that a method may see: keys, inputs, and what is known of them."""
        return tuple(column.name for column in self.columns if column.visible)

    @cached_property
    def configs(self) -> dict[str, tuple[str, ...]]:
        """The published configs and the columns of each: derived, and latent."""
        hidden = (column.name for column in self.columns if not column.visible)
        keys = tuple(column.name for column in _KEY)
        return {
            self.name: (*self.visible, self.target),
            f"{self.name}_latent": (*keys, *hidden),
        }

    def place(self, scene: int) -> Place:
        """Return what sensors look at: a scene of the world."""
        return Place(self.world.seed, scene, self.world.height, self.world.width)

    def rows(self, scene: Scene) -> Iterator[Row]:
        """Yield the rows of a scene in time order, as they are published."""
        world, place = self.world, self.place(scene.number)
        land_cover = scene.land_cover.astype(np.uint8)
        for step in range(world.horizon):
            frames = {product: scene.frame(product, step) for product in BANDS}
            row: Row = {
                "scene": np.int32(scene.number),
                "time_step": np.int16(step),
                "day_of_year": np.int16(world.series.day_of_year(step)),
                self.target: quantise(frames[self.task.target_product]),
                "land_cover": land_cover,
                "cell": scene.cell,
                "backscatter": quantise(frames["sar"]),
            }
            for name, sensor in self.sensors.items():
                seen = view(sensor, place, step)
                row[name] = quantise(observe(sensor, place, step, frames[sensor.product], seen))
                row |= {self._cause(name, of): value for of, value in seen.published.items()}
            yield row


def _ratio(truth: tuple[int, int], seen: tuple[int, int]) -> float:
    """Return the ground sampling distance of an observation over that of the truth."""
    return float(np.sqrt(truth[0] * truth[1] / (seen[0] * seen[1])))


_KEY = (
    Column("scene", "scalar", "int32", "Scene number; a split holds whole scenes.", visible=True),
    Column("time_step", "scalar", "int16", "Time step within the scene, from 0.", visible=True),
    Column("day_of_year", "scalar", "int16", "Day of the year of the time step.", visible=True),
)
_PRODUCT_TEXT = {
    "optical": "reflectance (blue, green, red, NIR) × 10000",
    "sar": "backscatter (VV, VH): 10000 · (dB + 30) / 30",
}
_SEEN_TEXT = {"optical": "as the imager sees it", "sar": "with speckle"}


def bind(task: str | Task, source: BenchmarkRecipe | Described) -> BoundTask:
    """Bind a task to data that are to be made, or that were made.

    Args:
        task: the task or its name.
        source: a benchmark recipe, whose own sensors take the place of the packaged ones; or a
            dataset's manifest, whose sensors are those that made it.

    >>> from vrs_bench.recipes import BenchmarkRecipe, load_recipe
    >>> bind("super_res", load_recipe(BenchmarkRecipe, "tiny")).column("lr").shape
    (4, 32, 32)

    Raises:
        BenchError: no such task; or the world has not the products that it needs, or a sensor
            does not fit the task or the size of the world.
    """
    task = get_task(task) if isinstance(task, str) else task
    if isinstance(source, BenchmarkRecipe):
        world = source.world
        own: Mapping[str, SensorRecipe] = source.sensors.get(task.name, {})
        for name in source.sensors:
            if name not in TASKS:
                raise BenchError(f"sensors: unknown task '{name}'{did_you_mean(name, TASKS)}")
    else:
        world, own = source.recipe.world, source.sensors_of(task.name)
    for name in own:
        if name not in task.sensors:
            raise BenchError(
                f"sensors.{task.name}: no input '{name}'{did_you_mean(name, task.sensors)}"
            )
    packaged = {column: load_recipe(SensorRecipe, name) for column, name in task.sensors.items()}
    sensors = {**packaged, **own}
    for column, sensor in sensors.items():
        if sensor.product != packaged[column].product:
            raise BenchError(
                f"sensors.{task.name}.{column}: expected a sensor of the product "
                f"'{packaged[column].product}', got '{sensor.product}'"
            )
    needed = {*BANDS, task.target_product, *(sensor.product for sensor in sensors.values())}
    require_products(world, *needed)
    bound = BoundTask(task, world, sensors)
    _ = bound.columns  # a sensor that does not fit the size says so here
    return bound


def require_products(world: WorldRecipe, *products: str) -> None:
    """Check that the series of a world have some latent products.

    Raises:
        BenchError: they lack one.
    """
    missing = sorted(set(products) - set(world.series.bands()))
    if missing:
        raise BenchError(
            f"world.series.source: {' and '.join(missing)} images are needed here, which the "
            f"source '{world.series.source}' does not have; choose 'phenology'"
        )
