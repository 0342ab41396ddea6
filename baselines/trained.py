"""The network that a finished training left in a folder, as a method."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from baselines.inputs import Bands, Inputs, at_step, bands_of, input_stack
from baselines.methods.method import Method
from baselines.networks.registry import build
from baselines.training_config import TrainingConfig
from vrs_bench.errors import BenchError
from vrs_bench.recipes import load_recipe
from vrs_bench.tasks import BoundTask
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

    @torch.inference_mode()
    def restore(bound: BoundTask, inputs: Inputs) -> Floats:
        images = []
        for step in range(len(inputs[bound.main_input])):  # one by one: memory of one image
            stack = torch.from_numpy(input_stack(bound, at_step(inputs, step)))
            images.append(network(stack[None].to(device))[0].cpu().numpy())
        return np.stack(images)

    return Method(
        name=folder.name,
        description=f"{config.model.name}, {config.steps} steps on {config.task}.",
        needs=f"the task {config.task}, {bands.inputs} bands of input and {bands.outputs} of truth",
        suits=lambda bound: (bound.name, bands_of(bound)) == (config.task, bands),
        restore=restore,
        identity=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )
