"""What a metric is: one object, which judge, tables, pictures, bounds and pages iterate over."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vrs_bench.metrics.scene import JudgedScene, Measured, TaskFacts
from vrs_bench.types import Doubles

Group = Literal["skill", "distortion", "perceptual", "downstream", "consistency", "original"]

Scope = Literal["row", "scene", "split"]

Need = Literal["torch", "readers", "encoder", "input", "operator", "floor", "land_cover", "cell"]
"""What a metric needs besides prediction and truth: the libraries of the extra ``evaluation``; the
readers of series; the reference encoder; the main input as an image of the target's product; the
operator of its sensor; what the trivial method makes of the scene; the true land cover; the true
cells."""

Place = Literal["parts", "board"]
"""Where a metric is shown besides the table of all scores: in tables and pictures by part; on
leaderboards beside the headline."""


JACKKNIFE_GROUPS = 40
"""Most groups of scenes that a value of a split is computed without, for its interval."""


@dataclass(frozen=True)
class PerRow:
    """One value an image; a scene's value is the mean over its rows."""

    values: Callable[[JudgedScene], Doubles]
    """Gives (row,) float64."""

    def measure(self, scene: JudgedScene) -> Measured:
        """Return the mean over rows."""
        return Measured(float(self.values(scene).mean()))


@dataclass(frozen=True)
class PerRowAndPart:
    """One value an image and part of it, see :meth:`JudgedScene.over_parts`."""

    values: Callable[[JudgedScene], Doubles]
    """Gives (row, 1 + part) float64."""

    def measure(self, scene: JudgedScene) -> Measured:
        """Return the means over rows, and the values by time step."""
        return scene.over_parts(self.values(scene))


@dataclass(frozen=True)
class PerScene:
    """One value a scene, whose rows are looked at together."""

    measure: Callable[[JudgedScene], Measured]


@dataclass(frozen=True)
class PerSplit:
    """One value for a whole split, of something small that is kept of every scene."""

    gather: Callable[[JudgedScene], Any]
    """Gives what is kept; metrics that name the same function share it."""
    value: Callable[[Sequence[Any]], float]
    """What was kept of all scenes, in their order → the value."""
    without: Callable[[Sequence[Sequence[Any]]], Doubles] | None = None
    """What was kept of groups of scenes → the values of all but one group each, where there is a
    faster way to them than ``value``."""

    def without_each(self, kept: Sequence[Any]) -> Doubles:
        """Return the value without each scene; of many, without each group of them; none of one."""
        if len(kept) < 2:
            return np.empty(0)
        cuts = np.array_split(np.arange(len(kept)), min(len(kept), JACKKNIFE_GROUPS))
        groups = [[kept[index] for index in cut] for cut in cuts]
        if self.without is not None:
            return self.without(groups)
        rest = [[s for other in groups if other is not group for s in other] for group in groups]
        return np.array([self.value(scenes) for scenes in rest])


@dataclass(frozen=True)
class Composed:
    """One value a scene, of what other metrics say of it, see :mod:`vrs_bench.metrics.skill`."""

    groups: tuple[Group, ...]
    """Whose members it is made of."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: all that the package knows of it."""

    name: str
    """The key in result files."""
    label: str
    """The heading in tables."""
    group: Group
    definition: str
    """Window, units, reduction, range and edge rules, in words."""
    higher_is_better: bool
    computed: PerRow | PerRowAndPart | PerScene | PerSplit | Composed
    """How, and of what: rows, scenes or splits."""
    unit: str = ""
    low: float = 0.0
    """Least value that there is."""
    high: float = math.inf
    scale_end: float = math.inf
    """Score from which on an image is as good as the truth, where the scale between floor and
    ceiling would else be stretched by a cap."""
    needs: frozenset[Need] = frozenset()
    bands: frozenset[str] = frozenset()
    """Bands that the target must have."""
    ratios: frozenset[int] = frozenset()
    """Pixel sizes of the main input over the target's that it is defined for; any if empty."""
    shown: frozenset[Place] = frozenset()
    in_skill: bool = False
    """Whether the skill of its group is made of it."""
    version: str = "1"
    """Of this definition; it changes when a value may change."""

    @property
    def scope(self) -> Scope:
        """Of what it has values."""
        if isinstance(self.computed, PerSplit):
            return "split"
        return "scene" if isinstance(self.computed, PerScene | Composed) else "row"

    def obstacle(self, task: TaskFacts) -> str:
        """Say why a task can't be judged by this metric; ``""`` where it can."""
        if self.needs & {"readers", "encoder"} and not task.readable:
            return "the references do not know the target's bands"
        if self.needs & {"input", "operator"} and not task.input_is_like_target:
            return "the main input is no image of what is predicted"
        unknown = sorted(self.needs & {"land_cover", "cell"} - task.masks)
        if unknown:
            return f"the data have no {' and no '.join(unknown)}"
        if self.ratios and task.gsd_ratio not in self.ratios:
            sizes = ", ".join(map(str, sorted(self.ratios)))
            return (
                f"the input's pixels are {task.gsd_ratio:g} times the target's, not one of {sizes}"
            )
        missing = sorted(self.bands - set(task.bands))
        return f"the target has no band {' and no band '.join(missing)}" if missing else ""

    def applies(self, task: TaskFacts) -> bool:
        """Say whether a task can be judged by this metric."""
        return not self.obstacle(task)
