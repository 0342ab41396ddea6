"""A sweep: one or two knobs turned through their doses, scenes streamed, values kept.

With a folder, every finished value is a line there, so that a sweep that was stopped or killed goes
on, and one of other doses, methods or more scenes takes what is there already.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any, TextIO

from vrs_bench.engines.processes import in_processes
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.judge import Judge, make_judge, members, task_facts
from vrs_bench.metrics.catalogue import GROUPS, METRICS
from vrs_bench.metrics.definition import PerSplit
from vrs_bench.paths import write_text, writing_alone
from vrs_bench.recipes import BenchmarkRecipe, digest
from vrs_bench.shifts.knobs import Knob
from vrs_bench.shifts.scenes import FLOOR, TRUTH, Contestant, Job, Prepare, Record, score_job
from vrs_bench.shifts.turning import Doses, default_dose, dosed, shifted_recipe
from vrs_bench.tasks import bind
from vrs_bench.types import Report
from vrs_bench.world.series import RasterSettings
from vrs_bench.world.splits import SPLITS

RECORDS, SETTINGS = "values.jsonl", "sweep.json"
"""Files of a sweep's folder: a line a value, and what the values are of."""

OTHER_DATES = "the dates differ from dose to dose, and readers are fitted for some dates"
OF_SPLITS = "is one number for a whole split, which can't be paired by scene"


@dataclass(frozen=True)
class Turned:
    """A knob with the doses of a sweep, and the one that the recipe has."""

    knob: Knob
    doses: tuple[float, ...]
    """Rising; the default is among them."""
    default: float


@dataclass(frozen=True)
class Plan:
    """All that a sweep measures."""

    task: str
    recipe: BenchmarkRecipe
    turned: tuple[Turned, ...]
    methods: tuple[str, ...]
    contestants: tuple[Contestant, ...]
    """The floor and the truth first."""
    scenes: tuple[int, ...]
    judge: Judge

    @property
    def cells(self) -> list[Doses]:
        """All settings of the knobs."""
        names = [of.knob.name for of in self.turned]
        every = product(*(of.doses for of in self.turned))
        return [dosed(dict(zip(names, doses, strict=True))) for doses in every]

    def fitted_there(self, contestant: Contestant, doses: Doses) -> Contestant:
        """Return a contestant as it restores the scenes at some doses.

        A knob that is turned for what methods are fitted on has no other effect, so that there a
        method stands for itself, fitted at that dose.
        """
        training = {of.knob.name: of.default for of in self.turned if of.knob.turns == "training"}
        here = {name: dose for name, dose in doses if training.get(name, dose) != dose}
        if contestant.method in (FLOOR, TRUTH) or not here:
            return contestant
        return Contestant(contestant.method, dosed({**dict(contestant.fitted), **here}))

    def at(self, doses: Doses) -> list[Contestant]:
        """Return who restores the scenes at some doses."""
        return [self.fitted_there(contestant, doses) for contestant in self.contestants]


def plan_sweep(
    task: str,
    recipe: BenchmarkRecipe,
    knobs: Sequence[tuple[Knob, tuple[float, ...]]],
    methods: Sequence[str],
    scenes: int,
    refitted: Collection[str] = (),
) -> Plan:
    """Return what a sweep has to measure.

    Args:
        task: name of the task.
        recipe: where every knob stands at its default dose.
        knobs: one or two, each with its doses; the default dose is added.
        methods: names of methods.
        scenes: test scenes.
        refitted: those of the methods that are also fitted at every dose, and meet all others.

    Raises:
        BenchError: no knob, three, or the same twice; no methods or scenes; a dose that the recipe
            can't have; own imagery; or what metrics need is not installed.
    """
    names = [knob.name for knob, _ in knobs]
    if not 1 <= len(names) <= 2 or len(set(names)) != len(names):
        raise BenchError(
            f"expected one knob or two different ones, got {', '.join(names) or 'none'}"
        )
    if scenes < 1 or not methods:
        raise BenchError(f"expected 1 or more scenes and methods, got {scenes} and {len(methods)}")
    if isinstance(recipe.world.series, RasterSettings):
        raise BenchError("the source 'raster' is not drawn, so that no cause can be turned in it")
    taken = sorted({FLOOR, TRUTH} & set(methods))
    if taken:
        raise BenchError(f"{taken[0]}: is always scored; leave it out")
    bound = bind(task, recipe)
    turned = []
    for knob, doses in knobs:
        default = default_dose(knob, bound)
        turned.append(Turned(knob, tuple(sorted({*doses, default})), default))
    elsewhere: list[Doses] = []
    if refitted:
        one = turned[0]
        if len(turned) > 1 or one.knob.turns == "training":
            raise BenchError(
                "a matrix of train and test doses is of one knob, and not of one that is turned "
                "for what methods are fitted on: its sweep shows just that"
            )
        elsewhere = [((one.knob.name, dose),) for dose in one.doses if dose != one.default]
    contestants = [Contestant(name) for name in (FLOOR, TRUTH, *dict.fromkeys(methods))]
    contestants += [Contestant(name, at) for name in dict.fromkeys(refitted) for at in elsewhere]
    first = SPLITS["test"]
    plan = Plan(
        task,
        recipe,
        tuple(turned),
        tuple(dict.fromkeys(methods)),
        tuple(contestants),
        tuple(range(first, first + scenes)),
        make_judge(bound, GROUPS, None),
    )
    return replace(plan, judge=_fair(plan))


