"""Predictions: what is written, what is not made twice, what must not mix."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import baselines
from baselines.inputs import Bands, Inputs, at_step, input_stack, shown_inputs, visible_inputs
from baselines.methods.finding import find_method
from baselines.methods.registry import METHODS
from baselines.networks.registry import build
from baselines.networks.series import UTAESettings
from baselines.networks.unet import UNet, UNetSettings
from baselines.predict import predict
from baselines.training_config import TrainingConfig
from vrs_bench.columns import quantise, restore
from vrs_bench.data.private import build_private
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.interpolation import Weights, cubic_matrix, nearest_matrix, upsample
from vrs_bench.paths import write_text
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, dump_recipe, load_recipe
from vrs_bench.tasks import BoundTask
from vrs_bench.training.checkpoints import save_tensors
from vrs_bench.types import Floats

SETTINGS = UNetSettings(name="unet", encoder="test_resnet", widths=(6, 8))
BANDS = Bands(4, 4, corrects=True)


def one_step(model: Any, **changes: Any) -> TrainingConfig:
    """Return the settings of a training of one step."""
    return TrainingConfig(
        task="super_res",
        model=model,
        crop=32,
        batch_size=4,
        steps=1,
        warmup=0,
        learning_rate=0.1,
        validate_every=1,
        checkpoint_every=1,
        **changes,
    )


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The folder of a finished run, whose network still returns its input."""
    config = one_step(SETTINGS)
    folder = tmp_path / "run"
    write_text(folder / "config.yaml", dump_recipe(config))
    save_tensors(
        folder / "model.safetensors", UNet(SETTINGS, BANDS).state_dict(), {"bands": asdict(BANDS)}
    )
    return folder


def run(model: object, data: Path, out: Path) -> None:
    predict(str(model), "super_res", data, "test", out)


@pytest.mark.parametrize(
    ("method", "weights"), [("nearest", nearest_matrix), ("bicubic", cubic_matrix)]
)
def test_writes_one_file_a_row_on_the_published_scale(
    tiny: Path, tmp_path: Path, method: str, weights: Weights
) -> None:
    run(method, tiny, tmp_path)
    scene = next(DatasetFolder(tiny).scenes("super_res", "test", ["lr", "phase"]))
    expected = {
        f"{scene['scene']:06d}_{step:03d}.npy": quantise(
            upsample(restore(lr), shift, (64, 64), weights)
        )
        for step, (lr, shift) in enumerate(zip(scene["lr"], scene["phase"], strict=True))
    }
    assert {path.name for path in tmp_path.glob("*.npy")} == set(expected)
    for name, image in expected.items():
        written = np.load(tmp_path / name, allow_pickle=False)
        assert written.dtype == np.uint16
        assert np.array_equal(written, image)


def test_makes_only_what_is_missing_or_not_whole(tiny: Path, tmp_path: Path) -> None:
    run("nearest", tiny, tmp_path)
    kept, cut, gone = sorted(tmp_path.glob("*.npy"))
    before = {path: path.read_bytes() for path in (kept, cut, gone)}
    time = kept.stat().st_mtime_ns
    cut.write_bytes(before[cut][:-1])
    gone.unlink()
    run("nearest", tiny, tmp_path)
    assert {path: path.read_bytes() for path in (kept, cut, gone)} == before
    assert kept.stat().st_mtime_ns == time


def test_predictions_of_two_models_do_not_mix(tiny: Path, tmp_path: Path) -> None:
    run("nearest", tiny, tmp_path)
    with pytest.raises(BenchError, match="predictions of another method"):
        run("bicubic", tiny, tmp_path)


def test_a_network_is_read_from_the_folder_of_its_run(
    tiny: Path, trained: Path, tmp_path: Path
) -> None:
    run(trained, tiny, tmp_path / "unet")
    run("bicubic", tiny, tmp_path / "bicubic")
    files = sorted((tmp_path / "unet").glob("*.npy"))
    assert len(files) == 3
    for path in files:  # its head is zero: it corrects nothing
        assert np.array_equal(np.load(path), np.load(tmp_path / "bicubic" / path.name))


def test_a_network_of_series_is_given_whole_scenes(tiny: Path, tmp_path: Path) -> None:
    """All dates with their days, as registered images on the grid of the target."""
    settings = UTAESettings(name="utae", widths=(4, 8))
    torch.manual_seed(0)
    network = build(settings, BANDS)
    torch.nn.init.normal_(network.get_submodule("head").weight)
    config = one_step(settings, dates=2)
    folder = tmp_path / "run"
    write_text(folder / "config.yaml", dump_recipe(config))
    weights = folder / "model.safetensors"
    save_tensors(weights, network.state_dict(), {"bands": asdict(BANDS)})
    run(folder, tiny, tmp_path / "out")

    source = DatasetFolder(tiny)
    bound = source.manifest.bound("super_res")
    [scene] = source.scenes("super_res", "test", [*bound.visible, "hr"])
    inputs = visible_inputs(bound, scene)
    stack = np.stack([input_stack(bound, at_step(inputs, step)) for step in range(3)])
    days = torch.from_numpy(scene["day_of_year"].astype(np.int64))
    with torch.no_grad():
        expected = network(torch.from_numpy(stack)[None], days[None])[0].numpy()
    for path, image in zip(sorted((tmp_path / "out").glob("*.npy")), expected, strict=True):
        off = np.abs(np.load(path).astype(int) - quantise(image).astype(int))
        assert off.max() <= 1  # channels last there, first here

    # The identity run is shown the truth, and says so.
    write_text(folder / "config.yaml", dump_recipe(config.model_copy(update={"sees": "truth"})))
    network.bands = Bands(4, 4, corrects=False)
    save_tensors(weights, network.state_dict(), {"bands": asdict(network.bands)})
    told = find_method(str(folder))
    assert told.oracle == ("hr",)
    assert told.suits(bound)
    assert told.restore is not None
    with torch.no_grad():
        expected = network(torch.from_numpy(restore(scene["hr"]))[None], days[None])[0].numpy()
    made = told.restore(bound, shown_inputs(bound, told.oracle, scene))
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)


