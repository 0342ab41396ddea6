"""Loading by name: what is found, what is built, streams that end, and rows as float32."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from filelock import FileLock, Timeout

from vrs_bench.data.build.building import build
from vrs_bench.data.manifest import read_manifest
from vrs_bench.data.read import loading
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.read.loading import load_dataset, to_float
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, dump_recipe, load_recipe


@pytest.fixture
def recipe() -> BenchmarkRecipe:
    """Return a recipe that builds in no time."""
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 4})
    size = {"height": 32, "width": 32, "horizon": 2, "cells": cells}
    world = recipe.world.model_copy(update=size)
    changed = {"name": "small", "scenes": 3, "scenes_per_shard": 1, "world": world}
    return recipe.model_copy(update=changed)


@pytest.fixture
def small(
    recipe: BenchmarkRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Return the options that build a small `vrs-toy` into a cache folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(dump_recipe(recipe))
    return {"size": "small.yaml", "cache_dir": tmp_path / "cache"}


def count_builds(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let the loader note the tasks of every build."""
    builds: list[list[str]] = []

    def counted(tasks: list[str], *rest: Any) -> None:
        builds.append(tasks)
        build(tasks, *rest)

    monkeypatch.setattr(loading, "build", counted)
    return builds


# What a name stands for


def test_a_folder_is_loaded_as_it_is(tiny: Path, tmp_path: Path) -> None:
    rows = load_dataset(tiny, "super_res_latent", "test", cache_dir=tmp_path)
    keys = zip(rows["scene"], rows["time_step"], strict=True)
    assert list(keys) == DatasetFolder(tiny).keys("super_res", "test")
    assert "land_cover" in rows.column_names
    assert "lr" not in rows.column_names


def test_a_folder_of_that_name_comes_before_a_build(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    builds = count_builds(monkeypatch)
    assert set(load_dataset(cache_dir=tmp_path)) == {"train", "validation", "test"}
    assert builds == []


def test_a_name_with_an_owner_is_asked_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *words, **options: asked.append(words))
    load_dataset("some-org/vrs-toy", "cloud_removal")
    assert asked == [("some-org/vrs-toy", "cloud_removal")]


@pytest.mark.parametrize("name", ["vrs-toi", "./no/such/folder", "/nowhere", "a/b/c"])
def test_any_other_name_is_refused(name: str, small: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match=f"{name}: no such folder, and no Hub id"):
        load_dataset(name, **small)


def test_an_unknown_config_is_refused_before_anything_is_built(small: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match="did you mean 'cloud_removal'"):
        load_dataset("vrs-toy", "cloud_removl", **small)
    assert not small["cache_dir"].exists()


# Building into the cache


def test_the_task_of_the_config_is_built_once(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    builds = count_builds(monkeypatch)
    rows = load_dataset(split="train", **small)
    [folder] = (small["cache_dir"] / "vrs-bench").glob("small-*/")
    assert str(folder) in capsys.readouterr().err
    assert verify(folder) == []
    assert len(rows) == read_manifest(folder).rows("super_res", "train")
    load_dataset(config="super_res_latent", split="train", **small)
    assert builds == [["super_res"]]
    assert capsys.readouterr().out == ""
    load_dataset(config="sar_to_optical", split="test", **small)
    assert builds == [["super_res"], ["sar_to_optical"]]
    assert set(read_manifest(folder).tasks) == {"super_res", "sar_to_optical"}


def test_what_is_missing_of_a_build_is_made(small: dict[str, Any]) -> None:
    load_dataset(split="train", **small)
    [folder] = (small["cache_dir"] / "vrs-bench").glob("small-*/")
    [lost] = folder.glob("super_res/test-*")
    [cut] = folder.glob("super_res/train-*")
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:100])
    load_dataset(split="validation", **small)
    assert verify(folder) == []
    (folder / "manifest.json").unlink()  # as a build leaves it that was killed
    load_dataset(split="validation", **small)
    assert verify(folder) == []


