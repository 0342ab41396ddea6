"""Scores and a picture of a network in training, on the validation split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from pictures import draw_grid
from rows import WholeImages
from torch import Tensor, nn
from torch.utils.data import DataLoader

from vrs_bench.metrics.distortion import psnr

PICTURED = 4
"""Rows of the split in each picture."""


@torch.inference_mode()
def validate(
    accelerator: Accelerator, network: nn.Module, loader: DataLoader[Any], rows: int
) -> dict[str, float]:
    """Return the mean PSNR over the rows of a split, of the network and of its input."""
    network.eval()
    for buffer in network.buffers():
        broadcast(buffer)  # normalisation statistics of the main process, which are what is saved
    parts = []
    for batch in loader:
        restored = network(batch["input"]).clamp(0, 1)
        values = {
            "row": batch["row"],
            "psnr": psnr_of(restored, batch["truth"]),
            "psnr_input": psnr_of(batch["input"].clamp(0, 1), batch["truth"]),
        }
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
def draw(path: Path, network: nn.Module, rows: Any, step: int) -> None:
    """Draw rows of a split that are evenly spread over it."""
    images = WholeImages(rows)
    indices = np.linspace(0, len(rows) - 1, min(PICTURED, len(rows))).round().astype(int)
    chosen = [images[int(index)] for index in indices]
    inputs, truths = (np.stack([image[key] for image in chosen]) for key in ("input", "truth"))
    device = next(network.parameters()).device
    restored = network(torch.from_numpy(inputs).to(device)).clamp(0, 1).cpu().numpy()
    draw_grid(path, inputs, restored, truths, f"validation after step {step}")
