"""Parcels: blocks of land that are divided into strips, some of them once more across."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from vrs_bench.settings import Settings
from vrs_bench.world.convex import EDGE, Convex, Side, cut, depth, length_of

MOST_STRIPS = 16
"""Strips of a block, at most; of wider blocks the strips are wider."""
MOST_PARCELS = 2 * MOST_STRIPS
"""Parcels of a block, at most."""

_LONG = 0.6  # of the longest side: sides that strips may run along
_MIDDLE = (0.3, 0.7)  # where a strip is cut across, as a share of its length


class ParcelSettings(Settings):
    """How blocks are divided. The widths that are given by default suit pixels of 10 m."""

    share: Annotated[float, Field(ge=0, le=1)] = 0.85
    """Share of the blocks that are divided."""
    width_px: Annotated[float, Field(ge=3, le=8192)] = 11.0
    """Mean width of a strip, in pixels."""
    spread: Annotated[float, Field(ge=0, le=0.9)] = 0.5
    """How far the widths of a block's strips on the average, and those of the strips within a
    block, lie below and above the mean at most, as a share of it."""
    nested: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Probability that a strip is cut once more, across."""


def draw_parcels(
    settings: ParcelSettings, rng: np.random.Generator, blocks: list[Convex], first_line: int
) -> tuple[list[Convex], int]:
    """Divide blocks into parcels.

    Strips run along a long side of their block: the normals of the cuts are that side's own
    numbers, and those of cuts across them turned by a right angle. A cut that would make a sliver
    is not made.

    Returns:
        The parcels, and the number of cuts, which are lines from ``first_line``.
    """
    # All that might be needed: what one block draws doesn't depend on the others' shapes.
    drawn = rng.random((len(blocks), 3 + 3 * MOST_STRIPS)).tolist()
    parcels: list[Convex] = []
    line = first_line
    for block, u in zip(blocks, drawn, strict=True):
        along = _along(block, u[1]) if u[0] < settings.share else None
        if along is None:
            parcels.append(block)
            continue
        jitter, across, where = (u[3 + k * MOST_STRIPS :][:MOST_STRIPS] for k in range(3))
        width = settings.width_px * _around(settings.spread, u[2])
        strips, line = _strips(block, along, width, settings.spread, jitter, line)
        for strip, nested, position in zip(strips, across, where, strict=False):
            parts = cut(strip, _across(strip, along, position, line))
            if nested < settings.nested and parts is not None:
                parcels += parts
                line += 1
            else:
                parcels.append(strip)
    return parcels, line - first_line


def _around(spread: float, u: float) -> float:
    """Return a factor, uniform from 1 − spread to 1 + spread."""
    return 1 + spread * (2 * u - 1)


def _along(block: Convex, u: float) -> Side | None:
    """Choose one of the long sides of a block that are not the extent's."""
    lengths = [
        (length_of(block, k), side) for k, side in enumerate(block.sides) if side.line != EDGE
    ]
    if not lengths:
        return None
    least = _LONG * max(length for length, _ in lengths)
    long = [side for length, side in lengths if length >= least]
    return long[int(u * len(long))]


def _strips(
    block: Convex, along: Side, width: float, spread: float, jitter: list[float], line: int
) -> tuple[list[Convex], int]:
    """Cut a block into strips; return them and the number of the next line."""
    reach = depth(block, along)
    n = min(max(round(reach / width), 1), MOST_STRIPS)
    weights = [_around(spread, u) for u in jitter[:n]]
    total, done = 0.0, 0.0
    for weight in weights:
        total += weight
    strips, rest = [], block
    for weight in weights[:-1]:
        done += weight
        inwards = reach * (done / total) * along.length
        # From the side inwards: what is nearer to it lies outside of the next line.
        parts = cut(rest, Side(line, along.nx, along.ny, along.offset - inwards))
        if parts is not None:
            rest, strip = parts
            strips.append(strip)
            line += 1
    return [*strips, rest], line


def _across(strip: Convex, along: Side, u: float, line: int) -> Side:
    """Return the line that cuts a strip at right angles somewhere in its middle."""
    nx, ny = -along.ny, along.nx
    reached = [nx * x + ny * y for x, y in strip.corners]
    first, last = min(reached), max(reached)
    share = _MIDDLE[0] + (_MIDDLE[1] - _MIDDLE[0]) * u
    return Side(line, nx, ny, first + (last - first) * share)
