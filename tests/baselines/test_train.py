"""Training: exact resumption, honest stops, rows counted once, errors that name the key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from accelerate.state import AcceleratorState, GradientState, PartialState
from huggingface_hub import ModelCard

from baselines import train
from baselines.inputs import Bands
from baselines.networks.unet import UNet, UNetSettings
from baselines.objectives.collapse import watch
from baselines.rows import Crops, Shuffled
from baselines.store import open_store
from baselines.training_config import TrainingConfig, ema_share, learning_rate
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

GAN: dict[str, Any] = {
    **{key: value for key, value in SMALL.items() if key != "accumulate"},
    "model": {"name": "pix2pix", "widths": [6, 8], "recurrent": True},
    "objective": {"name": "pix2pix", "critic_widths": [6, 8]},
    "dates": 2,
    "beta1": 0.5,
    "validate_every": 2,
    "patience": 2,
}
"""Recurrent, with dropout, two optimizers, and an early end if it gets worse."""


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


@pytest.mark.parametrize("kind", ["regression", "adversarial"])
def test_a_run_that_was_stopped_twice_ends_like_one_that_was_not(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, kind: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(SMALL if kind == "regression" else GAN))
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
    more = set() if kind == "regression" else {"critic", "best"}
    assert {key.split("/")[0] for key in expected} == {"model", "ema", "optimizer", "final"} | more
    for key, tensor in expected.items():
        assert torch.equal(tensor, got[key]), key
    assert read_state(stopped / train.CHECKPOINT)["step"] == 7
    metrics = [json.loads((out / "metrics.json").read_text()) for out in (whole, stopped)]
    assert metrics[0]["psnr"] == metrics[1]["psnr"]
    assert load_recipe(TrainingConfig, stopped / "config.yaml").steps == 7

    run(monkeypatch, config, tiny, stopped)  # as in a second `vrs-bench demo`
    assert "finished" in capsys.readouterr().err


def test_a_killed_adversarial_run_ends_like_one_that_was_not(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By SIGKILL, in the middle of a step or of a file, whichever it is then."""
    config, whole, killed = tmp_path / "config.yaml", tmp_path / "whole", tmp_path / "killed"
    long = {"steps": 60, "checkpoint_every": 5, "validate_every": 20}
    config.write_text(yaml.safe_dump({**GAN, **long}))
    run(monkeypatch, config, tiny, whole)
    words = [sys.executable, "-m", "baselines.train", "--config", config, "--data", tiny]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*map(str, words), "--out", str(killed)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 120
        while not (killed / train.CHECKPOINT).is_file() and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert (killed / train.CHECKPOINT).is_file()
    run(monkeypatch, config, tiny, killed, "--resume")
    expected, got = tensors_of(whole), tensors_of(killed)
    assert expected.keys() == got.keys()
    for key, tensor in expected.items():
        assert torch.equal(tensor, got[key]), key


