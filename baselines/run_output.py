"""What a training tells: pictures, the files of a finished run, and a line about it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from matplotlib.image import imread
from torch import nn

from baselines.inputs import Bands
from baselines.model_card import model_card
from baselines.store import Store
from baselines.trained import CONFIG, WEIGHTS
from baselines.training_config import TrainingConfig
from baselines.validation import draw
from vrs_bench.paths import write_text
from vrs_bench.recipes import dump_recipe
from vrs_bench.tasks import BoundTask
from vrs_bench.training.checkpoints import save_tensors


@dataclass
class Clock:
    """What the steps of this process took, and what of it was waiting for examples."""

    started: float = field(default_factory=time.monotonic)
    stepping: float = 0.0
    waiting: float = 0.0

    def next(self, batches: Any) -> Any:
        """Return the next batch, and count how long it took to come."""
        before = time.monotonic()
        batch = next(batches)
        self.waiting += time.monotonic() - before
        return batch

    @property
    def share(self) -> float:
        """Share of the steps that was waiting."""
        return self.waiting / self.stepping if self.stepping else 0.0


def picture(
    accelerator: Accelerator,
    out: Path,
    network: nn.Module,
    store: Store,
    bound: BoundTask,
    config: TrainingConfig,
    step: int,
) -> None:
    """Draw images of the validation split, as a file and in tensorboard."""
    path = out / "pictures" / f"step-{step:08d}.png"
    draw(path, network, store, bound, config.sees, config.model.series, step)
    image = imread(path)[None, ..., :3]
    accelerator.get_tracker("tensorboard").log_images(
        {"validation": image}, step, dataformats="NHWC"
    )


def finish(
    out: Path,
    config: TrainingConfig,
    metrics: Mapping[str, Any],
    network: nn.Module,
    state: Mapping[str, Any],
    size: str,
) -> None:
    """Write the files of a finished run, the weights last: they are there only when it is.

    Args:
        out: folder of the run.
        config: of the run.
        metrics: of its last validation, and what it took.
        network: whose weights are kept.
        state: kept with the weights.
        size: name of the recipe of its data.
    """
    write_text(out / CONFIG, dump_recipe(config))
    write_text(out / "README.md", model_card(config, metrics, size))
    write_text(out / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    save_tensors(out / WEIGHTS, network.state_dict(), state)


def summary(scores: Mapping[str, float], bands: Bands, clock: Clock) -> str:
    """Return a finished run in a line."""
    start = f" (its input {scores['psnr_input']:.2f} dB)" if bands.corrects else ""
    return (
        f"validation PSNR {scores['psnr']:.2f} dB{start}; "
        f"{clock.share:.1%} of the steps was waiting for data"
    )


def shown(scores: dict[str, float]) -> dict[str, str]:
    """Return the scores as the progress bar shows them."""
    return {key: f"{value:.2f}" for key, value in scores.items()}
