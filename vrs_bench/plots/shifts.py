"""Pictures of a sweep: scores over doses with bands, and skill by fitted and met dose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.plots.display import save
from vrs_bench.shifts.findings import Cell, Matrix, SweepReport, fitted_as_it_is, skill_matrices
from vrs_bench.shifts.scenes import FLOOR, TRUTH

PANELS = 3  # side by side


def sweep_plots(report: SweepReport, out: Path) -> list[Path]:
    """Draw a sweep and write PNGs: ``curves``, or ``grid`` of two knobs, and ``matrix``.

    Returns:
        the files.
    """
    pictures = {"curves": _curves(report)} if len(report.knobs) == 1 else {"grid": _grid(report)}
    if matrices := skill_matrices(report):
        pictures["matrix"] = _matrices(report, matrices)
    name = "-".join(knob["name"] for knob in report.knobs)
    return [save(figure, out / f"{kind}-{name}.png") for kind, figure in pictures.items()]


def _shown(report: SweepReport) -> list[str]:
    names = list(report.cells[0].scores)
    return [name for name in names if METRICS[name].group == "skill" or name == "rmse"]


def _methods(report: SweepReport) -> list[tuple[str, list[Cell]]]:
    """Return methods, fitted where the recipe is, or where a knob for training stands."""
    by_method: dict[str, list[Cell]] = {}
    for cell in report.cells:
        if cell.method != TRUTH and fitted_as_it_is(report, cell):
            by_method.setdefault(cell.method, []).append(cell)
    return list(by_method.items())


def _curves(report: SweepReport) -> Figure:
    """Draw mean scores over the doses of one knob, with intervals; the default dose is dotted."""
    [knob], metrics = report.knobs, _shown(report)
    lines = -(-len(metrics) // PANELS)
    figure = Figure(figsize=(4.4 * PANELS, 3.2 * lines), layout="constrained")
    figure.suptitle(
        f"{report.task}, {report.size}: {knob['name']}, {report.scenes} scenes, "
        f"{report.confidence:.0%} bands"
    )
    axes = figure.subplots(lines, PANELS, squeeze=False).ravel()
    for axis, metric in zip(axes, metrics, strict=False):
        for method, cells in _methods(report):
            scores = [cell.scores[metric] for cell in cells]
            doses = [cell.doses[knob["name"]] for cell in cells]
            mean = np.array([score.mean for score in scores])
            low = [score.mean if score.low is None else score.low for score in scores]
            high = [score.mean if score.high is None else score.high for score in scores]
            style = "--" if method == FLOOR else "-"
            [line] = axis.plot(doses, mean, style, marker="o", markersize=3, label=method)
            axis.fill_between(doses, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axis.axvline(knob["default"], color="#808080", linestyle=":", linewidth=1)
        axis.set_title(METRICS[metric].label, fontsize=10)
        axis.set_xlabel(f"{knob['name']} ({knob['unit']})", fontsize=8)
        axis.grid(alpha=0.3)
    for axis in axes[len(metrics) :]:
        axis.set_axis_off()
    axes[0].legend(fontsize=8)
    return figure


def _grid(report: SweepReport) -> Figure:
    """Draw the skill of each method over two knobs."""
    methods = [(name, cells) for name, cells in _methods(report) if name != FLOOR]
    rows, columns = report.knobs
    figure = Figure(figsize=(4.6 * len(methods), 4.2), layout="constrained")
    axes = figure.subplots(1, len(methods), squeeze=False)[0]
    metric = "skill" if "skill" in report.cells[0].scores else _shown(report)[-1]
    for axis, (method, cells) in zip(axes, methods, strict=True):
        means = {
            (c.doses[rows["name"]], c.doses[columns["name"]]): c.scores[metric].mean for c in cells
        }
        _numbers(axis, means, rows["doses"], columns["doses"])
        axis.set_xlabel(f"{columns['name']} ({columns['unit']})")
        axis.set_ylabel(f"{rows['name']} ({rows['unit']})")
        axis.set_title(f"{method}: {METRICS[metric].label}", fontsize=10)
    return figure


def _matrices(report: SweepReport, matrices: Mapping[str, Matrix]) -> Figure:
    """Draw the skill of methods by the dose that they were fitted at and the one that they met."""
    [knob] = report.knobs
    figure = Figure(figsize=(4.6 * len(matrices), 4.2), layout="constrained")
    axes = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axis, (method, means) in zip(axes, matrices.items(), strict=True):
        _numbers(axis, means, knob["doses"], knob["doses"])
        axis.set_xlabel(f"met: {knob['name']} ({knob['unit']})")
        axis.set_ylabel("fitted at")
        axis.set_title(f"{method}: skill", fontsize=10)
    return figure


def _numbers(axis: Any, means: Matrix, rows: list[float], columns: list[float]) -> None:
    """Draw a table of numbers, coloured."""
    image = np.array([[means[row, column] for column in columns] for row in rows])
    axis.imshow(image, cmap="viridis", origin="lower")
    middle = (image.min() + image.max()) / 2
    for (row, column), value in np.ndenumerate(image):
        colour = "black" if value > middle else "white"
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    axis.set_xticks(range(len(columns)), [f"{dose:g}" for dose in columns])
    axis.set_yticks(range(len(rows)), [f"{dose:g}" for dose in rows])
