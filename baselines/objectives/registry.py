"""All objectives, and the settings of any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from baselines.objectives import cyclegan, pix2pix, regression
from baselines.objectives.objective import Objective, ObjectiveSettings

OBJECTIVES: dict[str, Objective] = {
    "regression": Objective(regression.RegressionSettings, regression.players, regression.step),
    "pix2pix": Objective(pix2pix.Pix2PixObjectiveSettings, pix2pix.players, pix2pix.step),
    "cyclegan": Objective(cyclegan.CycleGANSettings, cyclegan.players, cyclegan.step),
}

if TYPE_CHECKING:
    AnyObjective = ObjectiveSettings
else:
    AnyObjective = Annotated[
        Union[tuple(objective.settings for objective in OBJECTIVES.values())],  # noqa: UP007
        Field(discriminator="name"),
    ]
    """Settings of one of the objectives, told by their name."""
