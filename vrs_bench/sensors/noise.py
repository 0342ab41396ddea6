"""Noise of the receiver, drawn anew for every frame."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from vrs_bench.settings import Settings
from vrs_bench.types import Floats
from vrs_bench.world.streams import normal


class NoiseSettings(Settings):
    """Noise added to the sampled image."""

    read_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Standard deviation of additive Gaussian noise, on the [0, 1] scale."""


def add_noise(settings: NoiseSettings, image: Floats, rng: np.random.Generator) -> Floats:
    """Return the image with noise, float32, not clipped.

    Args:
        settings: what noise.
        image: float32 (band, height, width) on the [0, 1] scale.
        rng: the frame's own stream.
    """
    if settings.read_noise == 0:
        return image
    return image + np.float32(settings.read_noise) * normal(rng, image.shape)
