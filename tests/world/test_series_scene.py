"""Scenes of series, here from an archive: series plus texture, and the background between cells."""

import numpy as np
import pytest

from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe
from vrs_bench.world.scene import WorldRecipe, make_scene


@pytest.fixture
def world(tmp_path):
    rng = np.random.default_rng(3)
    lines = ["@problemName x", "@timeStamps false", "@classLabel true a b c", "@data"]
    for k in range(9):
        series = ":".join(",".join(f"{v:.4f}" for v in rng.normal(size=12)) for _ in range(2))
        lines.append(f"{series}:{'abc'[k % 3]}")
    (tmp_path / "x.ts").write_text("\n".join(lines))
    return WorldRecipe.model_validate(
        {
            "seed": 5,
            "height": 48,
            "width": 64,
            "horizon": 6,
            "cells": {"n": 9},
            "series": {"source": "uea", "path": (str(tmp_path / "x.ts"),), "ndim": 2, "nclass": 3},
            "products": {"frames": {"background": (0.25, 0.5)}},
        }
    )


def test_a_frame_is_series_plus_texture_clipped(world):
    scene = make_scene(world, 3)
    frame = scene.frame("frames", 4)
    series = scene.series["frames"][4][:, scene.cell]
    np.testing.assert_array_equal(frame, np.clip(series + scene.texture["frames"], 0, 1))
    assert frame.dtype == np.float32
    assert frame.min() >= 0
    assert frame.max() <= 1


def test_between_cells_lies_the_background_without_texture(world):
    scene = make_scene(world, 3)
    between = scene.cell == 0
    assert between.any()
    for step in (0, 5):
        values = scene.frame("frames", step)[:, between]
        np.testing.assert_array_equal(values, np.tile([[0.25], [0.5]], between.sum()))


def test_masks_agree_with_each_other(world):
    scene = make_scene(world, 3)
    for cell in np.unique(scene.cell):
        covers = np.unique(scene.land_cover[scene.cell == cell])
        assert covers == [scene.classes[cell - 1] if cell else 0]
    assert sum(polygon.area for polygon in scene.polygons) == pytest.approx(48 * 64)


@pytest.mark.parametrize("key", ["parcels", "lines"])
def test_parcels_and_lines_are_refused(world, key):
    settings = world.model_dump(mode="json")
    settings["cells"][key] = {}
    with pytest.raises(BenchError, match=f"cells.{key}: only the source 'phenology'"):
        check_recipe(WorldRecipe, settings, "recipe")
