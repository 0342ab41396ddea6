"""The physical state of cells over the year: leaves, straw, flowers, moisture, and what is done.

The course of a year is a sum of logistic steps that are continued over the years, so the last day
of a year meets the first: a winter crop stands over New Year, and what perennials let wither stays
until spring. Cells of one class differ in variety and sowing date, in how dense they grow, and in
what the farmer does to them: meadows are mown, stubble is ploughed, cover crops and weeds come up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrs_bench.types import Array, Doubles
from vrs_bench.world.landcover import LAND_COVER
from vrs_bench.world.series.phenology import PhenologySettings
from vrs_bench.world.series.rain import draw_rain, draw_rain_after, soil_moisture
from vrs_bench.world.streams import normal, stream

YEAR = 365.0
"""Days; no year is a leap year."""

# Differences between the cells of one class. Dates are days, gains are of the logarithm.
_VARIETY_DAYS = 14.0  # early or late, of all dates of a cell together
_FALL_FOLLOWS = 0.7  # of that shift: a late crop ripens faster
_DATE_SPREAD = 2.2  # of the class's own deviations of its dates
_LEAST_SEASON_DAYS = 35.0  # from green-up to senescence
_LOW_GAIN, _HIGH_GAIN = 0.22, 0.18  # of leaf area out of season and at its peak
_EMERGENCE_SPREAD_DAYS = 8.0
_GROUND_GAIN, _CANOPY_GAIN = 0.15, 0.08
_ROUGHNESS_DB = 0.8
_DRY_DOWN_DAYS, _DRY_DOWN_GAIN = 8.0, 0.35

_EMERGENCE_RATE = 0.06  # per day
_WILT_RATE = 0.15  # of the turn from green to straw and back, per day
_WILT_LEAD_DAYS = 12.0  # straw shows before the leaves fall
_STRAW_DAYS = 35.0  # and is gone this long after,
_STRAW_ENDS_DAYS = 25.0  # or in perennials so long before they grow again
_BLOOM_DAYS = (122.0, 6.0, 9.0)  # peak, its standard deviation, width
_BLOOM_FOLLOWS = 0.5  # of the variety's shift
_FLOWERS_LESS = 0.5  # of petals, at most

_MOWN_SHARE = 0.75  # of meadows
_CUTS = ((150.0, 35.0), (200.0, 35.0), (250.0, 35.0))  # middle and range of the days of mowing
_CUT, _REGROWTH_DAYS = 0.6, 22.0  # share of the leaves; time constant
_COVER_SHARE = 0.4  # of fields that are harvested early
_COVER_LAI = 2.6
_COVER_RATE = 0.1
_WEEDS_LAI = 0.8
_WEEDS_RATE = 0.08
_PLOUGHED_SHARE = 0.7  # of crops, some weeks after harvest
_FURROW_DB, _FURROW_DAYS = 2.0, 40.0  # rougher, until rain has levelled it
_FURROW_DARKER = 0.15  # moist clods and their shadows


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
    """Brightness of the ground relative to its class."""
    canopy_gain: Doubles
    """Brightness of the canopy relative to its class, (n_cells, 1)."""
    roughness_db: Doubles
    """Departure of the ground's backscatter from its class, dB."""


def by_class(classes: Array, attribute: str) -> Doubles:
    """Return an attribute of each cell's class, (n_cells,) or (n_cells, n_values)."""
    table = np.array([getattr(cover, attribute) for cover in LAND_COVER], dtype=np.float64)
    return table[np.asarray(classes, dtype=np.intp) - 1]


def logistic(x: Array) -> Doubles:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x, dtype=np.float64)))


def yearly_step(day: Array, when: Array, rate: Array | float) -> Doubles:
    """Return a logistic step of every year, without those of the years before.

    ``Σₖ logistic(rate (day - when - 365 k))`` over the year before, this one and the next, less 1
    for the year before: from the first day of a year to the last it rises by exactly 1, so courses
    whose steps cancel are periodic.

    Args:
        day: day of year, [0, 365].
        when: day of the steepest rise; may lie somewhat outside of the year.
        rate: steepness, per day.
    """
    day, when = np.asarray(day, np.float64), np.asarray(when, np.float64)
    years = [logistic(rate * (day - when - YEAR * year)) for year in (-1, 0, 1)]
    return years[0] + years[1] + years[2] - 1


