"""One scene as metrics see it: images beside the truth, and what can be looked at through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np

from vrs_bench.types import Array, Doubles, Floats

T = TypeVar("T")

Part = tuple[str, str]
"""Kind of part (``land_cover``, ``position``, ``cloud``, ``time_step``), and its name."""


@dataclass(frozen=True)
class TaskFacts:
    """What metrics have to know of a task on its data."""

    bands: tuple[str, ...]
    """Of the target, in order."""
    gsd_ratio: float
    """Ground sampling distance of the main input over that of the target."""
    n_classes: int
    """Classes of land cover; labels run from 1 to this, 0 is between cells."""
    readable: bool
    """Whether readers and encoder know the target: it has the bands they were fitted on."""
    input_is_like_target: bool
    """Whether the main input is an image of the target's product, so that its sensor can look at
    a prediction too."""
    masks: frozenset[str]
    """Which of ``land_cover`` and ``cell`` are known."""


@dataclass(frozen=True)
class Parts:
    """The parts of one scene, as sets of pixels."""

    fixed: tuple[Part, ...]
    masks: Array
    """(part, height, width) bool, the same at all time steps."""
    by_step: tuple[Part, ...]
    step_masks: Array
    """(time step, part, height, width) bool."""
    series_masks: Array
    """(part, height, width) bool: the parts of ``by_step`` by what a pixel's series had over it on
    average."""


@dataclass(frozen=True)
class Measured:
    """What a metric says of one scene."""

    whole: float
    parts: Mapping[Part, float] = field(default_factory=dict)
    """Over parts of it; NaN where the scene does not have the part."""


class Perceived(Protocol):
    """What an encoder sees in images."""

    @property
    def features(self) -> tuple[Floats, ...]:
        """Of each stage, (row, channel, h, w) float32."""

    @property
    def pooled(self) -> Floats:
        """Mean over positions of the features of the last stage, (row, feature) float32."""

    @property
    def probabilities(self) -> Floats:
        """Of the classes from 1 on in single images, (row, class, height, width) float32."""


@dataclass(frozen=True, eq=False)
class ReadImages:
    """The images of a scene, and what the references read in them through noise, once."""

    images: Floats
    """(row, band, height, width) float32 in [0, 1]."""
    encode: Callable[[slice], Perceived]
    """Some rows → what the encoder makes of these images."""
    read: Callable[[Floats], Floats]
    """Images of all time steps → (reader, class, height, width) float32."""

    @cached_property
    def series(self) -> Floats:
        """How likely each land cover is to the readers of each pixel's series: probabilities of
        the classes from 1 on, (reader, class, height, width) float32."""
        return self.read(self.images)

    @cached_property
    def series_labels(self) -> Array:
        """Land cover by the first reader, (height, width) uint8 from 1."""
        labels: Array = (self.series[0].argmax(axis=0) + 1).astype(np.uint8)
        return labels


@dataclass(frozen=True, eq=False)
class JudgedScene:
    """One scene's images that are to be judged, the truth, and what the sensor recorded."""

    task: TaskFacts
    predicted: ReadImages
    true: ReadImages
    steps: Array
    """Time step of each row, (row,) integers."""
    land_cover: Array
    """(height, width) uint8; 0 between cells."""
    cell: Array
    """Cell number from 1, (height, width) int16; 0 between cells."""
    parts: Parts
    observe: Callable[[], Floats]
    """Gives the main input, (row, band, h, w) float32 in [0, 1]."""
    floor: Callable[[], Floats]
    """Gives what the task's trivial method makes of the scene, shaped as the truth."""
    through_sensor_rmse: Callable[[Floats], Doubles]
    """Images → RMSE (row,) between the main input and what its sensor would record of them."""
    mapped: bool = True
    """Whether some metric asks for the land cover that is read in single images."""
    _kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def images(self) -> Floats:
        """The images that are judged, (row, band, height, width) float32 in [0, 1]."""
        return self.predicted.images

    @property
    def truth(self) -> Floats:
        """The true images, of the same shape."""
        return self.true.images

    def once(self, compute: Callable[[JudgedScene], T]) -> T:
        """Return what a function makes of this scene; it runs once, however many metrics ask."""
        if compute not in self._kept:
            self._kept[compute] = compute(self)
        kept: T = self._kept[compute]
        return kept

    def over_parts(self, values: Doubles) -> Measured:
        """Sum up values by row and part.

        Args:
            values: (row, 1 + part): the whole image first, then the parts that are the same at all
                time steps, then those by step. NaN where a row does not have the part.

        Returns:
            means over the rows, which have the part; and each row as the value of its time step.
        """
        parts = dict(
            zip((*self.parts.fixed, *self.parts.by_step), map(_mean, values.T[1:]), strict=True)
        )
        steps = zip(self.steps.tolist(), values[:, 0].tolist(), strict=True)
        parts |= {("time_step", str(step)): value for step, value in steps}
        return Measured(float(values[:, 0].mean()), parts)


def _mean(values: Doubles) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")
