"""Attention between the dates of a scene, and what else networks of series share.

Series are (row, date, channel, H, W); ``days`` are (row, date), days since any fixed day.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from baselines.networks.blocks import normalisation

WAVES = 8
"""Pairs of sine and cosine by which a network is told a day."""
LONGEST, SHORTEST = 730.0, 12.0
"""Periods of the first and last of them, days."""
MONTH = 30.0
"""Unit of gaps between dates, days."""


def each(module: nn.Module, series: Tensor) -> Tensor:
    """Apply a module of images (row, …) to every date of a series (row, date, …)."""
    made: Tensor = module(series.flatten(0, 1))
    return made.unflatten(0, series.shape[:2])


def day_encoding(days: Tensor) -> Tensor:
    """Return days (row, date) as (row, date, 2 · WAVES) in [-1, 1] (Vaswani et al. 2017)."""
    powers = torch.linspace(0, 1, WAVES, device=days.device)
    periods = LONGEST * (SHORTEST / LONGEST) ** powers
    angles = 2 * math.pi * days[..., None].float() / periods
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class DateAttention(nn.Module):
    """The lightweight temporal attention encoder (Garnot and Landrieu 2020, arXiv:2007.00586).

    As there, each head looks at its own share of the channels and there are no values but the
    features themselves. There, a learned query stands for the series; here, each date asks for
    itself, since all dates are to be restored, and a learned slope tells how much the gap in days
    counts against a date.
    """

    def __init__(self, channels: int, heads: int, keys: int = 8) -> None:
        super().__init__()
        self.heads, self.keys = heads, keys
        self.norm = normalisation(channels)
        self.position = nn.Linear(2 * WAVES, channels)
        self.query = nn.Linear(channels, heads * keys)
        self.key = nn.Linear(channels, heads * keys)
        # From dates of the next weeks to those of the whole season.
        self.slope = nn.Parameter(torch.linspace(0.0, -4.0, heads))

    def forward(self, features: Tensor, days: Tensor) -> Tensor:
        """Return how much each date looks at each other: (row, date, head, date, H, W).

        Args:
            features: (row, date, channels, H, W).
            days: (row, date).
        """
        told = each(self.norm, features) + self.position(day_encoding(days))[..., None, None]
        pixels = told.permute(0, 3, 4, 1, 2)  # (row, H, W, date, channel)
        query, key = (
            layer(pixels).unflatten(-1, (self.heads, self.keys)).transpose(-2, -3)
            for layer in (self.query, self.key)
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(self.keys)  # (row, H, W, head, t, s)
        gaps = (days[:, :, None] - days[:, None]).abs().float() / MONTH
        bias = nn.functional.softplus(self.slope)[:, None, None] * gaps[:, None]
        shares = (scores - bias[:, None, None]).softmax(dim=-1)
        return shares.permute(0, 4, 3, 5, 1, 2)


def gather(attention: Tensor, features: Tensor) -> Tensor:
    """Return the features of all dates, mixed for each date by attention of any resolution.

    One date after the other, since all of them at once would need dates² images.

    Args:
        attention: (row, date, head, date, h, w); sums over the second date are 1.
        features: (row, date, channels, H, W), the channels a multiple of the heads.

    Returns:
        (row, date, channels, H, W).
    """
    heads, size = attention.shape[2], features.shape[-2:]
    shares = features.unflatten(2, (heads, -1))  # (row, date, head, channel, H, W)
    mixed = []
    for one in attention.unbind(1):
        if one.shape[-2:] != size:
            flat = one.flatten(1, 2)
            flat = nn.functional.interpolate(flat, size, mode="bilinear", align_corners=False)
            one = flat.unflatten(1, (heads, -1))
        mixed.append((one.transpose(1, 2)[:, :, :, None] * shares).sum(1).flatten(1, 2))
    return torch.stack(mixed, dim=1)


class DateTransformer(nn.Module):
    """Layers of self-attention between the dates of each pixel (Vaswani et al. 2017)."""

    def __init__(self, channels: int, heads: int, layers: int) -> None:
        super().__init__()
        self.before = nn.ModuleList(
            DateAttention(channels, heads, max(4, channels // heads)) for _ in range(layers)
        )
        self.values = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(layers))
        self.mixing = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(layers))
        self.feed = nn.ModuleList(
            nn.Sequential(
                normalisation(channels),
                nn.Conv2d(channels, 2 * channels, 1),
                nn.GELU(),
                nn.Conv2d(2 * channels, channels, 1),
            )
            for _ in range(layers)
        )

    def forward(self, features: Tensor, days: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of the same shape, and the attention of the last layer."""
        parts = zip(self.before, self.values, self.mixing, self.feed, strict=True)
        for attend, value, mix, feed in parts:
            attention = attend(features, days)
            features = features + each(mix, gather(attention, each(value, features)))
            features = features + each(feed, features)
        return features, attention
