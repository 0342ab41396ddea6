"""A small residual U-Net with any encoder of timm (Ronneberger et al. 2015, arXiv:1505.04597).

Encoders made for classification halve the image in their first layer. Restoration needs what
they throw away, so a stem at full resolution runs beside the encoder and joins the decoder last.
"""

from __future__ import annotations

from typing import Annotated, Literal

import timm
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from baselines.inputs import Bands
from baselines.networks.network import NetworkSettings
from vrs_bench.errors import BenchError, did_you_mean

CENTRE, SPREAD = 0.2, 0.2
"""Typical reflectance and its range: encoders want inputs around 0 with unit spread, and so does
an image that is not a correction of the input come out of the head."""
CORRECTION = 0.1
"""Size of the correction that the head gives by activations of order one."""

Channels = Annotated[int, Field(ge=1, le=1024)]


class UNetSettings(NetworkSettings):
    """A residual U-Net; pretrained weights are timm's, of ImageNet."""

    name: Literal["unet"]
    encoder: str
    """Name of a timm model that gives feature pyramids."""
    widths: Annotated[tuple[Channels, ...], Field(min_length=1, max_length=6)]
    """Channels of the decoder from full resolution down; their number is the encoder levels."""

    @field_validator("encoder")
    @classmethod
    def _known(cls, name: str) -> str:
        # Only names that timm itself lists: "hf-hub:…" would fetch a stranger's configuration.
        if name not in timm.list_models():
            raise ValueError(f"not a model of timm{did_you_mean(name, timm.list_models())}")
        return name


class UNet(nn.Module):
    """Returns its input's first bands plus a learned correction, on the same grid.

    Where the input does not show what is asked for, there is nothing to correct: the image is the
    head's alone.
    """

    def __init__(self, settings: UNetSettings, bands: Bands) -> None:
        """Build the network.

        Raises:
            BenchError: the encoder has no such feature pyramid, or no pretrained weights.
        """
        super().__init__()
        self.bands = bands
        levels = len(settings.widths)
        try:
            self.encoder = timm.create_model(
                settings.encoder,
                features_only=True,
                out_indices=tuple(range(levels)),
                in_chans=bands.inputs,
                pretrained=settings.pretrained,
            )
        except (IndexError, AssertionError, RuntimeError, TypeError) as error:
            raise BenchError(
                f"model: timm can't make '{settings.encoder}' give {levels} levels of features "
                f"(pretrained: {settings.pretrained}): {error}"
            ) from error
        self.stem = _convolution(bands.inputs, settings.widths[0])
        skips = [settings.widths[0], *self.encoder.feature_info.channels()]
        below = skips.pop()
        stages = []
        for skip, width in zip(reversed(skips), reversed(settings.widths), strict=True):
            stages.append(_convolution(below + skip, width))
            below = width
        self.decoder = nn.ModuleList(stages)
        head = nn.Conv2d(below, bands.outputs, 3, padding=1)
        # Training starts at "no correction", so the first step already stands on the input, or
        # at an image that is everywhere typical.
        for parameter in head.parameters():
            nn.init.zeros_(parameter)
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        """Restore (row, bands.inputs, H, W) to (row, bands.outputs, H, W), any H and W."""
        scaled = (image - CENTRE) / SPREAD
        skips = [self.stem(scaled), *self.encoder(scaled)]
        features = skips.pop()
        for stage in self.decoder:
            skip = skips.pop()
            raised = nn.functional.interpolate(features, size=skip.shape[-2:], mode="nearest")
            features = stage(torch.cat([raised, skip], dim=1))
        made: Tensor = self.head(features)
        if self.bands.corrects:
            return image[:, : self.bands.outputs] + CORRECTION * made
        return CENTRE + SPREAD * made


def _convolution(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.GELU())
