"""Convex cells as an exact raster: each is one interval in every row of pixels.

A cell is what its half-planes have in common. Where they cross the rows is found for all cells and
many rows at once, and an image is written as runs of equal pixels; no pixel is compared with every
cell. Only operations that IEEE 754 fixes are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vrs_bench.types import Array, Doubles, Labels

_BLOCK = 1 << 22  # crossings of half-planes and rows that are held at once: about 0.2 GB


@dataclass(frozen=True)
class HalfPlanes:
    """The half-planes whose intersections are the cells; the edges of the raster bound them too.

    Coordinates are pixels: the centre of the pixel in row r and column c is (c + 0.5, r + 0.5).
    """

    n_cells: int
    cell: Array
    """(m,) index from 0 of the cell that each bounds, ascending."""
    normals: Doubles
    """(m, 2) x, y of a vector of any length, not zero, that points out of the cell."""
    offsets: Doubles
    """(m,) a point p is inside where normals·p ≤ offsets."""
    widths: Doubles
    """(m,) width in pixels of the strip along the edge; half of it lies in this cell."""


@dataclass(frozen=True)
class Runs:
    """The pixels of some rows in reading order, as runs that belong to one cell each."""

    first: int
    """Position of the first run's first pixel in the raster, rows one after the other."""
    cell: Array
    """(k,) index of the cell."""
    lengths: Array
    """(k, 3) pixels of the run that lie in a strip, in the cell's inner part, in a strip."""


def runs(planes: HalfPlanes, height: int, width: int) -> Iterator[Runs]:
    """Yield the runs of all rows, in blocks of rows; every pixel is in one run.

    Two cells that share an edge must hold the same line, negated to the bit: the edge is then one
    number in each row, and a pixel centre on it belongs to the cell on its right, or above it.
    """
    step = max(_BLOCK // max(len(planes.cell), 1), 1)
    for top in range(0, height, step):
        yield _runs(planes, np.arange(top, min(top + step, height)), width)


def interiors(planes: HalfPlanes, height: int, width: int) -> Labels:
    """Return the cell of each pixel centre, 0 in strips: int16 (height, width), from 1."""
    painted = []
    for part in runs(planes, height, width):
        values = np.zeros((len(part.cell), 3), np.int16)
        values[:, 1] = part.cell + 1
        painted.append(np.repeat(values.ravel(), part.lengths.ravel()))
    return np.concatenate(painted).reshape(height, width)


def _runs(planes: HalfPlanes, rows: Array, width: int) -> Runs:
    """Return the runs of some rows, whose indices are given."""
    n, height = planes.n_cells, len(rows)
    y = rows + 0.5
    nx, ny = planes.normals.T
    inset = np.sqrt(nx * nx + ny * ny) * planes.widths / 2
    start, stop = np.zeros((n, height)), np.full((n, height), float(width))
    inner_start, inner_stop = start.copy(), stop.copy()
    for side, reduce, bounds in (
        (nx < 0, np.maximum, (start, inner_start)),
        (nx > 0, np.minimum, (stop, inner_stop)),
    ):
        if side.any():
            at = np.flatnonzero(side)
            crossing = (planes.offsets[at, None] - ny[at, None] * y) / nx[at, None]
            cells, first = np.unique(planes.cell[at], return_index=True)
            outer, inner = bounds
            outer[cells] = reduce.reduceat(crossing, first)
            crossing -= (inset[at] / nx[at])[:, None]
            inner[cells] = reduce.reduceat(crossing, first)
    for k in np.flatnonzero(nx == 0):  # a horizontal edge takes or leaves a row
        room = planes.offsets[k] - ny[k] * y
        beyond = room < 0 if ny[k] > 0 else room <= 0  # a centre on the edge is the upper cell's
        stop[planes.cell[k], beyond] = -1
        inner_stop[planes.cell[k], beyond | (room < inset[k])] = -1

    # Column c is inside where start ≤ c + 0.5 < stop.
    ends = np.clip(np.ceil(np.stack([start, stop, inner_start, inner_stop]) - 0.5), 0, width)
    cell, row = np.nonzero(ends[0] < ends[1])
    places = row * width + ends[:, cell, row].astype(np.int64)
    order = np.argsort(places[0], kind="stable")
    cell, (begin, end, inner_begin, inner_end) = cell[order], places[:, order]
    # A run lasts until the next begins, so that rounding leaves no pixel to nobody.
    begin[0] = 0
    until = np.append(begin[1:], height * width)
    inner_end = np.where(inner_end >= end, until, inner_end)
    inner_begin = np.clip(inner_begin, begin, until)
    inner_end = np.clip(inner_end, inner_begin, until)
    lengths = np.stack([inner_begin - begin, inner_end - inner_begin, until - inner_end], axis=1)
    return Runs(int(rows[0]) * width, cell, lengths)
