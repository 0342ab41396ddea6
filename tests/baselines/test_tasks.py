"""Every task: what a network is given of it, and that the packaged configuration learns it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from accelerate.state import AcceleratorState, GradientState, PartialState

from baselines import CONFIGS, train
from baselines.inputs import Bands, at_step, bands_of, input_stack, visible_inputs
from baselines.predict import predict
from baselines.rows import Whole
from baselines.store import days_of, open_store
from vrs_bench.columns import restore
from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.metrics.distortion import psnr
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.tasks import TASKS

BANDS = {
    "super_res": Bands(4, 4, corrects=True),
    "cloud_removal": Bands(6, 4, corrects=True),
    "sar_to_optical": Bands(2, 4, corrects=False),
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of all tasks: 4 train scenes, 1 validation, 1 test, 3 steps of 64 px."""
    recipe = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    recipe |= {"scenes": 6, "scenes_per_shard": 2}
    size = {"height": 64, "width": 64, "horizon": 3}
    recipe["world"] |= {**size, "seed": 0}  # of a validation scene that is clouded at every step
    recipe["world"]["cells"]["n"] = 8
    folder = tmp_path_factory.mktemp("data") / "vrs-toy"
    build(list(TASKS), check_recipe(BenchmarkRecipe, recipe, "test"), folder)
    return folder


@pytest.mark.parametrize("task", TASKS)
def test_training_and_prediction_give_a_network_the_same(
    data: Path, task: str, tmp_path: Path
) -> None:
    folder = DatasetFolder(data)
    bound = folder.manifest.bound(task)
    assert bands_of(bound) == BANDS[task]
    for _ in range(2):  # as it is decoded, and as it is found decoded
        store = open_store(data, task, "train", tmp_path)
    rows, series = Whole(store, series=False), Whole(store, series=True)
    assert (rows.rows, len(rows), series.rows, len(series)) == (12, 12, 12, 4)
    for number, scene in enumerate(folder.scenes(task, "train", [*bound.visible, bound.target])):
        inputs = visible_inputs(bound, scene)
        assert "scene" not in inputs
        example = series[number]
        assert np.array_equal(example["days"], days_of(inputs))
        assert example["row"].tolist() == [3 * number, 3 * number + 1, 3 * number + 2]
        for step in range(3):
            row = rows[3 * number + step]
            seen, truth = row["input"], row["truth"]
            assert seen.shape == (BANDS[task].inputs, 64, 64)
            assert seen.dtype == truth.dtype == np.float32
            # Interpolated values are kept rounded, published ones as they are.
            off = 2.6e-5 if task == "super_res" else 0
            assert np.abs(seen - input_stack(bound, at_step(inputs, step))).max() <= off
            assert np.array_equal(truth, restore(scene[bound.target][step]))
            assert np.array_equal(seen, example["input"][step])
            assert np.array_equal(truth, example["truth"][step])


@pytest.mark.parametrize("task", ["cloud_removal", "sar_to_optical"])
def test_the_packaged_configuration_learns(
    data: Path, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few steps on twelve rows already beat what the network starts from, on another scene."""
    config = yaml.safe_load((CONFIGS / task / "unet.yaml").read_text())
    changes = {"steps": 40, "warmup": 5, "crop": 32, "validate_every": 40}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, **changes}))
    run = tmp_path / "run"
    words = ["train", "--config", tmp_path / "config.yaml", "--data", data, "--out", run]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        train.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for state in (AcceleratorState, GradientState, PartialState):
            state._reset_state()
    metrics = json.loads((run / "metrics.json").read_text())
    assert (run / "pictures" / "step-00000040.png").is_file()

    folder = DatasetFolder(data)
    bound = folder.manifest.bound(task)
    if BANDS[task].corrects:
        start = metrics["psnr_input"]
    else:
        assert "psnr_input" not in metrics
        [scene] = folder.scenes(task, "validation", [bound.target])
        truth = restore(scene[bound.target])
        start = psnr(np.full_like(truth, 0.2), truth).mean()
    assert metrics["psnr"] > start + 3

    predict(str(run), task, data, "validation", tmp_path / "predictions")
    assert len(list((tmp_path / "predictions").glob("*.npy"))) == 3
    with pytest.raises(BenchError, match=f"needs the task {task}"):
        predict(str(run), "super_res", data, "validation", tmp_path / "other")
