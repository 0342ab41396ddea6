"""Series from a real .ts archive, one that ships with its reader."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sktime

from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.series.uea import UeaSettings, draw_series, load_archive
from vrs_bench.world.streams import stream

MOTIONS = Path(sktime.__file__).parent / "datasets" / "data" / "BasicMotions"
FILES = (str(MOTIONS / "BasicMotions_TRAIN.ts"), str(MOTIONS / "BasicMotions_TEST.ts"))


def _settings(**change):
    return UeaSettings(**{"source": "uea", "path": FILES, "ndim": 3, "nclass": 2, **change})


def _by_hand(path):
    """Read a .ts file with nothing but string methods."""
    body = Path(path).read_text().split("@data\n")[1].strip().splitlines()
    rows = [line.split(":") for line in body]
    values = np.array([[[float(x) for x in d.split(",")] for d in row[:-1]] for row in rows])
    return values, np.array([row[-1] for row in rows])


def test_values_are_those_of_the_file_rescaled_per_dimension_over_the_archive():
    archive = load_archive(_settings())
    values = np.concatenate([_by_hand(path)[0] for path in FILES])[:, :3]
    low, high = (f(values, axis=(0, 2)).reshape(3, 1) for f in (np.min, np.max))
    np.testing.assert_allclose(archive.values, (values - low) / (high - low))


def test_sorted_labels_are_grouped_into_runs_of_equal_size():
    labels = np.concatenate([_by_hand(path)[1] for path in FILES])
    names = sorted(set(labels))  # badminton, running, standing, walking
    of_two = {names[0]: 1, names[1]: 1, names[2]: 2, names[3]: 2}
    np.testing.assert_array_equal(load_archive(_settings()).classes, [of_two[x] for x in labels])
    of_three = {names[0]: 1, names[1]: 1, names[2]: 2, names[3]: 3}  # as array_split does
    got = load_archive(_settings(nclass=3)).classes
    np.testing.assert_array_equal(got, [of_three[x] for x in labels])


def test_each_cell_takes_a_window_of_a_series_of_its_class():
    archive = load_archive(_settings())
    classes = np.array([1, 2] * 10)
    drawn = draw_series(_settings(), classes, 30, stream(0, 0, "t"))
    assert drawn.shape == (20, 30, 3)
    starts = set()
    for series, label in zip(drawn, classes, strict=True):
        of_class = archive.values[archive.classes == label]
        windows = np.lib.stride_tricks.sliding_window_view(of_class, 30, axis=2)
        distance = np.abs(windows.transpose(0, 2, 3, 1) - series).max(axis=(2, 3))
        assert distance.min() < 1e-6
        starts.add(int(np.argmin(distance.min(axis=0))))
    assert len(starts) > 5


def test_a_file_that_ships_with_the_reader_can_be_named():
    named = _settings(path=("sktime:/BasicMotions/BasicMotions_TRAIN.ts",))
    np.testing.assert_array_equal(
        load_archive(named).values, load_archive(_settings(path=FILES[:1])).values
    )


def test_a_scene_can_be_made_of_it_and_two_archives_share_their_cells():
    def scene(path):
        recipe = {"seed": 1, "height": 32, "width": 40, "horizon": 5, "cells": {"n": 6}}
        series = {"source": "uea", "path": [path], "ndim": 2, "nclass": 2}
        return make_scene(check_recipe(WorldRecipe, {**recipe, "series": series}, "w"), 0)

    first, second = (scene(path) for path in FILES)
    assert first.frame("frames", 2).shape == (2, 32, 40)
    np.testing.assert_array_equal(first.land_cover, second.land_cover)
    assert not np.array_equal(first.frame("frames", 2), second.frame("frames", 2))
    assert first.to_geojson()["features"][0]["properties"]["land_cover"].startswith("class")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ndim": 7}, "7 dimensions are asked, but .* has 6"),
        ({"nclass": 5}, "5 classes are asked, but .* has 4: badminton, running"),
        ({"path": ("nowhere.ts",)}, r"nowhere\.ts is not a file"),
    ],
)
def test_what_the_archive_does_not_have_is_refused(change, message):
    with pytest.raises(BenchError, match=message):
        load_archive(_settings(**change))


def test_a_horizon_longer_than_the_series_is_refused():
    with pytest.raises(
        BenchError, match=r"101 time steps are asked, but the series of .* have 100"
    ):
        draw_series(_settings(), np.array([1]), 101, stream(0, 0, "t"))


@pytest.mark.parametrize("content", ["", "nothing\n", "@data\n1,2:a\n", "\x00\x01binary"])
def test_an_unreadable_archive_is_named(content, tmp_path):
    path = tmp_path / "bad.ts"
    path.write_text(content)
    with pytest.raises(BenchError, match=r"bad\.ts"):
        load_archive(_settings(path=(str(path),)))


def test_reading_what_ships_with_sktime_does_not_import_it():
    code = (
        "import sys; from vrs_bench.world.series.uea import UeaSettings, load_archive; "
        "path = 'sktime:/BasicMotions/BasicMotions_TRAIN.ts'; "
        "settings = UeaSettings(source='uea', path=(path,), ndim=3, nclass=2); "
        "print(load_archive(settings).values.shape, 'sktime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(40, 3, 100) False\n"


def test_without_sktime_its_files_are_asked_for_and_others_are_read(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    load_archive.cache_clear()
    with pytest.raises(BenchError, match=r"sktime, which is not installed: pip install"):
        load_archive(_settings(path=("sktime:/BasicMotions/BasicMotions_TRAIN.ts",)))
    assert load_archive(_settings()).values.shape == (80, 3, 100)
