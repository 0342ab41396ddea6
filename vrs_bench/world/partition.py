"""A partition: the convex cells that fill a scene, and the strips along the lines between them.

Which sites are neighbours is all that is taken from the Voronoi library; where lines and corners
lie is computed here with operations that IEEE 754 fixes, so nothing hangs on its last bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vrs_bench.types import Array, Doubles, Labels
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.cells import CellSettings, draw_sites, neighbours
from vrs_bench.world.convex import EDGE, Convex, Side, keep, rectangle
from vrs_bench.world.lines import (
    LINEAR_FEATURES,
    PRIORITY,
    LineSettings,
    draw_kinds,
    draw_through_lines,
    widths_of,
)
from vrs_bench.world.painting import HalfPlanes, Runs, runs
from vrs_bench.world.parcels import draw_parcels
from vrs_bench.world.streams import stream

if TYPE_CHECKING:
    from shapely import Polygon


@dataclass(frozen=True)
class Partition:
    """Convex cells that fill the extent, each by the lines that bound it.

    Coordinates are pixels, x to the right and y downwards from the upper left corner. Cells that
    share an edge hold the same line, negated to the bit, of the same width and kind. The edges of
    the extent are not listed.
    """

    height: int
    width: int
    n_cells: int
    cell: Array
    """(m,) index from 0 of the cell that each half-plane bounds, ascending."""
    normals: Doubles
    """(m, 2) x, y of a vector of any length that points out of the cell."""
    offsets: Doubles
    """(m,) a point p is inside where normals·p ≤ offsets."""
    widths: Doubles
    """(m,) width in pixels of the whole strip along that edge; half of it lies in this cell."""
    kinds: Array
    """(m,) what the strip is, an index of ``LINEAR_FEATURES``; 0 where its width is 0."""


def draw_partition(
    settings: CellSettings, seed: int, number: int, height: int, width: int
) -> Partition:
    """Draw the cells of a scene.

    Blocks are the Voronoi cells of random sites. Roads and streams cut all blocks that they cross,
    then blocks are divided into parcels. Each step has a stream of its own, so that none moves
    what another drew before it. Cells of undivided blocks are numbered as their sites, which are
    drawn one like the other; where there are cuts, by a random permutation: a number tells
    nothing of a cell.

    Args:
        settings: how the extent is divided.
        seed: of the world.
        number: of the scene.
        height, width: of the extent, pixels.
    """
    sites = draw_sites(settings, stream(seed, number, "cells"), height, width)
    pairs = neighbours(sites, height, width)
    pairs = pairs[np.lexsort(pairs.T[::-1])]  # the library's order is its own
    first, second = sites[pairs[:, 0]], sites[pairs[:, 1]]
    normals, middles = second - first, (second + first) / 2
    offsets = normals[:, 0] * middles[:, 0] + normals[:, 1] * middles[:, 1]
    sides = [
        Side(line, nx, ny, offset)
        for line, ((nx, ny), offset) in enumerate(
            zip(normals.tolist(), offsets.tolist(), strict=True)
        )
    ]
    bounds: list[list[Side]] = [[] for _ in sites]
    for side, (i, j) in zip(sides, pairs.tolist(), strict=True):
        bounds[i].append(side)
        bounds[j].append(side.other)

    through: list[int] = []
    n_cuts = 0
    if settings.lines is not None or settings.parcels is not None:
        blocks = [_outline(cell, height, width) for cell in bounds]
        if settings.lines is not None:
            rng = stream(seed, number, "cells/through")
            blocks, through = draw_through_lines(
                settings.lines, rng, blocks, len(sides), height, width
            )
        if settings.parcels is not None:
            rng = stream(seed, number, "cells/parcels")
            blocks, n_cuts = draw_parcels(settings.parcels, rng, blocks, len(sides) + len(through))
        order = stream(seed, number, "cells/order").permutation(len(blocks))
        bounds = [[side for side in blocks[k].sides if side.line != EDGE] for k in order.tolist()]

    kinds, widths = _draw_strips(settings, seed, number, len(sides), through, n_cuts)
    flat = [side for cell in bounds for side in cell]
    line = np.array([side.line for side in flat], np.intp)
    return Partition(
        height=height,
        width=width,
        n_cells=len(bounds),
        cell=np.repeat(np.arange(len(bounds)), [len(cell) for cell in bounds]),
        normals=np.array([(side.nx, side.ny) for side in flat], np.float64).reshape(-1, 2),
        offsets=np.array([side.offset for side in flat], np.float64),
        widths=widths[line],
        kinds=kinds[line],
    )


def _draw_strips(
    settings: CellSettings, seed: int, number: int, n_edges: int, through: list[int], n_cuts: int
) -> tuple[Array, Doubles]:
    """Return kind and width of each line: edges of blocks, lines across the extent, cuts."""
    lines: LineSettings | None = settings.lines
    if lines is None:
        n = n_edges + len(through) + n_cuts
        return np.zeros(n, np.intp), np.full(n, settings.border_px)
    widths = lines.widths_px
    across = np.array(through, np.intp)
    rng = stream(seed, number, "cells/strips/through")
    drawn = [
        draw_kinds(
            lines.between_blocks, widths, stream(seed, number, "cells/strips/edges"), n_edges
        ),
        (across, widths_of(widths, across, rng.random(len(across)))),
        draw_kinds(lines.within_blocks, widths, stream(seed, number, "cells/strips/cuts"), n_cuts),
    ]
    kinds, sizes = zip(*drawn, strict=True)
    return np.concatenate(kinds), np.concatenate(sizes)


def _outline(bounds: list[Side], height: int, width: int) -> Convex:
    """Return the polygon that half-planes leave of the extent."""
    piece = rectangle(height, width)
    for side in bounds:
        kept = keep(piece, side)
        if kept is not None:  # a site lies inside of all its bounds
            piece = kept
    return piece


def _outlines(partition: Partition) -> list[Convex]:
    bounds: list[list[Side]] = [[] for _ in range(partition.n_cells)]
    for cell, (nx, ny), offset in zip(
        partition.cell.tolist(),
        partition.normals.tolist(),
        partition.offsets.tolist(),
        strict=True,
    ):
        bounds[cell].append(Side(0, nx, ny, offset))
    return [_outline(cell, partition.height, partition.width) for cell in bounds]


def polygons(partition: Partition) -> list[Polygon]:
    """Return the outline of each cell up to the middle of its strips, in the cells' order."""
    from shapely import Polygon  # a raster needs no vectors

    return [Polygon(outline.corners) for outline in _outlines(partition)]


