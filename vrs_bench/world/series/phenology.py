"""Land-cover time series from a small physical model: one state, seen in the optical and by radar.

The state of a cell is its leaf area index (a double logistic, Beck et al. 2006), the share of its
canopy that is senescent or in bloom, and its soil moisture (rain pulses with exponential
dry-down; rain is the scene's, drainage is the cell's). Reflectance is an exponential mixture of
canopy and ground (Beer-Lambert in LAI), the ground darkening with moisture (Lobell & Asner 2002,
SSSAJ 66:722); backscatter is the water cloud model (Attema & Ulaby 1978, Radio Sci. 13:357).
Because both come from the same state, translating one into the other is a physical question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vrs_bench.types import Array, Doubles, Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.landcover import (
    EXTINCTION,
    LAND_COVER,
    OPTICAL_BANDS,
    PETALS,
    SAR_BANDS,
    SENESCENT_CANOPY,
    class_names,
)
from vrs_bench.world.series.source import CellSeries, SeriesSource
from vrs_bench.world.streams import normal, stream

INCIDENCE_DEG = 38.0
"""Incidence angle of the virtual radar, mid-swath of Sentinel-1 IW."""
DB_FLOOR = -30.0
"""The backscatter that maps to 0; 0 dB maps to 1."""
_SPIN_UP_DAYS = 60
_RESIDUAL, _SATURATED = 0.06, 0.42  # volumetric soil moisture, m³/m³
_WILT_SHARPNESS = 0.15  # of the turn from green to straw, per day
_WILT_LEAD_DAYS = 12.0  # straw shows before the leaves fall
_STRAW_DAYS = 35.0  # and is gone this long after
_BLOOM_DAYS = (122.0, 4.0, 9.0)  # peak, its standard deviation, width
_DARKENING = 9.0  # of soil with moisture, per m³/m³: c of Lobell & Asner 2002


class PhenologySettings(SeriesSource):
    """Calendar and weather of the ``phenology`` source."""

    source: Literal["phenology"] = "phenology"
    start_day: Annotated[int, Field(ge=0, le=365)] = 6
    """Day of year of time step 0."""
    step_days: Annotated[int, Field(ge=1, le=366)] = 12
    """Days from one time step to the next (12: one satellite's repeat cycle)."""
    rain_probability: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Probability that a day brings rain."""
    rain_mm: Annotated[float, Field(ge=0, le=1000)] = 6.0
    """Mean depth of rain on a day that brings rain (exponential), mm."""
    spread: Annotated[float, Field(ge=0, le=3)] = 1.0
    """Scale of the differences between cells of one class; 0 makes them alike."""

    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """Return the optical and the radar product."""
        return {"optical": OPTICAL_BANDS, "sar": SAR_BANDS}

    def classes(self) -> tuple[str, ...]:
        """Return the names of the land covers."""
        return class_names()

    def draw(self, labels: Array, n_steps: int, seed: int, scene: int) -> CellSeries:
        """Draw the state of every cell, and see it in the optical and by radar."""
        state = draw_state(self, labels, n_steps, seed, scene)
        return CellSeries({"optical": reflectance(state), "sar": backscatter(state)}, state)

    def texture_amplitudes(self, product: str) -> tuple[float, ...]:
        """Return the amplitudes of the land covers."""
        index = tuple(self.bands()).index(product)
        return (0.0, *(cover.texture[index] for cover in LAND_COVER))

    def background(self, product: str) -> tuple[float, ...]:
        """Return what lies between fields: a gravel track with some grass."""
        return {"optical": (0.075, 0.100, 0.120, 0.200), "sar": (0.47, 0.22)}[product]

    def day(self, step: int) -> int:
        """Return the day of a time step, counted from 1 January of the first year."""
        return self.start_day + step * self.step_days


@dataclass(frozen=True)
class State:
    """What is on each cell at each time step; arrays (n_cells, n_steps) unless said otherwise."""

    classes: Array
    """Land-cover label, (n_cells,), from 1."""
    lai: Doubles
    """Leaf area index, m²/m²."""
    senescent: Doubles
    """Share of the canopy that is dry, 0 to 1."""
    bloom: Doubles
    """Share of the view that is petals, 0 to 1."""
    moisture: Doubles
    """Volumetric soil moisture, m³/m³."""
    ground_gain: Doubles
    """Brightness of the ground relative to its class, (n_cells, 1)."""
    canopy_gain: Doubles
    """Brightness of the canopy relative to its class, (n_cells, 1)."""
    roughness_db: Doubles
    """Departure of the ground's backscatter from its class, dB."""


def _by_class(classes: Array, attribute: str) -> Doubles:
    """Return an attribute of each cell's class, (n_cells,) or (n_cells, n_values)."""
    table = np.array([getattr(cover, attribute) for cover in LAND_COVER], dtype=np.float64)
    return table[np.asarray(classes, dtype=np.intp) - 1]


def logistic(x: Array) -> Doubles:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x, dtype=np.float64)))


