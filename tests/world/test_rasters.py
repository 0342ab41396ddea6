"""Own imagery as scenes: every value is that of the file, or an error names file and key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_imagery import OwnImagery, write_raster

from vrs_bench.columns import quantise
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, digest
from vrs_bench.world.latent import Scene
from vrs_bench.world.scene import make_scene

rasterio = pytest.importorskip("rasterio")


def recipe_of(data: dict[str, Any], **world: Any) -> BenchmarkRecipe:
    changed = {**data, "world": {**data["world"], **world}}
    return check_recipe(BenchmarkRecipe, changed, "own.yaml")


def scene_of(data: dict[str, Any], number: int = 0) -> Scene:
    return make_scene(recipe_of(data).world, number)


def optical_of(own: OwnImagery, **changes: Any) -> dict[str, Any]:
    optical = {**own.recipe()["world"]["series"]["optical"], **changes}
    return own.recipe(optical={k: v for k, v in optical.items() if v is not None})


# Values


@pytest.mark.parametrize(
    ("number", "row", "column"), [(0, 0, 0), (6, 64, 128), (800_001, 192, 64), (900_000, 256, 192)]
)
def test_a_scene_is_a_tile_in_reading_order(
    own_imagery: OwnImagery, number: int, row: int, column: int
) -> None:
    own, scene = own_imagery, scene_of(own_imagery.recipe(), number)
    tile = (slice(row, row + 64), slice(column, column + 64))
    for step in range(2):
        optical = scene.frame("optical", step)
        assert optical.dtype == np.float32
        np.testing.assert_array_equal(quantise(optical), own.optical[step][:, *tile])
        # vv is the second band of these files; [-30, 0] dB becomes [0, 1].
        radar = (own.sar[step][::-1, *tile].astype(np.float64) + 30) / 30
        np.testing.assert_allclose(scene.frame("sar", step), radar, atol=1e-7)
    codes = own.land_cover[tile]
    water, forest = (scene.recipe.series.classes().index(name) for name in ("water", "forest"))
    meant = np.select([codes == 10, codes == 20], [water, forest], 0)  # 30 is not listed
    np.testing.assert_array_equal(scene.land_cover, meant)
    fields = own.fields[tile]
    assert scene.cell.dtype == np.int16
    np.testing.assert_array_equal(np.where(scene.cell > 0, fields, 0), fields)
    pairs = {*zip(scene.cell.ravel().tolist(), fields.ravel().tolist(), strict=True)}
    assert sorted(pairs) == list(enumerate([0, *sorted(set(fields.ravel()) - {0})]))
    assert [scene.recipe.series.day_of_year(step) for step in range(2)] == [14, 181]


def test_cells_have_outlines_and_the_class_of_most_of_their_pixels(
    own_imagery: OwnImagery,
) -> None:
    own_imagery.fields[0, 0] = own_imagery.fields[0, 60]  # a part that lies apart
    write_raster(own_imagery.folder / "fields.tif", own_imagery.fields)
    scene = scene_of(own_imagery.recipe())
    assert len(scene.polygons) == len(scene.classes) == scene.cell.max() == 16
    for number, (outline, label) in enumerate(
        zip(scene.polygons, scene.classes, strict=True), start=1
    ):
        inside = scene.cell == number
        assert outline.area == inside.sum()
        rows, columns = np.nonzero(inside)
        assert outline.bounds == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert np.bincount(scene.land_cover[inside]).argmax() == label
    assert [outline.geom_type for outline in scene.polygons].count("MultiPolygon") == 1
    features = scene.to_geojson()["features"]
    assert features[4]["properties"]["cell"] == 5


def test_all_dates_may_stand_in_one_file(own_imagery: OwnImagery) -> None:
    stack = own_imagery.folder / "stack.tif"
    write_raster(stack, own_imagery.optical.reshape(8, 320, 256))
    dates = ["2020-01-15", "2020-06-30"]
    apart = scene_of(own_imagery.recipe(), 3)
    together = scene_of(optical_of(own_imagery, files=str(stack), dates=dates), 3)
    for step in range(2):
        np.testing.assert_array_equal(together.frame("optical", step), apart.frame("optical", step))


def test_scale_and_offset_of_the_file_count_where_the_recipe_says_none(
    own_imagery: OwnImagery,
) -> None:
    own = own_imagery
    for index, name in enumerate(("20200115", "20200630")):
        path = own.folder / "images" / f"S2_{name}.tif"
        stored = own.optical[index] + 1000  # as Sentinel-2 since 2022
        write_raster(path, stored, scales=(1e-4,) * 4, offsets=(-0.1, -0.1, -0.1, 0.1))
    frame = scene_of(optical_of(own, scale=None)).frame("optical", 1)
    expected = own.optical[1][:, :64, :64] + np.array([0, 0, 0, 2000])[:, None, None]
    np.testing.assert_array_equal(quantise(frame), expected)
    given = scene_of(optical_of(own, scale=0.0001, offset=0.02)).frame("optical", 1)
    np.testing.assert_array_equal(quantise(given), own.optical[1][:, :64, :64] + 1200)


def test_values_beyond_the_range_are_cut_off(own_imagery: OwnImagery) -> None:
    own_imagery.optical[0, 2, 5, 7] = 20_000
    write_raster(own_imagery.folder / "images" / "S2_20200115.tif", own_imagery.optical[0])
    frame = scene_of(own_imagery.recipe()).frame("optical", 0)
    assert frame[2, 5, 7] == frame.max() == 1


# Pixels without a value


def holes(own: OwnImagery, **profile: Any) -> dict[str, Any]:
    """Put nothing into tile 2, at the second date, in one band of one pixel."""
    value = profile.pop("value")
    image = own.optical[1].astype(profile.pop("dtype", np.uint16))
    image[3, 63, 128] = value
    write_raster(own.folder / "images" / "S2_20200630.tif", image, **profile)
    return own.recipe()


@pytest.mark.parametrize(
    ("profile", "nodata"),
    [
        ({"value": 0, "nodata": 0}, None),
        ({"value": 65535}, 65535.0),
        ({"value": 1, "nodata": 0}, 1.0),
        ({"value": np.nan, "dtype": np.float32}, None),
        ({"value": -9999.0, "dtype": np.float32, "nodata": -9999}, None),
        ({"value": np.float32(-3.4e38), "dtype": np.float32}, -3.4e38),
    ],
)
def test_tiles_with_a_pixel_without_a_value_are_no_scenes(
    own_imagery: OwnImagery, profile: dict[str, Any], nodata: float | None
) -> None:
    holes(own_imagery, **profile)
    recipe = recipe_of({**optical_of(own_imagery, nodata=nodata), "scenes": 9}).pinned()
    assert recipe.world.series.pins.left_out == (2,)
    third = make_scene(recipe.world, 2).frame("optical", 0)
    np.testing.assert_array_equal(quantise(third), own_imagery.optical[0][:, :64, 192:])


def test_a_hole_in_the_radar_counts_too(own_imagery: OwnImagery) -> None:
    own_imagery.sar[0, 1, 100, 10] = np.nan
    write_raster(own_imagery.folder / "radar" / "S1_2020-017_gamma0.tif", own_imagery.sar[0])
    assert recipe_of({**own_imagery.recipe(), "scenes": 9}).pinned().world.series.pins.left_out == (
        4,
    )


# Pins


def test_a_pinned_recipe_means_these_files_only(own_imagery: OwnImagery) -> None:
    recipe = recipe_of(own_imagery.recipe())
    pinned = recipe.pinned()
    assert pinned.pinned() == pinned
    assert recipe.pinned() == pinned
    again = check_recipe(BenchmarkRecipe, pinned.model_dump(mode="json"), "again")
    assert again == pinned
    pins = pinned.world.series.pins
    assert (pins.crs, pins.transform) == ("EPSG:32633", (10, 0, 500_000, 0, -10, 5_100_000))
    assert [str(of.date) for of in pins.optical] == ["2020-01-15", "2020-06-30"]
    assert [str(of.date) for of in pins.sar] == ["2020-01-17", "2020-06-28"]

    image = own_imagery.folder / "images" / "S2_20200630.tif"
    own_imagery.optical[1, 0, 300, 200] += 1  # a pixel of another scene
    write_raster(image, own_imagery.optical[1], nodata=0)
    assert digest(recipe.pinned()) != digest(pinned)
    with pytest.raises(BenchError, match=r"series.optical: .*S2_20200630.tif has changed since"):
        make_scene(pinned.world, 0)
    image.unlink()
    (own_imagery.folder / "fields.tif").unlink()
    with pytest.raises(BenchError) as caught:
        pinned.pinned()
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["world.series.optical", "world.series.cells"]
    assert "S2_20200630.tif can't be read (No such file or directory)" in lines[0]


def test_pins_of_other_bands_are_refused(own_imagery: OwnImagery) -> None:
    data = recipe_of(own_imagery.recipe()).pinned().model_dump(mode="json")
    data["world"]["series"]["pinned"]["optical"][1]["first_band"] = 2
    scene = scene_of(data)
    with pytest.raises(BenchError, match=r"S2_20200630.tif has 4 bands, but band 5 is to be read"):
        scene.frame("optical", 1)


def test_pins_of_another_size_or_horizon_are_refused(own_imagery: OwnImagery) -> None:
    data = recipe_of(own_imagery.recipe()).pinned().model_dump(mode="json")
    with pytest.raises(BenchError, match=r"made for scenes of \(64, 64\) pixels, not \(64, 32\)"):
        recipe_of(data, width=32).pinned()
    with pytest.raises(BenchError, match=r"pinned\.optical: expected an image for each of 3 time"):
        recipe_of(data, horizon=3)


# What can't be meant


def rewritten(name: str, **profile: Any) -> Any:
    """Return what writes one raster anew, with its values."""

    def change(own: OwnImagery) -> dict[str, Any]:
        path = own.folder / name
        with rasterio.open(path) as raster:
            values = raster.read()
        write_raster(path, values, **profile)
        return own.recipe()

    return change


def replaced(name: str, content: bytes) -> Any:
    def change(own: OwnImagery) -> dict[str, Any]:
        (own.folder / name).write_bytes(content)
        return own.recipe()

    return change


def beside_another(own: OwnImagery) -> dict[str, Any]:
    write_raster(own.folder / "images" / "S2_20200630.tif", own.optical[1][:, :, :192])
    return own.recipe()


def late_radar(own: OwnImagery) -> dict[str, Any]:
    radar = own.folder / "radar"
    (radar / "S1_2020-180_gamma0.tif").rename(radar / "S1_2020-190_gamma0.tif")
    return own.recipe()


def in_linear_power(own: OwnImagery) -> dict[str, Any]:
    write_raster(own.folder / "radar" / "S1_2020-017_gamma0.tif", 10 ** (own.sar[0] / 10))
    return own.recipe()


def with_floats(own: OwnImagery) -> dict[str, Any]:
    write_raster(own.folder / "fields.tif", own.fields.astype(np.float32))
    return own.recipe()


VRT = b'<VRTDataset rasterXSize="256" rasterYSize="320"></VRTDataset>'
SKEWED = rasterio.Affine(10, 0, 500_000, 0, -20, 5_100_000)
COARSE = rasterio.transform.from_origin(500_000, 5_100_000, 20, 20)
DEGREES = rasterio.transform.from_origin(15, 46, 1e-4, 1e-4)
FIRST = "images/S2_20200115.tif"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced(FIRST, VRT), "optical: .*S2_20200115.tif is neither a GeoTIFF nor JPEG 2000"),
        (replaced(FIRST, b"II*\0" + b"x" * 99), "S2_20200115.tif can't be read as a raster"),
        (replaced("fields.tif", b""), "cells: .*fields.tif is neither a GeoTIFF nor JPEG 2000"),
        (
            rewritten(FIRST, crs="EPSG:4326", transform=DEGREES),
            "has the geographic CRS EPSG:4326, in which pixels are no squares .* reproject",
        ),
        (rewritten(FIRST, transform=SKEWED), "has pixels of 10 × 20; expected squares"),
        (rewritten(FIRST, transform=COARSE), "world.gsd: 10 m, but the pixels of .* are 20 m; set"),
        (
            rewritten("land_cover.tif", transform=COARSE),
            "land_cover.tif lies on another grid than the first optical raster: it has the trans",
        ),
        (rewritten("fields.tif", crs="EPSG:32634"), "it has the CRS EPSG:32634 instead of EPSG:32"),
        (beside_another, "S2_20200630.tif lies .* it has 320 × 192 pixels instead of 320 × 256"),
        (with_floats, "cells: .*fields.tif holds float32; expected whole numbers"),
        (late_radar, "sar: of 2020-06-30 there is no radar image within 6 days; the nearest is of"),
        (in_linear_power, "100% of the values of vv at 2020-01-17 .* are no backscatter of -30 to"),
        (
            lambda own: optical_of(own, scale=None),
            "100% of the values of blue at 2020-01-15 .* scaled by 1 and with 0 added, are no refl",
        ),
        (lambda own: optical_of(own, scale=1e308), "100% of the values of blue"),
        (
            lambda own: optical_of(own, bands={"blue": 1, "green": 2, "red": 3, "nir": 8}),
            "S2_20200115.tif has 4 bands, but band 8 is to be read",
        ),
        (
            lambda own: {**own.recipe(), "scenes": 11},
            "scenes: 11 are asked for, but the rasters have 10: 7 of train, 2 of validation, 1 of",
        ),
        (lambda own: own.recipe(cells="nowhere.tif"), "series.cells: nowhere.tif can't be read"),
        (
            lambda own: own.recipe(cells="/dev/zero"),
            "cells: /dev/zero can't be read .not a plain f",
        ),
    ],
)
def test_rasters_that_can_not_be_meant_are_refused(
    own_imagery: OwnImagery, change: Any, message: str
) -> None:
    data = change(own_imagery)
    with pytest.raises(BenchError, match=message):
        recipe_of(data).pinned()


@pytest.mark.parametrize(
    ("series", "world", "message"),
    [
        ({}, {"horizon": 30}, "world.horizon: 30 time steps, but the optical rasters have 2 dates"),
        ({}, {"cells": {"n": 5}}, "cells: of the source 'raster' nothing is drawn; leave it out"),
        ({}, {"class_prior": [1] * 8}, "class_prior: of the source 'raster' nothing is drawn"),
        (
            {"land_cover": {"file": "x.tif", "classes": {"wood": [1]}}},
            {},
            "classes: 'wood' is no land cover; known: water, built-up",
        ),
        (
            {"land_cover": {"file": "x.tif", "classes": {"water": [1], "maize": [2, 1]}}},
            {},
            "classes: the code 1 stands there twice",
        ),
        (
            {"sar": {"files": "x", "bands": {"vv": 1}}},
            {},
            "sar.bands: expected a place in the",
        ),
        (
            {"sar": {"files": "x", "dates": ["2020-01-15"], "bands": {"vv": 1, "vh": 3}}},
            {},
            "expected places from 1 to 2",
        ),
        (
            {"sar": {"files": "x", "dates": ["2020-13-01"], "bands": {"vv": 1, "vh": 2}}},
            {},
            "month",
        ),
        ({"opticle": 1}, {}, "unknown key 'world.series.opticle'; did you mean 'optical'"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(
    own_imagery: OwnImagery, series: dict[str, Any], world: dict[str, Any], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        recipe_of(own_imagery.recipe(**series), **world).pinned()


def test_rasters_without_a_place_on_earth_will_do(own_imagery: OwnImagery) -> None:
    for name in (FIRST, "images/S2_20200630.tif", "land_cover.tif", "fields.tif"):
        rewritten(name, crs=None, transform=rasterio.Affine.identity())(own_imagery)
    pinned = recipe_of(own_imagery.recipe(sar=None), gsd=3.0).pinned()
    assert pinned.world.series.pins.crs is None
    assert make_scene(pinned.world, 1).frame("optical", 0).shape == (4, 64, 64)


def test_files_beside_a_raster_change_nothing(own_imagery: OwnImagery) -> None:
    """What is read is what the digest is of."""
    before = recipe_of(own_imagery.recipe()).pinned()
    sidecar = own_imagery.folder / "images" / "S2_20200115.tif.aux.xml"
    sidecar.write_text(
        '<PAMDataset><PAMRasterBand band="1"><NoDataValue>400</NoDataValue></PAMRasterBand>'
        "</PAMDataset>"
    )
    assert recipe_of(own_imagery.recipe()).pinned() == before
    frame = make_scene(before.world, 0).frame("optical", 0)
    np.testing.assert_array_equal(quantise(frame), own_imagery.optical[0][:, :64, :64])


def test_without_the_library_the_error_says_what_to_install(
    own_imagery: OwnImagery, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(own_imagery.recipe(cells=None))
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(BenchError, match=r"rasters need pip install 'vrs-bench\[geo\]'"):
        recipe.pinned()


def test_the_rasters_are_left_as_they_are(own_imagery: OwnImagery) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(own_imagery.folder).rglob("*")}
    scene_of(own_imagery.recipe()).frame("sar", 1)
    after = {path: path.stat().st_mtime_ns for path in Path(own_imagery.folder).rglob("*")}
    assert after == before
