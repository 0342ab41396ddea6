"""A sensor: an ordered list of stages that turns the latent product into a derived one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from vrs_bench.sensors.aggregation import AggregationSettings, PhaseSettings, aggregation
from vrs_bench.sensors.noise import NoiseSettings, add_noise
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.sensors.radiometry import BrightnessSettings, draw_brightness
from vrs_bench.settings import Settings
from vrs_bench.types import Array, Doubles, Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.scene import Scene
from vrs_bench.world.streams import stream


class SensorRecipe(Settings):
    """All that determines how a sensor sees a scene. Stages act in the order listed here."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Name of the sensor; its random streams carry it, so two sensors never share draws."""
    product: Literal["optical", "sar"]
    """The latent product that it looks at."""
    brightness: BrightnessSettings = BrightnessSettings()
    aggregation: AggregationSettings | None = None
    phase: PhaseSettings | None = None
    noise: NoiseSettings = NoiseSettings()

    @model_validator(mode="after")
    def _speckle_is_of_radar(self) -> SensorRecipe:
        if self.noise.speckle_looks is not None and self.product != "sar":
            raise ValueError(
                f"noise.speckle_looks: speckle is of radar, but the product is '{self.product}'"
            )
        return self


@dataclass(frozen=True)
class View:
    """The linear, noise-free part of one observation: y = gain · A x + bias."""

    operator: SeparableOperator | None
    """A, or None where the sensor keeps the latent grid."""
    shift: tuple[float, float]
    """Registration shift (rows, columns), pixels of the sensor."""
    gain: float
    bias: float

    def apply(self, image: Array) -> Doubles:
        """See an image on the latent grid, (…, H, W), as the sensor does without noise."""
        seen = (
            np.asarray(image, np.float64) if self.operator is None else self.operator.apply(image)
        )
        return self.gain * seen + self.bias


def view(recipe: SensorRecipe, scene: Scene, step: int) -> View:
    """Draw how the sensor looks at a scene at one time step: registration and calibration."""
    seed, number = scene.recipe.seed, scene.number
    gain, bias = draw_brightness(
        recipe.brightness, stream(seed, number, f"brightness/{recipe.name}")
    )
    shift = (0.0, 0.0)
    if recipe.phase is not None:
        rng = stream(seed, number, f"phase/{recipe.name}", step)
        drawn = ((2 * rng.random(2) - 1) * recipe.phase.max_shift).astype(np.float32)
        shift = (float(drawn[0]), float(drawn[1]))  # as published: float32
    operator = None
    if recipe.aggregation is not None:
        world = scene.recipe
        operator = aggregation(recipe.aggregation, world.height, world.width, shift)
    return View(operator, shift, gain, bias)


def observe(recipe: SensorRecipe, scene: Scene, step: int, frame: Floats, seen: View) -> Floats:
    """Return what the sensor records of a scene at one time step.

    Args:
        recipe: the sensor.
        scene, step: what it looks at.
        frame: the latent frame of ``recipe.product``, as :meth:`Scene.frame` renders it.
        seen: the observation's :func:`view`.

    Returns:
        float32 (band, h, w), clipped to [0, 1].
    """
    clean = settle(seen.apply(frame))
    rng = stream(scene.recipe.seed, scene.number, f"noise/{recipe.name}", step)
    return np.clip(add_noise(recipe.noise, clean, rng), 0, 1)
