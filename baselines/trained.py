"""The network that a finished training left in a folder, as a method."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from baselines.inputs import Bands, Inputs, at_step, bands_of, input_stack, truth_bands
from baselines.methods.method import Method
from baselines.networks.registry import build
from baselines.store import days_of
from baselines.training_config import TrainingConfig
from vrs_bench.errors import BenchError
from vrs_bench.recipes import load_recipe
from vrs_bench.tasks import BoundTask, get_task
from vrs_bench.training.checkpoints import load_tensors, load_weights, read_state
from vrs_bench.types import Floats

WEIGHTS, CONFIG = "model.safetensors", "config.yaml"
"""Files of a finished run; the weights are written last."""


def load_run(folder: Path) -> Method:
    """Return the network of a run, on the GPU where there is one.

    Args:
        folder: what ``baselines.train`` wrote; nothing is downloaded.

    Raises:
        BenchError: no finished run there, or its files do not fit each other.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise BenchError(
            f"{folder}: no {WEIGHTS} here; finish the training: accelerate launch -m "
            f"baselines.train --config … --data … --out {folder} --resume"
        )
    config = load_recipe(TrainingConfig, folder / CONFIG)
    state = read_state(weights)
    if "bands" not in state:
        raise BenchError(f"{weights}: not weights that baselines.train wrote; train again")
    bands = Bands(**state["bands"])
    # The weights are here: none are to be downloaded.
    network = build(config.model.model_copy(update={"pretrained": False}), bands)
    load_weights(network, load_tensors(weights), str(weights))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device).to(memory_format=torch.channels_last).eval()

    target = get_task(config.task).target
    told = config.sees == "truth"

    def seen(bound: BoundTask, inputs: Inputs, step: int) -> torch.Tensor:
        image = inputs[target][step] if told else input_stack(bound, at_step(inputs, step))
        return torch.from_numpy(image)

    @torch.inference_mode()
    def restore(bound: BoundTask, inputs: Inputs) -> Floats:
        steps = range(len(inputs[bound.main_input]))
        if config.model.series:
            images = torch.stack([seen(bound, inputs, step) for step in steps])
            days = torch.from_numpy(days_of(inputs)).to(device)
            made: Floats = network(images[None].to(device), days[None])[0].cpu().numpy()
            return made
        # One by one: memory of one image.
        each = [network(seen(bound, inputs, step)[None].to(device))[0].cpu() for step in steps]
        return np.stack([image.numpy() for image in each])

    return Method(
        name=folder.name,
        description=f"{config.model.name}, at most {config.steps} steps on {config.task}.",
        needs=f"the task {config.task}, {bands.inputs} bands of input and {bands.outputs} of truth",
        suits=lambda bound: (
            (bound.name, (truth_bands if told else bands_of)(bound)) == (config.task, bands)
        ),
        restore=restore,
        oracle=(target,) if told else (),
        identity=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )
