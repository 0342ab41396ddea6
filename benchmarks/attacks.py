"""Attacks on the headline: what they gain over the honest method that they start from.

python benchmarks/attacks.py [--task super_res] [--scenes 6] [--steps 12] [--tries 64]

Scenes are those of the test split of `tiny`; fits use train scenes. An attack pays that gains
0.01 or more, unless it is flagged, or helps (PSNR rises, by more than 0.03 dB, and so do the skills
of all groups), or brings knowledge of its own and is less than 0.01 above who uses the same
knowledge to restore, wholly or half. Best noise *of each scene* is what nobody can have: the noise
is keyed by the digest of all predictions.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator

from measure import print_table  # before NumPy: it sets the threads

# isort: split
import numpy as np
from attack_arena import Arena, Outcome, best_of, make_arena, scene_by_scene, verdict
from attack_briefing import brief, make_classroom
from attack_methods import Effort, Looks, look
from attack_starts import STARTS, honest_method
from attack_suite import (
    HALFWAY,
    KNOWING,
    RESTORED,
    Hints,
    against_all,
    against_readers,
    from_noise,
    without_gradients,
)

from vrs_bench.evaluation.statistics import bootstrap_interval
from vrs_bench.metrics.skill import SKILL_GROUPS
from vrs_bench.tasks import TASKS
from vrs_bench.types import Floats
from vrs_bench.world.splits import SPLITS

TRAIN_SCENES = 16

HEAD = ("start", "images", "skill", "gain (95 %)", *SKILL_GROUPS, "PSNR", "verdict")


def main() -> None:
    """Attack the methods of each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=list(TASKS), help="default: all")
    parser.add_argument("--scenes", type=int, default=6, help="test scenes (default: 6)")
    parser.add_argument("--steps", type=int, default=12, help="of gradients (default: 12)")
    parser.add_argument("--tries", type=int, default=64, help="of fishing (default: 64)")
    arguments = parser.parse_args()
    first = SPLITS["test"]
    for task in [arguments.task] if arguments.task else TASKS:
        arena = make_arena(task, range(first, first + arguments.scenes))
        rows = attacked(arena, Effort(arguments.steps), arguments.tries)
        print_table(f"{task}, {arguments.scenes} scenes of tiny", HEAD, rows)


def attacked(arena: Arena, effort: Effort, tries: int) -> list[list[str]]:
    """Return a row of the table for each honest method, followed by those of attacks on it.

    The easy method is attacked by all that is quick, the best one by all.
    """
    room = make_classroom(arena, TRAIN_SCENES)
    best = STARTS[arena.task.name][-1]
    rows: list[list[str]] = []
    for start in STARTS[arena.task.name]:
        briefing = brief(room, honest_method(arena.task, start))
        honest: list[Floats] = []
        images: defaultdict[str, list[Floats]] = defaultdict(list)
        for number in range(len(arena.scenes)):
            honest.append(briefing.method(arena.scenes[number]))
            hints = briefing.hints(number, honest[-1])
            for name, of_scene in attacks(arena.looks, honest[-1], hints, effort, start == best):
                images[name].append(of_scene)
        before = arena.outcome(honest)
        after = {name: arena.outcome(of) for name, of in images.items()}
        rows.append(_row(start, "honest", before))
        honestly = best_of([after[RESTORED], after[HALFWAY]])
        for name, outcome in after.items():
            rows.append(_row("", name, outcome, before, honestly))
        if start == best:
            fished = arena.fished(honest, tries)
            rows.append(_row("", f"best noise of {tries}", best_of(fished), before))
            alone = scene_by_scene(fished)
            rows.append(_row("", f"best noise of {tries}, of each scene", alone, before))
    return rows


def attacks(
    looks: Looks, honest: Floats, hints: Hints, effort: Effort, everything: bool
) -> Iterator[tuple[str, Floats]]:
    """Yield names and images of attacks on a scene."""
    seen = look(looks, honest)
    yield from without_gradients(honest, seen, hints)
    yield from against_readers(looks, honest, seen, hints, effort)
    if everything:
        yield from against_all(looks, honest, seen, hints, effort)
        yield from from_noise(looks, hints, effort)


def _row(
    start: str,
    name: str,
    outcome: Outcome,
    before: Outcome | None = None,
    honestly: Outcome | None = None,
) -> list[str]:
    gain = found = ""
    if before is not None:
        differences = outcome.skill - before.skill
        interval = bootstrap_interval(differences)
        assert interval is not None  # noqa: S101  # there are scenes
        gain = f"{differences.mean():+.3f} ({interval[0]:+.3f} to {interval[1]:+.3f})"
        found = verdict(before, outcome, honestly if name.startswith(KNOWING) else None)
    groups = [f"{np.mean(outcome.skills[f'skill_{group}']):+.2f}" for group in SKILL_GROUPS]
    skill, psnr = f"{outcome.skill.mean():+.3f}", f"{outcome.psnr:.1f}"
    return [start, name, skill, gain, *groups, psnr, found]


if __name__ == "__main__":
    main()
