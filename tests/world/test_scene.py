"""Scenes: rendering, masks, and bytes that depend on nothing but recipe and number."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import shapely
from numpy._core import _multiarray_umath as umath

from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.world.landcover import class_names
from vrs_bench.world.partition import middles
from vrs_bench.world.scene import WorldRecipe, make_scene

WORLD = WorldRecipe.model_validate(
    {
        "seed": 5,
        "height": 48,
        "width": 64,
        "horizon": 6,
        "cells": {"n": 9},
        "series": {"step_days": 60},
    }
)

VECTOR_UNITS = " ".join(f for f in umath.__cpu_dispatch__ if umath.__cpu_features__[f])
DIGEST = """
import hashlib, os
from numpy._core import _multiarray_umath as umath
for feature in os.environ.get("NPY_DISABLE_CPU_FEATURES", "").split():
    assert not umath.__cpu_features__[feature], f"{feature} is still in use"
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS, bind
from vrs_bench.world.scene import make_scene
total = hashlib.sha256()
for task in TASKS:
    for number in (0, 900001):
        recipe = load_recipe(BenchmarkRecipe, "tiny")
        for row in bind(task, recipe).rows(make_scene(recipe.world, number)):
            for name in sorted(row):
                total.update(row[name].tobytes())
print(total.hexdigest())
"""


def test_masks_agree_with_each_other():
    scene = make_scene(WORLD, 3)
    assert scene.cell.dtype == scene.land_cover.dtype == np.int16
    assert set(np.unique(scene.cell)) <= set(range(WORLD.cells.n + 1))
    for cell in np.unique(scene.cell):
        covers = np.unique(scene.land_cover[scene.cell == cell])
        assert covers == [scene.classes[cell - 1] if cell else 0]


def test_scenes_do_not_depend_on_the_order_in_which_they_are_made():
    forwards = [make_scene(WORLD, n).frame("sar", 2) for n in (0, 1, 2)]
    backwards = [make_scene(WORLD, n).frame("sar", 2) for n in (2, 1, 0)][::-1]
    np.testing.assert_array_equal(forwards, backwards)
    assert not np.array_equal(forwards[0], forwards[1])


def test_labels_tell_nothing_of_position():
    """Sites and classes come from streams of their own: the original drew both from one state."""
    recipe = WORLD.model_copy(update={"cells": WORLD.cells.model_copy(update={"n": 40})})
    scenes = [make_scene(recipe, n) for n in range(40)]
    x = np.concatenate([middles(scene.partition)[:, 0] for scene in scenes])
    label = np.concatenate([scene.classes for scene in scenes])
    means = [x[label == k].mean() for k in range(1, 9)]
    spread = x.std() / np.sqrt(len(x) / 8)
    assert np.abs(np.array(means) - x.mean()).max() < 4 * spread


def test_classes_follow_the_prior():
    prior = (0.0, 0.0, 0.5, 0.0, 0.0, 0.25, 0.25, 0.0)
    recipe = WORLD.model_copy(update={"class_prior": prior})
    classes = np.concatenate([make_scene(recipe, n).classes for n in range(150)])
    share = np.bincount(classes, minlength=9)[1:] / len(classes)
    np.testing.assert_allclose(share, prior, atol=0.05)
    assert share[[0, 1, 3, 4, 7]].max() == 0


def test_geojson_is_the_vector_truth_in_metres():
    scene = make_scene(WORLD.model_copy(update={"gsd": 20.0}), 3)
    collection = json.loads(json.dumps(scene.to_geojson()))
    shapes = [shapely.geometry.shape(f["geometry"]) for f in collection["features"]]
    assert sum(shape.area for shape in shapes) == pytest.approx(48 * 64 * 20.0**2)
    row, column = 10, 50  # a pixel centre, in metres with y upwards
    point = shapely.Point((column + 0.5) * 20, (48 - row - 0.5) * 20)
    holder = next(i for i, shape in enumerate(shapes) if shape.covers(point))
    whole = WORLD.model_copy(update={"cells": WORLD.cells.model_copy(update={"border_px": 0.0})})
    bare = make_scene(whole, 3)
    properties = collection["features"][holder]["properties"]
    assert properties["cell"] == bare.cell[row, column]
    assert properties["label"] == bare.land_cover[row, column]
    assert properties["land_cover"] == class_names()[properties["label"]]


@pytest.fixture(scope="module")
def here():
    return _digest({})


def _digest(environment):
    run = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


@pytest.mark.parametrize(
    "environment",
    [
        {"NPY_DISABLE_CPU_FEATURES": VECTOR_UNITS},
        {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2"},
    ],
    ids=["no-vector-units", "other-blas-kernels", "two-threads"],
)
def test_bytes_are_those_of_any_other_processor(here, environment):
    assert _digest(environment) == here


def test_frozen_digest_of_a_latent_frame():
    """A change of this digest changes every published dataset: raise GENERATION if it must."""
    scene = make_scene(load_recipe(BenchmarkRecipe, "tiny").world, 0)
    digest = hashlib.sha256(scene.frame("optical", 3).tobytes() + scene.frame("sar", 3).tobytes())
    assert digest.hexdigest() == FROZEN


FROZEN = "b5cfbf98910160df8e77cc2df82aa17fb1954196949076ef0c964385309b2d61"
