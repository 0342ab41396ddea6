"""pix2pix: a generator against a critic that sees what it was given (Isola et al. 2017).

arXiv:1611.07004: binary cross entropy over patches, the critic's halved, and 100 times the mean
absolute error. Images are in [0, 1] here and in [-1, 1] there, so errors here count double.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from baselines.inputs import Bands
from baselines.networks.critics import PatchCritic
from baselines.networks.network import Channels
from baselines.objectives.objective import CRITIC, MODEL, Batch, Game, ObjectiveSettings, given

IMAGE_RANGE = 2.0
"""Of an image in the paper, over its range here."""


class Pix2PixObjectiveSettings(ObjectiveSettings):
    """The weight of the truth, and the critic."""

    name: Literal["pix2pix"]
    l1_weight: Annotated[float, Field(ge=0)] = 100.0
    """Weight of the mean absolute error against that of the critic's verdict."""
    critic_widths: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=6)] = (24, 48, 96)
    """Channels of the critic's layers."""


def players(
    settings: Pix2PixObjectiveSettings,
    network: nn.Module,
    another: Callable[[Bands], nn.Module],
    bands: Bands,
) -> dict[str, nn.Module]:
    """Return the generator and its critic."""
    critic = PatchCritic(bands.inputs + bands.outputs, settings.critic_widths)
    return {MODEL: network, CRITIC: critic}


def step(settings: Pix2PixObjectiveSettings, game: Game, batch: Batch) -> dict[str, Tensor]:
    """Take a step of the critic, then one of the generator against it."""
    made, seen, truth = game.players[MODEL](*given(batch)), batch["input"], batch["truth"]
    if truth.ndim == 5:  # dates are judged one by one
        made, seen, truth = (images.flatten(0, 1) for images in (made, seen, truth))

    both = torch.cat([torch.cat([seen, truth], 1), torch.cat([seen, made.detach()], 1)])
    on_truth, on_made = game.players[CRITIC](both).chunk(2)
    critic_loss = (against(on_truth, 1.0) + against(on_made, 0.0)) / 2
    game.descend(CRITIC, critic_loss)

    critic = game.bare(CRITIC).requires_grad_(False)
    fooling = against(critic(torch.cat([seen, made], 1)), 1.0)
    l1 = IMAGE_RANGE * (made - truth).abs().mean()
    loss = fooling + settings.l1_weight * l1
    game.descend(MODEL, loss)
    critic.requires_grad_(True)
    return {
        "loss": loss.detach(),
        "generator": fooling.detach(),
        "l1": l1.detach() / IMAGE_RANGE,
        "critic": critic_loss.detach(),
        "fooling_rate": (on_made > 0).float().mean(),
        "spread": spread(made, truth),
    }


def against(verdict: Tensor, wanted: float) -> Tensor:
    """Return the binary cross entropy of verdicts, which are logits."""
    return binary_cross_entropy_with_logits(verdict, torch.full_like(verdict, wanted))


@torch.no_grad()
def spread(made: Tensor, truth: Tensor) -> Tensor:
    """Return the deviation of images over that of the truth, both within bands, mean of bands.

    Deviation is over rows and pixels; 0 says that all images are one flat colour.
    """
    of_made, of_truth = (images.transpose(0, 1).flatten(1).std(1) for images in (made, truth))
    return (of_made / of_truth.clamp(min=1e-6)).mean()
