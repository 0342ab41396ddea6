"""One scene at one setting of the knobs: drawn, restored by methods, and scored.

All draws are those of the recipe's own streams, and readers look through one noise for all doses
and methods, so that scenes are paired. Nothing is stored: a scene lives as long as it is scored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from threadpoolctl import threadpool_limits

from vrs_bench.columns import quantise, restore
from vrs_bench.engines.processes import Advance
from vrs_bench.evaluation.drawn import as_truth, columns_of
from vrs_bench.evaluation.floors import Method, floor_method
from vrs_bench.evaluation.judge import Judge, judged_scene
from vrs_bench.evaluation.tally import values_of
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.shifts.knobs import Turns
from vrs_bench.shifts.turning import Doses, shifted_recipe
from vrs_bench.tasks import BoundTask, bind
from vrs_bench.types import Array, Floats

FLOOR, TRUTH = "floor", "truth"
"""Names of the task's trivial method and of the truth itself among what is scored."""

SHARED_NOISE = b"sweep"
"""Key of the noise through which readers look: the same at every dose. Nobody competes here."""

Restore = Callable[[BoundTask, dict[str, Array]], Floats]
"""What a method is told of the task, and all columns of a scene → images (row, band, H, W)."""

Prepare = Callable[[str, BoundTask, BoundTask], Restore]
"""Name of a method, what it is told of the task, and the task on the data that it is fitted on →
what restores. A function of a module, since other processes call it."""


@dataclass(frozen=True)
class Contestant:
    """What restores scenes: a method, and the doses that it was fitted at."""

    method: str
    fitted: Doses = ()
    """Of knobs that stood elsewhere than the recipe has them while it was fitted."""


@dataclass(frozen=True)
class Record:
    """What metrics say of one scene, restored by one contestant at some doses."""

    doses: Doses
    contestant: Contestant
    scene: int
    values: dict[str, float]
    """Metric → value."""


@dataclass(frozen=True)
class Job:
    """One scene at some doses, and who restores it."""

    task: str
    recipe: str
    """As JSON, where every knob stands at its default dose."""
    doses: Doses
    scene: int
    contestants: tuple[Contestant, ...]
    judge: Judge
    """Of the task on data where nothing is turned."""
    prepare: Prepare


def score_job(job: Job, advance: Advance) -> list[Record]:
    """Draw a scene, restore and score it; methods that are to be fitted are fitted once."""
    with threadpool_limits(1):  # with more, linear algebra adds in another order
        data = _bound(job.task, job.recipe, job.doses, ("all", "data"))
        told = _bound(job.task, job.recipe, job.doses, ("all",))
        columns = columns_of(data, job.scene)
        scene = as_truth(data, job.scene, columns)
        floor = _floor(job.task, job.recipe, job.doses)(scene)
        judge = replace(job.judge, task=data)
        records = []
        for contestant in job.contestants:
            if contestant.method == FLOOR:
                images = floor
            elif contestant.method == TRUTH:
                images = scene.target
            else:
                made = _restore(job.prepare, job.task, job.recipe, contestant)
                images = restore(quantise(made(told, columns)))  # as predictions are published
            judged = judged_scene(scene, images, floor, judge, SHARED_NOISE)
            measured = values_of(job.scene, judged, judge.metrics, {}).measured
            values = {name: float(of.whole) for name, of in measured.items()}
            records.append(Record(job.doses, contestant, job.scene, values))
            advance(1)
    return records


@lru_cache(maxsize=64)
def _bound(task: str, recipe: str, doses: Doses, turns: tuple[Turns, ...]) -> BoundTask:
    whole = BenchmarkRecipe.model_validate_json(recipe)
    return bind(task, shifted_recipe(whole, task, doses, turns))


@lru_cache(maxsize=64)
def _floor(task: str, recipe: str, doses: Doses) -> Method:
    return floor_method(_bound(task, recipe, doses, ("all", "data")))


@lru_cache(maxsize=64)
def _restore(prepare: Prepare, task: str, recipe: str, contestant: Contestant) -> Restore:
    told = _bound(task, recipe, contestant.fitted, ("all", "training"))
    data = _bound(task, recipe, contestant.fitted, ("all", "data", "training"))
    return prepare(contestant.method, told, data)