def yearly_spell(day: Array, first: Array, last: Array, rate: float) -> Doubles:
    """Return 1 from one day to another of every year and 0 in the rest of it, with soft ends.

    Args:
        day: day of year, [0, 365].
        first, last: days of the steepest rise and fall; ``last`` may lie in the next year.
        rate: steepness, per day.
    """
    day = np.asarray(day, np.float64)
    return np.asarray(
        sum(
            logistic(rate * (day - first - YEAR * year))
            * logistic(rate * (last + YEAR * year - day))
            for year in (-1, 0, 1)
        )
    )


def _since(day: Array, when: Array) -> Doubles:
    """Return the days since the last time that a day of the year came round."""
    return np.mod(np.asarray(day, np.float64) - when, YEAR)


def leaf_area(
    day: Array,
    levels: tuple[Array, Array, Array],
    dates: tuple[Array, Array, Array],
    rates: tuple[Array, Array],
) -> Doubles:
    """Return the periodic course of leaf area over the year.

    In its season it is the double logistic of Beck et al. 2006 (RSE 100:321) with its own level
    after; a crop that was sown in autumn emerges after that and stands over New Year.

    Args:
        day: day of year, (n_steps,) or (1, n_steps).
        levels: before the season, at its peak and after it, m²/m², (n_cells, 1) each.
        dates: days of emergence, of the steepest rise and of the steepest fall, (n_cells, 1) each;
            emergence matters where the levels before and after differ.
        rates: steepness of rise and fall, per day.
    """
    before, peak, after = levels
    emergence, rise, fall = dates
    sown = (before - after) * (1 + yearly_step(day, emergence, _EMERGENCE_RATE))
    grown = (peak - before) * yearly_step(day, rise, rates[0])
    gone = (peak - after) * yearly_step(day, fall, rates[1])
    return np.maximum(after + sown + grown - gone, 0)


