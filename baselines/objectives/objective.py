"""What an objective is to the training: settings, what plays against what, and a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from accelerate import Accelerator
from torch import Tensor, nn

from baselines.inputs import Bands
from vrs_bench.settings import Settings

MODEL, CRITIC = "model", "critic"
"""Names of players."""

Batch = Mapping[str, Tensor]
"""``input`` and ``truth``, (row, band, H, W), or (row, date, band, H, W) with ``days``."""


class ObjectiveSettings(Settings):
    """Everything that determines an objective."""

    name: str
    """Which objective; a subclass allows its own name only."""


@dataclass(frozen=True)
class Game:
    """Players that learn, each with an optimizer of its own."""

    accelerator: Accelerator
    players: Mapping[str, nn.Module]
    """Name → networks that are trained together, as the accelerator prepared them. One forward
    pass of each in a step: what several processes share gradients by counts them."""
    optimizers: Mapping[str, Any]
    clip_norm: float

    def bare(self, name: str) -> nn.Module:
        """Return a player that shares no gradients: to ask it and not to train it."""
        bare: nn.Module = self.accelerator.unwrap_model(self.players[name])
        return bare

    def descend(self, name: str, loss: Tensor) -> None:
        """Let a player take a step down its loss."""
        self.accelerator.backward(loss)
        if self.accelerator.sync_gradients:
            self.accelerator.clip_grad_norm_(self.players[name].parameters(), self.clip_norm)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad()


@dataclass(frozen=True)
class Objective:
    """One entry of the registry."""

    settings: type[ObjectiveSettings]
    """Its settings; what they allow as ``name`` is the name of the entry."""
    players: Callable[[Any, nn.Module, Callable[[Bands], nn.Module], Bands], dict[str, nn.Module]]
    """Settings, the network that restores, what builds another of its kind, and bands → players
    by name; the network is (in) the one called ``model``."""
    step: Callable[[Any, Game, Batch], dict[str, Tensor]]
    """Settings, game and batch → values to log, after a step of every player (or a part of one).
    ``loss`` is among them."""


def given(batch: Batch) -> list[Tensor]:
    """Return the arguments of a network: input, and days where it sees series."""
    return [batch[name] for name in ("input", "days") if name in batch]
