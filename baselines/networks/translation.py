"""The generator of pix2pix, for each date or along the dates of a scene.

The U-Net generator of Isola et al. 2017, arXiv:1611.07004, with normalisation by groups
of channels in place of batches, and fewer channels.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from baselines.inputs import Bands
from baselines.networks.blocks import CENTRE, SPREAD, head, normalisation, scaled
from baselines.networks.network import Channels, NetworkSettings

LEAK = 0.2
"""Slope of leaky rectifiers below 0, as in the paper."""
LOSING = 2
"""Levels of the decoder, from the innermost, that lose features in training."""


class Pix2PixSettings(NetworkSettings):
    """A U-Net of strided 4 × 4 convolutions."""

    name: Literal["pix2pix"]
    widths: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=8)]
    """Channels of the levels, each half as high and wide as the one above."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of features that the innermost levels of the decoder lose in training."""
    recurrent: bool = False
    """Whether it also sees its own image of the date before, zeros at the first date."""

    @property
    def series(self) -> bool:
        """Along dates, where it is recurrent."""
        return self.recurrent


class Pix2PixGenerator(nn.Module):
    """Makes images of images: (row, band, H, W), or (row, date, band, H, W) if recurrent."""

    def __init__(self, settings: Pix2PixSettings, bands: Bands) -> None:
        super().__init__()
        self.bands, self.recurrent = bands, settings.recurrent
        widths = settings.widths
        seen = bands.inputs + (bands.outputs if settings.recurrent else 0)
        down, up = [], []
        for level, (above, width) in enumerate(zip((seen, *widths), widths, strict=False)):
            # The first level is not normalised, as in the paper, nor led by a rectifier.
            first: list[nn.Module] = [nn.LeakyReLU(LEAK)] if level else []
            last: list[nn.Module] = [normalisation(width)] if level else []
            strided = nn.Conv2d(above, width, 4, stride=2, padding=1)
            down.append(nn.Sequential(*first, strided, *last))
        for level in reversed(range(len(widths))):
            inner = level == len(widths) - 1
            below, width = widths[level] * (1 if inner else 2), widths[max(level - 1, 0)]
            strided = nn.ConvTranspose2d(below, width, 4, stride=2, padding=1)
            lost = settings.dropout if level >= len(widths) - LOSING else 0.0
            up.append(nn.Sequential(nn.ReLU(), strided, normalisation(width), nn.Dropout(lost)))
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)
        # The paper ends with a transposed convolution, whose overlaps show as a chequerboard.
        self.head = head(widths[0] + seen, bands.outputs)

    def forward(self, images: Tensor, days: Tensor | None = None) -> Tensor:
        """Return images of any height and width; ``days`` come with a series and are not used."""
        if not self.recurrent:
            return self._made(scaled(images))
        shape = (len(images), self.bands.outputs, *images.shape[-2:])
        made, last = [], images.new_zeros(shape)
        for image in images.unbind(1):
            last = self._made(torch.cat([scaled(image), last], dim=1))
            made.append(last)
        return torch.stack(made, dim=1)

    def _made(self, seen: Tensor) -> Tensor:
        height, width = seen.shape[-2:]
        step = 2 ** len(self.down)
        margins = (0, -width % step, 0, -height % step)
        features = nn.functional.pad(seen, margins, mode="replicate")
        levels: list[Tensor] = []
        for stage in self.down:
            features = stage(features)
            levels.append(features)
        features = self.up[0](levels.pop())
        for stage in self.up[1:]:
            features = stage(torch.cat([features, levels.pop()], dim=1))
        features = features[..., :height, :width]
        made: Tensor = self.head(torch.cat([features, seen], dim=1))
        return CENTRE + SPREAD * made