def test_says_what_is_wrong_with_a_model(tiny: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no method 'bicubik'; did you mean 'bicubic'"):
        run("bicubik", tiny, tmp_path / "out")
    weights = trained / "model.safetensors"
    torch.save({"evil": torch.zeros(1)}, weights)  # a pickle
    with pytest.raises(BenchError, match="can't be read as safetensors"):
        run(trained, tiny, tmp_path / "out")
    save_tensors(weights, {"stem.weight": torch.zeros(1)})
    with pytest.raises(BenchError, match=r"not weights that baselines\.train wrote"):
        run(trained, tiny, tmp_path / "out")
    save_tensors(weights, {"stem.weight": torch.zeros(1)}, {"bands": asdict(BANDS)})
    with pytest.raises(BenchError, match="weights of another network"):
        run(trained, tiny, tmp_path / "out")
    weights.unlink()
    with pytest.raises(BenchError, match="finish the training"):
        run(trained, tiny, tmp_path / "out")


def test_a_method_that_is_not_for_the_task_is_refused(
    tiny: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "odd", replace(METHODS["nearest"], suits=lambda bound: False))
    with pytest.raises(BenchError, match=r"odd: needs a main input .* for it: nearest, bic"):
        run("odd", tiny, tmp_path / "out")
    config = (trained / "config.yaml").read_text().replace("super_res", "cloud_removal")
    write_text(trained / "config.yaml", config)
    with pytest.raises(BenchError, match="needs the task cloud_removal"):
        run(trained, tiny, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_a_method_returns_is_checked(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def as_it_is(bound: BoundTask, inputs: Inputs) -> Floats:
        seen.append(set(inputs))
        image: Floats = inputs["lr"]
        assert (image.dtype, image.max() <= 1) == (np.float32, True)
        return image

    monkeypatch.setitem(METHODS, "odd", replace(METHODS["nearest"], restore=as_it_is))
    with pytest.raises(BenchError, match=r"expected finite values of shape \(3, 4, 64, 64\)"):
        run("odd", tiny, tmp_path / "out")
    assert seen == [{"time_step", "day_of_year", "lr", "phase"}]


def test_progress_counts_rows(tiny: Path, tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    for _ in range(2):
        predict(
            "nearest", "super_res", tiny, "train", tmp_path, lambda *report: reports.append(report)
        )
    assert reports == [(3, 12), (6, 12), (9, 12), (12, 12)] * 2


def test_inputs_alone_are_enough(tmp_path: Path) -> None:
    """Of a private split, whose truth is held back."""
    recipe = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    recipe |= {"scenes": 3, "scenes_per_shard": 1}
    recipe["world"] |= {"height": 32, "width": 32, "horizon": 2, "cells": {"n": 4}}
    secret = b"a secret of enough bytes, and not to be guessed"
    small = check_recipe(BenchmarkRecipe, recipe, "test")
    build_private(["super_res"], small, tmp_path / "data", secret)
    predict("bicubic", "super_res", tmp_path / "data", "private", tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.npy"))) == 2


WITHOUT_TORCH = """
import sys
for name in ("torch", "timm", "accelerate", "safetensors", "datasets"):
    sys.modules[name] = None  # importing it is an error
from vrs_bench.cli import main
main()
"""


def test_untrained_methods_need_no_torch(tiny: Path, trained: Path, tmp_path: Path) -> None:
    def command(model: object) -> subprocess.CompletedProcess[str]:
        words = ["predict", "--method", model, "--data", tiny, "--out", tmp_path / "out"]
        code = [sys.executable, "-c", WITHOUT_TORCH, *map(str, words)]
        return subprocess.run(code, capture_output=True, text=True, timeout=120, check=False)

    done = command("bicubic")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "3/3" in done.stderr
    assert len(list((tmp_path / "out").glob("*.npy"))) == 3
    done = command(trained)
    assert done.returncode == 1
    assert "a trained network needs torch: pip install 'vrs-bench[baselines]'" in done.stderr


@pytest.mark.parametrize("words", [["baselines/predict.py"], ["-m", "baselines.predict"]])
def test_it_runs_as_a_script_and_as_a_module(tiny: Path, tmp_path: Path, words: list[str]) -> None:
    options = ["--method", "nearest", "--data", tiny, "--out", tmp_path]
    done = subprocess.run(
        [sys.executable, *words, *map(str, options)],
        cwd=Path(baselines.__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.npy"))) == 3