def draw_state(
    settings: PhenologySettings, classes: Array, n_steps: int, seed: int, scene: int, later: int = 0
) -> State:
    """Draw the state of every cell of a scene.

    Args:
        settings: calendar and weather.
        classes: (n_cells,) labels from 1.
        n_steps: horizon.
        seed, scene: key of the random streams ``"rain"``, ``"cells/phenology"``,
            ``"cells/management"`` and ``"wind"``.
        later: days after each time step at which the state is wanted, 0 to 60; what falls after
            the last one is of a stream of its own, so that all other rain stays.
    """
    days = settings.start_day + settings.step_days * np.arange(n_steps)
    last, days = int(days[-1]), days + later
    day, n = ((days - settings.season_shift_days) % YEAR)[None], len(classes)
    z = settings.spread * normal(stream(seed, scene, "cells/phenology"), (n, 10)).astype(np.float64)
    low, high, variety, earlier, longer, sown, bloomed, drained, dusty, lush = z.T[..., None]
    # Without spread, all are managed alike.
    chance = 0.5 + min(settings.spread, 1.0) * (
        stream(seed, scene, "cells/management").random((n, 10)) - 0.5
    )
    choices = chance.T[..., None]

    shift = _VARIETY_DAYS * variety
    (rise, rise_sd), (fall, fall_sd) = (
        by_class(classes, date).T[..., None] for date in ("green_up", "senescence")
    )
    moves = rise_sd > 0  # water has no season
    rise = rise + np.where(moves, _DATE_SPREAD * rise_sd * earlier + shift, 0)
    fall = fall + np.where(moves, _DATE_SPREAD * fall_sd * longer + _FALL_FOLLOWS * shift, 0)
    fall = np.maximum(fall, rise + _LEAST_SEASON_DAYS)
    emergence = by_class(classes, "emergence")[:, None] + _EMERGENCE_SPREAD_DAYS * sown
    before, peak, after = by_class(classes, "lai").T[..., None]
    rates = by_class(classes, "rates").T[..., None]
    low_gain, high_gain = np.exp(_LOW_GAIN * low), np.exp(_HIGH_GAIN * high)
    lai = leaf_area(
        day,
        (before * low_gain, peak * high_gain, after * low_gain),
        (emergence, rise, fall),
        (rates[0], rates[1]),
    )
    lai = _managed(lai, classes, day, fall, choices)

    perennial = by_class(classes, "perennial")[:, None] > 0
    straw_ends = np.where(perennial, rise + YEAR - _STRAW_ENDS_DAYS, fall + _STRAW_DAYS)
    wilted = yearly_spell(day, fall - _WILT_LEAD_DAYS, straw_ends, _WILT_RATE)
    senescent = np.clip(by_class(classes, "dries")[:, None] * wilted, 0, 1)
    full_bloom, full_bloom_sd, width = _BLOOM_DAYS
    off = (day - full_bloom - full_bloom_sd * bloomed - _BLOOM_FOLLOWS * shift) / width
    petals = by_class(classes, "flower")[:, None] * (1 - _FLOWERS_LESS * choices[7])

    rain = draw_rain(
        stream(seed, scene, "rain"),
        settings.start_day,
        last,
        settings.rain_probability,
        settings.rain_mm,
    )
    if later:
        after = draw_rain_after(
            stream(seed, scene, "rain/after"), last, settings.rain_probability, settings.rain_mm
        )
        rain = np.concatenate([rain[0], after[0]]), np.concatenate([rain[1], after[1]])
    dry_down = _DRY_DOWN_DAYS * np.exp(_DRY_DOWN_GAIN * drained[:, 0])
    furrows = _furrows(classes, day, fall, choices)
    wind = normal(stream(seed, scene, "wind"), (n_steps,)).astype(np.float64)
    gusty = by_class(classes, "roughness_db")[:, None]
    # Water changes with the wind of the day, all of a scene together; tillage is a cell's own.
    rough = np.where(gusty > 0, gusty * wind, _ROUGHNESS_DB * dusty + _FURROW_DB * furrows)
    return State(
        classes=np.asarray(classes),
        lai=lai,
        senescent=senescent,
        bloom=petals * np.exp(-0.5 * off**2),
        moisture=soil_moisture(days, *rain, dry_down),
        ground_gain=np.exp(_GROUND_GAIN * dusty) * (1 - _FURROW_DARKER * furrows),
        canopy_gain=np.exp(_CANOPY_GAIN * lush),
        roughness_db=rough,
    )


def _managed(lai: Doubles, classes: Array, day: Array, fall: Array, choices: Array) -> Doubles:
    """Return leaf area with what is mown, and with what comes up between crops.

    Args:
        lai: (n_cells, n_steps).
        classes: (n_cells,).
        day: (1, n_steps).
        fall: day of senescence, (n_cells, 1).
        choices: (9 or more, n_cells, 1) in [0, 1): what a farmer chooses, and when.
    """
    meadow = by_class(classes, "mown")[:, None] > 0
    mown = meadow & (choices[3] < _MOWN_SHARE)
    for (middle, span), choice in zip(_CUTS, choices[:3], strict=True):
        age = _since(day, middle + span * (choice - 0.5))
        lai = lai * np.where(mown, 1 - _CUT * np.exp(-age / _REGROWTH_DAYS), 1.0)
    early = by_class(classes, "harvested_early")[:, None] > 0
    covered = early & (choices[4] < _COVER_SHARE)
    first, last = fall + 45 + 20 * choices[6], fall + 130 + 25 * choices[5]
    cover = _COVER_LAI * choices[5] * yearly_spell(day, first, last, _COVER_RATE)
    fallow = by_class(classes, "fallow")[:, None] > 0
    first, last = 110 + 80 * choices[5], 200 + 90 * choices[6]
    weeds = _WEEDS_LAI * choices[4] * yearly_spell(day, first, last, _WEEDS_RATE)
    return np.asarray(lai + np.where(covered, cover, 0) + np.where(fallow, weeds, 0))


def _furrows(classes: Array, day: Array, fall: Array, choices: Array) -> Doubles:
    """Return how fresh the furrows are: 1 on the day of ploughing, then ever less."""
    crop = by_class(classes, "tilled")[:, None] > 0
    age = _since(day, fall + 25 + 35 * choices[9])
    return np.where(crop & (choices[8] < _PLOUGHED_SHARE), np.exp(-age / _FURROW_DAYS), 0.0)
