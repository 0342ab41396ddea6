"""Radiometric calibration error: a gain and a bias that stay with a product."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from vrs_bench.settings import Settings


class Interval(Settings):
    """A closed interval from which a value is drawn uniformly."""

    min: float
    max: float

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        return self.at(float(rng.random()))

    def at(self, share: float) -> float:
        """Return the value at a share of the way from min to max."""
        return self.min + (self.max - self.min) * share


class BrightnessSettings(Settings):
    """Static gain and bias of a product: observed = gain · true + bias."""

    mul: Interval = Interval(min=1.0, max=1.0)
    """Gain."""
    add: Interval = Interval(min=0.0, max=0.0)
    """Bias, on the [0, 1] scale."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of this draw alone; None: the world's."""


def draw_brightness(settings: BrightnessSettings, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the gain and the bias of one product.

    Both are rounded to float32, so that what is published is what was used.
    """
    gain, bias = settings.mul.draw(rng), settings.add.draw(rng)
    return float(np.float32(gain)), float(np.float32(bias))
