"""What whoever attacks a task learns beforehand, from train scenes and inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attack_arena import Arena
from attack_knowledge import Estimate, fitted_estimate
from attack_starts import Told, fitted_forest, inputs_of, prototypes, told_by_inputs
from attack_suite import Hints

from baselines.methods.forward import Stack, operators_of
from baselines.methods.reconstruction import back_projected
from vrs_bench.columns import restore
from vrs_bench.evaluation.drawn import scene_of
from vrs_bench.evaluation.floors import Method
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.types import Array, Floats
from vrs_bench.world.splits import SPLITS

EXPLAINING_STEPS = 16
"""Of back-projection: past the best, where noise is explained too."""


@dataclass(frozen=True, eq=False)
class Classroom:
    """What is learned of a task, whatever an attack starts from."""

    arena: Arena
    train: Sequence[SceneTruth]
    told: Told
    labels: Callable[[SceneTruth], Array]
    """Scene → land cover by a classifier of all inputs, (height, width) from 0."""
    prototypes: Floats


@dataclass(frozen=True, eq=False)
class Briefing:
    """What is learned of a task and of an honest method for it."""

    room: Classroom
    method: Method
    estimate: Estimate

    def hints(self, number: int, honest: Floats) -> Hints:
        """Return what attacks are told of a scene of the arena, and of honest images of it."""
        arena = self.room.arena
        task, scene = arena.task, arena.scenes[number]
        observed = restore(scene.columns[task.main_input])
        explaining = None
        if task.name == "super_res":
            stack = Stack.of(operators_of(task, inputs_of(task, scene)))
            explaining = back_projected(stack, observed, honest, EXPLAINING_STEPS)
        estimated = self.estimate(scene, honest)
        return Hints(
            floor=arena.floors[number],
            observed=observed if observed.shape == scene.target.shape else None,
            explaining=explaining,
            better_labels=self.room.labels(scene),
            prototypes=self.room.prototypes,
            expected=estimated.seen,
            restored=estimated.restored,
            elsewhere=self.room.train[number % len(self.room.train)].target,
        )


def make_classroom(arena: Arena, scenes: int) -> Classroom:
    """Learn from so many train scenes."""
    train = [scene_of(arena.task, SPLITS["train"] + number) for number in range(scenes)]
    told = told_by_inputs(arena.task)
    return Classroom(arena, train, told, fitted_forest(told, train), prototypes(train))


def brief(room: Classroom, method: Method) -> Briefing:
    """Learn what can be known of scenes beside the images of a method."""
    images = [method(scene) for scene in room.train]
    return Briefing(room, method, fitted_estimate(room.arena.looks, room.told, room.train, images))
