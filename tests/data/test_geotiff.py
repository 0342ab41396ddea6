"""Scenes for a GIS: read back by its library, value by value, and in their place."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from own_imagery import OwnImagery, make_own_imagery
from typer.testing import CliRunner

from vrs_bench.cli import app
from vrs_bench.columns import restore
from vrs_bench.data.build.building import build
from vrs_bench.data.export.exporting import NAME, export
from vrs_bench.data.export.georeference import footprint
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.world.landcover import class_colours, class_names
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

rasterio = pytest.importorskip("rasterio")

IMAGES = {"lr": (16, 4), "hr": (64, 1), "backscatter": (64, 1)}
"""Column → rows and columns, and latent pixels in one of its pixels."""


@pytest.fixture(scope="module")
def drawn(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export of a drawn world, to read."""
    out = tmp_path_factory.mktemp("export") / "drawn"
    export(tiny, "geotiff", out)
    return out


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnImagery:
    return make_own_imagery(tmp_path_factory.mktemp("own") / "rasters")


@pytest.fixture(scope="module")
def read(own: OwnImagery) -> DatasetFolder:
    """Return a dataset of own imagery."""
    folder = own.folder.parent / "data"
    recipe = check_recipe(BenchmarkRecipe, own.recipe(), "own")
    build(["cloud_removal", "super_res"], recipe, folder)
    return DatasetFolder(folder)


@pytest.fixture(scope="module")
def kept(own: OwnImagery, read: DatasetFolder) -> Path:
    """Return its export, made while the rasters are elsewhere."""
    elsewhere = own.folder.with_name("elsewhere")
    own.folder.rename(elsewhere)
    export(read.path, "geotiff", read.path.with_name("out"), splits=["test"])
    elsewhere.rename(own.folder)
    return read.path.with_name("out")


def scene_of(folder: Path, *columns: str, task: str = "super_res") -> dict[str, Any]:
    return next(DatasetFolder(folder).scenes(task, "test", columns))


# Images


def test_every_image_of_every_date_is_a_tiled_geotiff(tiny: Path, drawn: Path) -> None:
    scene = scene_of(tiny, *IMAGES, "day_of_year")
    folder = drawn / "super_res" / "test" / "900000"
    for name, (side, _) in IMAGES.items():
        for step, day in enumerate(scene["day_of_year"].tolist()):
            with rasterio.open(folder / f"{name}_step{step:03d}_day{day:03d}.tif") as raster:
                stored = raster.read()
                np.testing.assert_array_equal(stored, scene[name][step])
                assert stored.dtype == np.uint16
                assert stored.shape[1:] == (side, side)
                assert raster.profile["tiled"]
                assert raster.block_shapes == [(128, 128)] * raster.count
                assert raster.profile["compress"] == "deflate"
                assert (raster.dataset_mask() == 255).all()  # 65535 is nowhere
                assert raster.nodata == 65535
                tags = raster.tags()
                assert (tags["scene"], tags["time_step"]) == ("900000", str(step))
                assert tags["day_of_year"] == str(day)
                if name == "backscatter":
                    assert raster.descriptions == ("vv", "vh")
                    assert raster.units == ("dB", "dB")
                    shown = stored * raster.scales[0] + raster.offsets[0]
                    np.testing.assert_allclose(shown, 30 * restore(stored) - 30, atol=1e-5)
                else:
                    assert raster.descriptions == ("blue", "green", "red", "nir")
                    assert raster.scales == (0.0001,) * 4
                    assert raster.offsets == (0,) * 4
                    of_light = [interp.name for interp in raster.colorinterp[:3]]
                    assert of_light == ["blue", "green", "red"]


def test_drawn_scenes_lie_on_a_plane_of_their_own(tiny: Path, drawn: Path) -> None:
    places = []
    for split in SPLITS:
        for folder in sorted((drawn / "super_res" / split).iterdir()):
            corners = set()
            for name, (_, factor) in IMAGES.items():
                with rasterio.open(next(folder.glob(f"{name}_step001_*.tif"))) as raster:
                    assert raster.crs.to_wkt().startswith('LOCAL_CS["VRS-Bench virtual Earth"')
                    assert raster.res == (10 * factor, 10 * factor)
                    corners.add(tuple(raster.bounds))
            [bounds] = corners  # all columns are over the same ground
            places.append(shapely.box(*bounds))
    assert len(places) == 6
    assert all(place.area == 640**2 for place in places)
    assert shapely.union_all(places).area == pytest.approx(6 * 640**2)