def test_an_early_end_keeps_the_best_weights(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each validation is worse than the one before: the first is the best, the third the last."""
    config = tmp_path / "config.yaml"
    changed = {"validate_every": 1, "patience": 2, "accumulate": 1, "checkpoint_every": 100}
    config.write_text(yaml.safe_dump({**SMALL, **changed}))
    found, weights = [30.0, 29.0, 28.0, 30.0, 30.0], []

    def worse(accelerator: Any, network: torch.nn.Module, *more: Any) -> dict[str, float]:
        weights.append({key: value.clone() for key, value in network.state_dict().items()})
        return {"psnr": found.pop(0), "psnr_input": 28.0}

    monkeypatch.setattr(train, "validate", worse)
    out = tmp_path / "run"
    run(monkeypatch, config, tiny, out)
    metrics = json.loads((out / "metrics.json").read_text())
    card = ModelCard((out / "README.md").read_text(encoding="utf-8"))
    [result] = card.data.eval_results
    assert (result.dataset_config, result.dataset_split) == ("super_res", "validation")
    assert result.metric_value == pytest.approx(metrics["psnr"], abs=5e-4)
    assert card.data.license == "apache-2.0"
    assert f"{metrics['parameters']:,} parameters" in card.text
    assert f"kept as of step {metrics['best_step']}" in card.text
    assert (metrics["steps"], metrics["best_step"], metrics["psnr"]) == (3, 1, 30.0)
    kept = load_tensors(out / "model.safetensors")
    assert all(torch.equal(kept[key], value) for key, value in weights[0].items())
    assert not all(torch.equal(kept[key], value) for key, value in weights[2].items())
    (out / "model.safetensors").unlink()  # as if killed between the checkpoint and the weights
    run(monkeypatch, config, tiny, out, "--resume")
    again = load_tensors(out / "model.safetensors")
    assert all(torch.equal(kept[key], value) for key, value in again.items())


@pytest.mark.parametrize("kind", ["regression", "adversarial"])
def test_two_processes_take_the_same_course_as_one(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """One batch is divided between them, and no network looks at other rows of it."""
    config, short = tmp_path / "config.yaml", {"steps": 6, "validate_every": 6}
    if kind == "regression":
        changed = {**SMALL, **short, "model": {"name": "edsr", "width": 8, "blocks": 1}}
    else:  # without dropout, whose draws depend on the process
        changed = {**GAN, **short, "model": {**GAN["model"], "dropout": 0.0}}
    config.write_text(yaml.safe_dump(changed))
    run(monkeypatch, config, tiny, tmp_path / "one")
    in_two(config, tiny, tmp_path / "two")
    one, two = tensors_of(tmp_path / "one"), tensors_of(tmp_path / "two")
    start = {key: tensor for key, tensor in one.items() if not key.startswith("optimizer/")}
    for key, tensor in start.items():
        torch.testing.assert_close(two[key], tensor, rtol=1e-3, atol=2e-4, msg=key)
    scores = [
        json.loads((tmp_path / out / "metrics.json").read_text())["psnr"] for out in ("one", "two")
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)


def in_two(config: Path, data: Path, out: Path, *more: str) -> None:
    """Run the script in two processes on this machine."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    options = ["--config", config, "--data", data, "--out", out, *more]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    words = [*launcher, "-m", "baselines.train", *map(str, options)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


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
    in_two(config, tiny, out, "--steps", "2")
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
        ({"dates": 2}, "dates: this network sees one date at a time; leave it out"),
        ({"model": {"name": "utae", "widths": [8, 8]}}, "dates: give the dates of an example"),
        (
            {"model": {"name": "utae", "widths": [8, 8]}, "dates": 4},
            "dates: 4 of an example, but scenes have 3",
        ),
        ({"objective": {"name": "pix2pix"}}, "accumulate: not with the objective pix2pix"),
        ({"objective": {"name": "pix3pix"}}, "objective: input tag 'pix3pix' found using"),
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


@pytest.mark.parametrize("dates", [None, 2])
def test_crops_cut_and_turn_input_and_truth_alike(
    tiny: Path, tmp_path: Path, dates: int | None
) -> None:
    """Where the input is the truth, what is cut of both must be the same."""
    store = open_store(tiny, "super_res", "train", tmp_path)
    crops = Crops(store, 0, 32, dates, "truth")
    assert len(crops) == (12 if dates is None else 4)
    examples = [crops[epoch, 3] for epoch in range(40)]
    for example in examples:
        assert np.array_equal(example["input"], example["truth"])
        assert example["truth"].shape[-3:] == (4, 32, 32)
        if dates is not None:
            assert np.diff(example["days"]).tolist() == np.diff(store.days[3])[:1].tolist()
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


def test_collapse_is_said_once_and_only_where_it_lasts() -> None:
    memory: dict[str, float] = {}
    said: list[tuple[int, str]] = []
    for number in range(200):
        values = {"loss": 1.0, "fooling_rate": 0.3 if number < 100 else 0.0, "spread": 0.8}
        if number == 20:
            values["fooling_rate"] = 0.0  # once is no collapse
        memory, messages = watch(json.loads(json.dumps(memory)), values)
        said += [(number, message) for message in messages]
    [(number, message)] = said
    assert "fooling_rate 0.0" in message
    # 0.3 · 0.9ⁿ falls below 0.01 after n = 33 values.
    assert number == 99 + 33
    assert watch({}, {"loss": 1.0}) == ({"seen": 1}, [])


def test_a_flat_generator_is_collapse_from_the_start_on() -> None:
    memory: dict[str, float] = {}
    said = []
    for number in range(100):
        memory, messages = watch(memory, {"fooling_rate": 0.5, "spread": 0.01})
        said += [(number, message) for message in messages]
    [(number, message)] = said
    assert number == 29
    assert "spread 0.01" in message
