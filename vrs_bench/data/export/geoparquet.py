"""Cells as vectors in GeoParquet 1.1 (geoparquet.org): Parquet with polygons as WKB."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vrs_bench.data.export.georeference import Footprint
from vrs_bench.errors import BenchError
from vrs_bench.paths import whole_file
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array
from vrs_bench.world.rasters.files import require_rasterio
from vrs_bench.world.rasters.outlines import outlines
from vrs_bench.world.rasters.scene import majority
from vrs_bench.world.scene import make_scene
from vrs_bench.world.series import RasterSettings

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon


def write_cells(path: Path, bound: BoundTask, scene: Mapping[str, Any], place: Footprint) -> None:
    """Write the cells of a scene: geometry, number, class and its name, area in square metres.

    Cells of drawn scenes are the polygons that they were drawn from; of own imagery, the outlines
    of their pixels.

    Raises:
        BenchError: this version draws other cells than the data have.
    """
    import shapely
    from shapely.affinity import affine_transform

    polygons, labels = _cells(bound, scene)
    a, b, c, d, e, f = place.transform
    ground = [affine_transform(polygon, [a, b, d, e, c, f]) for polygon in polygons]
    names = bound.world.series.classes()
    table = pa.table(
        {
            "cell": pa.array(range(1, len(ground) + 1), pa.int32()),
            "label": pa.array(labels, pa.uint8()),
            "land_cover": pa.array([names[label] for label in labels], pa.string()),
            "area_m2": pa.array([of.area * bound.world.gsd**2 for of in polygons], pa.float64()),
            "geometry": pa.array([shapely.to_wkb(of) for of in ground], pa.binary()),
        }
    )
    column = {
        "encoding": "WKB",
        "geometry_types": sorted({of.geom_type for of in ground}),
        "crs": _projjson(place.crs),
    }
    if ground:
        column["bbox"] = shapely.total_bounds(ground).tolist()
    described = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": column},
    }
    table = table.replace_schema_metadata({"geo": json.dumps(described)})
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _cells(
    bound: BoundTask, scene: Mapping[str, Any]
) -> tuple[list[Polygon | MultiPolygon], Sequence[int]]:
    """Return the cells of a scene in pixel coordinates, and the class of each."""
    cell: Array = scene["cell"][0]
    if isinstance(bound.world.series, RasterSettings):
        labels = majority(scene["land_cover"][0].astype(np.int16), cell, int(cell.max()))
        return outlines(cell), labels.tolist()
    place = make_scene(bound.world, scene["scene"])
    if not np.array_equal(place.cell, cell):
        raise BenchError(
            f"scene {place.id}: this version draws other cells than the data were made with; build "
            f"the data again"
        )
    return place.polygons, place.classes.tolist()


def _projjson(crs: str | None) -> dict[str, Any] | None:
    """Return a coordinate reference system in the form that GeoParquet wants."""
    if crs is None:
        return None
    described: dict[str, Any] = require_rasterio().crs.CRS.from_string(crs).to_dict(projjson=True)
    return described
