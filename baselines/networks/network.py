"""What a network is to the training: settings, and a constructor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from torch import nn

from baselines.inputs import Bands
from vrs_bench.settings import Settings

Channels = Annotated[int, Field(ge=1, le=1024)]


class NetworkSettings(Settings):
    """Everything that determines a network but its weights and the bands of its task."""

    name: str
    """Which network; a subclass allows its own name only."""
    pretrained: bool = False
    """Start from weights that somebody else trained, which are downloaded."""

    @property
    def series(self) -> bool:
        """Whether it sees all dates of a scene at once."""
        return False


@dataclass(frozen=True)
class Network:
    """One entry of the registry."""

    settings: type[NetworkSettings]
    """Its settings; what they allow as ``name`` is the name of the entry."""
    build: Callable[[Any, Bands], nn.Module]
    """Settings and bands → module that maps (row, bands.inputs, H, W) to (row, bands.outputs, H,
    W), nominally in [0, 1]; or, where it sees series, (row, date, bands.inputs, H, W) and days
    (row, date) to (row, date, bands.outputs, H, W)."""
