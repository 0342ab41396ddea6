"""Reflectance of cells, and how it answers to what differs from pixel to pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrs_bench.types import Doubles
from vrs_bench.world.landcover import EXTINCTION, PETALS, SENESCENT_CANOPY
from vrs_bench.world.series.rain import RESIDUAL
from vrs_bench.world.series.seasons import State, by_class

_DARKENING = 9.0  # of soil with moisture, per m³/m³: c of Lobell & Asner 2002 (SSSAJ 66:722)
_VISIBLE = 1.2  # contrast of light and shade: in the near infrared leaves light each other
_LEAF_AREA = 0.15  # relative standard deviation of leaf area within a cell


@dataclass(frozen=True)
class Optics:
    """Reflectance and its answers, float64 (n_cells, n_steps, 4): blue, green, red, NIR."""

    reflectance: Doubles
    """Surface reflectance of the whole cell."""
    shade: Doubles
    """Change for one standard deviation of light and shade in the canopy."""
    growth: Doubles
    """Change for one standard deviation of leaf area."""
    soil: Doubles
    """Change for one standard deviation of the ground's brightness."""


def optics(state: State) -> Optics:
    """Return surface reflectance of each cell at each time step, and what changes it within.

    ``ρ = ρ_canopy (1 - g) + ρ_ground(m) g`` per band, with the gap fraction ``g = e^(-k LAI)``
    (Beer-Lambert) and ``ρ_ground(m) = ρ_wet + (ρ_dry - ρ_wet) e^(-c m)`` (Lobell & Asner 2002).
    The answers are derivatives: to the canopy's brightness, to the logarithm of LAI, and to the
    brightness of the ground, each times a relative standard deviation.
    """
    senescent, bloom = state.senescent[..., None], state.bloom[..., None]
    green = by_class(state.classes, "canopy")[:, None]
    canopy = (1 - senescent) * green + senescent * np.asarray(SENESCENT_CANOPY)
    canopy = (1 - bloom) * canopy + bloom * np.asarray(PETALS)
    canopy = canopy * state.canopy_gain[..., None]
    dry = by_class(state.classes, "ground_dry")[:, None]
    wet = by_class(state.classes, "ground_wet")[:, None]
    ground = wet + (dry - wet) * np.exp(-_DARKENING * (state.moisture[..., None] - RESIDUAL))
    ground = ground * state.ground_gain[..., None]
    depth = np.asarray(EXTINCTION) * state.lai[..., None]
    gap = np.exp(-depth)

    canopy_deviation, ground_deviation = by_class(state.classes, "texture").T[..., None, None]
    by_band = np.array([_VISIBLE, _VISIBLE, _VISIBLE, 1.0])
    return Optics(
        reflectance=canopy * (1 - gap) + ground * gap,
        shade=canopy * (1 - gap) * canopy_deviation * by_band,
        growth=(canopy - ground) * gap * depth * _LEAF_AREA,
        soil=ground * gap * ground_deviation,
    )
