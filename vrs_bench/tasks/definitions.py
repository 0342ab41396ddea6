"""The tasks: what each gives, what it asks for, and what ranks the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.world.landcover import OPTICAL_BANDS, SAR_BANDS

BANDS = {"optical": OPTICAL_BANDS, "sar": SAR_BANDS}
"""The latent products that tasks are made of."""


@dataclass(frozen=True)
class Task:
    """A restoration or translation problem: inputs, and the truth that answers it."""

    name: str
    title: str
    description: str
    sensors: Mapping[str, str]
    """Input column → packaged sensor recipe, which a benchmark recipe may replace. The first input
    is the main one: the consistency scores look through its sensor."""
    target: str
    """Column of the truth, on the latent grid."""
    target_product: str
    """Latent product that the target is."""
    floor: Literal["registered_bicubic", "nearest_clear", "mean_of_date"]
    """The trivial method that skill is counted from, see :mod:`vrs_bench.evaluation.floors`."""
    headline: str = "skill"
    """The metric that ranks."""

    @property
    def main_input(self) -> str:
        """Column of the main input."""
        return next(iter(self.sensors))


SUPER_RES = Task(
    name="super_res",
    title="Super-resolution",
    description=(
        "Restore the latent optical image from one with larger pixels, blurred by the sensor's "
        " point spread function, shifted by a known fraction of a pixel, "
        "miscalibrated and noisy. Rows of one scene follow each other in time, so a method may "
        "use the whole series."
    ),
    sensors={"lr": "super_res"},
    target="hr",
    target_product="optical",
    floor="registered_bicubic",
)

CLOUD_REMOVAL = Task(
    name="cloud_removal",
    title="Cloud removal",
    description=(
        "Restore the latent optical image from one under clouds and their shadows, with the "
        "speckled radar image of the same day beside it. Rows of one scene follow each other in "
        "time, so a method may look for clear pixels on other days."
    ),
    sensors={"cloudy": "cloudy", "sar": "sar"},
    target="clear",
    target_product="optical",
    floor="nearest_clear",
)

SAR_TO_OPTICAL = Task(
    name="sar_to_optical",
    title="SAR-to-optical translation",
    description=(
        "Translate a speckled radar image into the optical image of the same day. Both come from "
        "one physical state (leaf area, soil moisture), so the translation has a physical reason; "
        "what radar does not see, such as colour within a class, stays unknown."
    ),
    sensors={"sar": "sar"},
    target="optical",
    target_product="optical",
    floor="mean_of_date",
)

TASKS: dict[str, Task] = {task.name: task for task in (SUPER_RES, CLOUD_REMOVAL, SAR_TO_OPTICAL)}


def get_task(name: str) -> Task:
    """Return a task by name.

    Raises:
        BenchError: no such task.
    """
    if name not in TASKS:
        raise BenchError(f"unknown task '{name}'{did_you_mean(name, TASKS)}")
    return TASKS[name]
