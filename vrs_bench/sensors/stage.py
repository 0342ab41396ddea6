"""What a stage of a sensor is: one step of an instrument, and all that has to be known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from vrs_bench.columns import Column
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.settings import Settings
from vrs_bench.types import Array, Floats, Labels
from vrs_bench.world.streams import stream


@dataclass(frozen=True)
class Draws:
    """The random streams of one stage of one observation."""

    seed: int
    scene: int
    step: int
    sensor: str
    """Name of the sensor, so that two sensors never share draws."""
    occurrence: int = 1
    """1 for the first stage of its kind in the sensor, 2 for the second …: each has its own."""

    def of_frame(self, name: str) -> np.random.Generator:
        """Return the stream of what is drawn anew for every frame."""
        return stream(self.seed, self.scene, self._named(name), self.step)

    def of_scene(self, name: str, seed: int | None = None) -> np.random.Generator:
        """Return the stream of what stays the same over a scene; ``seed`` replaces the world's."""
        return stream(self.seed if seed is None else seed, self.scene, self._named(name))

    def _named(self, name: str) -> str:
        return f"{name}{'' if self.occurrence == 1 else self.occurrence}/{self.sensor}"


@dataclass(frozen=True)
class Observed:
    """What the column of a stage is about, for its text and its shape."""

    input: str
    """Column of the observation."""
    target: str
    """Column of the truth."""
    ratio: float
    """Ground sampling distance of the observation over that of the truth."""
    height: int
    """Rows of what enters the stage."""
    width: int
    """Columns of what enters the stage."""


class Stage(Settings):
    """Base of the stages. Its fields are the settings; a stage overrides what it does.

    By itself a stage changes nothing, draws nothing and publishes nothing. A subclass has a field
    ``stage: Literal["its name"]``, by which recipes call it, and is listed in
    :data:`vrs_bench.sensors.stages.STAGES`.
    """

    is_noise: ClassVar[bool] = False
    """Whether it draws for every value; then it is no part of the noise-free view."""
    moves: ClassVar[bool] = False
    """Whether it moves or mixes pixels by a linear :meth:`operator`."""
    stage: Any
    """The stage's name, a literal."""

    def check(self, product: str) -> None:
        """Refuse a latent product that the stage makes no sense for.

        Raises:
            ValueError: what does not fit, as the message of a recipe.
        """

    def draw(self, draws: Draws, height: int, width: int) -> Any:
        """Draw the causes of one observation, from streams that bear the stage's name.

        Args:
            draws: the streams.
            height, width: size of the image that enters the stage.

        Returns:
            what the other methods are given as ``cause``; hashable if the stage ``moves``.
        """
        return None

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of what leaves the stage.

        Raises:
            BenchError: the stage does not fit the size.
        """
        return height, width

    def operator(self, height: int, width: int, cause: Any) -> SeparableOperator:
        """Return the operator of a stage that ``moves``, which is applied in place of `apply`.

        Operators of stages that follow each other are multiplied before they are applied.
        """
        return SeparableOperator(np.eye(height), np.eye(width))

    def apply(self, image: Floats, cause: Any, draws: Draws) -> Floats:
        """Return what leaves the stage, (band, H, W) float32; the image given stays as it is."""
        return image

    def labels(self, mask: Labels) -> Labels:
        """Return an instance mask (H, W) as it leaves the stage; labels are never averaged."""
        return mask

    def columns(self, observed: Observed) -> tuple[Column, ...]:
        """Return the columns in which the causes are published."""
        return ()

    def published(self, cause: Any, height: int, width: int) -> Mapping[str, Array]:
        """Return the values of :meth:`columns` for one observation, in the published types."""
        return {}

    def shows(self, cause: Any) -> bool:
        """Return whether a picture of one observation shows what the stage does."""
        return True

    def explain(self, cause: Any) -> str:
        """Say in a few words what the stage did to one observation; stands over its picture."""
        return ""
