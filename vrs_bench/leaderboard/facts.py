"""What an entry says of its data and of itself, held against what is known without the data."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from functools import cache
from math import isclose

from vrs_bench.data.build.building import Plan
from vrs_bench.evaluation.bounds import bounds_key, kept_bounds
from vrs_bench.evaluation.judge import members
from vrs_bench.evaluation.result import Result
from vrs_bench.evaluation.skill import flags, skills
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Composed
from vrs_bench.recipes import SIZES, BenchmarkRecipe, load_recipe
from vrs_bench.tasks import bind
from vrs_bench.world.splits import split_scenes

_NOTHING = ("0" * 64, hashlib.sha256(b"").hexdigest())
"""Digests that stand for no digest."""
_SKILL_APART = 1e-6
_DAY = datetime.timedelta(days=1)
_BOUNDS_APART = 1e-5
"""Relative difference of bounds that were measured on two machines, at most."""


@dataclass(frozen=True)
class PackagedData:
    """What one of the packaged sizes is, for one task."""

    digest: str
    scenes: dict[str, int]
    """Split → number of scenes; ``private`` is as long as ``test``."""
    horizon: int
    members: frozenset[str]
    """The scores of which skill is made."""


@cache
def packaged_data(size: str, task: str) -> PackagedData:
    """Return what the data of a packaged size are."""
    recipe = load_recipe(BenchmarkRecipe, size)
    bound = bind(task, recipe)
    plan = Plan(recipe, {task: bound}, shards=())
    scenes = {split: len(numbers) for split, numbers in split_scenes(recipe.scenes).items()}
    return PackagedData(
        digest=plan.key(task),
        scenes={**scenes, "private": scenes["test"]},
        horizon=recipe.world.horizon,
        members=frozenset(metric.name for metric in members(bound)),
    )


def data_faults(result: Result) -> list[str]:
    """Return in what a result contradicts itself, or the packaged data that it names.

    The names of the packaged sizes are theirs alone. Data of other recipes are known to nobody
    here; :func:`vrs_bench.leaderboard.verification.score_again` compares with the data themselves.
    """
    faults = []
    if result.n_rows % result.n_scenes:
        faults.append(f"n_rows: {result.n_rows} is no multiple of {result.n_scenes} scenes")
    digests = {
        "recipe_digest": result.recipe_digest,
        "dataset_digest": result.dataset_digest,
        "predictions_sha256": result.predictions_sha256,
    }
    faults += [f"{name}: is that of nothing" for name, of in digests.items() if of in _NOTHING]
    for size in SIZES:
        if result.recipe == size:
            faults += _size_faults(result, packaged_data(size, result.task))
        elif result.recipe_digest == packaged_data(size, result.task).digest:
            faults.append(f"recipe: the data are those of '{size}', not of '{result.recipe}'")
    return faults + _bounds_faults(result) + _skill_faults(result)


def _size_faults(result: Result, known: PackagedData) -> list[str]:
    """Return in what a result contradicts the packaged size of its name."""
    faults = []
    # The seed of a private split is secret, and so its digest.
    if result.split != "private" and result.recipe_digest != known.digest:
        faults.append(
            f"recipe_digest: the data are not those of the packaged '{result.recipe}' of this "
            f"version; score again, or give a recipe of your own a name of its own"
        )
    missing = known.members - result.scores.keys()
    if missing:
        faults.append(f"scores: skill needs {', '.join(sorted(missing))} too; score all groups")
    scenes = known.scenes[result.split]
    expected = {"n_scenes": scenes, "n_rows": scenes * known.horizon}
    for name, count in expected.items():
        stated = getattr(result, name)
        if stated != count:
            faults.append(
                f"{name}: {stated}, but the split '{result.split}' of '{result.recipe}' has {count}"
            )
    return faults


def _bounds_faults(result: Result) -> list[str]:
    """Return which bounds are not those that were measured on the same data."""
    stray = sorted(result.bounds.keys() - result.scores.keys())
    if stray:
        return [f"bounds: there is no score '{name}' for a bound" for name in stray]
    faults = []
    current = [
        metric
        for metric in METRICS.values()
        if metric.name in result.bounds and result.scores[metric.name].version == metric.version
    ]
    key = bounds_key(result.task, result.split, result.recipe_digest)
    for name, kept in kept_bounds(key, result.n_rows, result.references, current).items():
        stated = result.bounds[name]
        for end in ("floor", "ceiling"):
            ours, theirs = getattr(kept, end), getattr(stated, end)
            if not isclose(ours, theirs, rel_tol=_BOUNDS_APART, abs_tol=1e-9):
                faults.append(f"bounds.{name}: the {end} is {theirs:g}, that of the data {ours:g}")
    return faults


def _skill_faults(result: Result) -> list[str]:
    """Return in what skills and flags are not what scores and bounds make."""
    faults = []
    means = {name: score.mean for name, score in result.scores.items()}
    made = flags(means, result.bounds)
    if made != result.flags:
        faults.append(f"flags: scores and bounds make {made}, not {result.flags}")
    if result.split == "private":  # nothing is known of its scenes
        return faults
    members = [m for m in METRICS.values() if m.in_skill and m.name in result.scores]
    values = {m.name: result.scores[m.name].per_scene for m in members}
    expected = skills(values, result.bounds, members)
    for name, score in result.scores.items():
        if name not in METRICS or not isinstance(METRICS[name].computed, Composed):
            continue
        stated = score.per_scene
        if stated.keys() != expected.get(name, {}).keys() or any(
            abs(value - expected[name][scene]) > _SKILL_APART for scene, value in stated.items()
        ):
            faults.append(f"{name}: is not what the scores that it is made of give")
    return faults


def is_to_come(date: datetime.date) -> bool:
    """Say whether a date lies in the future, wherever on Earth it was written."""
    return date > datetime.datetime.now(datetime.UTC).date() + _DAY
