"""Backscatter of cells by the water cloud model."""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array, Doubles
from vrs_bench.world.series.seasons import State, by_class

INCIDENCE_DEG = 38.0
"""Incidence angle of the virtual radar, mid-swath of Sentinel-1 IW."""
DB_FLOOR = -30.0
"""The backscatter that maps to 0; 0 dB maps to 1."""


def backscatter_db(state: State) -> Doubles:
    """Return backscatter by the water cloud model, with σ0 of the canopy independent of LAI.

    ``σ0 = A cos θ (1 - γ²) + γ² σ0_ground``, ``γ² = exp(-2 B LAI / cos θ)`` (Attema & Ulaby 1978
    in the form of Prévot et al. 1993 with E = 0); the ground rises linearly in dB with moisture.

    Returns:
        float64 (n_cells, n_steps, 2): VV, VH in dB.
    """
    cosine = np.cos(np.radians(INCIDENCE_DEG))
    ground_db = (
        by_class(state.classes, "ground_db")[:, None]
        + by_class(state.classes, "moisture_db")[:, None] * state.moisture[..., None]
        + state.roughness_db[..., None]
    )
    transmission = np.exp(
        -2 * by_class(state.classes, "attenuation")[:, None] * state.lai[..., None] / cosine
    )
    # Dry straw holds no water: a senescent canopy scatters less.
    canopy = by_class(state.classes, "canopy_sigma")[:, None] * (
        1 - 0.5 * state.senescent[..., None]
    )
    canopy = canopy * state.canopy_gain[..., None] * cosine
    sigma = canopy * (1 - transmission) + transmission * 10 ** (ground_db / 10)
    return np.asarray(10 * np.log10(sigma))


def scale_db(db: Array) -> Array:
    """Map backscatter from [-30, 0] dB linearly to [0, 1]."""
    return np.clip((db - DB_FLOOR) / -DB_FLOOR, 0, 1)
