"""Own imagery: rasters in place of a drawn world, as the latent product.

These are the settings; :mod:`vrs_bench.world.rasters` reads what they name.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vrs_bench.errors import BenchError
from vrs_bench.settings import Settings
from vrs_bench.world.landcover import OPTICAL_BANDS, SAR_BANDS, class_names
from vrs_bench.world.rasters.listing import Dated, dated_bands
from vrs_bench.world.series.source import Source

PathName = Annotated[str, Field(min_length=1, max_length=1000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Pixels = Annotated[int, Field(ge=1)]


class ImageFiles(Settings):
    """The images of one product: a file a date, or all dates in one file."""

    files: PathName
    """One file a date: a path that says where the date stands, ``images/S2_%Y%m%d.tif`` (``%j`` is
    the day of the year, ``*`` any letters). With ``dates``, the one file that holds all of them."""
    dates: Annotated[tuple[datetime.date, ...], Field(max_length=10_000)] = ()
    """Dates of the one file, whose bands follow each other date by date."""
    bands: dict[str, Annotated[int, Field(ge=1, le=10_000)]]
    """Place of each band within a date, from 1: ``{blue: 1, green: 2, red: 3, nir: 4}``."""
    scale: Annotated[float, Field(gt=0)] | None = None
    """A value is ``scale × stored + offset``; default: the file's own, else 1."""
    offset: float | None = None
    """Default: the file's own, else 0."""
    nodata: float | None = None
    """Stored value that means nothing, besides the file's own."""

    def found(self, product: str) -> list[Dated]:
        """Return file and first band of every date, in order.

        Raises:
            BenchError: no such files, a date that two of them have, or one that is none.
        """
        return dated_bands(self.files, self.dates, len(self.bands), f"world.series.{product}")


class LandCoverFile(Settings):
    """A raster of land cover."""

    file: PathName
    classes: dict[str, Annotated[tuple[int, ...], Field(min_length=1)]]
    """Land cover of the benchmark → the codes that mean it in the file. Pixels of all other codes
    have no class."""

    @model_validator(mode="after")
    def _codes_mean_one_class(self) -> LandCoverFile:
        known = class_names()[1:]
        unknown = [name for name in self.classes if name not in known]
        if unknown or not self.classes:
            what = f"'{unknown[0]}' is no land cover" if unknown else "names no land cover"
            raise ValueError(f"classes: {what}; known: {', '.join(known)}")
        counts = Counter(code for codes in self.classes.values() for code in codes)
        twice = [code for code, count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"classes: the code {twice[0]} stands there twice; keep one")
        return self


class PinnedImages(Settings):
    """The images of one date as they were found."""

    date: datetime.date
    file: PathName
    first_band: Pixels
    """Band of the file that is the first of the date."""
    sha256: Sha256


class Pins(Settings):
    """What a build found: with it, the same recipe means the same images, or says that it can't."""

    height: Pixels
    """Rows of the rasters."""
    width: Pixels
    """Columns of the rasters."""
    crs: str | None
    """Coordinate reference system, ``EPSG:32633`` or WKT; None where the rasters say none."""
    transform: Annotated[tuple[float, ...], Field(min_length=6, max_length=6)]
    """Affine transform from (column, row) to coordinates: a, b, c, d, e, f."""
    scene_size: tuple[Pixels, Pixels]
    """Rows and columns of the scenes that they were cut into."""
    optical: tuple[PinnedImages, ...]
    """By time step."""
    sar: tuple[PinnedImages, ...] = ()
    """By time step: of each, the radar image whose date is nearest."""
    land_cover: Sha256 | None = None
    cells: Sha256 | None = None
    left_out: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Tiles, numbered in reading order from 0, that have a pixel without a value at some date."""

    def images(self, product: str) -> tuple[PinnedImages, ...]:
        """Return the images of a product by time step."""
        return self.optical if product == "optical" else self.sar


class RasterSettings(Source):
    """Which rasters. All of them lie on one grid; paths are relative to the working directory."""

    source: Literal["raster"]
    optical: ImageFiles
    """Surface reflectance: its dates are the time steps."""
    sar: ImageFiles | None = None
    """Backscatter in dB, speckle filtered; tasks with radar need it."""
    land_cover: LandCoverFile | None = None
    cells: PathName | None = None
    """A raster of whole numbers that tells fields apart; 0 is none."""
    pinned: Pins | None = None
    """Written by a build."""

    @model_validator(mode="after")
    def _bands_are_those_of_the_products(self) -> RasterSettings:
        for product, names in self.bands().items():
            images = self.images(product)
            places = list(images.bands.values())
            if set(images.bands) != set(names) or len(set(places)) < len(names):
                raise ValueError(
                    f"{product}.bands: expected a place in the file for each of "
                    f"{', '.join(names)}, and two of them at no one place; got {images.bands}"
                )
            if images.dates and max(places) > len(names):
                raise ValueError(
                    f"{product}.bands: of one file with all dates, each date has {len(names)} "
                    f"bands; expected places from 1 to {len(names)}, got {images.bands}"
                )
        return self

    @property
    def pins(self) -> Pins:
        """What a build found.

        Raises:
            BenchError: no build has looked yet.
        """
        if self.pinned is None:
            raise BenchError("world.series.pinned: missing; a build writes it")
        return self.pinned

    def images(self, product: str) -> ImageFiles:
        """Return the files of a product.

        Raises:
            BenchError: none are named.
        """
        images = self.optical if product == "optical" else self.sar
        if images is None:
            raise BenchError(self.lacking([product]))
        return images

    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """Return the optical product, and the radar product where rasters of it are named."""
        optical: dict[str, tuple[str, ...]] = {"optical": OPTICAL_BANDS}
        return optical if self.sar is None else {**optical, "sar": SAR_BANDS}

    def classes(self) -> tuple[str, ...]:
        """Return the names of the land covers."""
        return class_names()

    def mask_files(self) -> dict[str, str | None]:
        """Return the file of each mask that may be named."""
        land_cover = None if self.land_cover is None else self.land_cover.file
        return {"land_cover": land_cover, "cells": self.cells}

    def masks(self) -> frozenset[str]:
        """Return the masks of which a raster is named."""
        named = {"land_cover": self.land_cover, "cell": self.cells}
        return frozenset(name for name, file in named.items() if file is not None)

    def lacking(self, products: Sequence[str]) -> str:
        """Say that radar is needed."""
        return (
            f"world.series.{products[0]}: needs {' and '.join(products)} rasters (vv and vh in "
            f"dB), of which this recipe names none; name them, or build super_res alone"
        )

    def dates(self) -> tuple[datetime.date, ...]:
        """Return the date of each time step."""
        found = self.optical.found("optical") if self.pinned is None else self.pinned.optical
        return tuple(images.date for images in found)

    def day(self, step: int) -> int:
        """Return the day of a time step, counted from 1 January of the first one's year.

        Years have 365 days: the last of a leap year counts as the one before.

        Raises:
            BenchError: there are no such files.
        """
        dates = self.dates()
        years = dates[step].year - dates[0].year
        return 365 * years + min(dates[step].timetuple().tm_yday - 1, 364)