def double_logistic(
    day: Array,
    before: Array,
    peak: Array,
    after: Array,
    rise: Array,
    fall: Array,
    rates: tuple[Array, Array],
) -> Doubles:
    """Return the seasonal course of Beck et al. 2006 (RSE 100:321), with its own level after.

    ``before + (peak - before) / (1+exp(-m_s(t-S))) - (peak - after) / (1+exp(-m_a(t-A)))``,
    which is their equation 1 where ``after`` equals ``before``.

    Args:
        day: day of year t.
        before, peak, after: value before, in and after the season.
        rise, fall: S and A, days of the steepest rise and fall.
        rates: m_s and m_a, per day.
    """
    grown = (peak - before) * logistic(rates[0] * (day - rise))
    gone = (peak - after) * logistic(rates[1] * (day - fall))
    return before + grown - gone


def soil_moisture(days: Array, rain_days: Array, rain_mm: Array, dry_down: Array) -> Doubles:
    """Return volumetric soil moisture after rain pulses that each decay exponentially.

    Wetness is Σ rain/30 mm · exp(-(t - t_rain)/τ) over past rain; moisture rises from residual
    to saturated as 1 - exp(-wetness).

    Args:
        days: (n_steps,) days at which moisture is wanted.
        rain_days, rain_mm: (n_events,) days and depths of rain.
        dry_down: (n_cells,) time constant τ of each cell, days.

    Returns:
        float64 (n_cells, n_steps), m³/m³, in [0.06, 0.42].
    """
    age = np.asarray(days, dtype=np.float64)[:, None] - rain_days
    fallen = np.where(age >= 0, rain_mm / 30.0, 0.0)
    decay = np.exp(-np.maximum(age, 0) / np.asarray(dry_down)[:, None, None])
    wetness = (decay * fallen).sum(axis=-1)
    return np.asarray(_RESIDUAL + (_SATURATED - _RESIDUAL) * (1 - np.exp(-wetness)))


def _rain(settings: PhenologySettings, rng: np.random.Generator, last: int) -> tuple[Array, Array]:
    """Draw the scene's rain from before time step 0 to the last day: days and depths in mm."""
    days = np.arange(settings.start_day - _SPIN_UP_DAYS, last + 1)
    occurs, depth = rng.random((2, len(days)))
    wet = occurs < settings.rain_probability
    return days[wet], -settings.rain_mm * np.log1p(-depth[wet])


def draw_state(
    settings: PhenologySettings, classes: Array, n_steps: int, seed: int, scene: int
) -> State:
    """Draw the state of every cell of a scene.

    Args:
        settings: calendar and weather.
        classes: (n_cells,) labels from 1.
        n_steps: horizon.
        seed, scene: key of the random streams ``"rain"``, ``"cells/phenology"`` and ``"wind"``.
    """
    days = settings.start_day + settings.step_days * np.arange(n_steps)
    n = len(classes)
    z = settings.spread * normal(stream(seed, scene, "cells/phenology"), (n, 8)).astype(np.float64)
    z_low, z_high, z_rise, z_fall, z_bloom, z_dry, z_ground, z_canopy = z.T

    # Per cell, as columns against the time steps.
    before, peak, after = _by_class(classes, "lai").T[..., None]
    rise, rise_sd = _by_class(classes, "green_up").T[..., None]
    fall, fall_sd = _by_class(classes, "senescence").T[..., None]
    rates = _by_class(classes, "rates").T[..., None]
    low_gain, high_gain = np.exp(0.12 * z_low)[:, None], np.exp(0.10 * z_high)[:, None]
    rise, fall = rise + rise_sd * z_rise[:, None], fall + fall_sd * z_fall[:, None]

    # A season is seen again a year on, so that horizons of more than a year go on growing.
    day = days % 365.0
    lai = double_logistic(
        day,
        before * low_gain,
        peak * high_gain,
        after * low_gain,
        rise,
        fall,
        (rates[0], rates[1]),
    )
    # Straw: from shortly before the fall until the canopy is gone; then it is mown or ploughed in.
    wilted = logistic(_WILT_SHARPNESS * (day - fall + _WILT_LEAD_DAYS))
    standing = logistic(_WILT_SHARPNESS * (fall + _STRAW_DAYS - day))
    senescent = _by_class(classes, "dries")[:, None] * wilted * standing
    full_bloom, full_bloom_sd, width = _BLOOM_DAYS
    off_bloom = (day - full_bloom - full_bloom_sd * z_bloom[:, None]) / width
    bloom = _by_class(classes, "flower")[:, None] * np.exp(-0.5 * off_bloom**2)
    rain_days, rain_mm = _rain(settings, stream(seed, scene, "rain"), int(days[-1]))
    moisture = soil_moisture(days, rain_days, rain_mm, 8.0 * np.exp(0.35 * z_dry))

    wind = normal(stream(seed, scene, "wind"), (n_steps,)).astype(np.float64)
    gusty = _by_class(classes, "roughness_db")[:, None]
    # Water changes with the wind of the day, all of a scene together; tillage stays with a cell.
    roughness_db = np.where(gusty > 0, gusty * wind, 0.6 * z_ground[:, None])
    return State(
        classes=np.asarray(classes),
        lai=lai,
        senescent=senescent,
        bloom=bloom,
        moisture=moisture,
        ground_gain=np.exp(0.10 * z_ground)[:, None],
        canopy_gain=np.exp(0.05 * z_canopy)[:, None],
        roughness_db=roughness_db,
    )


