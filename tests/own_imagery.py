"""Own imagery for tests: small rasters, every pixel of which is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class OwnImagery:
    """A folder of rasters as users have them: 5 × 4 tiles of 64 pixels, two dates, 10 m.

    Of 20 tiles, 10 are scenes: 7 of train, 2 of validation (tiles 12 and 13), 1 of test (tile 19).
    """

    folder: Path
    optical: Any
    """Stored values, (date, band, height, width) uint16: reflectance × 10000."""
    sar: Any
    """(date, band, height, width) float32, dB."""
    land_cover: Any
    """Codes 0, 10, 20, 30, (height, width) uint8."""
    fields: Any
    """Numbers in thousands, (height, width) int32; 0 on every sixteenth line."""

    def recipe(self, **changes: Any) -> dict[str, Any]:
        """Return a recipe of all of it; changes are to the settings of its source."""
        series = {
            "source": "raster",
            "optical": {
                "files": f"{self.folder}/images/S2_%Y%m%d.tif",
                "bands": {"blue": 1, "green": 2, "red": 3, "nir": 4},
                "scale": 0.0001,
            },
            "sar": {"files": f"{self.folder}/radar/S1_%Y-%j_*.tif", "bands": {"vv": 2, "vh": 1}},
            "land_cover": {
                "file": f"{self.folder}/land_cover.tif",
                "classes": {"forest": [20], "water": [10]},
            },
            "cells": f"{self.folder}/fields.tif",
            **changes,
        }
        series = {key: value for key, value in series.items() if value is not None}
        world = {"seed": 3, "height": 64, "width": 64, "horizon": 2, "series": series}
        return {"name": "own", "scenes": 10, "scenes_per_shard": 4, "world": world}


def write_raster(path: Path, values: Any, **profile: Any) -> None:
    """Write a GeoTIFF (band, height, width) of pixels of 10 m in UTM zone 33."""
    rasterio = pytest.importorskip("rasterio")  # not among the oldest versions
    scales, offsets = profile.pop("scales", None), profile.pop("offsets", None)
    bands = np.asarray(values).reshape(-1, *np.shape(values)[-2:])
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {
        "driver": "GTiff",
        "crs": "EPSG:32633",
        "transform": rasterio.transform.from_origin(500_000, 5_100_000, 10, 10),
        **profile,
    }
    size = {"count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
    with rasterio.open(path, "w", dtype=bands.dtype, **size, **given) as raster:
        raster.write(bands)
        if scales is not None:
            raster.scales, raster.offsets = scales, offsets


def make_own_imagery(folder: Path) -> OwnImagery:
    """Write rasters whose every pixel differs from its neighbours."""
    rng = np.random.default_rng(5)
    size = (320, 256)
    line, column = np.indices(size) // 16
    fields = (1 + line * 16 + column).astype(np.int32) * 1000
    fields[15::16] = 0
    land_cover = (10 * rng.integers(0, 4, (20, 16))).astype(np.uint8)[line, column]
    optical = rng.integers(300, 700, (2, 4, *size)).astype(np.uint16)
    optical[:, 3] += land_cover * np.uint16(100)
    sar = rng.uniform(-1, 1, (2, 2, *size)).astype(np.float32)
    sar += np.array([-18, -11], np.float32)[:, None, None]
    own = OwnImagery(folder, optical, sar, land_cover, fields)
    for index, (date, day) in enumerate([("20200115", "2020-017"), ("20200630", "2020-180")]):
        write_raster(folder / "images" / f"S2_{date}.tif", optical[index], nodata=0)
        write_raster(folder / "radar" / f"S1_{day}_gamma0.tif", sar[index])
    write_raster(folder / "land_cover.tif", land_cover)
    write_raster(folder / "fields.tif", fields)
    return own
