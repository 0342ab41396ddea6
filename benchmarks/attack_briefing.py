"""What whoever attacks a task learns beforehand, from train scenes and inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from attack_arena import Arena
from attack_honestly import Known, fitted_use
from attack_knowledge import Estimate, fitted_estimate
from attack_starts import Told, fitted_forest, inputs_of, prototypes, told_by_inputs
from attack_suite import Hints
from drawn_scenes import scene_of

from baselines.methods.forward import Stack, operators_of
from baselines.methods.reconstruction import back_projected
from vrs_bench.columns import restore
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
    apart: Sequence[SceneTruth]
    """Scenes on which neither classifier nor estimate is fitted, to learn how to use them."""
    told: Told
    labels: Callable[[SceneTruth], Floats]
    """Scene → probabilities by a classifier of all inputs, (class, height, width)."""
    prototypes: Floats


@dataclass(frozen=True, eq=False)
class Briefing:
    """What is learned of a task and of an honest method for it."""

    room: Classroom
    method: Method
    estimate: Estimate
    uses: tuple[Callable[[Known], Floats], Callable[[Known], Floats]]
    """Of labels, and of all that is known."""

    def known(self, scene: SceneTruth) -> Known:
        """Return what is known of a scene."""
        return known_of(self.room, self.method, self.estimate, scene)

    def hints(self, number: int, known: Known) -> Hints:
        """Return what attacks are told of a scene of the arena."""
        arena = self.room.arena
        task, scene = arena.task, known.scene
        observed = restore(scene.columns[task.main_input])
        explaining = None
        if task.name == "super_res":
            stack = Stack.of(operators_of(task, inputs_of(task, scene)))
            explaining = back_projected(stack, observed, known.honest, EXPLAINING_STEPS)
        labels: Array = known.labels.argmax(axis=0)
        return Hints(
            floor=arena.floors[number],
            observed=observed if observed.shape == scene.target.shape else None,
            explaining=explaining,
            better_labels=labels,
            prototypes=self.room.prototypes,
            expected=known.expected,
            elsewhere=self.room.train[number % len(self.room.train)].target,
        )


def make_classroom(arena: Arena, train: int, apart: int) -> Classroom:
    """Learn from so many train scenes, and keep so many others apart."""
    first = SPLITS["train"]
    scenes = [scene_of(arena.task, first + number) for number in range(train + apart)]
    told = told_by_inputs(arena.task)
    fitted = scenes[:train]
    return Classroom(
        arena, fitted, scenes[train:], told, fitted_forest(told, fitted), prototypes(fitted)
    )


def brief(room: Classroom, method: Method) -> Briefing:
    """Learn what can be known of scenes beside the images of a method."""
    images = [method(scene) for scene in room.train]
    estimate = fitted_estimate(room.arena.looks, room.told, room.train, images)
    apart = [known_of(room, method, estimate, scene) for scene in room.apart]
    most = len(apart) - max(len(apart) // 4, 1)
    return Briefing(room, method, estimate, fitted_use(apart[:most], apart[most:]))


def known_of(room: Classroom, method: Method, estimate: Estimate, scene: SceneTruth) -> Known:
    """Return what is known of a scene beside the images of a method."""
    honest = method(scene)
    return Known(scene, honest, np.asarray(room.labels(scene)), estimate(scene, honest))
