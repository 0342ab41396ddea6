"""Voronoi cells: the fields of a scene, as polygons and as an exact raster.

Coordinates are pixels: x to the right from 0 to the width, y downwards from 0 to the height;
the centre of the pixel in row r and column c is (c + 0.5, r + 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
import scipy
from pydantic import Field, model_validator

from vrs_bench.settings import Settings
from vrs_bench.types import Array, Doubles, Labels
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.lines import LINEAR_FEATURES, LineSettings
from vrs_bench.world.painting import HalfPlanes, interiors
from vrs_bench.world.parcels import MOST_PARCELS, ParcelSettings
from vrs_bench.world.streams import normal

if TYPE_CHECKING:
    from shapely import Polygon

MOST_CELLS = 2**15 - 1 - len(LINEAR_FEATURES)
"""Cells of a scene, at most: of the numbers in 16 bits, strips take the first."""

_POLYGONS = 100_000  # made for relaxation, at most: seconds a scene
_CORRELATED = 4096  # cells whose classes are drawn together: a matrix of 134 MB


class CellSettings(Settings):
    """How the extent is divided into fields."""

    n: Annotated[int, Field(ge=1, le=MOST_CELLS)] = 40
    """Number of Voronoi sites, hence of cells where no parcels or lines divide them."""
    border_px: Annotated[float, Field(ge=0, le=8192)] = 1.0
    """Width of the strip between two cells, in pixels; its pixels belong to no cell."""
    lloyd_steps: Annotated[int, Field(ge=0, le=50)] = 0
    """Steps of Lloyd relaxation: sites move to the centroids of their cells, which get rounder
    and more alike in size."""
    class_patch_px: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """Distance in pixels over which cells tend to share their class; 0: classes are independent."""
    parcels: ParcelSettings | None = None
    """How the Voronoi cells, blocks then, are divided into parcels; none are by default."""
    lines: LineSettings | None = None
    """Roads, hedges, streams … between cells and across all; by default all borders are alike."""

    @property
    def most(self) -> int:
        """Cells of a scene, at most: a line cuts each block once, and each other line once."""
        lines = self.lines.most if self.lines is not None else 0
        blocks = self.n * (1 + lines) + lines * lines
        return blocks * (MOST_PARCELS if self.parcels is not None else 1)

    @model_validator(mode="after")
    def _cost_is_bounded(self) -> CellSettings:
        if self.n * self.lloyd_steps > _POLYGONS:
            raise ValueError(
                f"lloyd_steps: {self.lloyd_steps} steps of {self.n} cells take minutes a scene; "
                f"cells × steps may be {_POLYGONS:,}"
            )
        if self.class_patch_px and self.most > _CORRELATED:
            raise ValueError(
                f"class_patch_px: expected 0 with more than {_CORRELATED:,} cells ({self.most}); "
                f"the classes of so many can't be drawn together"
            )
        if self.most > MOST_CELLS:
            raise ValueError(
                f"n: {self.n} blocks may become {self.most:,} cells with these parcels and lines, "
                f"{MOST_CELLS:,} at most can be numbered; choose fewer blocks"
            )
        if self.lines is not None and self.border_px != 1.0:
            raise ValueError("border_px: of no effect with 'lines', which have widths_px; leave it")
        if 0 < self.class_patch_px < 0.01:
            raise ValueError("class_patch_px: expected 0, or 0.01 pixels and more")
        return self


def draw_sites(
    settings: CellSettings, rng: np.random.Generator, height: int, width: int
) -> Doubles:
    """Draw sites uniformly over the extent, then relax them.

    Returns:
        float64 array (n, 2) of (x, y) in pixels.
    """
    sites = rng.random((settings.n, 2)) * np.array([width, height], dtype=np.float64)
    for _ in range(settings.lloyd_steps):
        centroids = [cell.centroid.coords[0] for cell in polygons(sites, height, width)]
        # Settled to 1/1024 px: the last bits of a centroid are the geometry library's own.
        sites = settle(np.array(centroids), bits=10).astype(np.float64)
    return sites


def class_quantiles(settings: CellSettings, rng: np.random.Generator, sites: Doubles) -> Doubles:
    """Draw a uniform quantile for each cell, alike in cells that are near each other.

    Each is uniform by itself, so class priors hold; together they are a Gaussian copula with
    correlation ``exp(-distance / class_patch_px)`` between sites.

    Returns:
        float64 (n,) in [0, 1).
    """
    if settings.class_patch_px == 0:
        return rng.random(len(sites))
    distance = np.sqrt(((sites[:, None] - sites) ** 2).sum(axis=-1))
    correlation = np.exp(-distance / settings.class_patch_px) + 1e-9 * np.eye(len(sites))
    field = np.linalg.cholesky(correlation) @ normal(rng, (len(sites),)).astype(np.float64)
    return np.asarray(settle(scipy.special.ndtr(field)), dtype=np.float64)


def by_frequency(quantiles: Doubles, frequencies: Sequence[float] | Array) -> Array:
    """Return which of some kinds each quantile in [0, 1) falls on, from 0, by their frequencies."""
    edges = np.cumsum(frequencies) / sum(frequencies)
    return np.searchsorted(edges[:-1], quantiles, side="right")


def _clipped_diagram(sites: Doubles, height: int, width: int) -> scipy.spatial.Voronoi:
    """Return the Voronoi diagram of the sites and their mirror images in the four edges.

    The edges of the extent are then bisectors of a site and its image, so the regions of the
    first ``len(sites)`` points are finite and end exactly at the extent.
    """
    x, y = sites.T
    images = [(-x, y), (2 * width - x, y), (x, -y), (x, 2 * height - y)]
    points = np.concatenate([sites, *(np.stack(image, 1) for image in images)])
    return scipy.spatial.Voronoi(points)


def neighbours(sites: Doubles, height: int, width: int) -> Array:
    """Return the pairs of cells that share an edge inside the extent, int array (m, 2), i < j."""
    pairs = np.sort(_clipped_diagram(sites, height, width).ridge_points, axis=1)
    return pairs[pairs[:, 1] < len(sites)]


def polygons(sites: Doubles, height: int, width: int) -> list[Polygon]:
    """Return the Voronoi polygon of each site, clipped to the extent, in the sites' order."""
    from shapely import Polygon, box  # a raster needs no vectors

    diagram = _clipped_diagram(sites, height, width)
    extent = box(0, 0, width, height)
    cells = []
    for site, region in zip(sites, diagram.point_region[: len(sites)], strict=True):
        corners = diagram.vertices[diagram.regions[region]]
        angle = np.arctan2(*(corners - site).T[::-1])
        cells.append(Polygon(corners[np.argsort(angle)]).intersection(extent))
    return cells


def rasterise(sites: Doubles, height: int, width: int, border_px: float = 0.0) -> Labels:
    """Return the exact nearest-site map of the extent.

    Args:
        sites: float64 (n, 2), pixels.
        height, width: size of the raster.
        border_px: pixels whose centre is nearer than half of this to a bisector with a
            neighbour are 0.

    Returns:
        int16 (height, width): 1 + index of the nearest site, 0 on borders.
    """
    return interiors(bisectors(sites, height, width, border_px), height, width)


def bisectors(sites: Doubles, height: int, width: int, border_px: float = 0.0) -> HalfPlanes:
    """Return each site's bisectors with its neighbours, as half-planes that bound its cell."""
    pairs = neighbours(sites, height, width)
    own, other = np.concatenate([pairs, pairs[:, ::-1]]).T
    order = np.argsort(own, kind="stable")
    own, other = own[order], other[order]
    normals, middles = sites[other] - sites[own], (sites[other] + sites[own]) / 2
    offsets = normals[:, 0] * middles[:, 0] + normals[:, 1] * middles[:, 1]
    return HalfPlanes(len(sites), own, normals, offsets, np.full(len(own), float(border_px)))