def middles(partition: Partition) -> Doubles:
    """Return the mean corner of each cell, x and y in pixels: a point inside, float64 (n, 2)."""
    means = []
    for outline in _outlines(partition):
        x = y = 0.0
        for corner in outline.corners:
            x, y = x + corner[0], y + corner[1]
        means.append((x / len(outline.corners), y / len(outline.corners)))
    return settle(np.array(means), bits=10).astype(np.float64)


def surfaces(partition: Partition, scale: int = 1) -> Labels:
    """Return what lies at the centre of each sub-pixel.

    Args:
        partition: the cells.
        scale: sub-pixels along a pixel's side.

    Returns:
        int16 (height · scale, width · scale): ``LINEAR_FEATURES`` from 0, or
        ``len(LINEAR_FEATURES)`` plus the index of a cell from 0. Where strips meet, the kind of
        the highest ``PRIORITY``.
    """
    height, width = partition.height * scale, partition.width * scale
    planes = HalfPlanes(
        partition.n_cells,
        partition.cell,
        partition.normals,
        partition.offsets * scale,
        partition.widths * scale,
    )
    several = bool(partition.kinds.any())
    painted = []
    for part in runs(planes, height, width):
        values = np.zeros((len(part.cell), 3), np.int16)
        values[:, 1] = part.cell + len(LINEAR_FEATURES)
        block = np.repeat(values.ravel(), part.lengths.ravel())
        if several:
            _name_strips(block, part, planes, partition.kinds, width)
        painted.append(block)
    return np.concatenate(painted).reshape(height, width)


def _name_strips(block: Labels, part: Runs, planes: HalfPlanes, kinds: Array, width: int) -> None:
    """Write the kind of each pixel in a strip: of its cell's edges that it is near to, the first.

    Args:
        block: pixels of some rows, changed in place.
        part: their runs.
        planes, kinds: the cells' edges.
        width: of a row.
    """
    lengths = part.lengths.ravel()
    begins = np.cumsum(lengths) - lengths
    strips = np.flatnonzero(lengths * np.tile([1, 0, 1], len(part.cell)))
    counts = lengths[strips]
    at = np.arange(counts.sum()) + np.repeat(begins[strips] - (np.cumsum(counts) - counts), counts)
    cell = np.repeat(part.cell[strips // 3], counts)

    # Margins are what is left, so other edges are enough.
    edges = np.flatnonzero((kinds > 0) & (planes.widths > 0))
    normals, rank = planes.normals[edges], np.array(PRIORITY, np.int8)[kinds[edges]]
    nx, ny = normals[:, 0].copy(), normals[:, 1].copy()
    room = planes.offsets[edges] - np.sqrt(nx * nx + ny * ny) * planes.widths[edges] / 2
    first = np.searchsorted(planes.cell[edges], np.arange(planes.n_cells + 1))
    edge, last = first[cell], first[cell + 1]
    row, column = np.divmod(at + part.first, width)
    x, y = column + 0.5, row + 0.5
    best = np.zeros(len(at), np.int8)
    left = np.flatnonzero(edge < last)
    while len(left):
        here = edge[left]
        near = nx[here] * x[left] + ny[here] * y[left] > room[here]
        best[left] = np.maximum(best[left], near * rank[here])
        edge[left] += 1
        left = left[edge[left] < last[left]]
    block[at] = np.argsort(PRIORITY).astype(np.int16)[best]
