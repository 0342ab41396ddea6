"""A sweep: one or two knobs turned through their doses, scenes streamed, values kept.

With a folder, every finished value is a line there, so that a sweep that was stopped or killed goes
on, and one of other doses, methods or more scenes takes what is there already.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from vrs_bench.engines.processes import in_processes
from vrs_bench.errors import BenchError
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.paths import write_text, writing_alone
from vrs_bench.recipes import digest
from vrs_bench.shifts.plan import Plan
from vrs_bench.shifts.scenes import Contestant, Job, Prepare, Record, score_job
from vrs_bench.shifts.turning import Doses, dosed
from vrs_bench.tasks import bind
from vrs_bench.types import Report

RECORDS, SETTINGS = "values.jsonl", "sweep.json"
"""Files of a sweep's folder: a line a value, and what the values are of."""


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
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BenchError(f"{path}: not the settings of a sweep ({error}); remove it") from error
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
