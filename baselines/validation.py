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
from baselines.pictures import draw_grid
from baselines.rows import WholeImages
from vrs_bench.metrics.distortion import psnr

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
        restored = network(batch["input"]).clamp(0, 1)
        values = {
            "row": batch["row"],
            "psnr": psnr_of(restored, batch["truth"]),
        }
        if bands.corrects:
            start = batch["input"][:, : bands.outputs].clamp(0, 1)
            values["psnr_input"] = psnr_of(start, batch["truth"])
        # The last batch is filled up so that all processes get as much; here that is undone.
        parts.append(accelerator.gather_for_metrics(values))
    joined = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    counted = joined.pop("row").tolist()
    if sorted(counted) != list(range(rows)):
        raise RuntimeError(f"validation counted the rows {counted}, not each once")
    return {key: value.mean().item() for key, value in joined.items()}


def psnr_of(restored: Tensor, truth: Tensor) -> Tensor:
    """Return the benchmark's own PSNR of each row."""
    values = psnr(restored.cpu().numpy(), truth.cpu().numpy())
    return torch.from_numpy(values).to(truth.device)


@torch.inference_mode()
def draw(path: Path, network: nn.Module, images: WholeImages, step: int) -> None:
    """Draw rows of a split that are evenly spread over it."""
    bound = images.bound
    indices = np.linspace(0, len(images) - 1, min(PICTURED, len(images))).round().astype(int)
    chosen = [images[int(index)] for index in indices]
    inputs, truths = (np.stack([image[key] for image in chosen]) for key in ("input", "truth"))
    device = next(network.parameters()).device
    restored = network(torch.from_numpy(inputs).to(device)).clamp(0, 1).cpu().numpy()
    shown = inputs[:, : bound.column(bound.main_input).shape[0]].clip(0, 1)
    title = f"validation after step {step}"
    draw_grid(path, shown, bound.main_sensor.product, restored, truths, title)
