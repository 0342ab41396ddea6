"""Noise of the receiver, drawn anew for every frame."""

from __future__ import annotations

from functools import cache
from typing import Annotated, ClassVar, Literal

import numpy as np
import scipy
from pydantic import Field

from vrs_bench.sensors.interval import Interval, within
from vrs_bench.sensors.stage import Draws, Stage
from vrs_bench.types import Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.series.radar import DB_FLOOR
from vrs_bench.world.streams import draw, midpoints, normal, words

Shares = Annotated[Interval, within(0, 1)]


class Noise(Stage):
    """Noise of the receiver: kinds act in the order of the keys."""

    is_noise: ClassVar[bool] = True
    stage: Literal["noise"] = "noise"
    speckle_looks: Annotated[float, Field(ge=1, le=1000)] | None = None
    """Equivalent number of looks L of a radar image; None: no speckle."""
    shot_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Standard deviation at signal 1 of noise whose variance is proportional to the signal."""
    read_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Standard deviation of additive Gaussian noise, on the [0, 1] scale."""
    salt_pepper: Shares | None = None
    """Share of pixels replaced by salt and pepper, drawn for every frame; None: none."""

    def check(self, product: str) -> None:
        """Speckle is of radar."""
        if self.speckle_looks is not None and product != "sar":
            raise ValueError(
                f"noise.speckle_looks: speckle is of radar, but the product is '{product}'"
            )

    def apply(self, image: Floats, cause: None, draws: Draws) -> Floats:
        """Return the image with noise, not clipped."""
        return add_noise(self, image, draws.of_frame("noise"))

    def explain(self, cause: None) -> str:
        """The kinds of noise."""
        kinds = [
            f"{self.speckle_looks:g} looks" if self.speckle_looks is not None else "",
            f"shot noise {self.shot_noise:g}" if self.shot_noise else "",
            f"read noise {self.read_noise:g}" if self.read_noise else "",
            "salt and pepper" if self.salt_pepper is not None else "",
        ]
        return ", ".join(kind for kind in kinds if kind)


@cache
def _speckle_quantiles(looks: float) -> Floats:
    """Return quantiles of speckle on the scaled dB axis: 10 log10(G) / 30, G ~ Gamma(L, 1/L)."""
    power = scipy.special.gammaincinv(looks, midpoints()) / looks
    return settle(10 * np.log10(power) / -DB_FLOOR, bits=16)


@cache
def _salt_pepper_quantiles() -> Floats:
    """Return quantiles of Beta(1/2, 1/2), the arcsine law: near 0 or near 1, seldom between."""
    return settle(np.sin(np.pi / 2 * midpoints()) ** 2, bits=16)


def add_noise(settings: Noise, image: Floats, rng: np.random.Generator) -> Floats:
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
