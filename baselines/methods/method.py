"""What a method is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from baselines.inputs import Inputs
from vrs_bench.errors import BenchError
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats

Restore = Callable[[BoundTask, Inputs], Floats]
"""Task on its data, and the inputs of a whole scene → all images of the scene, float32
(n_steps, band, height, width), nominally in [0, 1]."""


@dataclass(frozen=True)
class Example:
    """A scene whose truth is known."""

    inputs: Inputs
    target: Floats
    """(n_steps, band, height, width) float32 in [0, 1]."""


class Examples(Protocol):
    """Scenes to learn from, read or drawn anew each time that they are asked for."""

    def train(self, scenes: int) -> Iterator[Example]:
        """Yield the first scenes of the train split, at most so many: to fit parameters on."""

    def validation(self, scenes: int) -> Iterator[Example]:
        """Yield the first scenes of the validation split, at most so many: to tune weights on."""


Fit = Callable[[BoundTask, Examples], Restore]
"""Task on its data, and scenes to learn from → what restores. Same scenes, same parameters: what
is fitted is not stored but fitted again where a run goes on."""


@dataclass(frozen=True)
class Method:
    """Turns what is seen of a scene into images on the grid of the target."""

    name: str
    """By which it is asked for: ``vrs-bench predict --method NAME``."""
    description: str
    """What it does, in a sentence."""
    needs: str
    """What a task must have so that the method is for it, in words: "an input that …"."""
    suits: Callable[[BoundTask], bool]
    """Whether a task has that."""
    restore: Restore | None = None
    """What restores a scene, where there is nothing to fit; or …"""
    fit: Fit | None = None
    """… what makes it from examples."""
    oracle: tuple[str, ...] = ()
    """Columns of the truth that it is shown among its inputs: it tells what a cause is worth, and
    is no entry for a board."""
    informed: bool = False
    """Whether it knows more of how the world was made than its data tell."""
    main_input_alone: bool = False
    """Whether it looks at the task's main input and at no other, where there are others."""
    identity: str = ""
    """Digest of what else tells the method from others of its name: learned weights, source."""

    def __post_init__(self) -> None:
        """Refuse a method that restores in two ways, or in none."""
        if (self.restore is None) == (self.fit is None):
            raise BenchError(f"{self.name}: give either restore or fit")

    def ready(self, bound: BoundTask, examples: Examples) -> Restore:
        """Return what restores scenes of a task, fitted where there is something to fit."""
        if self.restore is not None:
            return self.restore
        assert self.fit is not None  # noqa: S101  # one of both is given
        return self.fit(bound, examples)

    def seen(self, bound: BoundTask) -> tuple[str, ...]:
        """Return the columns that are read for it."""
        return (*bound.visible, *self.oracle)
