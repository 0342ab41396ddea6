"""Two networks of super-resolution that work at the resolution of the sensor.

``edsr``: in the manner of EDSR-baseline (Lim et al. 2017, arXiv:1707.02921): residual blocks
without normalisation, and pixels shuffled from channels. ``span``: in the manner of SPAN (Wan et
al. 2024, arXiv:2311.12770): blocks whose activations are their own attention, without parameters
for it. Its convolutions are trained as they are, not as several that are merged afterwards.

Both are given what the other networks are: the registered bicubic image on the grid of the
target, on which the sub-pixel phase of the date is undone. Its pixels are unshuffled into
channels of the coarse grid, so the work is done there, as in the papers, and what comes out lies
where the target lies; the bicubic image is what is corrected.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from baselines.inputs import Bands
from baselines.networks.blocks import CENTRE, CORRECTION, SPREAD, head, scaled
from baselines.networks.network import Channels, NetworkSettings

RESIDUAL_SCALE = 0.1
"""Factor of the branch of a residual block of EDSR."""


class SubPixelSettings(NetworkSettings):
    """A network between unshuffled and shuffled pixels."""

    width: Channels
    """Channels of the coarse grid."""
    blocks: Annotated[int, Field(ge=1, le=64)]
    factor: Annotated[int, Field(ge=1, le=16)] = 4
    """Pixels of the target along one of the coarse grid."""


class EDSRSettings(SubPixelSettings):
    """Residual blocks; EDSR-baseline has 16 of 64 channels."""

    name: Literal["edsr"]


class SPANSettings(SubPixelSettings):
    """Blocks with attention without parameters; SPAN has 6 of 48 channels."""

    name: Literal["span"]


class SubPixel(nn.Module):
    """Corrects an image by a network on a coarser grid."""

    def __init__(self, settings: EDSRSettings | SPANSettings, bands: Bands) -> None:
        super().__init__()
        self.bands, self.factor, area = bands, settings.factor, settings.factor**2
        self.first = nn.Conv2d(bands.inputs * area, settings.width, 3, padding=1)
        body = _EDSRBody if isinstance(settings, EDSRSettings) else _SPANBody
        self.body = body(settings.width, settings.blocks)
        self.last = head(settings.width, bands.outputs * area)

    def forward(self, image: Tensor) -> Tensor:
        """Restore (row, bands.inputs, H, W) to (row, bands.outputs, H, W), any H and W."""
        height, width = image.shape[-2:]
        margins = (0, -width % self.factor, 0, -height % self.factor)
        whole = nn.functional.pad(image, margins, mode="replicate")
        coarse = nn.functional.pixel_unshuffle(scaled(whole), self.factor)
        fine = nn.functional.pixel_shuffle(self.last(self.body(self.first(coarse))), self.factor)
        made = fine[..., :height, :width]
        if self.bands.corrects:
            return image[:, : self.bands.outputs] + CORRECTION * made
        return CENTRE + SPREAD * made


class _EDSRBody(nn.Module):
    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(_convolution(width), nn.ReLU(), _convolution(width))
            for _ in range(blocks)
        )
        self.last = _convolution(width)

    def forward(self, features: Tensor) -> Tensor:
        made = features
        for block in self.blocks:
            made = made + RESIDUAL_SCALE * block(made)
        made = features + self.last(made)
        return made


class _SPANBody(nn.Module):
    """Blocks, and a convolution of their input, of the first, the last and their last together."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_SPANBlock(width) for _ in range(blocks))
        self.last = _convolution(width)
        self.join = nn.Conv2d(4 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        made, outputs = features, []
        for block in self.blocks:
            before, (made, inner) = made, block(made)
            outputs.append((made, inner, before))
        first, final = outputs[0][0], outputs[-1]
        joined: Tensor = self.join(torch.cat([features, self.last(made), first, final[1]], dim=1))
        return joined


class _SPANBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_convolution(width) for _ in range(3))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features that attention let pass, and those of the first layer."""
        first = self.layers[0](features)
        made = self.layers[2](nn.functional.silu(self.layers[1](nn.functional.silu(first))))
        # Odd in what it weighs: features far from 0 count, by their size and not by their sign.
        attention = torch.sigmoid(made) - 0.5
        return (features + made) * attention, first


def _convolution(width: int) -> nn.Conv2d:
    return nn.Conv2d(width, width, 3, padding=1)
