"""Two networks that restore all dates of a scene at once.

``utae``: in the manner of U-TAE (Garnot and Landrieu 2021, arXiv:2107.07933) and UnCRtainTS (Ebel
et al. 2023, arXiv:2304.05464): dates are encoded each for itself, attend to each other at the
lowest resolution, and their attention, enlarged, gathers the features of the finer levels.

``utilise``: in the manner of U-TILISE (Stucker et al. 2023, arXiv:2305.13277): sequence in,
sequence out, with layers of temporal self-attention between the encoder and the decoder.

There, one image is made of a series (utae); here every date is asked for. Neither is told where
the clouds are.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from baselines.inputs import Bands
from baselines.networks.blocks import CENTRE, CORRECTION, SPREAD, Residual, head, scaled
from baselines.networks.dates import DateAttention, DateTransformer, each, gather
from baselines.networks.network import Channels, NetworkSettings

OWN_SHARE = 3.0
"""Logit of the share of its own image that a date starts with."""


class SeriesSettings(NetworkSettings):
    """An encoder, something between the dates, and a decoder."""

    widths: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=5)]
    """Channels from full resolution down; each level halves the one above."""
    heads: Annotated[int, Field(ge=1, le=16)] = 4
    """Of the attention; every width is a multiple."""

    @model_validator(mode="after")
    def _heads_divide(self) -> SeriesSettings:
        if any(width % self.heads for width in self.widths):
            raise ValueError(f"widths: {list(self.widths)} must be multiples of {self.heads} heads")
        return self

    @property
    def series(self) -> bool:
        """It sees all dates."""
        return True


class UTAESettings(SeriesSettings):
    """One attention between the dates."""

    name: Literal["utae"]


class UTiliseSettings(SeriesSettings):
    """Layers of self-attention between the dates."""

    name: Literal["utilise"]
    layers: Annotated[int, Field(ge=1, le=12)] = 2


class SeriesNetwork(nn.Module):
    """Restores every date of a series.

    Where the input shows what the target shows, a date is a mixture of its own image, of the
    images of all dates by attention, and of a learned correction; elsewhere the image is made by
    the head alone.
    """

    def __init__(self, settings: UTAESettings | UTiliseSettings, bands: Bands) -> None:
        super().__init__()
        self.bands, widths = bands, settings.widths
        self.stem = nn.Sequential(
            nn.Conv2d(bands.inputs, widths[0], 3, padding=1), Residual(widths[0])
        )
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(above, below, 4, stride=2, padding=1), Residual(below))
            for above, below in pairwise(widths)
        )
        lowest = widths[-1]
        self.between: nn.Module = (
            DateTransformer(lowest, settings.heads, settings.layers)
            if isinstance(settings, UTiliseSettings)
            else DateAttention(lowest, settings.heads)
        )
        self.join = nn.Sequential(nn.Conv2d(2 * lowest, lowest, 1), Residual(lowest))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(below + 2 * above, above, 3, padding=1), Residual(above))
            for above, below in pairwise(widths)
        )
        self.head = head(widths[0], bands.outputs + 1)

    def forward(self, images: Tensor, days: Tensor) -> Tensor:
        """Restore (row, date, bands.inputs, H, W) to (row, date, bands.outputs, H, W)."""
        levels = [each(self.stem, scaled(images))]
        for stage in self.down:
            levels.append(each(stage, levels[-1]))
        lowest = levels.pop()
        if isinstance(self.between, DateTransformer):
            mixed, attention = self.between(lowest, days)
        else:
            attention = self.between(lowest, days)
            mixed = gather(attention, lowest)
        features = each(self.join, torch.cat([lowest, mixed], dim=2))
        for stage, level in zip(reversed(self.up), reversed(levels), strict=True):
            raised = nn.functional.interpolate(
                features.flatten(0, 1), level.shape[-2:], mode="nearest"
            ).unflatten(0, level.shape[:2])
            features = each(stage, torch.cat([raised, level, gather(attention, level)], dim=2))
        made = each(self.head, features)
        image, gate = made[:, :, :-1], made[:, :, -1:]
        if not self.bands.corrects:
            return CENTRE + SPREAD * image
        own = images[:, :, : self.bands.outputs]
        others = gather(attention.mean(dim=2, keepdim=True), own)
        return others + torch.sigmoid(OWN_SHARE - gate) * (own - others) + CORRECTION * image
