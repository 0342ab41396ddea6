"""What a sweep finds, as it is kept in JSON: scores by cell, curves, validity, interactions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.scores import STRICT
from vrs_bench.paths import write_text
from vrs_bench.recipes import RECIPE_NAME
from vrs_bench.shifts.curves import Fall, HalfDose
from vrs_bench.shifts.knobs import KNOBS
from vrs_bench.tasks import get_task

MAX_BYTES = 4_000_000
"""A report of seven methods, thirty scores and six doses has 1 MB."""

Matrix = Mapping[tuple[float, float], float]
"""Two doses → value."""


@dataclass(frozen=True)
class Estimate:
    """A mean over scenes with its interval, which one scene has not."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Cell:
    """The scores of one method at some doses."""

    doses: dict[str, float]
    method: str
    fitted: dict[str, float]
    """Doses of knobs that stood elsewhere than the recipe has them while it was fitted."""
    scores: dict[str, Estimate]
    change: dict[str, Estimate]
    """Less the same method's at the default doses, paired by scene."""


@dataclass(frozen=True)
class Curve:
    """One score of one method along one knob, others at their defaults."""

    knob: str
    method: str
    metric: str
    default: Estimate
    """At the default dose."""
    robust: Estimate
    """Mean over the doses, each of the same weight."""
    area: Estimate
    """Mean over the range of doses."""
    half: HalfDose | None
    """Where it has fallen to half; None where harder is in no known direction, or there is no
    skill at the default that could be halved."""
    steepest: Fall | None
    worst: dict[str, float]
    """``dose`` and ``mean`` of the worst cell."""


@dataclass(frozen=True)
class Validity:
    """Whether a metric gets worse as the task gets harder, scene by scene."""

    knob: str
    metric: str
    falls: float
    """Share of scenes and methods in which it gets worse, or stays, from dose to dose."""
    tau: Estimate
    """Kendall's τ of harder doses with worse values, mean over methods and scenes."""


@dataclass(frozen=True)
class Interaction:
    """How much more two doses do together than each by itself: f(a, b) - f(a) - f(b) + f()."""

    doses: dict[str, float]
    method: str
    metric: str
    effect: Estimate


@dataclass(frozen=True)
class SweepReport:
    """All that a sweep found."""

    task: str
    size: Annotated[str, Field(pattern=RECIPE_NAME)]
    package: str
    scenes: int
    confidence: float
    knobs: list[dict[str, Any]]
    """Name, unit, text, doses, default and direction of each."""
    left_out: dict[str, str]
    """Metric → why it is not measured."""
    cells: list[Cell]
    curves: list[Curve]
    validity: list[Validity]
    interactions: list[Interaction]

    __pydantic_config__ = STRICT

    def to_json(self, path: Path) -> None:
        """Write a JSON file, whole or not at all."""
        text = json.dumps(asdict(self), indent=1, allow_nan=False, ensure_ascii=False)
        write_text(path, text + "\n")


def read_report(path: Path) -> SweepReport:
    """Read and check the JSON of a report, which anybody may have written.

    Raises:
        BenchError: too large, or not a report: unknown or missing keys, wrong types, numbers that
            are not finite, a task or a knob that there is not, a size that is no name, cells
            without the doses of its knobs.
    """
    if not path.is_file():
        raise BenchError(f"{path}: no such file; a sweep with --out writes report-KNOB.json")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BenchError(f"{path}: larger than {MAX_BYTES} bytes, which no report is")
        report = TypeAdapter(SweepReport).validate_json(path.read_bytes())
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, of['loc']))}: {of['msg']}" for of in error.errors()[:5]]
        raise BenchError("\n  ".join([f"{path}: not a report of a sweep:", *faults])) from error
    get_task(report.task)
    for knob in report.knobs:
        name, default = knob.get("name"), knob.get("default")
        if name not in KNOBS:
            raise BenchError(f"{path}: unknown knob '{name}'{did_you_mean(str(name), KNOBS)}")
        if not isinstance(default, int | float) or not isinstance(knob.get("turns"), str):
            raise BenchError(
                f"{path}: expected of knob '{name}' a number as 'default' and a text as 'turns'"
            )
    turned = {knob["name"] for knob in report.knobs}
    for cell in report.cells:
        if set(cell.doses) != turned:
            raise BenchError(
                f"{path}: expected doses of {', '.join(sorted(turned))} in each cell, got "
                f"{', '.join(sorted(cell.doses)) or 'none'}"
            )
    return report


def fitted_as_it_is(report: SweepReport, cell: Cell) -> bool:
    """Say whether a method was fitted where the recipe has it, or a knob is for that alone."""
    training = {knob["name"] for knob in report.knobs if knob["turns"] == "training"}
    return set(cell.fitted) <= training


def skill_matrices(report: SweepReport) -> dict[str, Matrix]:
    """Return the mean skill of each method that was also fitted at other doses than the default.

    Returns:
        method → (dose that it was fitted at, dose that it met) → skill; nothing where what is
        turned is turned for the fitting alone, or skill can't be measured.
    """
    if len(report.knobs) > 1 or report.knobs[0]["turns"] == "training":
        return {}
    name, default = report.knobs[0]["name"], report.knobs[0]["default"]
    refitted = dict.fromkeys(cell.method for cell in report.cells if cell.fitted)
    return {
        method: {
            (cell.fitted.get(name, default), cell.doses[name]): cell.scores["skill"].mean
            for cell in report.cells
            if cell.method == method
        }
        for method in refitted
        if all("skill" in cell.scores for cell in report.cells)
    }


def validities(reports: Iterable[Path]) -> list[Validity]:
    """Return what several sweeps say of metrics, from the JSON of their reports.

    Of a knob that was turned in several, the last one's counts.
    """
    found: dict[tuple[str, str], Validity] = {}
    for path in reports:
        for of in read_report(path).validity:
            found[of.knob, of.metric] = of
    return list(found.values())
