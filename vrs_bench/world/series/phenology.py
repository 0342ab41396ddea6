"""The ``phenology`` source: land cover in its seasons, seen in the optical and by radar.

One physical state (:mod:`.seasons`) is seen in the optical (:mod:`.optics`) and by radar
(:mod:`.radar`), so that translating one into the other is a physical question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from vrs_bench.settings import Settings
from vrs_bench.world.landcover import OPTICAL_BANDS, SAR_BANDS, class_names
from vrs_bench.world.series.source import Source

Share = Annotated[float, Field(ge=0, le=1)]


class MixtureSettings(Settings):
    """Cells that hold something of a second class: what makes classes overlap."""

    probability: Share = 0.7
    """Share of the cells that are mixed."""
    largest: Share = 0.5
    """Largest share of the second class in them; shares are uniform up to it."""


class PhenologySettings(Source):
    """Calendar, weather, and how much the cells of a class differ."""

    source: Literal["phenology"] = "phenology"
    start_day: Annotated[int, Field(ge=0, le=365)] = 6
    """Day of year of time step 0."""
    step_days: Annotated[int, Field(ge=1, le=366)] = 12
    """Days from one time step to the next (12: one satellite's repeat cycle)."""
    rain_probability: Share = 0.3
    """Probability that a day brings rain."""
    rain_mm: Annotated[float, Field(ge=0, le=1000)] = 6.0
    """Mean depth of rain on a day that brings rain (exponential), mm."""
    spread: Annotated[float, Field(ge=0, le=3)] = 1.0
    """Scale of the differences between cells of one class; 0 makes them alike."""
    mixture: MixtureSettings = MixtureSettings()
    """Cells of more than one class."""
    season_shift_days: Annotated[int, Field(ge=-120, le=120)] = 0
    """How many days later than by the calendar everything grows, is mown, sown and harvested; rain
    and wind stay on their days."""
    radar_delay_days: Annotated[int, Field(ge=0, le=60)] = 0
    """Days from a time step to the moment at which radar sees what is on the ground."""

    @model_serializer(mode="wrap")
    def _as_before_there_were_shifts(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out shifts of no days: digests of recipes stay what they were."""
        settings: dict[str, Any] = dump(self)
        for name in ("season_shift_days", "radar_delay_days"):
            if not settings.get(name):
                settings.pop(name, None)
        return settings

    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """Return the optical and the radar product."""
        return {"optical": OPTICAL_BANDS, "sar": SAR_BANDS}

    def classes(self) -> tuple[str, ...]:
        """Return the names of the land covers."""
        return class_names()

    def day(self, step: int) -> int:
        """Return the day of a time step, counted from 1 January of the first year."""
        return self.start_day + step * self.step_days
