"""The pages of response curves: how skill and its groups answer when one cause is turned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from vrs_bench.errors import BenchError
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Metric
from vrs_bench.shifts.findings import Cell, SweepReport, fitted_as_it_is, read_report
from vrs_bench.shifts.knobs import KNOBS, Knob
from vrs_bench.shifts.scenes import FLOOR, TRUTH
from vrs_bench.site.charts import Point, Scatter, scatter
from vrs_bench.site.pages import Files, page
from vrs_bench.tasks import TASKS

LOGARITHMIC = 16
"""Doses that differ by this factor or more, and none of which is 0, are laid out by logarithm."""


@dataclass(frozen=True)
class Response:
    """One knob, turned: what a page shows of it."""

    knob: Knob
    default: float
    report: SweepReport
    drawings: tuple[tuple[Metric, Scatter], ...]
    skills: tuple[Metric, ...]
    cells: tuple[Cell, ...]
    """By method, and then by dose."""


def read_reports(folder: Path) -> list[SweepReport]:
    """Return the reports of sweeps of one knob each below a folder, in the order of their paths.

    Raises:
        BenchError: there is none, or one is not a report.
    """
    reports = [read_report(path) for path in sorted(folder.glob("**/report-*.json"))]
    if not reports:
        raise BenchError(
            f"{folder}: no report-*.json; make one with: vrs-bench sweep TASK --knob … --out FOLDER"
        )
    return [report for report in reports if len(report.knobs) == 1]


def response_paths(reports: Iterable[SweepReport]) -> dict[tuple[str, str], str]:
    """Return (task, size) → path of the page of its curves."""
    return {(of.task, of.size): f"responses/{of.task}-{of.size}.html" for of in reports}


def response_pages(reports: Sequence[SweepReport], common: dict[str, Any]) -> Files:
    """Return a page for each task and size that was swept."""
    files = Files()
    paths = response_paths(reports)
    order = sorted(reports, key=lambda of: (list(TASKS).index(of.task), of.size))
    for (task, size), of in groupby(order, key=lambda of: (of.task, of.size)):
        path = paths[task, size]
        responses = [_response(report) for report in of]
        files[path] = page(
            path,
            "responses",
            f"Response curves: {TASKS[task].title}, size {size}",
            responses=responses,
            lines_of=lines_of,
            **common,
        )
    return files


def _response(report: SweepReport) -> Response:
    knob, default = KNOBS[report.knobs[0]["name"]], float(report.knobs[0]["default"])
    cells = [
        cell
        for cell in report.cells
        if cell.method not in (FLOOR, TRUTH) and fitted_as_it_is(report, cell)
    ]
    cells.sort(key=lambda cell: (cell.method, cell.doses[knob.name]))
    skills = [
        metric
        for name, metric in METRICS.items()
        if metric.group == "skill" and all(name in cell.scores for cell in cells)
    ]
    drawings = [(metric, _drawing(metric, knob, cells)) for metric in skills if cells]
    return Response(knob, default, report, tuple(drawings), tuple(skills), tuple(cells))


def _drawing(metric: Metric, knob: Knob, cells: Sequence[Cell]) -> Scatter:
    points = [
        Point(cell.method, cell.doses[knob.name], score.mean, score.low, score.high)
        for cell in cells
        for score in [cell.scores[metric.name]]
    ]
    doses = [point.x for point in points]
    logarithmic = min(doses) > 0 and max(doses) / min(doses) >= LOGARITHMIC
    label = f"{knob.name}, {knob.unit}" if knob.unit else knob.name
    return scatter(points, label, metric.label, log_x=logarithmic)


def lines_of(drawing: Scatter) -> Mapping[str, list[tuple[float, float, float, float]]]:
    """Return method → (x, y, y of the interval's lower end, of its upper one) along its curve."""
    return {
        label: [
            (x, y, y if low is None else low, y if high is None else high)
            for _, x, y, low, high in of
        ]
        for label, of in groupby(drawing.points, key=lambda placed: placed[0].label)
    }
