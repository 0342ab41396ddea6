"""Pinning: what the rasters of a recipe hold, so that the recipe means the same images for ever.

Digests of all files, their grid, and what :mod:`vrs_bench.world.rasters.survey` finds in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.paths import shown
from vrs_bench.types import Array
from vrs_bench.world.rasters.files import digest_of
from vrs_bench.world.rasters.listing import Dated
from vrs_bench.world.rasters.survey import surveyed
from vrs_bench.world.rasters.tiles import grid_size, regions, tile_of
from vrs_bench.world.series.raster import PinnedImages, Pins, RasterSettings

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
        for name, path in settings.mask_files().items()
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
    grid, holes = surveyed(text, tuple(images["sar"]), size, gsd, (*key, *digests.values()))
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


def changed_files(settings: RasterSettings) -> Iterator[str]:
    """Say of each file of pinned settings that is missing or has changed, what is wrong."""
    pins = settings.pins
    files = [("optical", of.file, of.sha256) for of in pins.optical]
    files += [("sar", of.file, of.sha256) for of in pins.sar]
    masks = settings.mask_files()
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
        return abs((one.date - other.date).days)

    chosen = [min(radar, key=lambda other: days(of, other)) for of in optical]
    for of, other in zip(optical, chosen, strict=True):
        if days(of, other) > MOST_DAYS:
            raise BenchError(
                f"world.series.sar: of {of.date} there is no radar image within {MOST_DAYS} days; "
                f"the nearest is of {other.date}. Leave that optical date out, or add radar"
            )
    return chosen


def scene_tiles(settings: RasterSettings, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """Return the tiles of each split of pinned settings, in the order of its scene numbers.

    Raises:
        BenchError: there are too few for three splits.
    """
    pins = settings.pins
    return regions(*grid_size((pins.height, pins.width), size), pins.left_out)


def scene_window(settings: RasterSettings, size: tuple[int, int], number: int) -> Array:
    """Return first row, first column, rows and columns of a scene in the rasters.

    Raises:
        BenchError: there is no such scene.
    """
    pins = settings.pins
    tile = tile_of(number, scene_tiles(settings, size))
    row, column = divmod(tile, pins.width // size[1])
    return np.array([row * size[0], column * size[1], *size])
