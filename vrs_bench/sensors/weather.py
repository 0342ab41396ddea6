"""Weather: spells of fair and of foul days, and what the sky over a scene is like on a day.

Clear views come in runs, with gaps of weeks between them. So a regime is hidden behind the sky: a
Markov chain of two states on the grid of days (Richardson 1981 has wet and dry days so), given
which the days are independent. The chain runs over days, not over frames: sensors of any revisit
sample the same weather.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from vrs_bench.sensors.interval import Interval, within
from vrs_bench.sensors.stage import Draws
from vrs_bench.settings import Settings

Share = Annotated[float, Field(ge=0, le=1)]
SpellDays = Annotated[float, Field(ge=2, le=10_000)]
SkyState = Literal["clear", "partly", "overcast"]

_STATES: tuple[SkyState, ...] = ("clear", "partly", "overcast")


class SkyShares(Settings):
    """Which skies the days of a spell have; those that are neither are overcast."""

    clear: Share
    """Share of the days without clouds."""
    partly: Share
    """Share of the days on which some of the ground is under clouds."""

    @model_validator(mode="after")
    def _no_more_than_all(self) -> SkyShares:
        if self.clear + self.partly > 1 + 1e-9:
            raise ValueError(f"clear + partly: {self.clear:g} + {self.partly:g} is more than 1")
        return self


class Haze(Settings):
    """Thin cloud with soft edges, below which the ground is still seen."""

    probability: Share = 0.3
    """Share of the days with haze, of any sky."""
    opacity: Annotated[Interval, within(0, 1)] = Interval(min=0.05, max=0.4)
    """Opacity where haze is thickest, drawn for every day."""
    extent: Annotated[Interval, within(0.05, 4)] = Interval(min=0.3, max=2.0)
    """Reach of the haze, drawn for every day: at 0.3 it lies on 30 % of the ground, above 1 no
    ground is without, and the larger the more even it is."""


@dataclass(frozen=True)
class Veil:
    """The haze of one day."""

    opacity: float
    """Where it is thickest."""
    extent: float
    """See :class:`Haze`."""


@dataclass(frozen=True)
class Sky:
    """The sky over a scene on one day."""

    state: SkyState
    veil: Veil | None
    """Its haze, where it has any."""


class Weather(Settings):
    """How fair and foul days follow each other, and what they bring.

    The defaults are held against one Sentinel-2 series of Slovenia, 68 dates, of which 44, 26 and
    29 % are clear, partly clouded and overcast, with 10, 50 and 100 days between clear ones
    (quantiles .5, .9 and .99). They give 43, 26 and 31 %, and in series as long with a date every
    10 days 10, 40 and 106 days, the median over scenes; the quantile .99 of all gaps is 180 days.
    How often there is haze, and how much, is chosen, not measured.
    """

    fair_days: SpellDays = 75.0
    """Mean length of a fair spell, days."""
    foul_days: SpellDays = 60.0
    """Mean length of a foul spell, days."""
    fair: SkyShares = SkyShares(clear=0.75, partly=0.23)
    """Skies of fair days."""
    foul: SkyShares = SkyShares(clear=0.03, partly=0.30)
    """Skies of foul days."""
    haze: Haze = Haze()

    def is_fair(self, draws: Draws) -> bool:
        """Return whether the day is of a fair spell.

        A day's draw u makes it foul if u < 1/fair_days, fair if u ≥ 1 - 1/foul_days, and else like
        the day before. So spells end with the probabilities that their mean lengths ask for, and
        with longer fair spells no day turns foul.
        """
        start, *_ = u = draws.of_scene("clouds/spells").random(draws.day + 2)
        to_foul, to_fair = 1 / self.fair_days, 1 / self.foul_days
        decided = np.flatnonzero((u[1:] < to_foul) | (u[1:] >= 1 - to_fair))
        if not decided.size:  # still as it began, with the shares of the long run
            return bool(start >= self.foul_days / (self.fair_days + self.foul_days))
        return bool(u[1:][decided[-1]] >= to_foul)

    def sky(self, draws: Draws) -> Sky:
        """Return the sky of the day, from streams that serve nothing else."""
        shares = self.fair if self.is_fair(draws) else self.foul
        state, hazy, opacity, extent = draws.of_day("clouds/sky").random(4).tolist()
        veil = Veil(self.haze.opacity.at(opacity), self.haze.extent.at(extent))
        at = (state >= shares.clear) + (state >= shares.clear + shares.partly)
        return Sky(_STATES[at], veil if hazy < self.haze.probability else None)
