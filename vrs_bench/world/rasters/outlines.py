"""Outlines of the cells of a mask."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from vrs_bench.types import Labels
from vrs_bench.world.rasters.files import require_rasterio

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon


def outlines(cell: Labels) -> list[Polygon | MultiPolygon]:
    """Return the outline of the pixels of each cell, along their edges, holes left out.

    Args:
        cell: (height, width), numbers from 1 without gaps, 0 between cells.

    Returns:
        one for each number from 1, in pixel coordinates: x to the right, y downwards.
    """
    require_rasterio()
    from rasterio.features import shapes
    from shapely import union_all
    from shapely.geometry import shape

    parts = defaultdict(list)
    for outline, number in shapes(cell, mask=cell > 0, connectivity=4):
        parts[int(number)].append(shape(outline))
    return [union_all(parts[number]) for number in range(1, int(cell.max()) + 1)]
