"""Rain, and the moisture of the soil after it."""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array, Doubles

RESIDUAL, SATURATED = 0.06, 0.42
"""Least and most volumetric soil moisture, m³/m³."""
_SPIN_UP_DAYS = 60
_AFTER_DAYS = 60
_FILLING_MM = 30.0  # depth of rain that brings soil to 1 - 1/e of the way to saturation


def draw_rain(
    rng: np.random.Generator, first: int, last: int, probability: float, mean_mm: float
) -> tuple[Array, Array]:
    """Draw the days with rain, from 60 days before a first day to a last day.

    Args:
        rng: the scene's stream ``"rain"``.
        first, last: days.
        probability: that a day brings rain.
        mean_mm: mean depth on a day with rain (exponential).

    Returns:
        days and depths in mm, (n_events,) both.
    """
    return _drawn(rng, np.arange(first - _SPIN_UP_DAYS, last + 1), probability, mean_mm)


def draw_rain_after(
    rng: np.random.Generator, last: int, probability: float, mean_mm: float
) -> tuple[Array, Array]:
    """Draw the days with rain of the 60 days after a last day, as :func:`draw_rain` does."""
    return _drawn(rng, np.arange(last + 1, last + 1 + _AFTER_DAYS), probability, mean_mm)


def _drawn(
    rng: np.random.Generator, days: Array, probability: float, mean_mm: float
) -> tuple[Array, Array]:
    occurs, depth = rng.random((2, len(days)))
    wet = occurs < probability
    return days[wet], -mean_mm * np.log1p(-depth[wet])


def soil_moisture(days: Array, rain_days: Array, rain_mm: Array, dry_down: Array) -> Doubles:
    """Return volumetric soil moisture after rain pulses that each decay exponentially.

    Wetness is Σ rain/30 mm · exp(-(t - t_rain)/τ) over past rain; moisture rises from residual
    to saturated as 1 - exp(-wetness).

    Args:
        days: (n_steps,) days at which moisture is wanted.
        rain_days, rain_mm: (n_events,) days and depths of rain.
        dry_down: (n_cells,) time constant τ of each cell, days.

    Returns:
        float64 (n_cells, n_steps), m³/m³, in [0.06, 0.42].
    """
    age = np.asarray(days, dtype=np.float64)[:, None] - rain_days
    fallen = np.where(age >= 0, rain_mm / _FILLING_MM, 0.0)
    decay = np.exp(-np.maximum(age, 0) / np.asarray(dry_down)[:, None, None])
    wetness = (decay * fallen).sum(axis=-1)
    return np.asarray(RESIDUAL + (SATURATED - RESIDUAL) * (1 - np.exp(-wetness)))
