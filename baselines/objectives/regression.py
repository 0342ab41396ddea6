"""Regression: the mean square of the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from baselines.inputs import Bands
from baselines.objectives.objective import MODEL, Batch, Game, ObjectiveSettings, given

LARGE_ERROR = 0.1
"""Error, in reflectance, at which the loss is 1: keeps losses and gradients at a handy size."""


class RegressionSettings(ObjectiveSettings):
    """Nothing to set."""

    name: Literal["regression"] = "regression"


def players(
    settings: RegressionSettings,
    network: nn.Module,
    another: Callable[[Bands], nn.Module],
    bands: Bands,
) -> dict[str, nn.Module]:
    """Return the network alone."""
    return {MODEL: network}


def step(settings: RegressionSettings, game: Game, batch: Batch) -> dict[str, Tensor]:
    """Take a step, or one of the parts that a step is accumulated of."""
    model = game.players[MODEL]
    with game.accelerator.accumulate(model):
        error = model(*given(batch)) - batch["truth"]
        loss = (error / LARGE_ERROR).square().mean()
        game.descend(MODEL, loss)
    return {"loss": loss.detach()}
