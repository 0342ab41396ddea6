"""A dataset's scenes for a GIS: a GeoTIFF an image and date, and the fields as vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from vrs_bench.columns import SCALE, Column
from vrs_bench.data.export.geoparquet import write_cells
from vrs_bench.data.export.georeference import Footprint, footprint
from vrs_bench.data.export.scene_products import ROWS
from vrs_bench.data.export.webdataset import numbers
from vrs_bench.paths import whole_file, write_text
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array
from vrs_bench.world.landcover import class_colours, class_names
from vrs_bench.world.rasters.files import require_rasterio
from vrs_bench.world.series import RasterSettings
from vrs_bench.world.series.radar import DB_FLOOR

NODATA = 65535
"""Declared of images, all of whose pixels have a value of at most 10000."""

_BLOCK = 128  # rows and columns of a tile in the file
_SCALINGS = {"optical": (1 / SCALE, 0.0, "reflectance"), "sar": (-DB_FLOOR / SCALE, DB_FLOOR, "dB")}
"""Product → scale, offset and unit: what a GIS shows is scale × stored + offset."""


def write_rasters(path: Path, bound: BoundTask, scene: Mapping[str, Any]) -> None:
    """Write one scene: ``<path>/<column>_<date>.tif``, its masks, its cells, and the numbers.

    Args:
        path: folder of the scene.
        bound: the task of the data.
        scene: column name → values (n_steps, …), as ``DatasetFolder.scenes`` yields them.

    Raises:
        BenchError: `rasterio` is not installed, or cells that this version draws otherwise.
    """
    place = footprint(bound.world, scene["scene"])
    masks = {"land_cover", "cell"} & bound.world.series.masks()
    for column in bound.columns:
        if column.kind not in ("image", "mask") or (column.static and column.name not in masks):
            continue
        for name, values, tags in _images(bound, column, scene):
            _write(path / f"{name}.tif", bound, column, values, tags, place)
    if "cell" in masks:
        write_cells(path / "cells.parquet", bound, scene, place)
    steps = range(len(scene["time_step"]))
    rows = [numbers(bound.columns, scene, index) for index in steps]
    write_text(path / ROWS, json.dumps(rows, indent=1) + "\n")


def _images(
    bound: BoundTask, column: Column, scene: Mapping[str, Any]
) -> Iterator[tuple[str, Array, dict[str, str]]]:
    """Yield the images of a column: name of the file, values and tags; one of what stays."""
    series, task = bound.world.series, {"task": bound.name, "scene": str(scene["scene"])}
    if column.static:
        yield column.name, scene[column.name][0], task
        return
    for values, step in zip(scene[column.name], scene["time_step"].tolist(), strict=True):
        day = series.day_of_year(step)
        tags = {**task, "time_step": str(step), "day_of_year": str(day)}
        label = f"step{step:03d}_day{day:03d}"
        if isinstance(series, RasterSettings):
            date = series.dates()[step]
            label = date.isoformat()
            tags["TIFFTAG_DATETIME"] = f"{date:%Y:%m:%d} 00:00:00"
        yield f"{column.name}_{label}", values, tags


def _write(
    path: Path,
    bound: BoundTask,
    column: Column,
    values: Array,
    tags: Mapping[str, str],
    place: Footprint,
) -> None:
    """Write one GeoTIFF, tiled and compressed, whole or not at all."""
    rasterio = require_rasterio()
    bands = values.reshape(-1, *values.shape[-2:])
    height, width = bands.shape[1:]
    latent = (bound.world.height, bound.world.width)
    names, (scale, offset, unit) = _meaning(bound, column)
    classes = column.name == "land_cover"
    # In memory first: a full disk is an OSError of ours then, not a word of the library's.
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=height,
            width=width,
            count=len(bands),
            dtype=bands.dtype,
            crs=place.crs and rasterio.crs.CRS.from_string(place.crs),
            transform=rasterio.Affine(*place.of_grid(latent, (height, width))),
            nodata=NODATA if column.kind == "image" else None,
            tiled=True,
            blockxsize=_BLOCK,
            blockysize=_BLOCK,
            compress="deflate",
            predictor=2,
            **({} if classes else {"photometric": "minisblack"}),
        ) as raster:
            raster.write(bands)
            raster.update_tags(**tags)
            raster.descriptions = names
            if column.dtype == "uint16":
                raster.scales, raster.offsets = (scale,) * len(bands), (offset,) * len(bands)
                raster.units = (unit,) * len(bands)
            if classes and bound.world.series.classes() == class_names():
                raster.write_colormap(1, _colours())
            elif "red" in names:
                raster.colorinterp = _interpretation(names)
        content = memory.read()
    if classes:
        write_text(path.with_name(f"{path.name}.aux.xml"), _legend(bound.world.series.classes()))
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def _meaning(bound: BoundTask, column: Column) -> tuple[tuple[str, ...], tuple[float, float, str]]:
    """Return the names of a column's bands; scale, offset and unit of its values."""
    products: dict[str, str] = {name: sensor.product for name, sensor in bound.sensors.items()}
    products |= {bound.target: bound.task.target_product, "backscatter": "sar"}
    product = products.get(column.name)
    if product is None:
        return (column.name,), (1 / SCALE, 0.0, "1")
    return bound.world.series.bands()[product], _SCALINGS[product]


def _interpretation(names: Sequence[str]) -> list[Any]:
    """Return how a GIS is to show bands: those of visible light by their colour."""
    from rasterio.enums import ColorInterp

    return [getattr(ColorInterp, name, ColorInterp.undefined) for name in names]


def _colours() -> dict[int, tuple[int, int, int, int]]:
    """Return the display colour of each label."""
    values = [bytes.fromhex(colour.removeprefix("#")) for colour in class_colours()]
    return {label: (*colour, 255) for label, colour in enumerate(values)}


def _legend(classes: Sequence[str]) -> str:
    """Return the file beside a raster from which a GIS knows the names of its values."""
    names = "".join(f"<Category>{escape(name)}</Category>" for name in classes)
    return (
        f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames>'
        f"</PAMRasterBand></PAMDataset>\n"
    )
