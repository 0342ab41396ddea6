"""Noise of the receiver, drawn anew for every frame."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.special import gammaincinv

from vrs_bench.settings import Settings
from vrs_bench.types import Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.series.phenology import DB_FLOOR
from vrs_bench.world.streams import draw, midpoints, normal


class NoiseSettings(Settings):
    """Noise of the sampled image: speckle first, then read noise."""

    speckle_looks: Annotated[float, Field(ge=1, le=1000)] | None = None
    """Equivalent number of looks L of a radar image; None: no speckle."""
    read_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Standard deviation of additive Gaussian noise, on the [0, 1] scale."""


@cache
def _speckle_quantiles(looks: float) -> Floats:
    """Return quantiles of speckle on the scaled dB axis: 10 log10(G) / 30, G ~ Gamma(L, 1/L)."""
    power = gammaincinv(looks, midpoints()) / looks
    return settle(10 * np.log10(power) / -DB_FLOOR, bits=16)


def add_noise(settings: NoiseSettings, image: Floats, rng: np.random.Generator) -> Floats:
    """Return the image with noise, float32, not clipped.

    Speckle multiplies linear power by a Gamma(L, 1/L) variable of mean 1 and variance 1/L
    (Goodman 1976, fully developed speckle after L looks). A radar image is held in dB, so there
    the factor is a term.

    Args:
        settings: what noise.
        image: float32 (band, height, width) on the [0, 1] scale; of a radar image, scaled dB.
        rng: the frame's own stream.
    """
    if settings.speckle_looks is not None:
        image = image + draw(rng, _speckle_quantiles(settings.speckle_looks), image.shape)
    if settings.read_noise > 0:
        image = image + np.float32(settings.read_noise) * normal(rng, image.shape)
    return image