def reflectance(state: State) -> Floats:
    """Return surface reflectance of each cell at each time step.

    ``ρ = ρ_canopy (1 - e^(-k LAI)) + ρ_ground(m) e^(-k LAI)``, per band, with
    ``ρ_ground(m) = ρ_wet + (ρ_dry - ρ_wet) e^(-c m)``.

    Returns:
        float32 (n_cells, n_steps, 4): blue, green, red, near infrared.
    """
    senescent, bloom = state.senescent[..., None], state.bloom[..., None]
    canopy = (1 - senescent) * _by_class(state.classes, "canopy")[:, None] + senescent * np.asarray(
        SENESCENT_CANOPY
    )
    canopy = (1 - bloom) * canopy + bloom * np.asarray(PETALS)
    dry = _by_class(state.classes, "ground_dry")[:, None]
    wet = _by_class(state.classes, "ground_wet")[:, None]
    ground = wet + (dry - wet) * np.exp(-_DARKENING * (state.moisture[..., None] - _RESIDUAL))
    gap = np.exp(-np.asarray(EXTINCTION) * state.lai[..., None])
    mixed = (
        canopy * state.canopy_gain[..., None] * (1 - gap)
        + ground * state.ground_gain[..., None] * gap
    )
    return settle(np.clip(mixed, 0, 1))


def backscatter_db(state: State) -> Doubles:
    """Return backscatter by the water cloud model, with σ0 of the canopy independent of LAI.

    ``σ0 = A cos θ (1 - γ²) + γ² σ0_ground``, ``γ² = exp(-2 B LAI / cos θ)`` (Attema & Ulaby 1978
    in the form of Prévot et al. 1993 with E = 0); the ground rises linearly in dB with moisture.

    Returns:
        float64 (n_cells, n_steps, 2): VV, VH in dB.
    """
    cosine = np.cos(np.radians(INCIDENCE_DEG))
    ground_db = (
        _by_class(state.classes, "ground_db")[:, None]
        + _by_class(state.classes, "moisture_db")[:, None] * state.moisture[..., None]
        + state.roughness_db[..., None]
    )
    transmission = np.exp(
        -2 * _by_class(state.classes, "attenuation")[:, None] * state.lai[..., None] / cosine
    )
    # Dry straw holds no water: a senescent canopy scatters less.
    canopy = _by_class(state.classes, "canopy_sigma")[:, None] * (
        1 - 0.5 * state.senescent[..., None]
    )
    canopy = canopy * state.canopy_gain[..., None] * cosine
    sigma = canopy * (1 - transmission) + transmission * 10 ** (ground_db / 10)
    return np.asarray(10 * np.log10(sigma))


def scale_db(db: Array) -> Array:
    """Map backscatter from [-30, 0] dB linearly to [0, 1]."""
    return np.clip((db - DB_FLOOR) / -DB_FLOOR, 0, 1)


def backscatter(state: State) -> Floats:
    """Return :func:`backscatter_db` on the published scale, float32 in [0, 1]."""
    return settle(scale_db(backscatter_db(state)))
