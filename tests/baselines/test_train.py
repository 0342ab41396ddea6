"""Training: exact resumption, honest stops, rows counted once, errors that name the key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rows
import torch
import train
import yaml
from accelerate.state import AcceleratorState, GradientState, PartialState
from checkpoints import latest, load_tensors, read_state
from models.unet import UNet, UNetSettings
from rows import Crops, Shuffled, load_rows
from training_config import TrainingConfig, ema_share, learning_rate

from vrs_bench.errors import BenchError
from vrs_bench.paths import bundled
from vrs_bench.recipes import load_recipe

CONFIGS = bundled("baselines") / "configs"
SMALL: dict[str, Any] = {
    "task": "super_res",
    "model": {"encoder": "test_resnet", "widths": [6, 8]},
    "crop": 32,
    "batch_size": 4,
    "accumulate": 2,
    "steps": 7,
    "warmup": 2,
    "learning_rate": 0.002,
    "validate_every": 5,
    "checkpoint_every": 2,
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return path


def run(monkeypatch: pytest.MonkeyPatch, config: Path, data: Path, out: Path, *more: str) -> None:
    """Run the script as if it were started anew."""
    words = ["train.py", "--config", config, "--data", data, "--out", out, *more]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        train.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for state in (AcceleratorState, GradientState, PartialState):
            state._reset_state()


def tensors_of(out: Path) -> dict[str, torch.Tensor]:
    checkpoint = latest(out / "checkpoints")
    assert checkpoint is not None
    weights = load_tensors(out / "model.safetensors")
    return {**load_tensors(checkpoint), **{f"final/{k}": v for k, v in weights.items()}}


def test_a_run_that_was_stopped_twice_ends_like_one_that_was_not(
    tiny: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run(monkeypatch, config, tiny, whole)

    def power_cut(settings: TrainingConfig, step: int) -> float:
        if step == 3:  # one step after the checkpoint: that step is lost
            raise SystemError
        return learning_rate(settings, step)

    def politely(settings: TrainingConfig, step: int) -> float:
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return learning_rate(settings, step)

    monkeypatch.setattr(train, "learning_rate", power_cut)
    with pytest.raises(SystemError):
        run(monkeypatch, config, tiny, stopped)
    monkeypatch.setattr(train, "learning_rate", politely)
    with pytest.raises(SystemExit, match=str(train.STOPPED)):
        run(monkeypatch, config, tiny, stopped, "--resume")
    assert "stopped after step 5 of 7; the same command with --resume" in capsys.readouterr().err
    assert not (stopped / "model.safetensors").exists()
    monkeypatch.setattr(train, "learning_rate", learning_rate)
    with pytest.raises(BenchError, match="up to step 5; go on with --resume"):
        run(monkeypatch, config, tiny, stopped)
    run(monkeypatch, config, tiny, stopped, "--resume")

    expected, got = tensors_of(whole), tensors_of(stopped)
    assert expected.keys() == got.keys()
    assert {key.split("/")[0] for key in expected} == {"model", "ema", "optimizer", "final"}
    for key, tensor in expected.items():
        assert torch.equal(tensor, got[key]), key
    assert [p.name for p in (stopped / "checkpoints").iterdir()] == ["step-00000007.safetensors"]
    metrics = [json.loads((out / "metrics.json").read_text()) for out in (whole, stopped)]
    assert metrics[0]["psnr"] == metrics[1]["psnr"]
    assert load_recipe(TrainingConfig, stopped / "config.yaml").steps == 7

    run(monkeypatch, config, tiny, stopped)  # as in a second `vrs-bench demo`
    assert "finished" in capsys.readouterr().err


def test_a_folder_of_another_run_is_refused(
    tiny: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, config, tiny, tmp_path / "run", "--steps", "1")
    with pytest.raises(BenchError, match="steps: 1 there, 2 here"):
        run(monkeypatch, config, tiny, tmp_path / "run", "--steps", "2", "--resume")


def test_two_processes_share_a_run_and_count_each_row_once(
    tiny: Path, config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    script = bundled("baselines") / "train.py"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    options = ["--config", config, "--data", tiny, "--out", out, "--steps", "2"]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, script, *options], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    # Three rows over two processes: one of them is computed twice, and counted once.
    assert (metrics["processes"], metrics["rows"]) == (2, 3)
    checkpoint = latest(out / "checkpoints")
    assert checkpoint is not None
    assert read_state(checkpoint)["step"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rat": 1.0}, "unknown key 'learning_rat'; did you mean 'learning_rate'"),
        ({"model": {"encoder": "resnet10", "widths": [8]}}, "model.encoder: not a model of timm"),
        ({"model": {"encoder": "hf-hub:a/b", "widths": [8]}}, "model.encoder: not a model of timm"),
        ({"accumulate": 3}, "batch_size: 4 can't be cut into 3 equal parts"),
        ({"crop": 65}, "crop: 65 pixels, but the images are 64 × 64"),
        ({"steps": "7"}, "steps: input should be a valid integer, got '7'"),
    ],
)
def test_errors_name_the_key(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    message: str,
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **change}))
    with pytest.raises(BenchError) as error:
        run(monkeypatch, path, tiny, tmp_path / "run")
    assert message in str(error.value)


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_packaged_configurations_are_of_modest_size(path: Path) -> None:
    network = UNet(load_recipe(TrainingConfig, path).model)
    assert sum(parameter.numel() for parameter in network.parameters()) < 5e6


@pytest.mark.parametrize("encoder", ["resnet10t", "convnext_atto"])
def test_the_untrained_network_returns_its_input_at_any_size(encoder: str) -> None:
    settings = UNetSettings(encoder=encoder, widths=(8, 12), in_channels=6, out_channels=4)
    image = torch.rand(2, 6, 45, 70)
    assert torch.equal(UNet(settings)(image), image[:, :4])


def test_too_many_levels_are_refused() -> None:
    with pytest.raises(BenchError, match="'convnext_atto' give 5 levels"):
        UNet(UNetSettings(encoder="convnext_atto", widths=(8,) * 5))


def test_the_order_of_rows_depends_on_the_place_alone() -> None:
    order = list(Shuffled(10, 0, 0, 35))
    assert [list(Shuffled(10, 0, start, 35)) for start in (7, 10, 34)] == [
        order[start:] for start in (7, 10, 34)
    ]
    assert [epoch for epoch, _ in order] == [place // 10 for place in range(35)]
    epochs = [[row for _, row in order[start : start + 10]] for start in (0, 10, 20)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert list(islice(Shuffled(10, 1, 0, 35), 10)) != order[:10]  # 0 is a seed like any other


def test_crops_cut_and_turn_input_and_truth_alike(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_rows(tiny, "train")
    monkeypatch.setattr(rows, "observation", rows.truth)
    crops = Crops(data, seed=0, size=32)
    examples = [crops[epoch, 3] for epoch in range(40)]
    for example in examples:
        assert np.array_equal(example["input"], example["truth"])
        assert example["truth"].shape == (4, 32, 32)
    assert np.array_equal(crops[5, 3]["truth"], examples[5]["truth"])
    assert len({example["truth"].tobytes() for example in examples}) == len(examples)


def test_schedules() -> None:
    config = TrainingConfig.model_validate_json(json.dumps({**SMALL, "steps": 100, "warmup": 10}))
    rates = [learning_rate(config, step) for step in range(100)]
    assert max(rates) == rates[9] == rates[10] == config.learning_rate
    assert rates[0] == pytest.approx(config.learning_rate / 10)
    assert 0 < rates[-1] < 0.001 * config.learning_rate
    assert ema_share(config, 0) == pytest.approx(0.1)
    assert ema_share(config, 10_000) == config.ema_decay
