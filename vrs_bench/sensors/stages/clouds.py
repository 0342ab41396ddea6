"""Clouds: a fractal layer over the ground, with the shadow that it casts.

Thickness is a Gaussian field with a power-law spectrum, sampled coarsely and interpolated; the
share of pixels under cloud, and how fast clouds get opaque, are set apart from each other.
Opacity is kept as truth: it is the cause of what a method has to undo. By itself every frame has
clouds of its own; with `weather` a day is clear, hazy, partly clouded or overcast.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from vrs_bench.columns import Column, quantise
from vrs_bench.sensors.cloud_fields import SUPPORT, draw_fields, opacity_of, upsample
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.stage import Draws, Observed, Stage
from vrs_bench.sensors.weather import Veil, Weather
from vrs_bench.types import Array, Floats
from vrs_bench.world.arithmetic import soft_sign

Share = Annotated[float, Field(ge=0, le=1)]
SamplingScale = Annotated[int, Field(ge=4, le=2048)]

_SOFT_SAMPLES = 32  # along the longer side, of the fields of haze and of overcast skies
_HAZE_EXPONENT = 2.4  # smoother than clouds
_HAZE_SPARSITY = 2.0  # and without an edge: opacity rises from 0 with slope 0


class Clouds(Stage):
    """Clouds and haze, drawn anew for every frame, or by the weather of its day."""

    stage: Literal["clouds"] = "clouds"
    probability: Share = 1.0
    """Probability that a frame has clouds; of weather it is a part."""
    cover: Interval = Interval(min=0.1, max=0.6)
    """Expected share of the pixels under cloud, drawn for every frame that has some clouds."""
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
    weather: Weather | None = None
    """Spells of fair and foul days, overcast days and haze; without, every frame is for itself."""

    @model_validator(mode="after")
    def _cover_is_a_share(self) -> Clouds:
        if not 0 < self.cover.min <= self.cover.max <= 1:
            raise ValueError(
                f"cover: expected 0 < min ≤ max ≤ 1, got {self.cover.min} to {self.cover.max}"
            )
        if self.shadow_offset.min < 0 or self.shadow_offset.max > 200:
            raise ValueError("shadow_offset: expected pixels from 0 to 200")
        if self.weather and self.probability != 1:
            raise ValueError("probability: how often there are clouds is said by weather; drop it")
        return self

    @model_serializer(mode="wrap")
    def _as_before_there_was_weather(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out weather where there is none: digests of recipes stay what they were."""
        settings: dict[str, Any] = dump(self)
        if self.weather is None:
            settings.pop("weather", None)
        return settings

    def check(self, product: str) -> None:
        """Clouds are of optical products."""
        if product != "optical":
            raise ValueError(f"clouds: radar sees through them, but the product is '{product}'")

    def draw(self, draws: Draws, height: int, width: int) -> CloudLayer | None:
        """Draw the clouds and haze of a frame, or None where it has none."""
        if self.weather is None:
            return draw_clouds(self, draws.of_frame("clouds"), height, width)
        sky = self.weather.sky(draws)
        rng = draws.of_day("clouds")
        if sky.state == "overcast":
            return draw_overcast(self, rng, height, width)
        layer = draw_clouds(self, rng, height, width) if sky.state == "partly" else None
        if sky.veil is None:
            return layer
        haze = draw_haze(sky.veil, draws.of_day("clouds/haze"), height, width)
        if layer is None:
            return CloudLayer(haze, None, np.full_like(haze, self.brightness))
        # What light the clouds let through the haze lets through in part, before or after them.
        return replace(layer, opacity=1 - (1 - layer.opacity) * (1 - haze))

    def apply(self, image: Floats, cause: CloudLayer | None, draws: Draws) -> Floats:
        """Return the ground under shadow and cloud."""
        return image if cause is None else cause.over(image)

    def columns(self, observed: Observed) -> tuple[Column, ...]:
        """Opacity and shadow."""
        size = (observed.height, observed.width)
        what = "the clouds" if self.weather is None else "clouds and haze together"
        return (
            Column("cloud", "mask", "uint16", f"Opacity of {what} × 10000.", size),
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
        """The share of pixels under cloud or haze, and the mean opacity over all pixels."""
        if cause is None:
            return "clear"
        if cause.opacity.min() == 1:
            return "overcast"
        return f"cover {(cause.opacity > 0).mean():.0%}, mean opacity {cause.opacity.mean():.2f}"


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
        if self.opacity.min() == 1:  # no ground comes through, not even by rounding
            return np.broadcast_to(self.brightness, ground.shape).copy()
        lit = ground if self.shadow is None else ground * (1 - self.shadow)
        seen = self.brightness - lit
        seen *= self.opacity
        seen += lit
        return seen


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
    window = [-(-(n + abs(by)) // ratio) + SUPPORT for n, by in ((height, dy), (width, dx))]
    thickness, other = draw_fields(rng, settings.exponent, *window)
    opacity = opacity_of(upsample(thickness, ratio), settings.density, settings.sparsity, cover)
    top, left = max(-dy, 0), max(-dx, 0)

    def crop(image: Floats, by_rows: int = 0, by_columns: int = 0) -> Floats:
        row, column = top + by_rows, left + by_columns
        return image[row : row + height, column : column + width]

    bright = upsample(np.float32(0.08) * soft_sign(other), ratio)
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


def draw_overcast(
    settings: Clouds, rng: np.random.Generator, height: int, width: int
) -> CloudLayer:
    """Draw a deck of clouds that hides all the ground of a frame."""
    field, ratio = _draw_soft(rng, settings.exponent, height, width)
    bright = upsample(np.float32(settings.brightness) + np.float32(0.05) * field, ratio)
    return CloudLayer(np.ones((height, width), np.float32), None, bright[:height, :width])


def draw_haze(veil: Veil, rng: np.random.Generator, height: int, width: int) -> Floats:
    """Return the opacity of haze, float32 (height, width)."""
    field, ratio = _draw_soft(rng, _HAZE_EXPONENT, height, width)
    extent = round(veil.extent * 16) / 16  # of a grid, so that tables serve again
    # Opacity is so smooth that its samples can be made finer in place of the field's.
    samples = np.float32(veil.opacity) * opacity_of(field, 1, _HAZE_SPARSITY, extent)
    return np.clip(upsample(samples, ratio)[:height, :width], 0, 1)


def _draw_soft(
    rng: np.random.Generator, exponent: float, height: int, width: int
) -> tuple[Floats, int]:
    """Draw the samples of a field without detail; return how much finer they have to be made."""
    ratio = max(round(max(height, width) / _SOFT_SAMPLES), 1)
    field, _ = draw_fields(rng, exponent, *(-(-n // ratio) + SUPPORT for n in (height, width)))
    return field, ratio
