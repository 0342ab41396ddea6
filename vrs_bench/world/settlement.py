"""Built-up land: streets, roofs and gardens in the place of a random texture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vrs_bench.types import Array, Floats, Labels
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.fields import Fields
from vrs_bench.world.landcover import LAND_COVER
from vrs_bench.world.streams import stream

BUILT_UP = 1 + [cover.name for cover in LAND_COVER].index("built-up")
_BLOCK_PX = ((9.0, 16.0), (5.0, 8.0))  # from street to street, along and across
_PLOTS = (4, 2)  # of a block, along and across
_STREET_PX = 1.2
_KINDS = 64  # plots are looked up in a table of so many rows and columns
_GARDENS = 0.45  # share of plots; others are roofs and yards

# In standard deviations of the ground's brightness, of leaf area and of backscatter.
_STREET = (-1.6, -1.5, -1.2)
_GARDEN = (-0.3, 2.7, -0.5)  # of leaf area, what stays is a part
_ROOF = (0.9, -1.5, 0.9)
_ROOF_SPREAD = (1.0, 0.0, 0.9)


def settle_down(fields: Fields, cell: Labels, classes: Labels, seed: int, scene: int) -> Fields:
    """Return the fields of a scene with streets, roofs and gardens where there is built-up land.

    Args:
        fields: of the scene.
        cell: instance mask (height, width), 0 between cells.
        classes: class of each cell, (n_cells,).
        seed, scene: key of the random stream ``"texture/settlement"``.
    """
    built = np.concatenate([[False], classes == BUILT_UP])
    row, column = np.nonzero(built.take(cell))
    if not len(row):
        return fields
    rng = stream(seed, scene, "texture/settlement")
    chance = rng.random((len(built), 5))
    plots = rng.random((2, _KINDS, _KINDS))

    def laid(field: Floats, values: Array | float) -> Floats:
        pattern, result = np.zeros_like(field), field.copy()
        pattern[row, column] = values
        result[row, column] = _smoothed(pattern)[row, column]
        return result

    ground, leaves, scatter = _pattern(cell[row, column], row, column, chance, plots)
    gardens = laid(fields.fertility, leaves)
    wet, dry = (laid(field, 0) for field in fields.weathered)
    return replace(
        fields,
        soil=laid(fields.soil, ground),
        fertility=gardens,
        weathered=(wet, dry),
        scatter=laid(fields.scatter, scatter),
    )


def _pattern(cell: Labels, row: Array, column: Array, chance: Array, plots: Array) -> Floats:
    """Return ground, leaf area and backscatter at some pixels, float32 (3, n)."""
    angle = np.pi * chance[:, 0]
    along, across = settle(np.stack([np.cos(angle), np.sin(angle)])).astype(np.float64)
    y, x = row + 0.5, column + 0.5
    lattice = (along[cell] * x + across[cell] * y, along[cell] * y - across[cell] * x)
    street = np.zeros(len(row))
    plot = []
    for axis, (place, (least, most), n) in enumerate(zip(lattice, _BLOCK_PX, _PLOTS, strict=True)):
        block = least + (most - least) * chance[cell, 1 + axis]
        place = place / block + 16 * chance[cell, 3 + axis]  # in blocks; no two cells alike
        from_street = np.abs(place - np.rint(place)) * block
        street = np.maximum(street, np.clip(0.5 + _STREET_PX / 2 - from_street, 0, 1))
        plot.append(np.floor(place * n).astype(np.intp) % _KINDS)
    kind, tone = plots[:, plot[0], plot[1]]
    garden, tone = kind < _GARDENS, 2 * np.sqrt(3) * (tone - 0.5)
    values = [
        (1 - street) * np.where(garden, of_garden, of_roof + spread * tone) + street * of_street
        for of_street, of_garden, of_roof, spread in zip(
            _STREET, _GARDEN, _ROOF, _ROOF_SPREAD, strict=True
        )
    ]
    return settle(np.stack(values), bits=12)


def _smoothed(field: Floats) -> Floats:
    """Return the average over each pixel's surroundings by weights 1, 2, 1 along both axes."""
    for axis in (0, 1):
        padded = np.pad(field, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        before, after = (np.roll(padded, shift, axis) for shift in (1, -1))
        total = before + after + 2 * padded
        field = np.float32(0.25) * (total[1:-1] if axis == 0 else total[:, 1:-1])
    return field
