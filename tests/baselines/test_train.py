"""Training: exact resumption, honest stops, rows counted once, errors that name the key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from accelerate.state import AcceleratorState, GradientState, PartialState

from baselines import CONFIGS, rows, train
from baselines.inputs import Bands
from baselines.networks.registry import build
from baselines.networks.unet import UNet, UNetSettings
from baselines.rows import Crops, Shuffled, load_rows
from baselines.training_config import TrainingConfig, ema_share, learning_rate
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.recipes import load_recipe
from vrs_bench.training.checkpoints import load_tensors, read_state

MODEL: dict[str, Any] = {"name": "unet", "encoder": "test_resnet", "widths": [6, 8]}
SMALL: dict[str, Any] = {
    "task": "super_res",
    "model": MODEL,
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


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Threads of two test processes on two cores wait for each other most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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
    weights = load_tensors(out / "model.safetensors")
    return {**load_tensors(out / train.CHECKPOINT), **{f"final/{k}": v for k, v in weights.items()}}


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
    assert read_state(stopped / train.CHECKPOINT)["step"] == 7
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
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    options = ["--config", config, "--data", tiny, "--out", out, "--steps", "2"]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    words = [*launcher, "-m", "baselines.train", *map(str, options)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    # Three rows over two processes: one of them is computed twice, and counted once.
    assert (metrics["processes"], metrics["rows"]) == (2, 3)
    assert read_state(out / train.CHECKPOINT)["step"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rat": 1.0}, "unknown key 'learning_rat'; did you mean 'learning_rate'"),
        ({"task": "super_ress"}, "task: unknown task 'super_ress'; did you mean 'super_res'"),
        ({"task": "cloud_removal"}, "holds no task 'cloud_removal'"),
        ({"model": {**MODEL, "name": "vnet"}}, "model: input tag 'vnet' found using 'name' does"),
        ({"model": {**MODEL, "encoder": "resnet10"}}, "model.encoder: not a model of timm"),
        ({"model": {**MODEL, "encoder": "hf-hub:a/b"}}, "model.encoder: not a model of timm"),
        ({"model": {**MODEL, "width": [8]}}, "unknown key 'model.width'; did you mean 'widths'"),
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
    network = build(load_recipe(TrainingConfig, path).model, Bands(6, 4, True))
    assert sum(parameter.numel() for parameter in network.parameters()) < 5e6


@pytest.mark.parametrize("encoder", ["resnet10t", "convnext_atto"])
def test_the_untrained_network_returns_its_input_at_any_size(encoder: str) -> None:
    settings = UNetSettings(name="unet", encoder=encoder, widths=(8, 12))
    image = torch.rand(2, 6, 45, 70)
    assert torch.equal(UNet(settings, Bands(6, 4, corrects=True))(image), image[:, :4])


def test_where_there_is_nothing_to_correct_the_image_comes_from_the_network_alone() -> None:
    network = UNet(
        UNetSettings(name="unet", encoder="test_resnet", widths=(6, 8)), Bands(2, 4, corrects=False)
    )
    image = torch.rand(2, 2, 45, 70)
    assert torch.equal(network(image), torch.full((2, 4, 45, 70), 0.2))
    torch.nn.init.ones_(network.head.bias)
    assert network(image).mean().item() == pytest.approx(0.4)


def test_too_many_levels_are_refused() -> None:
    with pytest.raises(BenchError, match="'convnext_atto' give 5 levels"):
        UNet(UNetSettings(name="unet", encoder="convnext_atto", widths=(8,) * 5), Bands(4, 4, True))


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
    data = load_rows(tiny, "super_res", "train")
    bound, pair = DatasetFolder(tiny).manifest.bound("super_res"), rows.pair
    monkeypatch.setattr(rows, "pair", lambda bound, row: (pair(bound, row)[1],) * 2)
    crops = Crops(data, bound, seed=0, size=32)
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
