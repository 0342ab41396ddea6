"""What a sweep found, as Markdown for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vrs_bench.markdown import markdown_table
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.shifts.curves import HalfDose
from vrs_bench.shifts.findings import (
    Estimate,
    SweepReport,
    Validity,
    fitted_as_it_is,
    skill_matrices,
)
from vrs_bench.shifts.knobs import KNOBS
from vrs_bench.shifts.scenes import FLOOR, TRUTH
from vrs_bench.shifts.turning import default_dose
from vrs_bench.tasks import bind

HARDER = {"up": "the larger, the harder", "down": "the smaller, the harder"}


def report_text(report: SweepReport) -> str:
    """Return all tables of a sweep."""
    knobs = [
        f"`{knob['name']}`, {knob['unit']}: {knob['text']} Default {knob['default']:g}; "
        f"{HARDER.get(knob['harder'], 'no direction is known to be harder')}."
        for knob in report.knobs
    ]
    parts = [
        f"# {report.task}, {report.size}: {' × '.join(k['name'] for k in report.knobs)}",
        "\n".join(f"- {line}" for line in knobs),
        f"{report.scenes} test scenes; intervals {report.confidence:.0%}, over scenes. Floor and "
        "ceiling of skill are measured again at every dose.",
        "## Curves",
        curves_table(report),
        "## Dose by dose",
        *(cells_table(report, method) for method in dict.fromkeys(c.method for c in report.cells)
          if method != TRUTH),
    ]  # fmt: skip
    if matrices := [*matrix_tables(report)]:
        parts += ["## Fitted at one dose, met with another", *matrices]
    if report.interactions:
        parts += ["## Two doses together", interactions_table(report)]
    if report.validity:
        parts += ["## Which scores fall as it gets harder", validity_table(report.validity)]
    if report.left_out:
        lines = [f"- {', '.join(names)}: {why}" for why, names in _by_reason(report)]
        parts += ["## Not measured", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def knobs_table(tasks: Sequence[str], recipe: BenchmarkRecipe) -> str:
    """Return a table of the knobs of some tasks, with the defaults of a recipe.

    Where tasks differ in a default, it is that of the first of them.
    """
    rows = []
    for knob in KNOBS.values():
        of = [task for task in tasks if task in knob.tasks]
        if of:
            default = default_dose(knob, bind(of[0], recipe))
            doses = ", ".join(f"{dose:g}" for dose in knob.doses)
            arrow = {"up": "↑", "down": "↓", "either": "–"}[knob.harder]
            row = [f"`{knob.name}`", ", ".join(of), knob.unit, f"{default:g}", doses, arrow]
            rows.append([*row, knob.text])
    head = ["knob", "tasks", "unit", "default", "doses", "harder", "what is turned"]
    return markdown_table(head, rows)


def curves_table(report: SweepReport) -> str:
    """Return a line a knob, method and score: what its curve says."""
    head = ["knob", "method", "score", "default", "mean of doses", "area", "half at", "steepest"]
    rows = [
        [
            curve.knob,
            curve.method,
            METRICS[curve.metric].label,
            _estimate(curve.default),
            _estimate(curve.robust),
            _estimate(curve.area),
            _half(curve.half),
            "–" if curve.steepest is None else f"{curve.steepest.start:g} → {curve.steepest.end:g}",
            f"{_number(curve.worst['mean'])} at {curve.worst['dose']:g}",
        ]
        for curve in report.curves
    ]
    return markdown_table([*head, "worst"], rows)


def cells_table(report: SweepReport, method: str) -> str:
    """Return a line a cell of one method: skill, its groups and RMSE, and their changes."""
    cells = [
        cell for cell in report.cells if cell.method == method and fitted_as_it_is(report, cell)
    ]
    metrics = [name for name in cells[0].scores if METRICS[name].group == "skill" or name == "rmse"]
    if method == FLOOR:  # whose skill is 0 by definition
        metrics = ["rmse"]
    head = [*cells[0].doses, *(METRICS[name].label for name in metrics)]
    rows = [
        [
            *(f"{dose:g}" for dose in cell.doses.values()),
            *(_changed(cell.scores[name], cell.change[name]) for name in metrics),
        ]
        for cell in cells
    ]
    return (
        f"### {method}\n\nMean, and its paired change against the default dose.\n\n"
        + markdown_table(head, rows)
    )


def matrix_tables(report: SweepReport) -> Iterable[str]:
    """Yield, of each method that was fitted at several doses, skill by fitted and met dose."""
    for method, skill in skill_matrices(report).items():
        [knob] = report.knobs
        rows = [
            [f"**{at:g}**", *(_number(skill[at, met]) for met in knob["doses"])]
            for at in knob["doses"]
        ]
        head = [f"fitted at {knob['name']}", *(f"met {dose:g}" for dose in knob["doses"])]
        yield f"### {method}: skill\n\n" + markdown_table(head, rows)


def interactions_table(report: SweepReport) -> str:
    """Return how much more two doses do together than each by itself, of skill and RMSE."""
    rows = [
        [
            of.method,
            METRICS[of.metric].label,
            ", ".join(f"{name} {dose:g}" for name, dose in of.doses.items()),
            _estimate(of.effect, "+"),
        ]
        for of in report.interactions
        if of.metric in ("skill", "rmse")
    ]
    return markdown_table(["method", "score", "doses", "effect"], rows)


def validity_table(found: Sequence[Validity]) -> str:
    """Return a table of metrics × knobs: Kendall's τ, and the share of curves that only fall."""
    knobs = list(dict.fromkeys(of.knob for of in found))
    cells = {(of.metric, of.knob): of for of in found}
    rows = []
    for name in [name for name in METRICS if any(of.metric == name for of in found)]:
        row = [METRICS[name].label]
        for knob in knobs:
            of = cells.get((name, knob))
            row.append("–" if of is None else f"{_estimate(of.tau)}; {of.falls:.0%}")
        rows.append(row)
    return (
        "Kendall's τ of worse values with harder doses, by scene (1: every step is worse; 0: no "
        "order; below 0: better where it is harder), with its interval; share of the curves of "
        "scenes and methods that fall all along.\n\n" + markdown_table(["score", *knobs], rows)
    )


