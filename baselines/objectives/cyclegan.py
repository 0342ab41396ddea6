"""CycleGAN: there and back again, with critics on both sides (Zhu et al. 2017).

arXiv:1703.10593: least-squares verdicts, and 10 times the mean absolute error of what came back.
The critics are not told which images belong together, nor is anything else unless supervised.
Left out: its identity loss (both sides have other bands) and its store of earlier images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from baselines.inputs import Bands
from baselines.networks.critics import PatchCritic
from baselines.networks.network import Channels
from baselines.objectives.objective import CRITIC, MODEL, Batch, Game, ObjectiveSettings
from baselines.objectives.pix2pix import IMAGE_RANGE, spread


class CycleGANSettings(ObjectiveSettings):
    """Weights of what came back and of the truth, and the critics."""

    name: Literal["cyclegan"]
    cycle_weight: Annotated[float, Field(ge=0)] = 10.0
    """Weight of the mean absolute error of what came back."""
    supervision: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the mean absolute error against the truth; 0: pairs are not used."""
    critic_widths: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=6)] = (24, 48, 96)
    """Channels of the critics' layers."""


class Cycle(nn.Module):
    """Both generators."""

    def __init__(self, there: nn.Module, back: nn.Module) -> None:
        super().__init__()
        self.there, self.back = there, back

    def forward(self, seen: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the truth as made, the input as made, and both as they came back."""
        made, faked = self.there(seen), self.back(truth)
        return made, faked, self.back(made), self.there(faked)


class Critics(nn.Module):
    """One critic on each side."""

    def __init__(self, bands: Bands, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.of_inputs = PatchCritic(bands.inputs, widths)
        self.of_truths = PatchCritic(bands.outputs, widths)

    def forward(self, inputs: Tensor, truths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the verdicts on images of both sides."""
        return self.of_inputs(inputs), self.of_truths(truths)


def players(
    settings: CycleGANSettings,
    network: nn.Module,
    another: Callable[[Bands], nn.Module],
    bands: Bands,
) -> dict[str, nn.Module]:
    """Return the generators, of which the first restores, and the critics."""
    back = another(Bands(bands.outputs, bands.inputs, corrects=False))
    return {MODEL: Cycle(network, back), CRITIC: Critics(bands, settings.critic_widths)}


def step(settings: CycleGANSettings, game: Game, batch: Batch) -> dict[str, Tensor]:
    """Take a step of the critics, then one of the generators against them."""
    seen, truth = batch["input"], batch["truth"]
    made, faked, seen_again, truth_again = game.players[MODEL](seen, truth)

    verdicts = game.players[CRITIC](
        torch.cat([seen, faked.detach()]), torch.cat([truth, made.detach()])
    )
    judged = [verdict.chunk(2) for verdict in verdicts]
    critic_loss = sum(
        ((real - 1).square().mean() + fake.square().mean()) / 2 for real, fake in judged
    )
    game.descend(CRITIC, critic_loss)

    critics = game.bare(CRITIC).requires_grad_(False)
    fooling = sum((verdict - 1).square().mean() for verdict in critics(faked, made))
    cycle = IMAGE_RANGE * ((seen_again - seen).abs().mean() + (truth_again - truth).abs().mean())
    l1 = IMAGE_RANGE * (made - truth).abs().mean()
    loss = fooling + settings.cycle_weight * cycle
    if settings.supervision:
        loss = loss + settings.supervision * l1
    game.descend(MODEL, loss)
    critics.requires_grad_(True)
    return {
        "loss": loss.detach(),
        "generator": fooling.detach(),
        "cycle": cycle.detach() / IMAGE_RANGE,
        "l1": l1.detach() / IMAGE_RANGE,
        "critic": critic_loss.detach(),
        "fooling_rate": (judged[1][1] > 0.5).float().mean(),
        "spread": spread(made, truth),
    }
