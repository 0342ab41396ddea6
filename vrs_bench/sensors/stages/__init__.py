"""The stages that sensors are made of: one module each, listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from vrs_bench.sensors.stage import Stage
from vrs_bench.sensors.stages.aggregation import Aggregation
from vrs_bench.sensors.stages.atmosphere import Atmosphere
from vrs_bench.sensors.stages.brightness import Brightness
from vrs_bench.sensors.stages.clouds import Clouds
from vrs_bench.sensors.stages.deformation import Deformation
from vrs_bench.sensors.stages.noise import Noise

STAGES: tuple[type[Stage], ...] = (
    Atmosphere,
    Clouds,
    Brightness,
    Deformation,
    Aggregation,
    Noise,
)
"""All stages; a recipe calls one by the literal of its field ``stage``."""

if TYPE_CHECKING:
    AnyStage = Stage
else:
    AnyStage = Annotated[Union[STAGES], Field(discriminator="stage")]  # noqa: UP007
