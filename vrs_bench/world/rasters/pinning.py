"""Pinning: what the rasters of a recipe hold, so that the recipe means the same images for ever.

All files are read once: their digests, one grid for all of them, the tiles that have pixels without
a value, and whether the values can be what the recipe says they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.paths import shown
from vrs_bench.types import Array
from vrs_bench.world.rasters.files import Grid, digest_of, grid_of, opened
from vrs_bench.world.rasters.images import UNITS, bands_of, read_image, require_bands, scaling_of
from vrs_bench.world.rasters.listing import Dated
from vrs_bench.world.rasters.tiles import grid_size, regions, tile_of
from vrs_bench.world.series.raster import PinnedImages, Pins, RasterSettings

MOST_OUTSIDE = 0.25
"""Share of the values of an image that may lie outside of the range of the latent product, where
they are cut off. Of values on a wrong scale, nearly all do."""
MOST_DAYS = 6
"""Days from an optical image to its radar image, at most: half of a satellite's repeat cycle."""


def pinned(
    settings: RasterSettings, horizon: int, size: tuple[int, int], gsd: float
) -> RasterSettings:
    """Return settings that say which files were found, and what is in them.

    Settings that are pinned already are checked against the files instead.

    Args:
        settings: which rasters.
        horizon: time steps that the world has.
        size: rows and columns of a scene.
        gsd: size of a pixel, metres.

    Raises:
        BenchError: a file is missing, can't be read, has changed since it was pinned, does not fit
            the others or the world, or holds values that can't be meant.
    """
    dates = settings.dates()
    if len(dates) != horizon:
        raise BenchError(
            f"world.horizon: {horizon} time steps, but the optical rasters have {len(dates)} "
            f"dates, from {dates[0]} to {dates[-1]}; set horizon: {len(dates)}"
        )
    if settings.pinned is not None:
        if settings.pinned.scene_size != size:
            raise BenchError(
                f"world.series.pinned: made for scenes of {settings.pinned.scene_size} pixels, not "
                f"{size}; remove 'pinned' from the recipe, and the rasters are looked at again"
            )
        require_unchanged(settings)
        return settings
    found = settings.optical.found("optical")
    radar = settings.sar.found("sar") if settings.sar else []
    images = {"optical": found, "sar": _nearest(found, radar) if radar else []}
    digests = {
        name: None if path is None else digest_of(path, f"world.series.{name}")
        for name, path in _mask_files(settings).items()
    }
    dated = {
        product: tuple(
            PinnedImages(
                date=of.date,
                file=of.file,
                first_band=of.first_band,
                sha256=digest_of(of.file, f"world.series.{product}"),
            )
            for of in dates
        )
        for product, dates in images.items()
    }
    # Looked at once, as long as no file changes.
    text = settings.model_dump_json()
    key = tuple(of.sha256 for dates in dated.values() for of in dates)
    grid, holes = _looked_at(text, tuple(images["sar"]), size, gsd, (*key, *digests.values()))
    pins = Pins(
        height=grid.height,
        width=grid.width,
        crs=grid.crs,
        transform=grid.transform,
        scene_size=size,
        optical=dated["optical"],
        sar=dated["sar"],
        land_cover=digests["land_cover"],
        cells=digests["cells"],
        left_out=holes,
    )
    return settings.model_copy(update={"pinned": pins})


def _mask_files(settings: RasterSettings) -> dict[str, str | None]:
    land_cover = None if settings.land_cover is None else settings.land_cover.file
    return {"land_cover": land_cover, "cells": settings.cells}


def changed_files(settings: RasterSettings) -> Iterator[str]:
    """Say of each file of pinned settings that is missing or has changed, what is wrong."""
    pins = settings.pinned
    assert pins is not None  # noqa: S101  # callers ask of pinned settings
    files = [("optical", of.file, of.sha256) for of in pins.optical]
    files += [("sar", of.file, of.sha256) for of in pins.sar]
    masks = _mask_files(settings)
    files += [(name, path, str(getattr(pins, name))) for name, path in masks.items() if path]
    for name, path, sha256 in dict.fromkeys(files):
        key = f"world.series.{name}"
        try:
            there = digest_of(path, key)
        except BenchError as error:
            yield str(error)
            continue
        if there != sha256:
            yield (
                f"{key}: {shown(path)} has changed since it was read: its SHA-256 begins with "
                f"{there[:12]}, expected {sha256[:12]}"
            )


def require_unchanged(settings: RasterSettings) -> None:
    """Check that the files are those that pinned settings say.

    Raises:
        BenchError: files are missing or have changed: each is named.
    """
    faults = list(changed_files(settings))
    if faults:
        raise BenchError("\n".join(faults))


def _nearest(optical: Sequence[Dated], radar: Sequence[Dated]) -> list[Dated]:
    """Return for each optical date the nearest radar date, of two that are as near the earlier."""

    def days(one: Dated, other: Dated) -> int:
        return abs((date.fromisoformat(one.date) - date.fromisoformat(other.date)).days)

    chosen = [min(radar, key=lambda other: days(of, other)) for of in optical]
    for of, other in zip(optical, chosen, strict=True):
        if days(of, other) > MOST_DAYS:
            raise BenchError(
                f"world.series.sar: of {of.date} there is no radar image within {MOST_DAYS} days; "
                f"the nearest is of {other.date}. Leave that optical date out, or add radar"
            )
    return chosen


@lru_cache(maxsize=8)
def _looked_at(
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
    for name, file in _mask_files(settings).items():
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
    images = settings.optical if product == "optical" else settings.sar
    assert images is not None  # noqa: S101  # a product is looked at where it is named
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
        outside += ((values < 0) | (values > 1))[:, valid].sum(axis=1)
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


def scene_tiles(settings: RasterSettings, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """Return the tiles of each split of pinned settings, in the order of its scene numbers.

    Raises:
        BenchError: there are too few for three splits.
    """
    pins = settings.pinned
    assert pins is not None  # noqa: S101  # callers ask of pinned settings
    return regions(*grid_size((pins.height, pins.width), size), pins.left_out)


def scene_window(settings: RasterSettings, size: tuple[int, int], number: int) -> Array:
    """Return first row, first column, rows and columns of a scene in the rasters.

    Raises:
        BenchError: there is no such scene.
    """
    pins = settings.pinned
    assert pins is not None  # noqa: S101  # callers ask of pinned settings
    tile = tile_of(number, scene_tiles(settings, size))
    row, column = divmod(tile, pins.width // size[1])
    return np.array([row * size[0], column * size[1], *size])
