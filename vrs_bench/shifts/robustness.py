"""What a sweep says of an entry: taken into its file, and swept again."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.leaderboard.robustness import DEVIATION, Answer, Repeated
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.leaderboard.verification import machine
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import SIZES, BenchmarkRecipe, load_recipe
from vrs_bench.shifts.findings import SweepReport, fitted_as_it_is
from vrs_bench.shifts.knobs import KNOBS
from vrs_bench.shifts.plan import plan_sweep
from vrs_bench.shifts.report import make_report
from vrs_bench.shifts.scenes import Prepare
from vrs_bench.shifts.sweep import run_sweep
from vrs_bench.shifts.turning import default_dose
from vrs_bench.tasks import bind
from vrs_bench.types import Report


def answer_of(report: SweepReport, method: str) -> Answer:
    """Return how the skill of a method answers, by the report of a sweep.

    Raises:
        BenchError: of two knobs, or the report has no skill of that method.
    """
    if len(report.knobs) != 1:
        raise BenchError("robustness is of one knob at a time; this sweep turns two")
    knob, default = str(report.knobs[0]["name"]), float(report.knobs[0]["default"])
    found = {
        cell.doses[knob]: cell.scores["skill"].mean
        for cell in report.cells
        if cell.method == method and fitted_as_it_is(report, cell) and "skill" in cell.scores
    }
    if len(found) < 2:
        known = dict.fromkeys(cell.method for cell in report.cells)
        raise BenchError(
            f"the sweep of {knob} has no skill of '{method}' at two doses; its methods: "
            f"{', '.join(known)}"
        )
    doses = sorted(found)
    if not all(-1 <= skill <= 1 for skill in found.values()):
        raise BenchError(f"the sweep of {knob} has a skill of '{method}' beyond -1 and 1")
    return Answer(
        method=called(method),
        knob=knob,
        size=report.size,
        scenes=report.scenes,
        version=METRICS["skill"].version,
        default=default,
        doses=tuple(doses),
        skills=tuple(found[dose] for dose in doses),
    )


def called(method: str) -> str:
    """Return what an answer calls a method: a path's last part, so that no machine is told of."""
    return Path(method).name


def check_answers(entry: Submission) -> None:
    """Check that an entry's answers are to knobs of its task, from the defaults of its size.

    Defaults of sizes that are not the package's own are not known here.

    Raises:
        BenchError: one is not.
    """
    task = entry.result.task
    for answer in entry.robustness:
        knob = KNOBS.get(answer.knob)
        if knob is None or task not in knob.tasks:
            known = [name for name, of in KNOBS.items() if task in of.tasks]
            raise BenchError(
                f"{entry.key}: robustness: {task} has no knob '{answer.knob}'"
                f"{did_you_mean(answer.knob, known)}"
            )
        if answer.size not in SIZES:
            continue
        default = default_dose(knob, bind(task, load_recipe(BenchmarkRecipe, answer.size)))
        if answer.default != default:
            raise BenchError(
                f"{entry.key}: robustness: the default of {answer.knob} is {default:g}, not "
                f"{answer.default:g}"
            )


def with_answer(entry: Submission, report: SweepReport, method: str) -> Submission:
    """Return an entry with what a sweep says of its method, claimed; an older answer is replaced.

    Raises:
        BenchError: the sweep is of another task or size, or says nothing of the method.
    """
    here = (entry.result.task, entry.result.recipe)
    if (report.task, report.size) != here:
        raise BenchError(
            f"the sweep is of {report.task} at size {report.size}, and the entry of {here[0]} at "
            f"size {here[1]}"
        )
    answer = answer_of(report, method)
    others = [of for of in entry.robustness if of.knob != answer.knob]
    answers = sorted([*others, answer], key=lambda of: of.knob)
    made = entry.model_copy(update={"robustness": tuple(answers)})
    check_answers(made)
    return made


def repeated(
    entry: Submission,
    method: str,
    prepare: Prepare,
    *,
    workers: int = 1,
    progress: Callable[[str], Report] = lambda label: lambda done, total: None,
) -> Submission:
    """Sweep again what an entry says of its robustness, and return it with stamps.

    Args:
        entry: whose answers are repeated.
        method: name of its method, as for a sweep.
        prepare: gives methods by name.
        workers: processes.
        progress: gives a report of (values, in all) by a label.

    Raises:
        BenchError: nothing to repeat, another method, a knob that there is not, an older
            definition of skill, or a skill deviates by more than :data:`DEVIATION`; all of these
            are named.
    """
    if not entry.robustness:
        raise BenchError(
            f"{entry.name}: says nothing of its robustness; give a --report of a sweep"
        )
    check_answers(entry)
    answers, faults = [], []
    for claimed in entry.robustness:
        if claimed.method != called(method):
            raise BenchError(
                f"{entry.name}: its answer to {claimed.knob} is of '{claimed.method}', and the "
                f"sweep would be of '{called(method)}'"
            )
        recipe = load_recipe(BenchmarkRecipe, claimed.size)
        knobs = [(KNOBS[claimed.knob], claimed.doses)]
        plan = plan_sweep(entry.result.task, recipe, knobs, [method], claimed.scenes)
        values = run_sweep(plan, prepare, workers=workers, progress=progress(claimed.knob))
        found = answer_of(make_report(plan, values), method)
        if found.measured != claimed.measured or found.default != claimed.default:
            faults.append(f"{claimed.knob}: is of other doses, or of another definition of skill")
            continue
        deviations = [abs(a - b) for a, b in zip(found.skills, claimed.skills, strict=True)]
        if max(deviations) > DEVIATION:
            worst = deviations.index(max(deviations))
            faults.append(
                f"{claimed.knob}: claims skill {claimed.skills[worst]:.4f} at "
                f"{claimed.doses[worst]:g}, found {found.skills[worst]:.4f}"
            )
            continue
        stamp = Repeated(
            date=datetime.datetime.now(datetime.UTC).date(),
            package=version("vrs-bench"),
            machine=machine(),
            largest_deviation=max(deviations),
            content_sha256=found.content_digest(),
        )
        answers.append(found.model_copy(update={"stamp": stamp}))
    if faults:
        raise BenchError("\n  ".join([f"{entry.name}: not found again:", *faults]))
    return entry.model_copy(update={"robustness": tuple(answers)})