def _by_reason(report: SweepReport) -> list[tuple[str, list[str]]]:
    reasons: dict[str, list[str]] = {}
    for name, why in report.left_out.items():
        reasons.setdefault(why, []).append(METRICS[name].label)
    return list(reasons.items())


def _number(value: float, digits: int = 3, sign: str = "") -> str:
    """Return a number with so many digits; what rounds to 0 has no minus."""
    value = round(value, digits) + 0.0
    return f"{value:{sign}.{digits}f}"


def _estimate(of: Estimate, sign: str = "") -> str:
    if of.low is None or of.high is None:
        return _number(of.mean, 3, sign)
    ends = f"{_number(of.low, 3, sign)} to {_number(of.high, 3, sign)}"
    return f"{_number(of.mean, 3, sign)} ({ends})"


def _changed(score: Estimate, change: Estimate) -> str:
    digits = 4 if abs(score.mean) < 0.1 else 3
    text, by = _number(score.mean, digits), _number(change.mean, digits, "+")
    if not change.mean and not change.low:
        return text
    if change.low is None or change.high is None:
        return f"{text} ({by})"
    ends = f"{_number(change.low, digits, '+')} to {_number(change.high, digits, '+')}"
    return f"{text} ({by}: {ends})"


def _half(half: HalfDose | None) -> str:
    if half is None:
        return "–"
    dose = "beyond" if half.dose is None else f"{half.dose:.3g}"
    if half.nearest is None:
        return dose
    far = "beyond" if half.farthest is None else f"{half.farthest:.3g}"
    return f"{dose} ({half.nearest:.3g} to {far})"