def test_numbers_of_scenes_share_no_ground() -> None:
    world = WorldRecipe(seed=1, height=16, width=24, gsd=2.0)
    numbers = [0, 1, 999, 1000, 1001, 799_999, 800_000, 899_999, 900_000, 999_999]
    places = []
    for number in numbers:
        a, _, x, _, e, y = footprint(world, number).transform
        places.append(shapely.box(x, y + 16 * e, x + 24 * a, y))
    assert shapely.union_all(places).area == sum(place.area for place in places)


def test_scenes_of_own_imagery_keep_their_place(own: OwnImagery, kept: Path) -> None:
    folder = kept / "super_res" / "test" / "900000"
    with rasterio.open(own.folder / "images" / "S2_20200630.tif") as source:
        stored, crs, upper_left = source.read(), source.crs, source.transform @ (192, 256)
    with rasterio.open(folder / "hr_2020-06-30.tif") as raster:
        assert raster.crs == crs
        assert raster.transform @ (0, 0) == upper_left
        assert raster.tags()["TIFFTAG_DATETIME"] == "2020:06:30 00:00:00"
        np.testing.assert_array_equal(raster.read(), stored[:, 256:, 192:])
    with rasterio.open(folder / "lr_2020-01-15.tif") as raster:
        assert raster.transform @ (0, 0) == upper_left
        assert raster.transform @ (16, 16) == (upper_left[0] + 640, upper_left[1] - 640)


def test_causes_are_shown_on_their_scale(read: DatasetFolder, kept: Path) -> None:
    scene = scene_of(read.path, "cloud", "shadow", task="cloud_removal")
    folder = kept / "cloud_removal" / "test" / "900000"
    for name in ("cloud", "shadow"):
        with rasterio.open(folder / f"{name}_2020-06-30.tif") as raster:
            np.testing.assert_array_equal(raster.read(1), scene[name][1])
            assert (raster.descriptions, raster.scales) == ((name,), (0.0001,))
            assert raster.nodata is None


def test_what_was_exported_is_own_imagery_again(tiny: Path, drawn: Path, tmp_path: Path) -> None:
    """Names, scales and offsets are those that we read; it says no number itself."""
    folder = drawn / "super_res" / "test" / "900000"
    for path in folder.glob("*_step*.tif"):
        column, step, _ = path.stem.split("_")
        (tmp_path / f"{column}_2021-01-0{int(step[4:]) + 1}.tif").write_bytes(path.read_bytes())
    files = {"optical": "hr", "sar": "backscatter"}
    bands = {"optical": {"blue": 1, "green": 2, "red": 3, "nir": 4}, "sar": {"vv": 1, "vh": 2}}
    images = {
        product: {"files": f"{tmp_path}/{name}_%Y-%m-%d.tif", "bands": bands[product]}
        for product, name in files.items()
    }
    codes = {name: [label] for label, name in enumerate(class_names()) if label}
    series = {
        "source": "raster",
        **images,
        "land_cover": {"file": str(folder / "land_cover.tif"), "classes": codes},
        "cells": str(folder / "cell.tif"),
    }
    small = {"seed": 1, "height": 8, "width": 8, "horizon": 3, "series": series}
    world = check_recipe(WorldRecipe, small, "again")
    scene, truth = make_scene(world, 0), scene_of(tiny, "hr", "backscatter", "land_cover", "cell")
    for step in range(3):
        for product, name in files.items():
            expected = restore(truth[name][step][:, :8, :8])
            np.testing.assert_allclose(scene.frame(product, step), expected, atol=1e-7)
    np.testing.assert_array_equal(scene.land_cover, truth["land_cover"][0][:8, :8])
    np.testing.assert_array_equal(scene.cell > 0, truth["cell"][0][:8, :8] > 0)


# Masks and vectors


def test_land_cover_has_names_and_colours(tiny: Path, drawn: Path, tmp_path: Path) -> None:
    from rasterio.shutil import copy

    path = drawn / "super_res" / "test" / "900000" / "land_cover.tif"
    with rasterio.open(path) as raster:
        np.testing.assert_array_equal(raster.read(1), scene_of(tiny, "land_cover")["land_cover"][0])
        colours = raster.colormap(1)
        described = tmp_path / "described.vrt"
        copy(raster, described, driver="VRT")
    for label, colour in enumerate(class_colours()):
        assert "#{:02x}{:02x}{:02x}".format(*colours[label]) == colour
    # What the library has read of the names.
    text = described.read_text()
    names = [part.split("</Category>")[0] for part in text.split("<Category>")[1:]]
    assert tuple(names) == class_names()


