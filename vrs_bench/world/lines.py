"""Linear features: what runs between cells, and the roads and streams that cut all in their way."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from vrs_bench.settings import Settings
from vrs_bench.types import Array, Doubles
from vrs_bench.world.convex import Convex, Side, crosses, cut

LINEAR_FEATURES = ("margin", "track", "road", "hedge", "stream")
"""What a strip between cells is, by its kind from 0."""
ROAD, STREAM = LINEAR_FEATURES.index("road"), LINEAR_FEATURES.index("stream")
PRIORITY = (0, 1, 4, 2, 3)
"""Rank of each kind where strips meet: the highest is seen."""

_TRIES = 32  # of a line across the extent before it is left out
_MOST_LINES = 8  # of a kind


def _ordered(values: tuple[float, float]) -> tuple[float, float]:
    if values[0] > values[1]:
        raise ValueError(f"expected [least, most], got [{values[0]:g}, {values[1]:g}]")
    return values


Weight = Annotated[float, Field(ge=0, le=1e6)]
WidthPx = Annotated[float, Field(gt=0, le=64)]
Widths = Annotated[tuple[WidthPx, WidthPx], AfterValidator(_ordered)]
Number = Annotated[int, Field(ge=0, le=_MOST_LINES)]
Numbers = Annotated[tuple[Number, Number], AfterValidator(_ordered)]


class KindShares(Settings):
    """Relative frequency of what runs along an edge."""

    none: Weight = 0.0
    """Cells that meet without a strip."""
    margin: Weight = 0.0
    track: Weight = 0.0
    road: Weight = 0.0
    hedge: Weight = 0.0
    stream: Weight = 0.0

    @model_validator(mode="after")
    def _some_kind_occurs(self) -> KindShares:
        if not any(self.weights):
            raise ValueError("expected at least one kind with a frequency above 0")
        return self

    @property
    def weights(self) -> tuple[float, ...]:
        """The frequencies, none first, then in the order of the kinds."""
        return (self.none, *(getattr(self, name) for name in LINEAR_FEATURES))


class KindWidths(Settings):
    """Width of each kind of strip, in pixels, drawn uniformly between least and most."""

    margin: Widths = (0.2, 0.8)
    track: Widths = (0.3, 0.6)
    road: Widths = (0.7, 1.5)
    hedge: Widths = (0.5, 1.5)
    stream: Widths = (0.4, 1.5)


class LineSettings(Settings):
    """The linear features of a scene. The widths that are given by default suit pixels of 10 m."""

    roads: Numbers = (0, 2)
    """Least and most straight roads that cross the whole extent; each number is as likely."""
    streams: Numbers = (0, 1)
    """The same for streams."""
    between_blocks: KindShares = KindShares(none=0.15, margin=0.4, track=0.25, hedge=0.2)
    """What runs along the edges between Voronoi cells."""
    within_blocks: KindShares = KindShares(none=0.6, margin=0.35, hedge=0.05)
    """What runs along the cuts between the parcels of a divided block."""
    widths_px: KindWidths = KindWidths()

    @property
    def most(self) -> int:
        """Lines that cross the extent in one scene, at most."""
        return self.roads[1] + self.streams[1]


def draw_through_lines(
    settings: LineSettings,
    rng: np.random.Generator,
    blocks: list[Convex],
    first_line: int,
    height: int,
    width: int,
) -> tuple[list[Convex], list[int]]:
    """Draw the lines across the extent and cut all blocks that they cross.

    A line runs through two random points. Where it would cut off a sliver of any block, others are
    tried; where none is found, it is left out.

    Args:
        settings: how many.
        rng: stream of these lines.
        blocks: convex polygons that fill the extent.
        first_line: number of the first line.
        height, width: of the extent, pixels.

    Returns:
        The blocks after the cuts, and the kind of each line that was made.
    """
    drawn = rng.random(2)
    wanted = [
        kind
        for kind, (least, most), u in zip(
            (ROAD, STREAM), (settings.roads, settings.streams), drawn, strict=True
        )
        for _ in range(least + int(u * (most - least + 1)))
    ]
    kinds: list[int] = []
    for kind in wanted:
        tries = rng.random((_TRIES, 4)) * np.array([width, height, width, height], np.float64)
        for x1, y1, x2, y2 in tries.tolist():
            nx, ny = y2 - y1, x1 - x2
            if nx * nx + ny * ny < (min(height, width) / 4) ** 2:
                continue  # points so near that rounding would turn the line
            side = Side(first_line + len(kinds), nx, ny, nx * x1 + ny * y1)
            parted = _part(blocks, side)
            if parted is not None:
                blocks = parted
                kinds.append(kind)
                break
    return blocks, kinds


def _part(blocks: list[Convex], side: Side) -> list[Convex] | None:
    """Return the blocks, those in the way of a line in two; None where that makes a sliver."""
    parted = []
    for block in blocks:
        if not crosses(block, side):
            parted.append(block)
        else:
            parts = cut(block, side)
            if parts is None:
                return None
            parted += parts
    return parted


def draw_kinds(
    shares: KindShares, widths: KindWidths, rng: np.random.Generator, n: int
) -> tuple[Array, Doubles]:
    """Draw the kind and the width of n lines.

    Returns:
        Kinds, int (n,), 0 (of width 0) where there is no strip; widths in pixels, float64 (n,).
    """
    drawn = rng.random((n, 2))
    edges = np.cumsum(shares.weights)
    kinds = np.searchsorted(edges[:-1] / edges[-1], drawn[:, 0], side="right") - 1
    return np.maximum(kinds, 0), np.where(kinds < 0, 0.0, widths_of(widths, kinds, drawn[:, 1]))


def widths_of(widths: KindWidths, kinds: Array, quantiles: Array) -> Doubles:
    """Return the width in pixels of strips of given kinds, at quantiles in [0, 1)."""
    least, most = np.array([getattr(widths, name) for name in LINEAR_FEATURES]).T
    return np.asarray(least[kinds] + (most - least)[kinds] * quantiles, dtype=np.float64)
