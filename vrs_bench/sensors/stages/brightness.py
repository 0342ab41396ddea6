"""Radiometric calibration error: a gain and a bias that stay with a product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vrs_bench.columns import Column
from vrs_bench.sensors.interval import Interval, within
from vrs_bench.sensors.stage import Draws, Observed, Stage
from vrs_bench.types import Array, Floats

Modest = Annotated[Interval, within(-100, 100)]
"""Gains and biases of which even many in a row stay finite in float32."""


class Brightness(Stage):
    """Static gain and bias of a product: observed = gain · true + bias."""

    stage: Literal["brightness"] = "brightness"
    mul: Modest = Interval(min=1.0, max=1.0)
    """Gain."""
    add: Modest = Interval(min=0.0, max=0.0)
    """Bias, on the [0, 1] scale."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of this draw alone; None: the world's."""

    def draw(self, draws: Draws, height: int, width: int) -> tuple[float, float]:
        """Draw gain and bias of a scene, rounded to float32: what is published is what was used."""
        rng = draws.of_scene("brightness", self.seed)
        gain, bias = self.mul.draw(rng), self.add.draw(rng)
        return float(np.float32(gain)), float(np.float32(bias))

    def apply(self, image: Floats, cause: tuple[float, float], draws: Draws) -> Floats:
        """Return gain · image + bias."""
        if cause == (1.0, 0.0):
            return image
        gain, bias = cause
        image = image * np.float32(gain)
        image += np.float32(bias)
        return image

    def columns(self, observed: Observed) -> tuple[Column, ...]:
        """Gain and bias."""
        of = f"of `{observed.input}`'s calibration error, static per scene"
        return (
            Column("gain", "scalar", "float32", f"Gain {of}.", static=True),
            Column("bias", "scalar", "float32", f"Bias {of}, on the [0, 1] scale.", static=True),
        )

    def published(self, cause: tuple[float, float], height: int, width: int) -> Mapping[str, Array]:
        """Gain and bias as float32."""
        return {"gain": np.asarray(np.float32(cause[0])), "bias": np.asarray(np.float32(cause[1]))}

    def shows(self, cause: tuple[float, float]) -> bool:
        """Where there is a gain or a bias."""
        return cause != (1.0, 0.0)

    def explain(self, cause: tuple[float, float]) -> str:
        """Gain and bias."""
        return f"gain {cause[0]:.3f}, bias {cause[1]:+.4f}"