def test_another_recipe_is_another_folder_of_the_default_cache(
    small: dict[str, Any], recipe: BenchmarkRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = small["cache_dir"]
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    for seed in (1, 2):
        world = recipe.world.model_copy(update={"seed": seed})
        Path("small.yaml").write_text(dump_recipe(recipe.model_copy(update={"world": world})))
        load_dataset(split="train", size="small.yaml")
    assert len(list((cache / "vrs-bench").glob("small-*/manifest.json"))) == 2


def test_a_build_keeps_other_processes_out_and_they_do_not_repeat_it(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = count_builds(monkeypatch)
    counted = loading.build
    other = ThreadPoolExecutor(1)
    waiting = []

    def watched(tasks: list[str], recipe: Any, folder: Path, *rest: Any) -> None:
        with pytest.raises(Timeout):
            FileLock(folder.with_suffix(".lock"), timeout=0).acquire()
        waiting.append(other.submit(load_dataset, split="train", **small))
        counted(tasks, recipe, folder, *rest)

    monkeypatch.setattr(loading, "build", watched)
    rows = load_dataset(split="train", **small)
    assert waiting[0].result()["hr"] == rows["hr"]
    assert builds == [["super_res"]]


# Streaming

LEAVE = """
import os, signal, sys
from torch.utils.data import DataLoader
from vrs_bench.data.read.loading import load_dataset, to_float
def closed(stream):
    rows = iter(stream)
    next(rows)
    rows.close()
ways = {{
    "open": iter,
    "closed": closed,
    "shuffled": lambda stream: iter(to_float(stream).shuffle(seed=0, buffer_size=12)),
    "by workers": lambda stream: iter(DataLoader(to_float(stream), batch_size=4, num_workers=2)),
}}
for name, way in ways.items():
    child = os.fork()  # a process of its own, without importing everything again
    if child == 0:
        signal.alarm(15)
        left = way(load_dataset({path!r}, "super_res", "train", streaming=True))
        if left is not None:
            next(left)
        sys.exit()
    print(name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_process_that_leaves_a_stream_early_ends_well(tmp_path: Path) -> None:
    """With the scanner of `datasets` they hang (-14) or abort (-6) on data of this size."""
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    recipe = recipe.model_copy(update={"scenes": 14, "scenes_per_shard": 5})
    build(["super_res"], recipe, tmp_path / "vrs-toy")
    run = subprocess.run(
        [sys.executable, "-c", LEAVE.format(path=str(tmp_path / "vrs-toy"))],
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    ways = ["open", "closed", "shuffled", "by workers"]
    assert run.stdout.splitlines() == [f"{way} 0" for way in ways]
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("config", ["super_res", "super_res_latent"])
def test_a_stream_is_that_of_datasets(config: str, tiny: Path, tmp_path: Path) -> None:
    ours = load_dataset(tiny, config, "train", streaming=True)
    plain = datasets.load_dataset(str(tiny), config, split="train", streaming=True)
    assert ours.features == plain.features
    assert ours.num_shards == plain.num_shards == 2
    stored = load_dataset(tiny, config, "train", cache_dir=tmp_path)
    assert list(ours) == list(stored)
    batches = [len(table) for table in ours.with_format("arrow").iter(batch_size=5)]
    assert batches == [5, 5, 2]


def test_a_stream_resumes_where_it_was(tiny: Path) -> None:
    whole = [row["time_step"] for row in load_dataset(tiny, split="train", streaming=True)]
    stream = load_dataset(tiny, split="train", streaming=True)
    rows = iter(stream)
    head = [next(rows)["time_step"] for _ in range(7)]
    resumed = load_dataset(tiny, split="train", streaming=True)
    resumed.load_state_dict(stream.state_dict())
    assert head + [row["time_step"] for row in resumed] == whole


def test_a_stream_reads_the_row_groups_and_batches_that_are_asked_for(tiny: Path) -> None:
    stream = load_dataset(tiny, split="train", streaming=True, batch_size=4)
    keys = DatasetFolder(tiny).keys("super_res", "train")
    for rows in (stream, stream.reshard()):
        assert [(row["scene"], row["time_step"]) for row in rows] == keys


def test_options_of_the_scanner_are_refused(tiny: Path) -> None:
    with pytest.raises(BenchError, match="filters: can't be had with streaming=True"):
        load_dataset(tiny, split="train", streaming=True, filters=[("time_step", "==", 0)])


# Rows as float32


@pytest.fixture(scope="module")
def truth(tiny: Path) -> dict[str, np.ndarray]:
    """Return all columns of the train split as they are stored, rows first."""
    names = ["lr", "phase", "hr", "land_cover", "cell", "backscatter", "gain", "bias"]
    scenes = list(DatasetFolder(tiny).scenes("super_res", "train", names))
    return {name: np.concatenate([scene[name] for scene in scenes]) for name in names}


IMAGES = {"lr", "hr", "backscatter"}


def agree(values: Any, stored: np.ndarray, name: str) -> None:
    """Compare with the stored values, divided by 10000 in float64 where they are images."""
    values = np.asarray(values)
    if name in IMAGES:
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, stored / 10000, rtol=1e-7)
    else:
        assert values.dtype == stored.dtype
        np.testing.assert_array_equal(values, stored)


@pytest.mark.parametrize("arrays", ["torch", "numpy"])
@pytest.mark.parametrize("config", ["super_res", "super_res_latent"])
def test_rows_are_float32_images_and_masks_as_stored(
    arrays: Any, config: str, tiny: Path, truth: dict[str, np.ndarray], tmp_path: Path
) -> None:
    plain = load_dataset(tiny, config, "train", cache_dir=tmp_path)
    rows = to_float(plain, arrays)
    names = [name for name in rows.column_names if name in truth]
    assert len(names) >= 3
    order = [11, 3, 4, 0]
    chosen, batch = rows.select(order), rows[2:9]
    for name in names:
        agree(rows[5][name], truth[name][5], name)
        agree(batch[name], truth[name][2:9], name)
        agree(rows[name][:], truth[name], name)
        agree(chosen[:][name], truth[name][order], name)
    kind = torch.Tensor if arrays == "torch" else np.ndarray
    assert isinstance(rows[0]["hr"], kind)
    rows[0]["hr"][:] = 0  # the caller's own
    agree(rows[0]["hr"], truth["hr"][0], "hr")


@pytest.mark.parametrize("arrays", ["torch", "numpy"])
def test_streamed_rows_are_the_same(arrays: Any, tiny: Path, truth: dict[str, np.ndarray]) -> None:
    stream = to_float(load_dataset(tiny, "super_res_latent", "train", streaming=True), arrays)
    names = [name for name in stream.column_names if name in truth]
    for index, row in enumerate(stream):
        for name in names:
            agree(row[name], truth[name][index], name)
    for index, batch in enumerate(stream.iter(batch_size=4)):
        agree(batch["hr"], truth["hr"][4 * index : 4 * index + 4], "hr")
    late = stream.filter(lambda row: row["time_step"] == 2)
    agree(np.stack([row["hr"] for row in late]), truth["hr"][2::3], "hr")


def test_cloud_and_shadow_are_images_too(small: dict[str, Any]) -> None:
    rows = load_dataset("vrs-toy", "cloud_removal_latent", "train", **small)
    row, stored = to_float(rows, "numpy")[1], rows[1]
    for name in ("cloud", "shadow"):
        assert row[name].dtype == np.float32
        np.testing.assert_allclose(row[name], np.array(stored[name]) / 10000, rtol=1e-7)
    assert row["land_cover"].dtype == np.uint8


def test_a_torch_loader_takes_them_as_they_are(
    tiny: Path, truth: dict[str, np.ndarray], tmp_path: Path
) -> None:
    stored = load_dataset(tiny, split="train", cache_dir=tmp_path)
    streamed = load_dataset(tiny, split="train", streaming=True)
    for rows in (stored, streamed):
        batches = list(torch.utils.data.DataLoader(to_float(rows), batch_size=5))
        agree(np.concatenate([batch["hr"] for batch in batches]), truth["hr"], "hr")


def test_a_process_that_is_handed_a_dataset_learns_the_format(tiny: Path, tmp_path: Path) -> None:
    stored = datasets.load_dataset(str(tiny), "super_res", split="test", cache_dir=str(tmp_path))
    streamed = datasets.load_dataset(str(tiny), "super_res", split="test", streaming=True)
    for rows in (stored, streamed):
        assert b"vrs_bench.data.read.floats" in pickle.dumps(to_float(rows))


def test_rows_that_have_lost_their_types_are_refused(tiny: Path) -> None:
    stream = load_dataset(tiny, split="test", streaming=True)
    with pytest.raises(BenchError, match="call to_float first"):
        next(iter(to_float(stream.map(lambda row: {"month": row["day_of_year"] // 31}))))


def test_unknown_arrays_and_a_missing_torch_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchError, match="expected 'torch' or 'numpy', got 'jax'"):
        to_float(None, "jax")  # type: ignore[arg-type]
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match="torch is not installed"):
        to_float(None)


# Only what was published


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "vrs-toy"))


def flip_a_bit(path: Path) -> None:
    """Change the file, but neither its size nor its time."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_verified_loads_as_ever(tiny: Path, tmp_path: Path, streaming: bool) -> None:
    options: dict[str, Any] = {"cache_dir": tmp_path, "streaming": streaming}
    if not streaming:
        options["keep_in_memory"] = True  # which only `datasets.load_dataset` itself knows
    rows = load_dataset(tiny, "super_res", verify=True, **options)
    plain = load_dataset(tiny, "super_res", **options)
    assert list(rows) == list(plain)
    for split in rows:
        assert list(rows[split]) == list(plain[split])


@pytest.mark.parametrize("streaming", [False, True])
def test_changed_missing_and_unknown_files_are_all_told_and_nothing_is_loaded(
    folder: Path, tmp_path: Path, streaming: bool
) -> None:
    first, second = DatasetFolder(folder).manifest.shards("super_res", "train")
    flip_a_bit(folder / first)
    (folder / second).unlink()
    stray = "super_res/train-00007-of-00008.parquet"  # the card's pattern takes it in
    shutil.copyfile(folder / first, folder / stray)
    # What it holds is right, and the reader would find rows in it without `verify`.
    assert len(datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "c")))
    with pytest.raises(BenchError) as caught:
        load_dataset(
            folder, split="train", cache_dir=tmp_path / "cache", streaming=streaming, verify=True
        )
    assert str(caught.value).splitlines()[1:] == [
        f"  {first}: its content differs from the manifest's SHA-256",
        f"  {second}: missing, or left out by the card",
        f"  {stray}: not in the manifest",
    ]
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_a_stream_checks_its_own_split_and_a_table_all(folder: Path, tmp_path: Path) -> None:
    [shard] = DatasetFolder(folder).manifest.shards("super_res", "test")
    flip_a_bit(folder / shard)
    stream = load_dataset(folder, split="train", cache_dir=tmp_path, streaming=True, verify=True)
    assert next(iter(stream))["time_step"] == 0
    for options in ({"split": "train"}, {"split": "test", "streaming": True}, {"streaming": True}):
        with pytest.raises(BenchError, match=f"{shard}: its content differs"):
            load_dataset(folder, cache_dir=tmp_path, verify=True, **options)
    with pytest.raises(BenchError, match="unknown split 'tset'"):
        load_dataset(folder, split="tset", cache_dir=tmp_path, streaming=True, verify=True)


