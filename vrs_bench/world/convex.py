"""Convex polygons that know the line of each side, and how a line cuts them.

Additions, products, quotients and roots only, each in a fixed order: the same bits everywhere, so
that what is decided by an area or a width is decided the same way on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

SMALLEST = 12.0
"""Pixels: a cut that would leave a piece with less area is not made."""
THINNEST = 3.0
"""Pixels: a cut that would leave a narrower piece is not made."""
EDGE = -1
"""The line of the sides on the edge of the extent."""


class Side(NamedTuple):
    """The half-plane x·nx + y·ny ≤ offset that a side bounds, and the line that it lies on."""

    line: int
    nx: float
    ny: float
    offset: float

    @property
    def other(self) -> Side:
        """The half-plane beyond the same line, the same numbers negated."""
        return Side(self.line, -self.nx, -self.ny, -self.offset)

    @property
    def length(self) -> float:
        """Length of the normal (nx, ny)."""
        return math.sqrt(self.nx * self.nx + self.ny * self.ny)


@dataclass(frozen=True)
class Convex:
    """A convex polygon; ``sides[k]`` is the side from ``corners[k]`` to the next corner."""

    corners: tuple[tuple[float, float], ...]
    sides: tuple[Side, ...]

    @property
    def area(self) -> float:
        """Area in square pixels."""
        (x0, y0), double = self.corners[0], 0.0
        for (x1, y1), (x2, y2) in zip(self.corners[1:], self.corners[2:], strict=False):
            double += (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        return abs(double) / 2

    @property
    def thickness(self) -> float:
        """Width in pixels in the direction in which it is least: that of a side's normal."""
        return min(depth(self, side) for side in self.sides)

    @property
    def is_sliver(self) -> bool:
        """Whether it is too small or too thin to be made by a cut."""
        return self.area < SMALLEST or self.thickness < THINNEST


def rectangle(height: int, width: int) -> Convex:
    """Return the extent."""
    right, low = float(width), float(height)
    return Convex(
        ((0.0, 0.0), (right, 0.0), (right, low), (0.0, low)),
        (
            Side(EDGE, 0.0, -1.0, 0.0),
            Side(EDGE, 1.0, 0.0, right),
            Side(EDGE, 0.0, 1.0, low),
            Side(EDGE, -1.0, 0.0, 0.0),
        ),
    )


def depth(piece: Convex, side: Side) -> float:
    """Return how far a polygon reaches inwards from a line, in pixels."""
    return max(side.offset - side.nx * x - side.ny * y for x, y in piece.corners) / side.length


def length_of(piece: Convex, k: int) -> float:
    """Return the length of a polygon's side, in pixels."""
    (x1, y1), (x2, y2) = piece.corners[k], piece.corners[(k + 1) % len(piece.corners)]
    return math.sqrt((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1))


def crosses(piece: Convex, side: Side) -> bool:
    """Whether a line has some of the polygon on either side."""
    beyond = [side.nx * x + side.ny * y > side.offset for x, y in piece.corners]
    return any(beyond) and not all(beyond)


def keep(piece: Convex, side: Side) -> Convex | None:
    """Return what of a polygon lies inside a half-plane, or None where that has no area."""
    beyond = [side.nx * x + side.ny * y - side.offset for x, y in piece.corners]
    corners: list[tuple[float, float]] = []
    sides: list[Side] = []
    for k, (here, old) in enumerate(zip(piece.corners, piece.sides, strict=True)):
        there = piece.corners[(k + 1) % len(piece.corners)]
        before, after = beyond[k], beyond[(k + 1) % len(beyond)]
        if before <= 0:
            corners.append(here)
            sides.append(side if before == 0 and after > 0 else old)
        if (before < 0 < after) or (after < 0 < before):
            part = before / (before - after)
            (x1, y1), (x2, y2) = here, there
            corners.append((x1 + part * (x2 - x1), y1 + part * (y2 - y1)))
            sides.append(side if after > 0 else old)
    return Convex(tuple(corners), tuple(sides)) if len(corners) > 2 else None


def cut(piece: Convex, side: Side) -> tuple[Convex, Convex] | None:
    """Return the two parts of a polygon, or None where there are not two or one is a sliver."""
    inside, outside = keep(piece, side), keep(piece, side.other)
    if inside is None or outside is None or inside.is_sliver or outside.is_sliver:
        return None
    return inside, outside
