"""Where on the ground scenes lie: that of the rasters that they come from, or a virtual place."""

from __future__ import annotations

from dataclasses import dataclass

from vrs_bench.world.rasters.pinning import scene_window
from vrs_bench.world.scene import WorldRecipe
from vrs_bench.world.series import RasterSettings

VIRTUAL = (
    'ENGCRS["VRS-Bench virtual Earth",EDATUM["virtual Earth"],CS[Cartesian,2],'
    'AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
)
"""Metres on a plane that lies nowhere on Earth: a GIS shows drawn scenes beside each other, and
places none of them in a real country."""

_ACROSS = 1000  # scenes beside each other
_GAP_PX = 16


@dataclass(frozen=True)
class Footprint:
    """Where the upper left corner of a scene is, and what its pixels are."""

    crs: str | None
    """``EPSG:32633`` or WKT; None where the rasters say none."""
    transform: tuple[float, float, float, float, float, float]
    """From (column, row) of the latent grid to coordinates: a, b, c, d, e, f."""

    def of_grid(
        self, latent: tuple[int, int], seen: tuple[int, int]
    ) -> tuple[float, float, float, float, float, float]:
        """Return the transform of another grid over the same ground.

        Args:
            latent: rows and columns of the latent grid.
            seen: rows and columns of the other.
        """
        down, across = latent[0] / seen[0], latent[1] / seen[1]
        a, b, c, d, e, f = self.transform
        return a * across, b * down, c, d * across, e * down, f


def footprint(world: WorldRecipe, number: int) -> Footprint:
    """Return where a scene lies.

    Drawn scenes lie on one plane by their numbers, a thousand beside each other, so that no two of
    a dataset overlap, whatever their split.

    Args:
        world: the world, as it is in a dataset's manifest.
        number: scene number.
    """
    size = (world.height, world.width)
    if isinstance(world.series, RasterSettings):
        row, column, *_ = scene_window(world.series, size, number).tolist()
        pins = world.series.pins
        a, b, c, d, e, f = pins.transform
        corner = c + a * column + b * row, f + d * column + e * row
        return Footprint(pins.crs, (a, b, corner[0], d, e, corner[1]))
    line, place = divmod(number, _ACROSS)
    x = place * (world.width + _GAP_PX) * world.gsd
    y = -line * (world.height + _GAP_PX) * world.gsd
    return Footprint(VIRTUAL, (world.gsd, 0.0, x, 0.0, -world.gsd, y))