def test_cells_are_numbered(tiny: Path, drawn: Path) -> None:
    with rasterio.open(drawn / "super_res" / "test" / "900000" / "cell.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), scene_of(tiny, "cell")["cell"][0])
        assert raster.scales == (1,)


def geometry_of(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    table = pq.read_table(path)
    return json.loads(table.schema.metadata[b"geo"]), table.to_pylist()


def test_cells_are_geoparquet(tiny: Path, drawn: Path) -> None:
    folder = drawn / "super_res" / "test" / "900000"
    described, rows = geometry_of(folder / "cells.parquet")
    assert (described["version"], described["primary_column"]) == ("1.1.0", "geometry")
    [(name, column)] = described["columns"].items()
    assert (name, column["encoding"]) == ("geometry", "WKB")
    assert column["geometry_types"] == ["Polygon"]
    assert (column["crs"]["type"], column["crs"]["name"]) == (
        "EngineeringCRS",
        "VRS-Bench virtual Earth",
    )
    polygons = [shapely.from_wkb(row["geometry"]) for row in rows]
    with rasterio.open(folder / "cell.tif") as raster:
        cell, bounds, transform = raster.read(1), tuple(raster.bounds), raster.transform
    assert tuple(column["bbox"]) == bounds
    scene = scene_of(tiny, "land_cover")
    assert [row["cell"] for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= cell.max() > 8
    assert sum(row["area_m2"] for row in rows) == pytest.approx(640**2)
    for row, polygon in zip(rows, polygons, strict=True):
        assert row["area_m2"] == pytest.approx(polygon.area)
        lines, columns = np.nonzero(cell == row["cell"])
        assert set(scene["land_cover"][0][lines, columns].tolist()) == {row["label"]}
        assert class_names()[row["label"]] == row["land_cover"]
        for line, column_ in zip(lines[::20].tolist(), columns[::20].tolist(), strict=True):
            assert polygon.contains(shapely.Point(transform @ (column_ + 0.5, line + 0.5)))


def test_cells_of_own_imagery_are_outlines_of_their_pixels(kept: Path) -> None:
    folder = kept / "super_res" / "test" / "900000"
    described, rows = geometry_of(folder / "cells.parquet")
    assert described["columns"]["geometry"]["crs"]["id"] == {"authority": "EPSG", "code": 32633}
    with rasterio.open(folder / "cell.tif") as raster:
        cell, bounds = raster.read(1), raster.bounds
    assert [row["cell"] for row in rows] == list(range(1, int(cell.max()) + 1))
    for row in rows:
        assert row["area_m2"] == 100 * (cell == row["cell"]).sum()
        assert shapely.box(*bounds).covers(shapely.from_wkb(row["geometry"]))


def test_masks_that_are_not_known_are_not_written(own_imagery: OwnImagery, tmp_path: Path) -> None:
    data = own_imagery.recipe(sar=None, land_cover=None, cells=None)
    build(["super_res"], check_recipe(BenchmarkRecipe, data, "own"), tmp_path / "data")
    [scene] = export(tmp_path / "data", "geotiff", tmp_path / "out", splits=["test"])
    names = {path.name.split("_")[0] for path in scene.iterdir()}
    assert names == {"lr", "hr", "rows.json"}


# Going on, and what can't be done


def test_a_stopped_export_leaves_nothing_half_written_and_goes_on(
    tiny: Path, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count = Path.write_bytes, 0

    def full(path: Path, content: bytes) -> int:
        nonlocal count
        count += 1
        if count < 16:
            return real(path, content)
        real(path, content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(BenchError, match="out: no room left on the disk"):
            export(tiny, "geotiff", out)
    whole = {p.relative_to(drawn): p.read_bytes() for p in drawn.rglob("*") if p.is_file()}
    left = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert 15 < len(left) < len(whole)
    assert all(whole[name] == content for name, content in left.items())
    first = out / "super_res" / "train" / "000000" / "rows.json"
    written = first.stat().st_mtime_ns
    export(tiny, "geotiff", out)
    made = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert made == whole
    assert first.stat().st_mtime_ns == written


def test_without_the_library_nothing_is_begun(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(BenchError, match=r"rasters need pip install 'vrs-bench\[geo\]'"):
        export(tiny, "geotiff", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cells_that_are_drawn_otherwise_are_not_written(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe(BenchmarkRecipe, "tiny").world
    other = make_scene(recipe.model_copy(update={"height": 64, "width": 64, "horizon": 3}), 5)
    monkeypatch.setattr("vrs_bench.data.export.geoparquet.make_scene", lambda *_: other)
    with pytest.raises(BenchError, match="this version draws other cells than the data were made"):
        export(tiny, "geotiff", tmp_path / "out")
    assert not list(tmp_path.rglob("cells.parquet"))


def test_the_command_says_what_it_made(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--to", "geotiff", "--out", str(out), "--split", "test"]
    run = CliRunner().invoke(app, ["export", str(tiny), *options])
    assert run.exit_code == 0, run.output
    assert run.stdout == f"{out}: 1 scenes\n"
    assert (out / NAME).is_file()