def test_a_card_that_leads_elsewhere_is_found_out(folder: Path, tiny: Path, tmp_path: Path) -> None:
    """The card chooses the files: those of the folder are untouched, and not what is read."""
    shutil.copytree(tiny / "super_res", folder / "other")
    card = (folder / "README.md").read_text(encoding="utf-8")
    moved = card.replace("path: super_res/train-", "path: other/train-")
    assert moved != card
    (folder / "README.md").write_text(moved, encoding="utf-8")
    with pytest.raises(BenchError, match=r"super_res/train-00000-of-00002.parquet: missing") as e:
        load_dataset(folder, split="train", cache_dir=tmp_path, verify=True)
    assert "other/train-00000-of-00002.parquet: not in the manifest" in str(e.value)
    # An edited card that leads to the same files is the editor's right.
    (folder / "README.md").write_text(f"{card}More.\n", encoding="utf-8")
    assert len(load_dataset(folder, split="train", cache_dir=tmp_path, verify=True)) == 12


def test_a_manifest_that_was_changed_vouches_for_nothing(folder: Path, tmp_path: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"rows": 3', '"rows": 4', 1))
    with pytest.raises(BenchError, match="its content differs from its own SHA-256"):
        load_dataset(folder, split="train", cache_dir=tmp_path, verify=True)
