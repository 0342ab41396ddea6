"""Private splits: what is published tells nothing, what is revealed was committed to."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrs_bench.data.build.building import build
from vrs_bench.data.build.shards import SPLITS, file_digest, private_plan, split_scenes
from vrs_bench.data.manifest import Manifest, read_manifest
from vrs_bench.data.private import build_private, reveal
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.secret import task_seed
from vrs_bench.data.values import values_digest
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import evaluate
from vrs_bench.recipes import BenchmarkRecipe, check_recipe
from vrs_bench.world.scene import make_scene
from vrs_bench.world.streams import stream

SECRET = b"a secret that is given here, not read"
SEED = 2**255 + 9
RECIPE = check_recipe(
    BenchmarkRecipe,
    {
        "name": "mini",
        "scenes": 14,
        "scenes_per_shard": 1,
        "world": {"seed": 4, "height": 48, "width": 64, "horizon": 3, "cells": {"n": 7}},
    },
    "mini",
)


def derived(folder: Path, task: str) -> tuple[int, str]:
    """Return seed and commitment of a task, by the salt that the folder publishes."""
    return task_seed(SECRET, bytes.fromhex(str(read_manifest(folder).salt)), task)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("private") / "vrs-private"
    build_private(["super_res", "cloud_removal"], RECIPE, folder, SECRET)
    return folder


@pytest.fixture(scope="module")
def revealed(published: Path) -> Path:
    out = published.with_name("truth")
    reveal(published, SECRET, out)
    return out


def test_the_published_folder_holds_inputs_only(published: Path) -> None:
    [*shards] = sorted(published.glob("*/*.parquet"))
    assert len(shards) == 4  # two scenes, as the test split has, of two tasks
    columns = {path.parent.name: pq.read_schema(path).names for path in shards}
    assert columns == {
        "super_res": ["scene", "time_step", "day_of_year", "lr", "phase"],
        "cloud_removal": ["scene", "time_step", "day_of_year", "cloudy", "sar"],
    }
    assert verify(published) == []


def test_nothing_that_is_published_holds_the_seed_or_the_secret(published: Path) -> None:
    manifest = read_manifest(published)
    needles = [SECRET]
    for task, entry in manifest.tasks.items():
        seed, commitment = derived(published, task)
        assert entry.commitment == commitment
        assert entry.seed is None
        needles += [str(seed).encode(), f"{seed:x}".encode(), seed.to_bytes(32)]
    for path in published.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(needle in content for needle in needles), path
    assert manifest.recipe.world.seed == 0


def test_it_loads_as_any_dataset(published: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    rows = load_dataset(str(published), "super_res", split="private", cache_dir=str(tmp_path))
    assert rows.num_rows == 6
    assert "hr" not in rows.column_names


def test_the_truth_is_that_of_the_secret_seed_and_fits_the_inputs(
    published: Path, revealed: Path
) -> None:
    assert verify(revealed) == []
    manifest = read_manifest(revealed)
    for task in manifest.tasks:
        seed, _ = derived(published, task)
        assert manifest.bound(task).world.seed == manifest.tasks[task].seed == seed
        recipe = (revealed / f"recipes/mini-{task}.yaml").read_text(encoding="utf-8")
        assert f"seed: {seed}\n" in recipe
    world = manifest.bound("super_res").world
    inputs = DatasetFolder(published).scenes("super_res", "private", ["lr", "phase"])
    truth = DatasetFolder(revealed).scenes("super_res", "private", ["lr", "phase", "hr"])
    for seen, whole in zip(inputs, truth, strict=True):
        assert seen["scene"] == whole["scene"]
        np.testing.assert_array_equal(seen["lr"], whole["lr"])
        np.testing.assert_array_equal(seen["phase"], whole["phase"])
        latent = make_scene(world, whole["scene"]).frame("optical", 1)
        assert np.abs(whole["hr"][1] / 1e4 - latent).max() <= 0.501e-4


def test_predictions_are_scored_against_the_revealed_truth(published: Path, revealed: Path) -> None:
    images = {
        (scene["scene"], int(step)): image
        for scene in DatasetFolder(revealed).scenes("super_res", "private", ["hr"])
        for step, image in zip(scene["time_step"], scene["hr"], strict=True)
    }
    groups = ["distortion", "consistency"]
    result = evaluate(images, "super_res", revealed, "private", groups=groups, bounds=False)
    assert result.scores["psnr"].mean == 80
    assert result.scores["through_sensor_rmse"].mean == pytest.approx(0.004, abs=0.0003)
    with pytest.raises(BenchError, match="inputs of a private split; its truth is with those who"):
        evaluate(images, "super_res", published, "private", groups=groups)


def test_another_secret_is_told_from_the_right_one(published: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="not the secret that it commits to"):
        reveal(published, SECRET + b"!", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("changed", ["truth", "values", "inputs", "file", "missing file"])
def test_what_was_not_fixed_in_advance_is_found_out(
    published: Path, tmp_path: Path, changed: str
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(published, folder)
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    entry = next(iter(read_manifest(published).files.values()))
    first = folder / next(iter(read_manifest(published).files))
    if changed == "file":
        first.write_bytes(first.read_bytes() + b"x")
    elif changed == "missing file":
        first.unlink()
    else:
        digest = {
            "truth": entry.truth_sha256,
            "values": entry.truth_values_sha256,
            "inputs": entry.sha256,
        }[changed]
        (folder / "manifest.json").write_text(text.replace(str(digest), "0" * 64))
    with pytest.raises(BenchError, match=r"truth or inputs differ in super_res/private-00000"):
        reveal(folder, SECRET, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()  # so it is no dataset


def rewrite_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every entry of a manifest, and its digest of itself with them."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"].values():
        change(entry)
    manifest["sha256"] = Manifest.model_validate_json(json.dumps(manifest)).own_digest()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_reveal_by_another_version_of_the_writer_compares_values(
    published: Path, tmp_path: Path
) -> None:
    """Its containers have other bytes: neither truth nor inputs come out with the same digests."""
    folder = tmp_path / "by-another"
    shutil.copytree(published, folder)
    for path in folder.glob("*/*.parquet"):
        pq.write_table(pq.read_table(path), path)

    def by_another(entry: dict[str, Any]) -> None:
        shard = next(p for p in folder.glob("*/*.parquet") if values[p] == entry["values_sha256"])
        entry |= {"bytes": shard.stat().st_size, "sha256": file_digest(shard)}
        entry |= {"writer": "pyarrow 1.0.0", "truth_sha256": "0" * 64}

    manifest = read_manifest(published)
    values = {
        folder / name: values_digest(folder / name, manifest.columns(entry.task))
        for name, entry in manifest.files.items()
    }
    rewrite_manifest(folder, by_another)
    assert verify(folder) == []
    reveal(folder, SECRET, tmp_path / "out")
    assert verify(tmp_path / "out") == []
    rewrite_manifest(folder, lambda entry: entry.update(truth_values_sha256="0" * 64))
    with pytest.raises(BenchError, match="truth or inputs differ"):
        reveal(folder, SECRET, tmp_path / "again")


def test_a_folder_that_committed_to_bytes_only_is_revealed_by_bytes(
    published: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    shutil.copytree(published, folder)
    later = ("values_sha256", "truth_values_sha256", "writer")
    rewrite_manifest(folder, lambda entry: [entry.pop(key) for key in later] and None)
    assert verify(folder) == []
    reveal(folder, SECRET, tmp_path / "out")
    rewrite_manifest(folder, lambda entry: entry.update(truth_sha256="0" * 64))
    with pytest.raises(BenchError, match="truth or inputs differ"):
        reveal(folder, SECRET, tmp_path / "again")


def test_a_task_can_be_added(tmp_path: Path) -> None:
    build_private(["super_res"], RECIPE, tmp_path / "p", SECRET)
    first = read_manifest(tmp_path / "p")
    build_private(["cloud_removal"], RECIPE, tmp_path / "p", SECRET)
    both = read_manifest(tmp_path / "p")
    assert verify(tmp_path / "p") == []
    assert list(both.tasks) == ["super_res", "cloud_removal"]
    assert both.salt == first.salt
    assert both.tasks["super_res"] == first.tasks["super_res"]
    assert both.files.items() >= first.files.items()


def test_secret_and_manifest_are_enough_to_build_it_again(published: Path, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    shutil.copyfile(published / "manifest.json", tmp_path / "p" / "manifest.json")
    build_private(["super_res"], RECIPE, tmp_path / "p", SECRET)
    assert read_manifest(tmp_path / "p") == read_manifest(published)
    assert verify(tmp_path / "p") == []


def test_a_build_that_was_stopped_goes_on_with_its_salt(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_private(["super_res"], RECIPE, tmp_path / "p", SECRET, report=stop)
    salt = (tmp_path / "p" / ".build" / "salt").read_text(encoding="utf-8")
    build_private(["super_res"], RECIPE, tmp_path / "p", SECRET)
    assert read_manifest(tmp_path / "p").salt == salt
    assert not (tmp_path / "p" / ".build").exists()


def test_every_folder_has_a_salt_and_so_scenes_of_its_own(published: Path, tmp_path: Path) -> None:
    build_private(["super_res"], RECIPE, tmp_path / "p", SECRET)
    first, second = read_manifest(published), read_manifest(tmp_path / "p")
    assert first.salt != second.salt
    for name, entry in second.files.items():
        assert entry.values_sha256 != first.files[name].values_sha256


def test_a_split_of_an_earlier_derivation_is_refused(published: Path, tmp_path: Path) -> None:
    manifest = json.loads((published / "manifest.json").read_text(encoding="utf-8"))
    del manifest["salt"], manifest["sha256"]
    for entry in manifest["tasks"].values():
        del entry["commitment"]
    manifest["commitment"] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BenchError, match="of an earlier version, which drew all tasks from one"):
        reveal(tmp_path, SECRET, tmp_path / "out")


KILLED = """
import os, pickle, signal, sys
import pyarrow.parquet as pq
from vrs_bench.data.private import build_private, reveal
write = pq.ParquetWriter.write_table
def write_and_die(self, table, *rest):
    write(self, table, *rest)
    left.pop()
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
pq.ParquetWriter.write_table = write_and_die
what, at, arguments = pickle.load(sys.stdin.buffer)
left = [None] * at
{"build": build_private, "reveal": reveal}[what](*arguments)
"""


@pytest.mark.parametrize(("what", "at"), [("build", 1), ("build", 5), ("reveal", 2), ("reveal", 6)])
def test_whoever_is_killed_over_truth_leaves_nothing_in_the_temporary_folder(
    published: Path, tmp_path: Path, what: str, at: int
) -> None:
    """At the first row groups of the truth, or of the comparison after it, which are files then."""
    shared = tmp_path / "shared"
    shared.mkdir()
    out = tmp_path / "out"
    arguments: dict[str, tuple[Any, ...]] = {
        "build": (["super_res", "cloud_removal"], RECIPE, out, SECRET),
        "reveal": (published, SECRET, out),
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "TMPDIR": str(shared)},
        input=pickle.dumps((what, at, arguments[what])),
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert [path for path in shared.rglob("*") if path.is_file()] == []
    if what == "build":  # what is published later must not hold it either
        held = [name for path in out.rglob("*.parquet") for name in pq.read_schema(path).names]
        assert not {"hr", "clear", "land_cover", "cell"} & set(held)


def test_a_reveal_goes_to_no_url(published: Path) -> None:
    with pytest.raises(BenchError, match="expected a folder of this machine"):
        reveal(published, SECRET, "memory://truth")


def test_a_public_folder_has_nothing_to_reveal(tmp_path: Path) -> None:
    build(["super_res"], RECIPE.model_copy(update={"scenes": 3}), tmp_path / "vrs-toy")
    with pytest.raises(BenchError, match="holds no private split"):
        reveal(tmp_path / "vrs-toy", SECRET, tmp_path / "out")


def test_a_folder_goes_on_with_its_own_secret_only(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(published, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/*.parquet")}
    build_private(["super_res", "cloud_removal"], RECIPE, folder, SECRET)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/*.parquet")} == before
    with pytest.raises(BenchError, match="another secret"):
        build_private(["super_res"], RECIPE, folder, SECRET + b"!")


@settings(max_examples=30, deadline=None)
@given(scenes=st.integers(3, 650_000), seed=st.integers(0, 2**32))
def test_splits_share_no_scene_and_no_stream(scenes: int, seed: int) -> None:
    recipe = RECIPE.model_copy(update={"scenes": scenes})
    numbers = {split: (of[0], of[-1]) for split, of in split_scenes(scenes).items()}
    shards = private_plan("super_res", recipe, inputs_only=True)
    numbers["private"] = (shards[0].scenes[0], shards[-1].scenes[-1])
    ends = sorted(numbers.values())
    assert list(numbers)[:3] == list(SPLITS)
    assert all(last < first for (_, last), (first, _) in pairwise(ends))
    assert ends[-1][1] < 1_000_000  # six digits
    draws = {
        stream(s, number, "cells").bytes(16)
        for s in (seed, SEED)
        for pair in numbers.values()
        for number in set(pair)
    }
    assert len(draws) == 2 * sum(len(set(pair)) for pair in numbers.values())
