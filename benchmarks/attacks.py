"""Attacks on the headline: what they gain over the honest method that they start from.

python benchmarks/attacks.py [--task super_res] [--scenes 6] [--steps 40]

Scenes are those of the test split of `tiny`; fits use train scenes. A gain is real help if PSNR
and distortion rise with it; else it has to be small, or the entry flagged.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence

from measure import print_table  # before NumPy: it sets the threads

# isort: split
import numpy as np
from attack_arena import Arena, Outcome, make_arena
from attack_knowledge import fitted_estimate
from attack_methods import Effort, look
from attack_starts import (
    back_projected,
    fitted_forest,
    fitted_perceptron,
    linear_in_time,
    prototypes,
)
from attack_suite import Hints, with_gradients, without_gradients

from vrs_bench.evaluation.drawn import scene_of
from vrs_bench.evaluation.floors import Method, floor_method
from vrs_bench.evaluation.statistics import bootstrap_interval
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.skill import SKILL_GROUPS
from vrs_bench.tasks import TASKS, BoundTask
from vrs_bench.types import Floats
from vrs_bench.world.splits import SPLITS

TRAIN_SCENES = 16

HEAD = ("start", "images", "skill", "gain (95 %)", *SKILL_GROUPS, "PSNR", "flagged")


def main() -> None:
    """Attack the methods of each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=list(TASKS), help="default: all")
    parser.add_argument("--scenes", type=int, default=6, help="test scenes (default: 6)")
    parser.add_argument("--steps", type=int, default=40, help="of gradients (default: 40)")
    arguments = parser.parse_args()
    first = SPLITS["test"]
    for task in [arguments.task] if arguments.task else TASKS:
        arena = make_arena(task, range(first, first + arguments.scenes))
        rows = attacked(arena, Effort(arguments.steps))
        print_table(f"Attacks on {task}, {arguments.scenes} scenes of tiny", HEAD, rows)


def attacked(arena: Arena, effort: Effort) -> list[list[str]]:
    """Return a row of the table for each honest method, followed by those of attacks on it."""
    train = [scene_of(arena.task, SPLITS["train"] + number) for number in range(TRAIN_SCENES)]
    labels = fitted_forest(arena.task, train)
    series = prototypes(train)
    rows = []
    for start, method in starts(arena.task, train).items():
        estimate = fitted_estimate(arena.looks, train, [method(scene) for scene in train])
        honest = [method(scene) for scene in arena.scenes]
        images: defaultdict[str, list[Floats]] = defaultdict(list)
        for number, (scene, of_scene) in enumerate(zip(arena.scenes, honest, strict=True)):
            hints = Hints(
                floor=arena.floors[number],
                better_labels=labels(scene),
                prototypes=series,
                expected=estimate(of_scene),
                elsewhere=train[number % TRAIN_SCENES].target,
            )
            seen = look(arena.looks, of_scene)
            for name, result in (
                *without_gradients(of_scene, seen, hints),
                *with_gradients(arena.looks, of_scene, seen, hints, effort),
            ):
                images[name].append(result)
        before = arena.outcome(honest)
        rows.append(_row(start, "honest", before, None))
        rows += [_row("", name, arena.outcome(of), before) for name, of in images.items()]
    return rows


def starts(task: BoundTask, train: Sequence[SceneTruth]) -> dict[str, Method]:
    """Return the honest methods of a task, the floor first."""
    floor = floor_method(task)
    methods = {"floor": floor}
    if task.name == "super_res":
        methods["back-projection"] = lambda scene: back_projected(task, scene, floor(scene), 1)
    if task.name == "cloud_removal":
        methods["linear"] = lambda scene: linear_in_time(task, scene)
    methods["perceptron"] = fitted_perceptron(task, train)
    return methods


def _row(start: str, name: str, outcome: Outcome, before: Outcome | None) -> list[str]:
    gain = ""
    if before is not None:
        differences = outcome.skill - before.skill
        interval = bootstrap_interval(differences)
        assert interval is not None  # noqa: S101  # there are scenes
        gain = f"{differences.mean():+.3f} ({interval[0]:+.3f} to {interval[1]:+.3f})"
    groups = [f"{np.mean(outcome.skills[f'skill_{group}']):+.2f}" for group in SKILL_GROUPS]
    return [
        start,
        name,
        f"{outcome.skill.mean():+.3f}",
        gain,
        *groups,
        f"{outcome.psnr:.1f}",
        "yes" if outcome.flagged else "",
    ]


if __name__ == "__main__":
    main()
