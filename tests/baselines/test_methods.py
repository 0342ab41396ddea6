"""Every method that needs no network, on a small dataset of all tasks, by the command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import baselines
from baselines.examples import FolderExamples
from baselines.methods.boosting import fit_boosting
from baselines.methods.finding import find_method
from baselines.methods.method import Method
from baselines.methods.registry import METHODS
from baselines.methods.table import methods_table
from baselines.predict import predict, restored
from vrs_bench.columns import quantise, restore
from vrs_bench.data.build.building import build
from vrs_bench.data.private import build_private
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.tasks import TASKS, bind

STEPS, SIZE = 6, 48


def small(**settings: object) -> BenchmarkRecipe:
    recipe = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    recipe |= {"scenes": 5, "scenes_per_shard": 2}
    recipe["world"] |= {"height": SIZE, "width": SIZE, "horizon": STEPS, "cells": {"n": 6}}
    return check_recipe(BenchmarkRecipe, recipe | settings, "test")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All tasks: 3 train scenes, 1 validation, 1 test."""
    folder = tmp_path_factory.mktemp("methods") / "vrs-toy"
    build(list(TASKS), small(), folder)
    return folder


def cases() -> list[tuple[str, str]]:
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    return [
        (name, task)
        for name, method in METHODS.items()
        for task in TASKS
        if method.suits(bind(task, recipe))
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.npy")}


def test_every_task_has_methods_and_every_method_a_task() -> None:
    assert {name for name, _ in cases()} == set(METHODS)
    counts = {task: sum(of == task for _, of in cases()) for task in TASKS}
    assert counts == {"super_res": 6, "cloud_removal": 13, "sar_to_optical": 5}
    for name, method in METHODS.items():
        assert (method.name, method.description[-1], method.identity) == (name, ".", "")


@pytest.mark.parametrize(("name", "task"), cases())
def test_every_method_restores_whole_scenes(
    name: str, task: str, data: Path, tmp_path: Path
) -> None:
    """Finite and in range or predict refuses it; the same again after files were lost."""
    out, read = tmp_path / "out", []
    predict(name, task, data, "test", out, fitting=lambda done, total: read.append((done, total)))
    written = files(out)
    assert len(written) == STEPS
    folder = DatasetFolder(data)
    bound = folder.manifest.bound(task)
    [scene] = folder.scenes(task, "test", [bound.target])
    target = restore(scene[bound.target])
    images = np.stack([restore(np.load(path)) for path in sorted(out.glob("*.npy"))])
    assert images.shape == target.shape
    assert images.max() <= 1
    if name != "cloudy":
        assert np.sqrt(np.square(images - target).mean()) < 0.12
    assert bool(read) == (METHODS[name].fit is not None)
    assert all(0 < done <= total for done, total in read)
    lost = sorted(out.glob("*.npy"))[::2]
    for path in lost:
        path.unlink()
    predict(name, task, data, "test", out)
    assert files(out) == written


@pytest.mark.parametrize("name", [name for name, task in cases() if task == "cloud_removal"])
def test_methods_of_the_main_input_alone_do_not_look_at_radar(name: str, data: Path) -> None:
    method, folder = METHODS[name], DatasetFolder(data)
    bound = folder.manifest.bound("cloud_removal")
    ready = method.ready(bound, FolderExamples(folder, method, bound))
    [scene] = folder.scenes(bound.name, "test", method.seen(bound))
    without = {**scene, "sar": np.zeros_like(scene["sar"])}
    images, blind = (restored(method, ready, bound, of) for of in (scene, without))
    assert np.array_equal(images, blind) == method.main_input_alone
    assert method.main_input_alone == ("radar" not in name)


def test_a_run_that_is_complete_fits_nothing(data: Path, tmp_path: Path) -> None:
    predict("ridge", "sar_to_optical", data, "test", tmp_path)
    read: list[int] = []
    predict(
        "ridge", "sar_to_optical", data, "test", tmp_path, fitting=lambda done, _: read.append(done)
    )
    assert read == []


def test_a_run_that_was_killed_goes_on(data: Path, tmp_path: Path) -> None:
    """After SIGKILL in the middle of the split, the files are those of a run in one go."""
    code = f"""
import os, signal
from baselines.predict import predict, restored
def stop(done, total):
    if done == {STEPS}:
        os.kill(os.getpid(), signal.SIGKILL)
predict("linear", "cloud_removal", {str(data)!r}, "train", {str(tmp_path / "out")!r}, stop)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=120, check=False)
    assert done.returncode == -9
    assert len(files(tmp_path / "out")) == STEPS
    for folder in ("out", "whole"):
        predict("linear", "cloud_removal", data, "train", tmp_path / folder)
    assert len(files(tmp_path / "out")) == 3 * STEPS
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_oracles_are_told_what_no_other_method_sees(data: Path, tmp_path: Path) -> None:
    oracles = {name for name, method in METHODS.items() if method.oracle}
    assert oracles == {*(name for name in METHODS if name.endswith("-true-mask")), "true-cells"}
    bound = DatasetFolder(data).manifest.bound("cloud_removal")
    for method in METHODS.values():
        hidden = set(method.seen(bound)) - set(bound.visible)
        assert hidden == set(method.oracle)
    recipe = small(scenes=3)
    build_private(
        ["cloud_removal"], recipe, tmp_path / "private", b"a secret of so many bytes, 32+"
    )
    with pytest.raises(BenchError, match=r"told cloud and shadow, which .* holds back"):
        predict("linear-true-mask", "cloud_removal", tmp_path / "private", "private", tmp_path)


def test_a_private_split_is_restored_by_what_was_fitted_elsewhere(
    data: Path, tmp_path: Path
) -> None:
    private, out = tmp_path / "private", tmp_path / "out"
    build_private(["sar_to_optical"], small(scenes=3), private, b"a secret of so many bytes, 32+")
    with pytest.raises(BenchError, match=r"ridge is fitted, and here is no split 'train'.*--train"):
        predict("ridge", "sar_to_optical", private, "private", out)
    assert not out.exists()
    predict("ridge", "sar_to_optical", private, "private", out, train=data)
    assert len(files(out)) >= STEPS
    other = small()
    world = other.world.model_copy(update={"height": 32, "width": 32})
    build(["sar_to_optical"], other.model_copy(update={"world": world}), tmp_path / "smaller")
    with pytest.raises(BenchError, match=r"`sar` has the shape \(2, 32, 32\), but \(2, 48, 48\)"):
        predict("ridge", "sar_to_optical", private, "private", out, train=tmp_path / "smaller")


# A user's own


OWN = """
import numpy as np
from dataclasses import dataclass
from baselines.methods.method import Method

@dataclass
class Half:
    share: float = 0.5

def half(bound, inputs):
    shape = (len(inputs["time_step"]), *bound.column(bound.target).shape)
    return np.full(shape, Half().share, np.float32)

def fit(bound, examples):
    mean = np.mean([example.target.mean() for example in examples.train(2)])
    return lambda bound, inputs: half(bound, inputs) * 2 * np.float32(mean)

MEAN = Method("mean", "The mean.", "any task", lambda bound: True, fit=fit)
number = 3
"""


@pytest.mark.parametrize("task", TASKS)
def test_a_function_of_a_users_file_restores_any_task(
    task: str, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    predict(f"{file}:half", task, data, "test", tmp_path / "half")
    predict(f"{file}:MEAN", task, data, "test", tmp_path / "mean")
    folder = DatasetFolder(data)
    bound = folder.manifest.bound(task)
    shape = bound.column(bound.target).shape
    half = np.load(sorted((tmp_path / "half").glob("*.npy"))[0])
    assert np.array_equal(half, np.full(shape, 5000))
    targets = [restore(of[bound.target]) for of in folder.scenes(task, "train", [bound.target])]
    expected = quantise(np.float32(np.mean([target.mean() for target in targets[:2]])))
    mean = np.load(sorted((tmp_path / "mean").glob("*.npy"))[0])
    assert mean.shape == shape
    assert abs(int(mean[0, 0, 0]) - int(expected)) <= 1


@pytest.mark.parametrize("task", TASKS)
def test_the_method_of_the_readme_is_for_any_task(task: str, data: Path, tmp_path: Path) -> None:
    text = (Path(baselines.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python file=mine.py\n(.*?)```", text, re.S)
    assert len([line for line in code.splitlines() if line]) <= 22
    (tmp_path / "mine.py").write_text(code)
    predict(f"{tmp_path / 'mine.py'}:LINEAR", task, data, "test", tmp_path / "out")
    assert len(files(tmp_path / "out")) == STEPS


def test_changed_code_does_not_mix_with_what_it_predicted(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    predict(f"{file}:half", "super_res", data, "test", tmp_path / "out")
    file.write_text(OWN.replace("0.5", "0.6"))
    with pytest.raises(BenchError, match="predictions of another method"):
        predict(f"{file}:half", "super_res", data, "test", tmp_path / "out")


def test_says_what_is_wrong_with_a_users_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    with pytest.raises(BenchError, match=r"mine\.py: no such file"):
        find_method(f"{file}:half")
    file.write_text(OWN)
    with pytest.raises(
        BenchError, match=r"expected 'harf' to be a Method or a function.*no such n"
    ):
        find_method(f"{file}:harf")
    with pytest.raises(BenchError, match="got int"):
        find_method(f"{file}:number")
    with pytest.raises(BenchError, match=r"no method 'mine'.*FILE\.py:OBJECT"):
        find_method("mine")


def test_a_method_restores_in_one_way() -> None:
    with pytest.raises(BenchError, match="odd: give either restore or fit"):
        Method("odd", "Odd.", "nothing", lambda bound: True)


def test_without_scikit_learn_trees_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    empty = np.zeros((1, 1), np.float32)
    with pytest.raises(BenchError, match=r"pip install 'vrs-bench\[methods\]'"):
        fit_boosting((empty, empty), (empty, empty))


def test_the_table_says_for_what_and_marks_what_is_told_more() -> None:
    table = methods_table(list(TASKS.values()))
    assert "| `bicubic` | super_res | Cubic convolution" in table
    assert "| `linear-true-mask` | cloud_removal | *oracle*: As linear" in table
    assert "| `double-logistic` | cloud_removal | *informed*: A rise" in table
    assert len(table.splitlines()) == 2 + len(METHODS)
    command = [sys.executable, "-m", "vrs_bench", "methods", "--task", "sar_to_optical"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines() == methods_table([TASKS["sar_to_optical"]]).splitlines()
    assert len(done.stdout.splitlines()) == 2 + 5
