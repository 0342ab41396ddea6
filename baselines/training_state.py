"""Where a training stands: the moving average, the best weights so far, and the checkpoint.

All of it is in one file, so that a run that was stopped ends like one that was not.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vrs_bench.errors import BenchError
from vrs_bench.training.checkpoints import read_state

CHECKPOINT = "checkpoint.safetensors"
"""File in the folder of a run that holds where it stands."""
EMA, BEST = "ema", "best"
"""Names of networks in a checkpoint, besides the players."""


def find_checkpoint(out: Path, identity: dict[str, Any], resume: bool) -> Path | None:
    """Return the checkpoint to start from, or None to start from nothing.

    Raises:
        BenchError: the folder holds another run, or one that was stopped and is not to go on.
    """
    checkpoint = out / CHECKPOINT
    if not checkpoint.is_file():
        return None
    state = read_state(checkpoint)
    before, now = ({**kept["config"], "data": kept["data"]} for kept in (state, identity))
    differences = [
        f"{k}: {before.get(k)!r} there, {now[k]!r} here" for k in now if before.get(k) != now[k]
    ]
    if differences:
        raise BenchError(
            f"{out}: holds a run of other settings; choose another --out or remove the folder\n"
            + "\n".join(differences)
        )
    if not resume and state["step"] < now["steps"]:
        raise BenchError(
            f"{out}: holds this run up to step {state['step']}; go on with --resume, choose "
            f"another --out or remove the folder"
        )
    return checkpoint


def frozen_copy(network: nn.Module) -> nn.Module:
    """Return a copy that is not trained."""
    made: nn.Module = copy.deepcopy(network).requires_grad_(False)
    return made


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, share: float) -> None:
    """Move the average of the weights towards the weights, keeping a share of its past."""
    for mean, value in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - share)
        else:
            mean.copy_(value)


def keep_best(
    best: nn.Module, average: nn.Module, state: dict[str, Any], psnr: float, step: int
) -> None:
    """Note a validation: copy the weights where it was the best so far, and count the others."""
    if psnr > state.get("best_psnr", float("-inf")):
        best.load_state_dict(average.state_dict())
        state |= {"best_psnr": psnr, "best_step": step, "worse": 0}
    else:
        state["worse"] += 1
