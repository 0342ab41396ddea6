"""What a method is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from baselines.inputs import Inputs
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats


@dataclass(frozen=True)
class Method:
    """Turns what is seen of a scene into images on the grid of the target."""

    name: str
    """By which it is asked for: ``vrs-bench predict --model NAME``."""
    description: str
    """What it does, in a sentence."""
    needs: str
    """What a task must have so that the method is for it, in words: "an input that …"."""
    suits: Callable[[BoundTask], bool]
    """Whether a task has that."""
    restore: Callable[[BoundTask, Inputs], Floats]
    """Task on its data, and the inputs of a whole scene → all images of the scene, float32
    (n_steps, band, height, width), nominally in [0, 1]."""
    identity: str = ""
    """Digest of what the method has learned, where it has: tells it from others of its name."""