def _fair(plan: Plan) -> Judge:
    """Return the judge by what can be measured at every dose alike."""
    judge, left_out = plan.judge, dict(plan.judge.left_out)
    calendar = [judge.task.world.series.day(n) for n in range(judge.task.world.horizon)]
    for doses in plan.cells:
        bound = bind(plan.task, shifted_recipe(plan.recipe, plan.task, doses))
        facts = task_facts(bound)
        left_out |= {m.name: m.obstacle(facts) for m in judge.metrics if not m.applies(facts)}
        if [bound.world.series.day(n) for n in range(bound.world.horizon)] != calendar:
            # The whole group: skill of a part of it would not be the group's.
            left_out |= {m.name: OTHER_DATES for m in judge.metrics if m.group == "downstream"}
    left_out |= {m.name: OF_SPLITS for m in judge.metrics if isinstance(m.computed, PerSplit)}
    metrics = tuple(metric for metric in judge.metrics if metric.name not in left_out)
    return replace(judge, metrics=metrics, left_out=left_out)


def skill_members(plan: Plan) -> list[Any]:
    """Return the metrics that skill is made of in a sweep."""
    return [m for m in members(plan.judge.task) if m.name not in plan.judge.left_out]


def run_sweep(
    plan: Plan,
    prepare: Prepare,
    *,
    out: Path | None = None,
    identities: Mapping[str, str] | None = None,
    workers: int = 1,
    progress: Report = lambda done, total: None,
) -> list[Record]:
    """Measure what a plan asks for, or what is missing of it; values do not depend on workers.

    Args:
        plan: what is measured.
        prepare: gives methods by name.
        out: folder in which values are kept; None: nowhere.
        identities: method → what tells it from others of its name, such as a digest.
        workers: processes; each fits what is to be fitted.
        progress: called with (values, in all); a value is a scene restored once and scored.

    Returns:
        the values of the plan, and no others.

    Raises:
        BenchError: a method fails; or the folder holds values of other data or methods.
    """
    if workers < 1:
        raise BenchError(f"workers: expected 1 or more, got {workers}")
    with ExitStack() as stack:
        known: dict[tuple[Doses, Contestant, int], Record] = {}
        file: TextIO | None = None
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(writing_alone(out))
            _claim(out / SETTINGS, plan, identities or {})
            known = {_key(record): record for record in _read(out / RECORDS)}
            file = stack.enter_context((out / RECORDS).open("a", encoding="utf-8"))
        wanted = [
            (doses, contestant, scene)
            for doses in plan.cells
            for contestant in plan.at(doses)
            for scene in plan.scenes
        ]
        done = sum(key in known for key in wanted)
        progress(done, len(wanted))
        jobs = _jobs(plan, prepare, known)
        for records in _scored(jobs, workers):
            for record in records:
                known[_key(record)] = record
                if file is not None:
                    file.write(json.dumps(_plain(record), allow_nan=False) + "\n")
            if file is not None:
                file.flush()
            done += len(records)
            progress(done, len(wanted))
    return [known[key] for key in wanted]


def _jobs(plan: Plan, prepare: Prepare, known: Mapping[Any, Record]) -> list[Job]:
    """Return what is to do, scene after scene: a scene's doses follow each other."""
    recipe, jobs = plan.recipe.model_dump_json(), []
    for scene in plan.scenes:
        for doses in plan.cells:
            missing = tuple(c for c in plan.at(doses) if (doses, c, scene) not in known)
            if missing:
                jobs.append(Job(plan.task, recipe, doses, scene, missing, plan.judge, prepare))
    return jobs


def _scored(jobs: Sequence[Job], workers: int) -> Iterable[list[Record]]:
    if min(workers, len(jobs)) <= 1:
        return (score_job(job, _nothing) for job in jobs)
    return in_processes(
        score_job, jobs, min(workers, len(jobs)), _nothing, caller="run_sweep()", patient=False
    )


def _nothing(rows: int) -> None:
    """Take no note: progress is told by what is finished."""


def _key(record: Record) -> tuple[Doses, Contestant, int]:
    return record.doses, record.contestant, record.scene


def _plain(record: Record) -> dict[str, Any]:
    return {
        "doses": dict(record.doses),
        "method": record.contestant.method,
        "fitted": dict(record.contestant.fitted),
        "scene": record.scene,
        "values": record.values,
    }


def _read(path: Path) -> Iterator[Record]:
    """Yield the records of a file; a last line without an end, of a killed process, is cut off."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_text(path, whole)
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            plain = json.loads(line)
            yield Record(
                dosed(plain["doses"]),
                Contestant(plain["method"], dosed(plain["fitted"])),
                int(plain["scene"]),
                {str(name): float(value) for name, value in plain["values"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BenchError(
                f"{path}, line {number}: not a value of a sweep ({error}); remove the line to have "
                f"it measured again"
            ) from error


def _claim(path: Path, plan: Plan, identities: Mapping[str, str]) -> None:
    """Note what the values of a folder are of.

    Raises:
        BenchError: they are of something else.
    """
    sensors = bind(plan.task, plan.recipe).sensors
    own: dict[str, Any] = {
        "task": plan.task,
        "size": plan.recipe.name,
        "recipe": digest(plan.recipe.model_copy(update={"scenes": 3}), *sensors.values()),
        "package": version("vrs-bench"),
        "references": plan.judge.references(),
        "metrics": {m.name: METRICS[m.name].version for m in plan.judge.metrics},
    }
    methods = {name: identities.get(name, "") for name in plan.methods}
    before: dict[str, Any] = {}
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key, value in own.items() if before.get(key) != value]
        differing += [
            name for name, of in before.get("methods", {}).items() if methods.get(name, of) != of
        ]
        if differing:
            raise BenchError(
                f"{path}: its values are of another {', '.join(differing)}; choose another --out"
            )
    everybody = {**before.get("methods", {}), **methods}
    write_text(path, json.dumps({**own, "methods": everybody}, indent=1) + "\n")
