"""Building: same bytes whatever happens, and `verify` that finds every fault."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from vrs_bench.data.build.building import RECORDS, build
from vrs_bench.data.build.engines import make_shard
from vrs_bench.data.build.shards import plan
from vrs_bench.data.manifest import read_manifest
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, dump_recipe, load_recipe
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.sensors.stages.noise import Noise
from vrs_bench.tasks import TASKS, BoundTask, bind
from vrs_bench.world.scene import make_scene
from vrs_bench.world.splits import SPLITS, split_scenes

RECIPE = check_recipe(
    BenchmarkRecipe,
    {
        "name": "mini",
        "scenes": 8,
        "scenes_per_shard": 2,
        "world": {
            "seed": 4,
            "height": 48,
            "width": 64,
            "horizon": 7,
            "cells": {"n": 7},
            "series": {"step_days": 50},
        },
    },
    "mini",
)


def _bytes(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "vrs-toy"
    build(["super_res"], RECIPE, folder)
    return folder


def test_one_and_three_workers_give_the_same_bytes(built, tmp_path):
    build(["super_res"], RECIPE, tmp_path / "three", workers=3)
    assert _bytes(tmp_path / "three") == _bytes(built)


def test_shards_are_drawn_with_one_linear_algebra_thread(tmp_path, monkeypatch):
    """Threads that share small products spend more time in waiting for each other."""
    seen = []

    def rows(bound, scene):
        seen.extend(threads())
        return original(bound, scene)

    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    original = BoundTask.rows
    monkeypatch.setattr(BoundTask, "rows", rows)
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        build(["super_res"], RECIPE, tmp_path / "vrs-toy")
        assert threads() == before
    assert set(before) == {2}
    assert seen == [1] * len(seen) != []


def test_nothing_but_the_dataset_is_left(built):
    assert not (built / RECORDS).exists()
    assert {path.name for path in built.iterdir()} == {
        "README.md",
        "croissant.json",
        "eval.yaml",
        "manifest.json",
        "pictures",
        "recipes",
        "super_res",
    }


def test_a_second_build_makes_nothing(built):
    before = {path: path.stat().st_mtime_ns for path in built.glob("super_res/*")}
    build(["super_res"], RECIPE, built)
    assert before == {path: path.stat().st_mtime_ns for path in built.glob("super_res/*")}


def test_only_what_is_missing_or_damaged_is_made_again(built, tmp_path):
    folder = shutil.copytree(built, tmp_path / "copy")
    shards = sorted(folder.glob("super_res/*"))
    shards[0].unlink()
    damaged = bytearray(shards[1].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shards[1].write_bytes(damaged)
    kept = shards[2].stat().st_mtime_ns
    build(["super_res"], RECIPE, folder)
    assert _bytes(folder) == _bytes(built)
    assert shards[2].stat().st_mtime_ns == kept


def test_a_killed_build_goes_on_to_the_same_bytes(built, tmp_path):
    recipe = tmp_path / "mini.yaml"
    recipe.write_text(dump_recipe(RECIPE))
    folder = tmp_path / "vrs-toy"
    command = ["build", "super_res", "--size", str(recipe), "--out", str(folder)]
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-m", "vrs_bench", *command])
        n_before = len(list(folder.glob("super_res/*.parquet")))
        deadline = time.monotonic() + 60
        while len(list(folder.glob("super_res/*.parquet"))) == n_before and child.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        child.kill()
        child.wait()
    build(["super_res"], RECIPE, folder)
    assert _bytes(folder) == _bytes(built)


def test_a_build_that_is_killed_at_random_moments_ends_with_the_same_bytes(built, tmp_path):
    recipe = tmp_path / "mini.yaml"
    recipe.write_text(dump_recipe(RECIPE))
    folder = tmp_path / "vrs-toy"
    words = ["build", "super_res", "--size", str(recipe), "--out", str(folder), "--workers", "2"]
    ended = 0
    for moment in np.random.default_rng(7).uniform(0.4, 3.0, 6):
        child = subprocess.Popen(
            [sys.executable, "-m", "vrs_bench", *words], start_new_session=True
        )
        try:
            child.wait(timeout=moment)
            ended += 1
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # the workers too, in the midst of a file
            child.wait()
    assert ended < 6
    build(["super_res"], RECIPE, folder)
    assert _bytes(folder) == _bytes(built)


def test_workers_end_when_their_parent_is_killed(tmp_path):
    recipe = tmp_path / "mini.yaml"
    recipe.write_text(dump_recipe(RECIPE.model_copy(update={"scenes": 200})))
    folder = tmp_path / "vrs-toy"
    words = ["build", "super_res", "--size", str(recipe), "--out", str(folder), "--workers", "2"]
    parent = psutil.Popen([sys.executable, "-m", "vrs_bench", *words])
    deadline = time.monotonic() + 60
    while not list(folder.glob("super_res/*.parquet")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    workers = parent.children(recursive=True)
    parent.kill()
    parent.wait()
    assert len(workers) >= 2
    _, left = psutil.wait_procs(workers, timeout=30)
    for worker in left:
        worker.kill()
    assert not left


def test_a_shard_that_landed_elsewhere_is_told(tmp_path, monkeypatch):
    """As on a cluster whose nodes do not share the folder."""

    def elsewhere(jobs, workers, advance):
        for job in jobs:
            yield make_shard(replace(job, out=str(tmp_path / "node")), advance)

    monkeypatch.setattr("vrs_bench.data.build.building.in_processes", elsewhere)
    with pytest.raises(
        BenchError, match=r"train-00000-of-00003\.parquet was made, but is not there"
    ):
        build(["super_res"], RECIPE, tmp_path / "vrs-toy")
    assert not (tmp_path / "vrs-toy" / "manifest.json").exists()


@pytest.mark.parametrize("url", ["nosuch://place/vrs-toy", "nosuch+x://place/vrs-toy"])
def test_an_unknown_kind_of_url_is_told(url):
    with pytest.raises(BenchError, match="can't be written to"):
        build(["super_res"], RECIPE, url)


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_url_gets_the_same_bytes_and_is_gone_on_with(built, tmp_path, scheme):
    import fsspec

    url = f"memory://{tmp_path}/vrs-toy" if scheme == "memory" else f"file://{tmp_path}/vrs-toy"
    files, root = fsspec.core.url_to_fs(url)
    build(["super_res"], RECIPE, url, workers=1 if scheme == "memory" else 2)

    def there():
        names = [name for name in files.find(root) if "manifest" not in name]
        return {
            name[len(root) + 1 :]: hashlib.sha256(files.cat_file(name)).hexdigest()
            for name in names
        }

    expected = {name: d for name, d in _bytes(built).items() if name != "manifest.json"}
    assert there() == expected
    files.rm(f"{root}/manifest.json")
    files.rm(f"{root}/super_res/test-00000-of-00001.parquet")
    made = []
    build(["super_res"], RECIPE, url, report=lambda done, total: made.append((done, total)))
    assert there() == expected
    with pytest.raises(BenchError, match="another recipe"):
        build(["super_res"], RECIPE.model_copy(update={"scenes": 9}), url)


def test_progress_is_told_row_by_row(tmp_path):
    for workers in (1, 2):
        told = []
        folder = tmp_path / str(workers)
        build(["super_res"], RECIPE, folder, workers, lambda d, t, told=told: told.append((d, t)))
        done = [d for d, _ in told]
        assert {total for _, total in told} == {56}
        assert done[0] == 0
        assert done == sorted(done)
        assert done[-1] == 56
        if workers == 1:  # by row groups of ten, shards being of fourteen rows
            assert {10, 14, 24, 28} <= set(done)


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3_000_000))
    # 56 rows of 4 · 48 · 64 · (1 + 1/16) and 2 · 48 · 64 values of two bytes, four fifths of that.
    with pytest.raises(BenchError, match=r"about 0\.00 GB are needed, 0\.00 GB are free"):
        build(["super_res"], RECIPE.model_copy(update={"scenes": 16}), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    build(["super_res"], RECIPE, tmp_path / "new")  # 1.7 MB


def test_verify_looks_at_documents_too(built, tmp_path):
    folder = tmp_path / "vrs-toy"
    shutil.copytree(built, folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("hidden")
    assert verify(folder) == []
    card = folder / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "More.\n", encoding="utf-8")
    (folder / "pictures" / "super_res.png").unlink()
    (folder / "recipes" / "more.yaml").write_text("a: 1\n")
    assert sorted(verify(folder)) == [
        "README.md: its content differs from the manifest's SHA-256",
        "pictures/super_res.png: missing",
        "recipes/more.yaml: not in the manifest",
    ]
    assert verify(folder, documents=False) == []


def test_data_of_other_sensors_is_made_again(built, tmp_path, monkeypatch):
    folder = tmp_path / "vrs-toy"
    shutil.copytree(built, folder)
    noisier = load_recipe(SensorRecipe, "super_res")
    noisier = noisier.model_copy(update={"stages": (*noisier.stages, Noise(read_noise=0.01))})
    monkeypatch.setattr("vrs_bench.tasks.binding.load_recipe", lambda model, name: noisier)
    build(["super_res"], RECIPE, folder)
    shard = "super_res/test-00000-of-00001.parquet"
    assert _bytes(folder)[shard] != _bytes(built)[shard]
    assert verify(folder) == []


@pytest.fixture(scope="module")
def all_tasks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("all") / "vrs-toy"
    build(["super_res"], RECIPE, folder)
    build(["cloud_removal", "sar_to_optical"], RECIPE, folder, workers=2)
    return folder


def test_a_task_can_be_added_to_a_folder(built, all_tasks):
    for path in built.glob("super_res/*"):
        assert (all_tasks / "super_res" / path.name).read_bytes() == path.read_bytes()
    assert list(read_manifest(all_tasks).tasks) == list(TASKS)
    assert verify(all_tasks) == []


@pytest.mark.parametrize("name", list(TASKS))
def test_every_config_of_every_task_loads(all_tasks, tmp_path, name):
    from datasets import load_dataset

    for config, columns in bind(name, RECIPE).configs.items():
        rows = load_dataset(str(all_tasks), config, split="test", cache_dir=str(tmp_path))
        assert rows.column_names == list(columns)
        assert len(rows) == 7


def test_clouds_and_speckle_are_explained_by_the_published_truth(all_tasks):
    """Where no cloud nor shadow is, the cloudy image is the clear one but for read noise."""
    scene = next(
        DatasetFolder(all_tasks).scenes(
            "cloud_removal",
            "train",
            [
                *("cloudy", "clear", "cloud", "shadow", "sar", "backscatter"),
                *("atmosphere_gain", "atmosphere_path"),
            ],
        )
    )
    gain, path = (scene[f"atmosphere_{name}"][..., None, None] for name in ("gain", "path"))
    clear = (scene["cloud"] == 0) & (scene["shadow"] == 0)
    assert 0.1 < clear.mean() < 0.9
    error = scene["cloudy"] / 1e4 - ((1 + gain) * (scene["clear"] / 1e4) + path)
    error = error.transpose(0, 2, 3, 1)
    assert error[clear].std() == pytest.approx(0.002, rel=0.1)
    assert error[scene["cloud"] > 9000].mean() > 0.4
    shaded = (scene["cloud"] == 0) & (scene["shadow"] > 3000)
    assert error[shaded].mean() < -0.01
    speckle = (scene["sar"].astype(int) - scene["backscatter"].astype(int)) / 1e4 * 30
    inside = (scene["sar"] > 0) & (scene["sar"] < 10_000)
    power = 10 ** (speckle[inside] / 10)
    assert power.mean() == pytest.approx(1, abs=0.03)
    assert power.var() == pytest.approx(1 / 4, abs=0.04)


def test_rows_are_those_of_the_task_in_scene_and_time_order(built):
    folder, bound = DatasetFolder(built), bind("super_res", RECIPE)
    columns = [column.name for column in bound.columns]
    scenes = list(folder.scenes("super_res", "validation", columns))
    assert [scene["scene"] for scene in scenes] == list(split_scenes(8)["validation"])
    for scene in scenes:
        rows = list(bound.rows(make_scene(RECIPE.world, scene["scene"])))
        np.testing.assert_array_equal(scene["time_step"], np.arange(7))
        for name in set(columns) - {"scene"}:
            np.testing.assert_array_equal(scene[name], np.stack([row[name] for row in rows]))
    keys = folder.keys("super_res", "validation")
    assert keys == [(scene["scene"], step) for scene in scenes for step in range(7)]


def test_observations_are_seen_through_the_published_phase_and_calibration(built):
    """The published truth, through the sensor, is the published input up to read noise."""
    from vrs_bench.sensors.stages.aggregation import aggregation

    *_, sampling, noise = bind("super_res", RECIPE).main_sensor.stages
    columns = ["lr", "hr", "phase", "gain", "bias", "atmosphere_gain", "atmosphere_path"]
    for scene in DatasetFolder(built).scenes("super_res", "test", columns):
        for step in range(7):
            stage = aggregation(sampling, 48, 64, tuple(scene["phase"][step].tolist()))
            gain, path = (
                scene[f"atmosphere_{name}"][step][:, None, None] for name in ("gain", "path")
            )
            lit = (1 + gain) * (scene["hr"][step] / 1e4) + path
            seen = scene["gain"][step] * stage.apply(lit) + scene["bias"][step]
            left = scene["lr"][step] / 1e4 - seen
            assert left.std() == pytest.approx(noise.read_noise, rel=0.12)


def test_splits_are_disjoint_and_stay_so_when_a_dataset_grows():
    for n in (3, 10, 250, 10_000):
        scenes = split_scenes(n)
        numbers = [number for split in scenes.values() for number in split]
        assert len(numbers) == len(set(numbers)) == n
        assert min(len(split) for split in scenes.values()) >= 1
    small, large = split_scenes(250), split_scenes(10_000)
    for split in SPLITS:
        assert set(small[split]) <= set(large[split])
    assert [len(s) for s in small.values()] == [175, 38, 37]


def test_the_plan_covers_every_scene_once():
    shards = plan("super_res", RECIPE)
    planned = [scene for shard in shards for scene in shard.scenes]
    assert planned == [scene for split in split_scenes(8).values() for scene in split]
    assert len({shard.path for shard in shards}) == len(shards)


def test_verify_finds_a_flipped_bit_a_missing_and_an_extra_file(built, tmp_path):
    folder = shutil.copytree(built, tmp_path / "copy")
    assert verify(folder) == []
    first, second, third, *_ = sorted(folder.glob("super_res/*"))
    flipped = bytearray(first.read_bytes())
    flipped[100] ^= 0x10
    first.write_bytes(flipped)
    second.unlink()
    size = third.stat().st_size
    third.write_bytes(third.read_bytes()[:-1])
    (folder / "super_res" / "extra.parquet").write_bytes(b"x")
    assert sorted(verify(folder)) == sorted(
        [
            f"super_res/{first.name}: its content differs from the manifest's SHA-256",
            f"super_res/{second.name}: missing",
            f"super_res/{third.name}: {size - 1} bytes, the manifest says {size}",
            "super_res/extra.parquet: not in the manifest",
        ]
    )


def test_verify_finds_any_flipped_bit_of_the_manifest(built, tmp_path):
    folder = shutil.copytree(built, tmp_path / "copy")
    content = (built / "manifest.json").read_bytes()
    rng = np.random.default_rng(3)
    for place, bit in zip(rng.integers(0, len(content), 300), rng.integers(0, 8, 300), strict=True):
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        (folder / "manifest.json").write_bytes(flipped)
        try:
            faults = verify(folder)
        except BenchError as error:
            faults = [str(error)]
        assert any("manifest" in fault for fault in faults), (place, bit)


def test_a_folder_of_another_recipe_is_not_touched(built):
    before = _bytes(built)
    with pytest.raises(BenchError, match="holds a dataset of another recipe"):
        build(["super_res"], RECIPE.model_copy(update={"scenes": 9}), built)
    assert _bytes(built) == before


def test_faulty_requests_write_nothing(tmp_path):
    with pytest.raises(BenchError, match="unknown task 'super_ress'; did you mean 'super_res'"):
        build(["super_ress"], RECIPE, tmp_path / "a")
    with pytest.raises(BenchError, match="workers: expected 1 or more, got 0"):
        build(["super_res"], RECIPE, tmp_path / "a", workers=0)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(files={"../x.parquet": next(iter(m["files"].values()))}), "no shard"),
        (lambda m: m.pop("recipe"), "not a manifest"),
        (lambda m: m.update(extra=1), "not a manifest"),
    ],
)
def test_a_manifest_is_not_trusted(built, tmp_path, change, message):
    manifest = json.loads((built / "manifest.json").read_text())
    change(manifest)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BenchError, match=message):
        read_manifest(tmp_path)


def test_reading_errors_say_what_to_do(built, tmp_path):
    with pytest.raises(BenchError, match=r"no dataset here .* build one with"):
        DatasetFolder(tmp_path)
    folder = shutil.copytree(built, tmp_path / "copy")
    with pytest.raises(BenchError, match="unknown split 'tset'"):
        DatasetFolder(folder).keys("super_res", "tset")
    with pytest.raises(BenchError, match="holds no task 'cloud'"):
        DatasetFolder(folder).keys("cloud", "test")
    shard = next(folder.glob("super_res/test*"))
    damaged = bytearray(shard.read_bytes())
    damaged[1000:3000] = bytes(2000)
    shard.write_bytes(damaged)
    with pytest.raises(BenchError, match=r"test-00000-of-00001\.parquet: damaged"):
        list(DatasetFolder(folder).scenes("super_res", "test", ["lr", "hr", "backscatter"]))
    shard.unlink()
    with pytest.raises(BenchError, match=r"test-00000-of-00001\.parquet: missing"):
        DatasetFolder(folder).keys("super_res", "test")
