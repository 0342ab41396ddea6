"""What several networks are made of; nothing here looks at other rows of a batch.

Normalisation is by groups of channels of one image (Wu and He 2018, arXiv:1803.08494), so a run
does not depend on how a batch is divided between processes.
"""

from __future__ import annotations

from torch import Tensor, nn

CENTRE, SPREAD = 0.2, 0.2
"""Typical reflectance and its range: networks want inputs around 0 with unit spread, and so does
an image that is not a correction of the input come out of the head."""
CORRECTION = 0.1
"""Size of the correction that a head gives by activations of order one."""
GROUP = 8
"""Channels that are normalised together, where the number of channels allows."""


def scaled(image: Tensor) -> Tensor:
    """Return images around 0 with about unit spread."""
    return (image - CENTRE) / SPREAD


def head(n_in: int, n_out: int) -> nn.Conv2d:
    """Return the last layer, which starts at zero: no correction, or a typical image."""
    made = nn.Conv2d(n_in, n_out, 3, padding=1)
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    return made


def normalisation(channels: int) -> nn.GroupNorm:
    """Return group normalisation, in groups of :data:`GROUP` channels or in one."""
    return nn.GroupNorm(channels // GROUP if channels % GROUP == 0 else 1, channels)


class Residual(nn.Module):
    """x + conv(gelu(conv(gelu(norm(x))))): levels pass beside the normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            normalisation(channels),
            nn.GELU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Map (row, channels, H, W) to the same shape."""
        made: Tensor = image + self.branch(image)
        return made
