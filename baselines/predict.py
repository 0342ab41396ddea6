"""Write the predictions of a baseline, one file a row.

    python baselines/predict.py --model runs/unet --data vrs-toy --split test --out preds/unet

`--model` is `nearest`, `bicubic` or the folder of a finished training run. A file is named
`<scene>_<time step>.npy` and holds uint16 (band, H, W), value = round(10000 · x). Rows that are
already there and whole are not made again, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# As in train.py: threads that wait for each other sleep, and NumPy uses one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from checkpoints import load_tensors, load_weights
from models.unet import UNet
from models.untrained import UNTRAINED
from rows import data_digest, load_rows, observation
from torch import nn
from tqdm import tqdm
from training_config import TrainingConfig

from vrs_bench.columns import quantise
from vrs_bench.data.build.shards import SPLITS
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import whole_file, write_text
from vrs_bench.recipes import load_recipe
from vrs_bench.types import Array, Floats

RECORD = ".made-by.json"
"""File beside the predictions that says what made them."""

Restore = Callable[[dict[str, Any]], Floats]
"""Row → prediction (band, H, W), nominally in [0, 1]."""


def main() -> None:
    options = read_options()
    restore, identity = load_model(options.model)
    rows = load_rows(options.data, options.split)
    made_by = {"model": identity, "data": data_digest(options.data), "split": options.split}
    claim(options.out, made_by)
    # The keys alone: images are read only of rows that are still to be made.
    keys = rows.select_columns(["scene", "time_step"]).with_format(None)
    for index, key in enumerate(tqdm(keys, desc=f"predict {options.split}", unit="row")):
        path = options.out / f"{key['scene']:06d}_{key['time_step']:03d}.npy"
        if path.exists() and is_whole(path, rows.features["hr"].shape):
            continue
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.save(file, quantise(restore(rows[index])))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="nearest, bicubic or a run's folder")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: test")
    parser.add_argument("--out", type=Path, required=True, help="folder of the predictions")
    return parser.parse_args()


def load_model(name: str) -> tuple[Restore, str]:
    """Return a baseline, and the name or digest that tells it from any other.

    Raises:
        BenchError: no such baseline, or no finished run in that folder.
    """
    if name in UNTRAINED:
        return partial(observation, method=name), name
    folder = Path(name)
    weights = folder / "model.safetensors"
    if not folder.is_dir():
        raise BenchError(
            f"--model: no folder and no method '{name}'{did_you_mean(name, UNTRAINED)}"
        )
    if not weights.is_file():
        raise BenchError(
            f"{folder}: no model.safetensors here; finish the training: "
            f"accelerate launch baselines/train.py --config … --data … --out {folder} --resume"
        )
    settings = load_recipe(TrainingConfig, folder / "config.yaml").model
    # The weights are here: none are to be downloaded.
    network = UNet(settings.model_copy(update={"pretrained": False}))
    load_weights(network, load_tensors(weights), str(weights))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    return partial(restore_with, network, device), hashlib.sha256(weights.read_bytes()).hexdigest()


@torch.inference_mode()
def restore_with(network: nn.Module, device: torch.device, row: dict[str, Any]) -> Floats:
    """Restore one row with a network."""
    image = torch.from_numpy(observation(row)).to(device)
    restored: Floats = network(image[None])[0].cpu().numpy()
    return restored


def claim(out: Path, record: dict[str, str]) -> None:
    """Note what makes the predictions of a folder.

    Raises:
        BenchError: the folder holds predictions that something else made; they must not mix.
    """
    path = out / RECORD
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != record:
        raise BenchError(
            f"{out}: holds predictions of another model, dataset or split; choose another --out "
            f"or remove the folder"
        )
    write_text(path, json.dumps(record, indent=2) + "\n")


def is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Say whether a file holds a prediction of the expected shape, every byte of it."""
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        return False
    return array.shape == tuple(shape) and array.dtype == np.uint16


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
