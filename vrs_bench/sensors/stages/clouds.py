"""Clouds: a fractal layer over the ground, with the shadow that it casts.

Thickness is a Gaussian field with a power-law spectrum, sampled coarsely and interpolated; the
share of pixels under cloud, and how fast clouds get opaque, are set apart from each other.
Opacity is kept as truth: it is the cause of what a method has to undo.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import scipy
from pydantic import Field, model_validator

from vrs_bench.columns import Column, quantise
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.stage import Draws, Observed, Stage
from vrs_bench.types import Array, Doubles, Floats
from vrs_bench.world.arithmetic import settle, soft_sign
from vrs_bench.world.streams import normal

Share = Annotated[float, Field(ge=0, le=1)]
SamplingScale = Annotated[int, Field(ge=4, le=2048)]

_BITS = 10  # the field is held in steps of 2⁻¹⁰ standard deviations
_REACH = 5  # and within ± 5 of them
_NOTHING = 1e-12  # a share so small may be rounding, of which a small power makes opacity
_WINDOW = 1.25  # side of the torus on which it is drawn, against that of the image


class Clouds(Stage):
    """A cloud layer, drawn anew for every frame."""

    stage: Literal["clouds"] = "clouds"
    probability: Share = 1.0
    """Probability that a frame has clouds."""
    cover: Interval = Interval(min=0.1, max=0.6)
    """Expected share of the pixels under cloud, drawn for every frame."""
    sampling_scale: SamplingScale = 64
    """Samples of the field along the longer side of the image; fewer make smoother clouds."""
    exponent: Annotated[float, Field(ge=0, le=4)] = 1.6
    """a of the amplitude spectrum 1/f^a; larger makes larger clouds."""
    density: Annotated[float, Field(gt=0, le=10)] = 1.6
    """Multiplies opacity before it is held at 1: larger makes more of a cloud opaque."""
    sparsity: Annotated[float, Field(gt=0, le=10)] = 1.0
    """Exponent of opacity: larger makes thin margins wider."""
    brightness: Share = 0.82
    """Reflectance of an opaque cloud, the same in all bands."""
    shadow: Share = 0.0
    """Share of the light that the shadow of an opaque cloud takes away; 0: no shadows."""
    shadow_azimuth: Annotated[float, Field(ge=0, le=360)] = 335.0
    """Direction in which shadows fall, degrees clockwise from north (the top of the image)."""
    shadow_offset: Interval = Interval(min=10.0, max=24.0)
    """Distance of the shadow from its cloud in pixels, drawn for every frame."""

    @model_validator(mode="after")
    def _cover_is_a_share(self) -> Clouds:
        if not 0 < self.cover.min <= self.cover.max <= 1:
            raise ValueError(
                f"cover: expected 0 < min ≤ max ≤ 1, got {self.cover.min} to {self.cover.max}"
            )
        if self.shadow_offset.min < 0 or self.shadow_offset.max > 200:
            raise ValueError("shadow_offset: expected pixels from 0 to 200")
        return self

    def check(self, product: str) -> None:
        """Clouds are of optical products."""
        if product != "optical":
            raise ValueError(f"clouds: radar sees through them, but the product is '{product}'")

    def draw(self, draws: Draws, height: int, width: int) -> CloudLayer | None:
        """Draw the clouds of a frame, or None where it has none."""
        return draw_clouds(self, draws.of_frame("clouds"), height, width)

    def apply(self, image: Floats, cause: CloudLayer | None, draws: Draws) -> Floats:
        """Return the ground under shadow and cloud."""
        return image if cause is None else cause.over(image)

    def columns(self, observed: Observed) -> tuple[Column, ...]:
        """Opacity and shadow."""
        size = (observed.height, observed.width)
        return (
            Column("cloud", "mask", "uint16", "Opacity of the clouds × 10000.", size),
            Column("shadow", "mask", "uint16", "Light lost in cloud shadow × 10000.", size),
        )

    def published(self, cause: CloudLayer | None, height: int, width: int) -> Mapping[str, Array]:
        """Opacity and shadow × 10000; zeros where there are none."""
        clear = np.zeros((height, width), np.float32)
        shadow = None if cause is None else cause.shadow
        return {
            "cloud": quantise(clear if cause is None else cause.opacity),
            "shadow": quantise(clear if shadow is None else shadow),
        }

    def shows(self, cause: CloudLayer | None) -> bool:
        """Where some of the ground is under cloud, and some is not."""
        return cause is not None and 0.1 <= (cause.opacity > 0).mean() <= 0.9

    def explain(self, cause: CloudLayer | None) -> str:
        """The share of pixels under cloud."""
        return "clear" if cause is None else f"cover {(cause.opacity > 0).mean():.0%}"


@dataclass(frozen=True)
class CloudLayer:
    """The clouds of one frame; arrays float32 (height, width)."""

    opacity: Floats
    """Share of the ground's light that is replaced by the cloud's, 0 to 1 (alpha)."""
    shadow: Floats | None
    """Share of the ground's light that a shadow takes away, 0 to 1; None: clouds cast none."""
    brightness: Floats
    """Reflectance of the cloud itself."""

    def over(self, ground: Floats) -> Floats:
        """Return the ground (band, height, width) as it is seen under shadow and cloud, float32."""
        lit = ground if self.shadow is None else ground * (1 - self.shadow)
        seen = self.brightness - lit
        seen *= self.opacity
        seen += lit
        return seen


