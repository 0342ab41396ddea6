"""The parts of a scene by which scores are told apart: what was there, and what lay over it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from vrs_bench.metrics.scene import Parts
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import class_names

BORDER_PX = 2
"""A pixel is at a border if another cell is at most so many rows and columns away."""

TRANSMITTANCE = {"clear": 0.95, "thin": 0.5, "thick": 0.05, "opaque": 0.0}
"""Least share of light that came through clouds and shadow, of each bin."""


def parts_of(land_cover: Array, cell: Array, transmittance: Floats | None, steps: int) -> Parts:
    """Return the parts of a scene.

    Args:
        land_cover: (height, width) uint8; 0 between cells, which is no land cover's part.
        cell: (height, width) int16; 0 everywhere where cells are not known.
        transmittance: (time step, height, width) float32, of clouds and their shadows; None
            where the task has none.
        steps: number of time steps.
    """
    names = list(enumerate(class_names()))[1:]
    side = 2 * BORDER_PX + 1
    border = maximum_filter(cell, side) != minimum_filter(cell, side)
    interior = ~border & cell.any()  # where no cell is known, nothing is inside of one
    masks = np.stack([*(land_cover == number for number, _ in names), border, interior])
    fixed = [("land_cover", name) for _, name in names]
    fixed += [("position", "border"), ("position", "interior")]
    if transmittance is None:
        none = np.empty((steps, 0, *cell.shape), bool)
        return Parts(tuple(fixed), masks, (), none, np.empty((0, *cell.shape), bool))
    by_step = tuple(("cloud", name) for name in TRANSMITTANCE)
    return Parts(
        tuple(fixed),
        masks,
        by_step,
        transmittance_masks(transmittance),
        transmittance_masks(transmittance.mean(axis=0)),
    )


def transmittance_masks(transmittance: Floats) -> Array:
    """Return the pixels of each bin of :data:`TRANSMITTANCE`: (…, bin, height, width) bool."""
    masks, above = [], np.zeros(transmittance.shape, bool)
    for least in TRANSMITTANCE.values():
        reached = transmittance >= least
        masks.append(reached & ~above)
        above = reached
    return np.stack(masks, axis=-3)
