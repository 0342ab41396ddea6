"""A small residual U-Net with any encoder of timm (Ronneberger et al. 2015, arXiv:1505.04597).

Encoders made for classification halve the image in their first layer. Restoration needs what
they throw away, so a stem at full resolution runs beside the encoder and joins the decoder last.
Given all dates of a scene, it encodes each for itself; at the lowest level they attend to each
other, and their attention gathers what the decoder sees of all dates besides its own.
"""

from __future__ import annotations

from typing import Annotated, Literal

import timm
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from baselines.inputs import Bands
from baselines.networks.blocks import CENTRE, CORRECTION, SPREAD, head, scaled
from baselines.networks.dates import DateAttention, gather
from baselines.networks.network import Channels, NetworkSettings
from vrs_bench.errors import BenchError, did_you_mean


class UNetSettings(NetworkSettings):
    """A residual U-Net; pretrained weights are timm's, of ImageNet."""

    name: Literal["unet"]
    encoder: str
    """Name of a timm model that gives feature pyramids."""
    widths: Annotated[tuple[Channels, ...], Field(min_length=1, max_length=6)]
    """Channels of the decoder from full resolution down; their number is the encoder levels."""
    dates: Literal["one", "all"] = "one"
    """Whether it restores each date by itself, or by all dates of the scene."""
    heads: Annotated[int, Field(ge=1, le=16)] = 4
    """Of the attention between dates; the channels of all levels are multiples."""

    @property
    def series(self) -> bool:
        """It sees all dates, if it is to."""
        return self.dates == "all"

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
        views = 2 if settings.series else 1  # of one date, or of it and of all
        if settings.series:
            odd = [channels for channels in skips if channels % settings.heads]
            if odd:
                raise BenchError(f"model.heads: {settings.heads} heads can't share {odd} channels")
            self.between = DateAttention(skips[-1], settings.heads)
        below = views * skips.pop()
        stages = []
        for skip, width in zip(reversed(skips), reversed(settings.widths), strict=True):
            stages.append(_convolution(below + views * skip, width))
            below = width
        self.decoder = nn.ModuleList(stages)
        # Training starts at "no correction", so the first step already stands on the input, or
        # at an image that is everywhere typical.
        self.head = head(below, bands.outputs)

    def forward(self, image: Tensor, days: Tensor | None = None) -> Tensor:
        """Restore images of any height and width.

        Args:
            image: (row, bands.inputs, H, W); of all dates (row, date, bands.inputs, H, W).
            days: (row, date), where it sees all dates.

        Returns:
            the same with bands.outputs.
        """
        if days is not None:
            return self._series(image, days)
        seen = scaled(image)
        return self._finished(image, [self.stem(seen), *self.encoder(seen)])

    def _series(self, images: Tensor, days: Tensor) -> Tensor:
        flat, dates = images.flatten(0, 1), images.shape[:2]
        seen = scaled(flat)
        levels = [level.unflatten(0, dates) for level in (self.stem(seen), *self.encoder(seen))]
        attention = self.between(levels[-1], days)
        joined = [torch.cat([level, gather(attention, level)], dim=2) for level in levels]
        return self._finished(flat, [level.flatten(0, 1) for level in joined]).unflatten(0, dates)

    def _finished(self, image: Tensor, skips: list[Tensor]) -> Tensor:
        """Decode the features of all levels, from full resolution down, to images."""
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
