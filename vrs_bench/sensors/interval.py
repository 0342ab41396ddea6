"""Settings that are drawn uniformly from an interval."""

from __future__ import annotations

import numpy as np
from pydantic import AfterValidator, model_validator

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


def within(low: float, high: float) -> AfterValidator:
    """Return the annotation of an interval that must lie between two numbers."""

    def check(interval: Interval) -> Interval:
        if not low <= interval.min <= interval.max <= high:
            raise ValueError(
                f"expected {low:g} ≤ min ≤ max ≤ {high:g}, got {interval.min:g} to {interval.max:g}"
            )
        return interval

    return AfterValidator(check)
