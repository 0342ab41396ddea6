"""A sensor: an ordered list of stages that turns the latent product into a derived one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from vrs_bench.sensors import deformation, masks
from vrs_bench.sensors.aggregation import AggregationSettings, PhaseSettings, aggregation
from vrs_bench.sensors.clouds import CloudLayer, CloudSettings, draw_clouds
from vrs_bench.sensors.deformation import DeformationSettings
from vrs_bench.sensors.noise import NoiseSettings, add_noise
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.sensors.radiometry import BrightnessSettings, draw_brightness
from vrs_bench.settings import Settings
from vrs_bench.types import Array, Floats, Labels
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.streams import stream


class SensorRecipe(Settings):
    """All that determines how a sensor sees a scene. Stages act in the order listed here."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Name of the sensor; its random streams carry it, so two sensors never share draws."""
    product: Literal["optical", "sar"]
    """The latent product that it looks at."""
    clouds: CloudSettings | None = None
    brightness: BrightnessSettings | None = None
    deformation: DeformationSettings | None = None
    aggregation: AggregationSettings | None = None
    phase: PhaseSettings | None = None
    revisit: Annotated[int, Field(ge=1, le=1000)] = 1
    """Every revisit-th time step is observed, from the first on."""
    noise: NoiseSettings = NoiseSettings()

    @model_validator(mode="after")
    def _stages_fit(self) -> SensorRecipe:
        if self.noise.speckle_looks is not None and self.product != "sar":
            raise ValueError(
                f"noise.speckle_looks: speckle is of radar, but the product is '{self.product}'"
            )
        if self.clouds is not None and self.product != "optical":
            raise ValueError(
                f"clouds: radar sees through them, but the product is '{self.product}'"
            )
        if self.phase is not None and self.aggregation is None:
            raise ValueError("phase: a registration shift needs an aggregation that samples")
        return self

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of an observation of a latent frame of the given size.

        Raises:
            BenchError: a stage does not fit the size.
        """
        if self.deformation is not None:
            length = width if self.deformation.axis == "columns" else height
            length = deformation.distorted_length(
                length, deformation.growth_rate(self.deformation, length)
            )
            height, width = (
                (height, length) if self.deformation.axis == "columns" else (length, width)
            )
        if self.aggregation is not None:
            height, width = self.aggregation.output_size(height, width)
        return height, width


@dataclass(frozen=True)
class Place:
    """What a sensor looks at: the key of its random draws, and the size of the latent frames."""

    seed: int
    scene: int
    height: int
    width: int


@dataclass(frozen=True)
class View:
    """The noise-free part of one observation, affine in the ground: what is known of its causes."""

    operator: SeparableOperator | None
    """Deformation, PSF and sampling; None where the sensor keeps the latent grid."""
    shift: tuple[float, float]
    """Registration shift (rows, columns), pixels of the sensor."""
    gain: float
    bias: float
    clouds: CloudLayer | None
    """Clouds on the latent grid; None where there are none."""

    def apply(self, image: Floats) -> Array:
        """See an image on the latent grid, (band, H, W), as the sensor does without noise."""
        seen = image if self.clouds is None else self.clouds.over(image)
        if (self.gain, self.bias) != (1.0, 0.0):
            seen = np.multiply(seen, np.float32(self.gain), out=None if seen is image else seen)
            seen += np.float32(self.bias)
        return seen if self.operator is None else self.operator.apply(seen)


def view(recipe: SensorRecipe, place: Place, step: int) -> View:
    """Draw how a sensor looks at a place at one time step: clouds, calibration, registration."""
    key = (place.seed, place.scene)
    clouds = None
    if recipe.clouds is not None:
        rng = stream(*key, f"clouds/{recipe.name}", step)
        clouds = draw_clouds(recipe.clouds, rng, place.height, place.width)
    gain, bias = 1.0, 0.0
    if recipe.brightness is not None:
        seed = place.seed if recipe.brightness.seed is None else recipe.brightness.seed
        rng = stream(seed, place.scene, f"brightness/{recipe.name}")
        gain, bias = draw_brightness(recipe.brightness, rng)
    shift = (0.0, 0.0)
    if recipe.phase is not None:
        rng = stream(*key, f"phase/{recipe.name}", step)
        drawn = ((2 * rng.random(2) - 1) * recipe.phase.max_shift).astype(np.float32)
        shift = (float(drawn[0]), float(drawn[1]))  # as published: float32
    return View(geometry(recipe, place.height, place.width, shift), shift, gain, bias, clouds)


@lru_cache(maxsize=64)
def geometry(
    recipe: SensorRecipe, height: int, width: int, shift: tuple[float, float] = (0.0, 0.0)
) -> SeparableOperator | None:
    """Return the linear operator of a sensor's geometric stages, or None where there are none.

    Args:
        recipe: the sensor.
        height, width: size of the latent frame.
        shift: registration shift (rows, columns) in pixels of the sensor.

    Raises:
        BenchError: a stage does not fit the size.
    """
    operator = None
    if recipe.deformation is not None:
        settings = recipe.deformation
        along_columns = settings.axis == "columns"
        length = width if along_columns else height
        moved = deformation.resampling_matrix(length, deformation.growth_rate(settings, length))
        operator = (
            SeparableOperator(np.eye(height), moved)
            if along_columns
            else SeparableOperator(moved, np.eye(width))
        )
        height, width = operator.rows.shape[0], operator.columns.shape[0]
    if recipe.aggregation is not None:
        sampled = aggregation(recipe.aggregation, height, width, shift)
        operator = sampled if operator is None else sampled.after(operator)
    return operator


def observe(
    recipe: SensorRecipe, place: Place, step: int, frame: Floats, seen: View | None = None
) -> Floats:
    """Return what a sensor records of a place at one time step.

    Args:
        recipe: the sensor.
        place, step: what it looks at.
        frame: the latent frame (band, H, W) of ``recipe.product``, float32.
        seen: the observation's :func:`view`, where the caller has it.

    Returns:
        float32 (band, h, w), clipped to [0, 1].
    """
    image = (seen or view(recipe, place, step)).apply(frame)
    if image.dtype != np.float32:
        image = settle(image)
    if recipe.noise != NoiseSettings():
        rng = stream(place.seed, place.scene, f"noise/{recipe.name}", step)
        image = add_noise(recipe.noise, image, rng)
    # In place where the image is ours: fresh memory costs more than the arithmetic.
    return np.clip(image, 0, 1, out=None if image is frame else image)


def observe_labels(recipe: SensorRecipe, mask: Labels) -> Labels:
    """Return a mask on the sensor's grid: moved by nearest neighbour, merged by majority."""
    rows: Array | None = None
    columns: Array | None = None
    if recipe.deformation is not None:
        along_columns = recipe.deformation.axis == "columns"
        length = mask.shape[1 if along_columns else 0]
        rate = deformation.growth_rate(recipe.deformation, length)
        positions = deformation.source_positions(length, rate)
        rows, columns = (None, positions) if along_columns else (positions, None)
    height, width = recipe.output_size(*mask.shape)
    return masks.majority(masks.move(mask, rows, columns), height, width)