@lru_cache(maxsize=8)
def _amplitude(exponent: float, rows: int, columns: int) -> Doubles:
    """Return 1/f^a on a torus, scaled to unit variance, without its mean."""
    fy, fx = scipy.fft.fftfreq(rows) * rows, scipy.fft.fftfreq(columns) * columns
    frequency = np.hypot(fy[:, None] / max(rows / columns, 1), fx / max(columns / rows, 1))
    frequency[0, 0] = np.inf
    amplitude = frequency**-exponent
    return np.asarray(amplitude / np.sqrt((amplitude**2).sum()))


def _upsample(samples: Floats, ratio: int) -> Floats:
    """Return cubic (Catmull-Rom) interpolation, ``ratio`` values from sample to sample.

    Only multiplications and additions in a fixed order, so the bits are the same everywhere. The
    first and the last two samples are support: n samples along a side give (n - 3) · ratio values.
    """
    for _ in range(2):  # along rows, then along columns
        n = samples.shape[0] - 3
        fine = np.empty((n, ratio, samples.shape[1]), np.float32)
        for phase in range(ratio):
            t = phase / ratio
            weights = (
                ((-0.5 * t + 1) * t - 0.5) * t,
                (1.5 * t - 2.5) * t * t + 1,
                ((-1.5 * t + 2) * t + 0.5) * t,
                (0.5 * t - 0.5) * t * t,
            )
            part = np.float32(weights[1]) * samples[1 : 1 + n]
            for tap in (0, 2, 3):
                if weights[tap]:
                    part += np.float32(weights[tap]) * samples[tap : tap + n]
            fine[:, phase] = part
        samples = np.ascontiguousarray(fine.reshape(n * ratio, -1).T)
    return samples


@lru_cache(maxsize=16)
def _opacity_table(density: float, sparsity: float, cover: float) -> Floats:
    """Return opacity by the settled field: 0 below the (1 - cover) quantile, then rising."""
    field = np.arange(-_REACH << _BITS, (_REACH << _BITS) + 1) / (1 << _BITS)
    above = (scipy.special.ndtr(field) - (1 - cover)) / cover
    above[above < _NOTHING] = 0
    return settle(np.minimum(density * above**sparsity, 1))


def draw_clouds(
    settings: Clouds, rng: np.random.Generator, height: int, width: int
) -> CloudLayer | None:
    """Draw the clouds of one frame, or None where it has none.

    Args:
        settings: what clouds.
        rng: the frame's own stream.
        height, width: size of the frame, pixels.
    """
    chance, share, distance = rng.random(3)
    if chance >= settings.probability:
        return None
    cover = (
        max(round(settings.cover.at(share) * 64), 1) / 64
    )  # of a grid, so that tables serve again

    dy, dx = _shadow_offset(settings, distance)
    # The window on the ground, with room for shadows of clouds beyond its edge.
    ratio = max(round(max(height, width) / settings.sampling_scale), 1)
    window = [-(-(n + abs(by)) // ratio) + 3 for n, by in ((height, dy), (width, dx))]
    torus = [scipy.fft.next_fast_len(math.ceil(_WINDOW * n)) for n in window]
    noise = np.empty(torus, np.complex128)
    noise.real, noise.imag = normal(rng, (2, *torus))
    noise *= _amplitude(settings.exponent, *torus)
    samples = scipy.fft.fft2(noise, overwrite_x=True)[: window[0], : window[1]]

    thickness = _upsample(settle(samples.real, bits=_BITS), ratio)
    table = _opacity_table(settings.density, settings.sparsity, cover)
    steps = (thickness * np.float32(1 << _BITS) + np.float32((_REACH << _BITS) + 0.5)).astype(
        np.intp
    )
    opacity = table.take(steps, mode="clip")
    top, left = max(-dy, 0), max(-dx, 0)

    def crop(image: Floats, by_rows: int = 0, by_columns: int = 0) -> Floats:
        row, column = top + by_rows, left + by_columns
        return image[row : row + height, column : column + width]

    bright = _upsample(np.float32(0.08) * soft_sign(settle(samples.imag, bits=12)), ratio)
    return CloudLayer(
        opacity=crop(opacity),
        shadow=np.float32(settings.shadow) * crop(opacity, dy, dx) if settings.shadow else None,
        brightness=np.float32(settings.brightness) + crop(bright),
    )


def _shadow_offset(settings: Clouds, share: float) -> tuple[int, int]:
    """Return where the cloud lies that darkens a pixel, (rows, columns) from it, whole pixels."""
    if settings.shadow == 0:
        return 0, 0
    azimuth = math.radians(settings.shadow_azimuth)
    distance = settings.shadow_offset.at(share)
    return round(distance * math.cos(azimuth)), round(-distance * math.sin(azimuth))
