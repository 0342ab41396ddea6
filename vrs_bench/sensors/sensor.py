"""A sensor: an ordered list of stages that turns the latent product into a derived one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from vrs_bench.columns import Column
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.sensors.stage import Draws, Observed, Stage
from vrs_bench.sensors.stages import AnyStage
from vrs_bench.settings import Settings
from vrs_bench.types import Array, Floats, Labels
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.scene import WorldRecipe

Revisit = Annotated[int, Field(ge=1, le=1000)]


class SensorRecipe(Settings):
    """All that determines how a sensor sees a scene."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """Name of the sensor; its random streams carry it, so two sensors never share draws."""
    product: Literal["optical", "sar"]
    """The latent product that it looks at."""
    stages: Annotated[tuple[AnyStage, ...], Field(max_length=16)] = ()
    """What happens to an image, in this order."""
    revisit: Revisit = 1
    """Every revisit-th time step is observed, from the first on."""

    @model_validator(mode="after")
    def _stages_fit(self) -> SensorRecipe:
        for stage in self.stages:
            stage.check(self.product)
        return self

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of an observation of a latent frame of the given size.

        Raises:
            BenchError: a stage does not fit the size.
        """
        for stage in self.stages:
            height, width = stage.output_size(height, width)
        return height, width

    def columns(self, observed: Observed) -> tuple[Column, ...]:
        """Return the columns in which the causes of an observation are published.

        Args:
            observed: with the size of the latent frame.

        Raises:
            BenchError: a stage does not fit the size.
        """
        found: list[Column] = []
        for stage, occurrence, size in _walk(self.stages, observed.height, observed.width):
            at_stage = replace(observed, height=size[0], width=size[1])
            found += [
                replace(column, name=_numbered(column.name, occurrence))
                for column in stage.columns(at_stage)
            ]
        return tuple(found)


def _numbered(name: str, occurrence: int) -> str:
    """Return the name of a column; the second stage of a kind gets another than the first."""
    return name if occurrence == 1 else f"{name}_{occurrence}"


def _walk(
    stages: tuple[Stage, ...], height: int, width: int
) -> Iterator[tuple[Stage, int, tuple[int, int]]]:
    """Yield each stage, how many of its kind there were up to it, and the size that enters it."""
    kinds: Counter[str] = Counter()
    for stage in stages:
        kinds[stage.stage] += 1
        yield stage, kinds[stage.stage], (height, width)
        height, width = stage.output_size(height, width)


@dataclass(frozen=True)
class Place:
    """What a sensor looks at: the key of its random draws, size and days of the latent frames."""

    seed: int
    scene: int
    height: int
    width: int
    days: tuple[int, ...] = ()
    """Day of each time step, see :meth:`vrs_bench.world.series.SeriesSource.day`; empty where there
    is no calendar: every time step is a day."""

    @classmethod
    def of(cls, world: WorldRecipe, scene: int) -> Place:
        """Return a scene of a world as what a sensor looks at."""
        days = tuple(world.series.day(step) for step in range(world.horizon))
        return cls(world.seed, scene, world.height, world.width, days)

    def day(self, step: int) -> int:
        """Return the day of a time step."""
        return self.days[step] if self.days else step


@dataclass(frozen=True)
class View:
    """How a sensor looks at a place at one time step: the causes that its stages drew."""

    stages: tuple[Stage, ...]
    draws: tuple[Draws, ...]
    sizes: tuple[tuple[int, int], ...]
    """(height, width) of what enters each stage."""
    causes: tuple[Any, ...]
    """What each stage drew, see :meth:`vrs_bench.sensors.stage.Stage.draw`."""

    @property
    def published(self) -> dict[str, Array]:
        """The causes by column, in the published types."""
        return {
            _numbered(name, draws.occurrence): value
            for stage, draws, size, cause in zip(
                self.stages, self.draws, self.sizes, self.causes, strict=True
            )
            for name, value in stage.published(cause, *size).items()
        }

    def operator(self) -> SeparableOperator | None:
        """Return the linear operator of the stages that move or mix pixels, all multiplied."""
        found = [(s, cause) for s, cause in zip(self.stages, self.causes, strict=True) if s.moves]
        return _operator(tuple(found), *self.sizes[0]) if found else None

    def apply(self, image: Floats, noise: bool = False) -> Floats:
        """See an image on the latent grid, (band, H, W) float32, as the sensor does.

        Args:
            image: what is looked at; it stays as it is.
            noise: with the noise that the observation has; else as the truth would be seen.

        Returns:
            float32 (band, h, w), not clipped.
        """
        moved: list[tuple[Stage, Any]] = []
        for stage, draws, cause in zip(self.stages, self.draws, self.causes, strict=True):
            if stage.moves:
                moved.append((stage, cause))
                continue
            if stage.is_noise and not noise:
                continue
            image = stage.apply(_moved(image, moved), cause, draws)
            moved = []
        return _moved(image, moved)


def _moved(image: Floats, moves: list[tuple[Stage, Any]]) -> Floats:
    """Apply the operators of stages that follow each other, as one."""
    if not moves:
        return image
    seen = _operator(tuple(moves), *image.shape[-2:]).apply(image)
    return seen if seen.dtype == np.float32 else settle(seen)


def _operator(moves: tuple[tuple[Stage, Any], ...], height: int, width: int) -> SeparableOperator:
    """Return the product of the operators of stages; of large ones fewer are kept."""
    large = max(height, width) > _LARGE
    return (_of_large if large else _of_small)(moves, height, width)


def _multiplied(moves: tuple[tuple[Stage, Any], ...], height: int, width: int) -> SeparableOperator:
    """Return the product of the operators of stages, the first applied first."""
    (stage, cause), *rest = moves
    product = stage.operator(height, width, cause)
    for stage, cause in rest:
        size = (product.rows.shape[0], product.columns.shape[0])
        product = stage.operator(*size, cause).after(product)
    return product


_LARGE = 1024  # pixels; the operator of such a frame can take 16 MB, 64 of them a gigabyte
_of_small = lru_cache(maxsize=64)(_multiplied)
_of_large = lru_cache(maxsize=2)(_multiplied)


def view(recipe: SensorRecipe, place: Place, step: int) -> View:
    """Draw how a sensor looks at a place at one time step: clouds, calibration, registration."""
    walked = list(_walk(recipe.stages, place.height, place.width))
    draws = tuple(
        Draws(place.seed, place.scene, step, place.day(step), recipe.name, occurrence)
        for _, occurrence, _ in walked
    )
    causes = [stage.draw(d, *size) for (stage, _, size), d in zip(walked, draws, strict=True)]
    return View(recipe.stages, draws, tuple(size for *_, size in walked), tuple(causes))


def observe(
    recipe: SensorRecipe, place: Place, step: int, frame: Floats, seen: View | None = None
) -> Floats:
    """Return what a sensor records of a place at one time step.

    Args:
        recipe: the sensor.
        place, step: what it looks at.
        frame: the latent frame (band, H, W) of ``recipe.product``, float32.
        seen: the observation's :func:`view`, where the caller has it.

    Returns:
        float32 (band, h, w), clipped to [0, 1].
    """
    image = (seen or view(recipe, place, step)).apply(frame, noise=True)
    # In place where the image is ours: fresh memory costs more than the arithmetic.
    return np.clip(image, 0, 1, out=None if image is frame else image)


def observe_labels(recipe: SensorRecipe, mask: Labels) -> Labels:
    """Return a mask on the sensor's grid: moved by nearest neighbour, merged by majority."""
    for stage in recipe.stages:
        mask = stage.labels(mask)
    return mask
