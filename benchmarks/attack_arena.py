"""Where attacks are tried: scenes in memory, and what the benchmark says of images of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from attack_methods import Looks

from vrs_bench.evaluation.drawn import scene_of
from vrs_bench.evaluation.floors import floor_method
from vrs_bench.evaluation.judge import Judge, judge_scene, task_facts
from vrs_bench.evaluation.scores import Bound
from vrs_bench.evaluation.skill import PerScene, flags, skills
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.distortion import psnr
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.encoder import load_encoder
from vrs_bench.references.readers import load_readers
from vrs_bench.tasks import BoundTask, bind
from vrs_bench.types import Doubles, Floats

MOST = 0.01
"""Skill that may be gained without a flag and without help."""
HELP = 0.03
"""The least rise of PSNR that counts as help, dB: less comes with what only deceives."""
PAYS = "**pays**"
_THROUGH_NOISE = {"readers", "encoder"}
"""What looks through noise."""


@dataclass(frozen=True)
class Outcome:
    """What the benchmark says of the images of some scenes."""

    skills: Mapping[str, Doubles]
    """Name of the skill → its values, (scene,)."""
    members: Mapping[str, Doubles]
    """Member of the skill → its values, (scene,)."""
    flagged: bool
    psnr: float

    @property
    def skill(self) -> Doubles:
        """The headline of each scene, (scene,)."""
        return self.skills["skill"]


@dataclass(frozen=True, eq=False)
class Arena:
    """A task on some scenes, in memory."""

    task: BoundTask
    scenes: tuple[SceneTruth, ...]
    judge: Judge
    looks: Looks
    """What the judge looks through, with gradients."""

    @cached_property
    def floors(self) -> list[Floats]:
        """What the task's trivial method makes of each scene."""
        method = floor_method(self.task)
        return [method(scene) for scene in self.scenes]

    @cached_property
    def bounds(self) -> dict[str, Bound]:
        """Floor and ceiling of the members of skill, means over these scenes."""
        floor, ceiling = (
            _means(self._measured(images))
            for images in (self.floors, [scene.target for scene in self.scenes])
        )
        return {name: Bound(floor[name], ceiling[name]) for name in floor}

    def outcome(self, images: Sequence[Floats]) -> Outcome:
        """Score images, one array (row, band, height, width) a scene; they are clipped first."""
        clipped = [np.clip(of, 0, 1).astype(np.float32) for of in images]
        return self._outcome(clipped, self._measured(clipped))

    def fished(self, images: Sequence[Floats], tries: int) -> list[Outcome]:
        """Return outcomes of clipped images that differ in the noise only.

        One value of all images is moved by one, two, … of its last bits: other predictions, other
        noise. Whoever has the public truth can look for noise that suits him.
        """
        noisy = tuple(metric for metric in self.judge.metrics if metric.needs & _THROUGH_NOISE)
        values = self._measured(images)
        found, changed = [], [of.copy() for of in images]
        for _ in range(tries):
            again = self._measured(changed, replace(self.judge, metrics=noisy))
            found.append(self._outcome(changed, values | again))
            first = changed[0].reshape(-1)
            first[0] = np.nextafter(first[0], np.float32(0.5))
        return found

    def _outcome(self, clipped: Sequence[Floats], values: Mapping[str, PerScene]) -> Outcome:
        found = skills(values, self.bounds, self.judge.metrics)
        return Outcome(
            skills={name: np.array(list(of.values())) for name, of in found.items()},
            members={name: np.array(list(of.values())) for name, of in values.items()},
            flagged=bool(flags(_means(values), self.bounds)),
            psnr=float(
                np.mean([psnr(x, s.target) for x, s in zip(clipped, self.scenes, strict=True)])
            ),
        )

    def _measured(
        self, images: Iterable[Floats], judge: Judge | None = None
    ) -> dict[str, dict[int, float]]:
        judge = judge or self.judge
        values: dict[str, dict[int, float]] = {metric.name: {} for metric in judge.metrics}
        made = list(images)
        split = hashlib.sha256(b"".join(image.tobytes() for image in made)).digest()
        for scene, of_scene, floor in zip(self.scenes, made, self.floors, strict=True):
            judged = judge_scene(scene, of_scene, floor, judge, split)
            for name, measured in judged.measured.items():
                values[name][scene.number] = measured.whole
        return values


def best_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome with the highest skill."""
    return max(outcomes, key=lambda of: float(of.skill.mean()))


def scene_by_scene(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the best outcome of each scene: what fishing gave if scenes had noise of their own."""
    best = np.argmax([of.skill for of in outcomes], axis=0)
    chosen = {
        name: np.array([outcomes[number].skills[name][scene] for scene, number in enumerate(best)])
        for name in outcomes[0].skills
    }
    return replace(outcomes[0], skills=chosen)


def verdict(start: Outcome, after: Outcome, honestly: Outcome | None) -> str:
    """Say why an attack is none, or that it pays.

    Args:
        start: of the honest images.
        after: of the attacked ones.
        honestly: of images that use the same knowledge to restore, where an attack has any.
    """
    if after.flagged and not start.flagged:
        return "flagged"
    if not _much_above(start, after):
        return "no gain"
    groups = [name for name in after.skills if name != "skill"]
    rises = [float((after.skills[of] - start.skills[of]).mean()) for of in groups]
    if after.psnr > start.psnr + HELP and min(rises) > 0:
        return "helps"
    if honestly is not None and not _much_above(honestly, after):
        return "no more than its knowledge"
    return PAYS


def _much_above(start: Outcome, after: Outcome) -> bool:
    return float((after.skill - start.skill).mean()) >= MOST


def make_arena(task: str, numbers: Iterable[int], size: str = "tiny") -> Arena:
    """Make scenes of a packaged recipe, and whoever judges them."""
    bound = bind(task, load_recipe(BenchmarkRecipe, size))
    facts = task_facts(bound)
    members = tuple(m for m in METRICS.values() if m.in_skill and m.applies(facts))
    looks = Looks(load_readers(bound.world), load_encoder())
    judge = Judge(bound, members, {}, looks.readers, looks.encoder.card)
    return Arena(bound, tuple(scene_of(bound, number) for number in numbers), judge, looks)


def _means(values: Mapping[str, PerScene]) -> dict[str, float]:
    return {name: float(np.mean(list(of.values()))) for name, of in values.items()}
