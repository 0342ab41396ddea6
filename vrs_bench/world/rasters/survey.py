"""Looking through rasters once, before scenes are made of them.

They must share one grid, and hold values that can be what the recipe says they are; tiles that have
pixels without a value are found, to be left out.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.paths import shown
from vrs_bench.world.rasters.files import Grid, grid_of, opened
from vrs_bench.world.rasters.images import UNITS, bands_of, read_image, require_bands, scaling_of
from vrs_bench.world.rasters.listing import Dated
from vrs_bench.world.rasters.tiles import grid_size
from vrs_bench.world.series.raster import RasterSettings

MOST_OUTSIDE = 0.25
"""Share of the values of an image that may lie outside of the range of the latent product, where
they are cut off. Of values on a wrong scale, nearly all do."""


@lru_cache(maxsize=8)
def surveyed(
    text: str,
    radar: tuple[Dated, ...],
    size: tuple[int, int],
    gsd: float,
    digests: tuple[str | None, ...],
) -> tuple[Grid, tuple[int, ...]]:
    """Return the grid of all files, and the tiles with pixels without a value at some date.

    Args:
        text: settings, as JSON.
        radar: images of each time step.
        size: rows and columns of a tile.
        gsd: size of a pixel, metres.
        digests: of all files; what was found holds as long as they do.
    """
    settings = RasterSettings.model_validate_json(text)
    first = settings.optical.found("optical")
    grid: Grid | None = None
    holes: set[int] = set()
    for product, dates in (("optical", first), ("sar", sorted(set(radar)))):
        for path, group in groupby(dates, key=lambda of: of.file):
            key = f"world.series.{product}"
            with opened(path, key) as raster:
                grid = _fitting(raster, path, key, grid, gsd)
                tiles = grid_size((grid.height, grid.width), size)
                for of in group:
                    holes |= _holes(raster, settings, product, of, tiles, size)
    assert grid is not None  # noqa: S101  # there is one date at least
    for name, file in settings.mask_files().items():
        if file is not None:
            with opened(file, f"world.series.{name}") as raster:
                _fitting(raster, file, f"world.series.{name}", grid, gsd)
                _require_labels(raster, file, f"world.series.{name}")
    return grid, tuple(sorted(holes))


def _fitting(raster: Any, path: str, key: str, grid: Grid | None, gsd: float) -> Grid:
    """Return the grid of a raster, which is that of the first where there is one."""
    found = grid_of(raster)
    if grid is not None:
        difference = grid.difference(found)
        if difference:
            raise BenchError(
                f"{key}: {shown(path)} lies on another grid than the first optical raster: it has "
                f"{difference}; bring all rasters onto one grid first"
            )
        return grid
    if raster.crs and raster.crs.is_geographic:
        raise BenchError(
            f"{key}: {shown(path)} has the geographic CRS {raster.crs.to_string()[:40]}, in which "
            f"pixels are no squares on the ground; reproject the rasters to a metric CRS, for "
            f"example UTM"
        )
    a, b, _, d, e, _ = found.transform
    sides = np.hypot(a, d), np.hypot(b, e)
    if raster.crs and raster.crs.is_projected:
        sides = tuple(side * raster.crs.linear_units_factor[1] for side in sides)
    if abs(sides[0] - sides[1]) > 1e-3 * sides[0]:
        raise BenchError(
            f"{key}: {shown(path)} has pixels of {sides[0]:g} × {sides[1]:g}; expected squares, as "
            f"sensors blur the same way in all directions; resample the rasters"
        )
    if raster.crs and abs(sides[0] - gsd) > 1e-3 * gsd:
        raise BenchError(
            f"world.gsd: {gsd:g} m, but the pixels of {shown(path)} are {sides[0]:g} m; set "
            f"gsd: {sides[0]:g}"
        )
    return found


def _require_labels(raster: Any, path: str, key: str) -> None:
    kind = np.dtype(raster.dtypes[0]).kind
    if kind not in "iu":
        raise BenchError(
            f"{key}: {shown(path)} holds {raster.dtypes[0]}; expected whole numbers in its first "
            f"band, which tell classes or fields apart"
        )


def _holes(
    raster: Any,
    settings: RasterSettings,
    product: str,
    of: Dated,
    tiles: tuple[int, int],
    size: tuple[int, int],
) -> set[int]:
    """Return the tiles with pixels without a value; refuse values that can't be meant."""
    images = settings.images(product)
    key = f"world.series.{product}"
    names = settings.bands()[product]
    bands = bands_of(images, names, of.first_band)
    require_bands(raster, bands, of.file, key)
    (down, across), (height, width) = tiles, size
    holes: set[int] = set()
    outside = np.zeros(len(bands))
    count = 0
    for line in range(down):
        window = np.array([line * height, 0, height, across * width])
        values, valid = read_image(raster, images, product, bands, window)
        whole = valid.reshape(height, across, width).all(axis=(0, 2))
        holes |= {line * across + int(tile) for tile in np.flatnonzero(~whole)}
        # Also what is too large for a number, by a scale that can't be meant.
        outside += (~((values >= 0) & (values <= 1)))[:, valid].sum(axis=1)
        count += int(valid.sum())
    worst = int(outside.argmax())
    if outside[worst] > MOST_OUTSIDE * count:
        scale, offset = (float(of_band[worst]) for of_band in scaling_of(raster, images, bands))
        raise BenchError(
            f"{key}: {outside[worst] / count:.0%} of the values of {names[worst]} at {of.date} in "
            f"{shown(of.file)}, scaled by {scale:g} and with {offset:g} added, are no "
            f"{UNITS[product]}; set {product}.scale and {product}.offset, for example scale: 0.0001"
        )
    return holes
