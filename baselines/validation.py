"""Scores and a picture of a network in training, on the validation split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn
from torch.utils.data import DataLoader

from baselines.inputs import Bands
from baselines.objectives.objective import given
from baselines.pictures import draw_grid
from baselines.rows import Sees, Whole
from baselines.store import Store
from vrs_bench.metrics.distortion import psnr
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats

PICTURED = 4
"""Rows of the split in each picture."""


@torch.inference_mode()
def validate(
    accelerator: Accelerator, network: nn.Module, loader: DataLoader[Any], rows: int, bands: Bands
) -> dict[str, float]:
    """Return the mean PSNR over the rows of a split.

    Returns:
        ``psnr`` of the network and, where that is what it corrects, ``psnr_input`` of its input.
    """
    network.eval()
    for buffer in network.buffers():
        broadcast(buffer)  # normalisation statistics of the main process, which are what is saved
    parts = []
    for batch in loader:
        restored = network(*given(batch)).clamp(0, 1)
        values = {
            "row": batch["row"],
            "psnr": psnr_of(restored, batch["truth"]),
        }
        if bands.corrects:
            start = batch["input"][..., : bands.outputs, :, :].clamp(0, 1)
            values["psnr_input"] = psnr_of(start, batch["truth"])
        # The last batch is filled up so that all processes get as much; here that is undone.
        parts.append(accelerator.gather_for_metrics(values))
    joined = {key: torch.cat([part[key] for part in parts]).flatten() for key in parts[0]}
    counted = joined.pop("row").tolist()
    if sorted(counted) != list(range(rows)):
        raise RuntimeError(f"validation counted the rows {counted}, not each once")
    return {key: value.mean().item() for key, value in joined.items()}


def psnr_of(restored: Tensor, truth: Tensor) -> Tensor:
    """Return the benchmark's own PSNR of each image, (row,) or (row, date)."""
    values = psnr(restored.cpu().numpy(), truth.cpu().numpy())
    return torch.from_numpy(values).to(truth.device)


@torch.inference_mode()
def draw(
    path: Path,
    network: nn.Module,
    store: Store,
    bound: BoundTask,
    sees: Sees,
    series: bool,
    step: int,
) -> None:
    """Draw images of a split that are evenly spread over it."""
    network.eval()
    scenes, dates = store.images.shape[:2]
    count = min(PICTURED, scenes * dates)
    chosen = np.linspace(0, scenes * dates - 1, count).round().astype(int)
    examples = Whole(store, series, sees)
    device = next(network.parameters()).device
    parts: dict[str, list[Floats]] = {"input": [], "made": [], "truth": []}
    for row in chosen:
        scene, date = divmod(int(row), dates)
        example = examples[scene if series else int(row)]
        at = date if series else ...
        tensors = {
            name: torch.from_numpy(np.asarray(value))[None].to(device)
            for name, value in example.items()
        }
        made = network(*given(tensors))[0].clamp(0, 1).cpu().numpy()
        parts["made"].append(made[at])
        for name in ("input", "truth"):
            parts[name].append(example[name][at])
    inputs, made, truths = (np.stack(images) for images in parts.values())
    main = bound.target if sees == "truth" else bound.main_input
    shown = inputs[:, : bound.column(main).shape[0]].clip(0, 1)
    product = bound.task.target_product if sees == "truth" else bound.main_sensor.product
    draw_grid(path, shown, product, made, truths, f"validation after step {step}")
