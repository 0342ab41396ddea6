"""Predictions: what is written, what is not made twice, what must not mix."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import predict
import pytest
import torch
from checkpoints import save_tensors
from models.unet import UNet, UNetSettings
from models.untrained import upsample
from training_config import TrainingConfig

from vrs_bench.columns import quantise, restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.paths import write_text
from vrs_bench.recipes import dump_recipe

SETTINGS = UNetSettings(encoder="test_resnet", widths=(6, 8))


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The folder of a finished run, whose network still returns its input."""
    config = TrainingConfig(
        task="super_res",
        model=SETTINGS,
        crop=32,
        batch_size=4,
        steps=1,
        warmup=0,
        learning_rate=0.1,
        validate_every=1,
        checkpoint_every=1,
    )
    folder = tmp_path / "run"
    write_text(folder / "config.yaml", dump_recipe(config))
    save_tensors(folder / "model.safetensors", UNet(SETTINGS).state_dict(), {})
    return folder


def run(monkeypatch: pytest.MonkeyPatch, model: object, data: Path, out: Path) -> None:
    words = ["predict.py", "--model", model, "--data", data, "--split", "test", "--out", out]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    predict.main()


@pytest.mark.parametrize("method", ["nearest", "bicubic"])
def test_writes_one_file_a_row_on_the_published_scale(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    run(monkeypatch, method, tiny, tmp_path)
    scene = next(DatasetFolder(tiny).scenes("super_res", "test", ["lr", "phase"]))
    expected = {
        f"{scene['scene']:06d}_{step:03d}.npy": quantise(upsample(restore(lr), shift, 4, method))
        for step, (lr, shift) in enumerate(zip(scene["lr"], scene["phase"], strict=True))
    }
    assert {path.name for path in tmp_path.glob("*.npy")} == set(expected)
    for name, image in expected.items():
        written = np.load(tmp_path / name, allow_pickle=False)
        assert written.dtype == np.uint16
        assert np.array_equal(written, image)


def test_makes_only_what_is_missing_or_not_whole(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, "nearest", tiny, tmp_path)
    kept, cut, gone = sorted(tmp_path.glob("*.npy"))
    before = {path: path.read_bytes() for path in (kept, cut, gone)}
    time = kept.stat().st_mtime_ns
    cut.write_bytes(before[cut][:-1])
    gone.unlink()
    run(monkeypatch, "nearest", tiny, tmp_path)
    assert {path: path.read_bytes() for path in (kept, cut, gone)} == before
    assert kept.stat().st_mtime_ns == time


def test_predictions_of_two_models_do_not_mix(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, "nearest", tiny, tmp_path)
    with pytest.raises(BenchError, match="predictions of another model"):
        run(monkeypatch, "bicubic", tiny, tmp_path)


def test_a_network_is_read_from_the_folder_of_its_run(
    tiny: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, trained, tiny, tmp_path / "unet")
    run(monkeypatch, "bicubic", tiny, tmp_path / "bicubic")
    files = sorted((tmp_path / "unet").glob("*.npy"))
    assert len(files) == 3
    for path in files:  # its head is zero: it corrects nothing
        assert np.array_equal(np.load(path), np.load(tmp_path / "bicubic" / path.name))


def test_says_what_is_wrong_with_a_model(
    tiny: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BenchError, match="no method 'bicubik'; did you mean 'bicubic'"):
        run(monkeypatch, "bicubik", tiny, tmp_path / "out")
    weights = trained / "model.safetensors"
    torch.save({"evil": torch.zeros(1)}, weights)  # a pickle
    with pytest.raises(BenchError, match="can't be read as safetensors"):
        run(monkeypatch, trained, tiny, tmp_path / "out")
    save_tensors(weights, {"stem.weight": torch.zeros(1)}, {})
    with pytest.raises(BenchError, match="weights of another network"):
        run(monkeypatch, trained, tiny, tmp_path / "out")
    weights.unlink()
    with pytest.raises(BenchError, match="finish the training"):
        run(monkeypatch, trained, tiny, tmp_path / "out")
