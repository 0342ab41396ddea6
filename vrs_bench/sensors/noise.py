"""Noise of the receiver, drawn anew for every frame."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator
from scipy.special import gammaincinv

from vrs_bench.sensors.radiometry import Interval
from vrs_bench.settings import Settings
from vrs_bench.types import Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.series.phenology import DB_FLOOR
from vrs_bench.world.streams import draw, midpoints, normal, words


class NoiseSettings(Settings):
    """Noise of the sampled image, in the order of the keys."""

    speckle_looks: Annotated[float, Field(ge=1, le=1000)] | None = None
    """Equivalent number of looks L of a radar image; None: no speckle."""
    shot_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Standard deviation at signal 1 of noise whose variance is proportional to the signal."""
    read_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Standard deviation of additive Gaussian noise, on the [0, 1] scale."""
    salt_pepper: Interval | None = None
    """Share of pixels replaced by salt and pepper, drawn for every frame; None: none."""

    @model_validator(mode="after")
    def _share_is_a_share(self) -> NoiseSettings:
        if self.salt_pepper and not 0 <= self.salt_pepper.min <= self.salt_pepper.max <= 1:
            raise ValueError("salt_pepper: expected shares from 0 to 1")
        return self


@cache
def _speckle_quantiles(looks: float) -> Floats:
    """Return quantiles of speckle on the scaled dB axis: 10 log10(G) / 30, G ~ Gamma(L, 1/L)."""
    power = gammaincinv(looks, midpoints()) / looks
    return settle(10 * np.log10(power) / -DB_FLOOR, bits=16)


@cache
def _salt_pepper_quantiles() -> Floats:
    """Return quantiles of Beta(1/2, 1/2), the arcsine law: near 0 or near 1, seldom between."""
    return settle(np.sin(np.pi / 2 * midpoints()) ** 2, bits=16)


def add_noise(settings: NoiseSettings, image: Floats, rng: np.random.Generator) -> Floats:
    """Return the image with noise, float32, not clipped.

    Speckle multiplies linear power by a Gamma(L, 1/L) variable of mean 1 and variance 1/L
    (Goodman 1976, fully developed speckle after L looks). A radar image is held in dB, so there
    the factor is a term. Salt and pepper is that of the original toy: all bands of a pixel are
    replaced by one draw of Beta(1/2, 1/2).

    Args:
        settings: what noise.
        image: float32 (band, height, width) on the [0, 1] scale; of a radar image, scaled dB.
        rng: the frame's own stream.
    """
    if settings.speckle_looks is not None:
        noise = draw(rng, _speckle_quantiles(settings.speckle_looks), image.shape)
        noise += image
        image = noise
    if settings.shot_noise > 0:
        noise = normal(rng, image.shape)
        noise *= np.float32(settings.shot_noise)
        noise *= np.sqrt(np.maximum(image, 0))
        noise += image
        image = noise
    if settings.read_noise > 0:
        noise = normal(rng, image.shape)
        noise *= np.float32(settings.read_noise)
        noise += image
        image = noise
    if settings.salt_pepper is not None:
        image = _salt_and_pepper(settings.salt_pepper, image, rng)
    return image


def _salt_and_pepper(share: Interval, image: Floats, rng: np.random.Generator) -> Floats:
    """Replace a share of the pixels; only for those a value is drawn."""
    threshold = np.uint16(min(round(share.draw(rng) * 65536), 65535))
    hit = np.flatnonzero(words(rng, image[0].size) < threshold)
    noisy = image.copy()
    noisy.reshape(len(image), -1)[:, hit] = draw(rng, _salt_pepper_quantiles(), hit.shape)
    return noisy
