"""Pictures of a result: where the errors are, of which classes, and in which parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vrs_bench.colours import composite
from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.result import Result
from vrs_bench.evaluation.scores import PartScore
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.metrics.catalogue import shown_in
from vrs_bench.metrics.distortion import absolute_error_map, sam_map
from vrs_bench.plots.display import draw_image, save
from vrs_bench.plots.telling import scenes_of, telling_scenes
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats
from vrs_bench.world.landcover import class_colours, class_names


def evaluation_plots(
    result: Result, predictions: object, data: str | Path | DatasetFolder, out: str | Path
) -> list[Path]:
    """Draw a result and write PNGs: ``errors``, and where it has them ``parts``, ``confusion``.

    Args:
        result: what :func:`vrs_bench.evaluate` gave.
        predictions: the same predictions, which are read again.
        data: the same dataset folder.
        out: folder for the pictures.

    Raises:
        BenchError: the result has no scores by scene, or the predictions are not those of it.
    """
    folder, task = data if isinstance(data, DatasetFolder) else DatasetFolder(data), result.task
    chosen = telling_scenes(result)
    del chosen["best"]
    scenes = scenes_of(result, predictions, folder, chosen.values())
    pictures = {"errors": _errors(result, folder.manifest.bound(task), chosen, scenes)}
    if result.slices:
        pictures["parts"] = _parts(result)
    if result.confusion:
        pictures["confusion"] = _confusion(result)
    return [save(figure, Path(out) / f"{name}.png") for name, figure in pictures.items()]


def _errors(
    result: Result,
    bound: BoundTask,
    chosen: dict[str, int],
    scenes: dict[int, tuple[SceneTruth, Floats]],
) -> Figure:
    """Draw input, prediction, truth, error and angle of two scenes, where the error is largest."""
    task, product = bound.task, bound.main_sensor.product
    figure = Figure(figsize=(17, 7), layout="constrained")
    figure.suptitle(f"{result.task}, split {result.split} of '{result.recipe}'")
    for axes, (kind, number) in zip(figure.subplots(2, 5), chosen.items(), strict=True):
        scene, images = scenes[number]
        errors = absolute_error_map(images, scene.target)
        row = int(errors.mean(axis=(1, 2)).argmax())
        angle = sam_map(images[row], scene.target[row])
        seen = restore(scene.columns[task.main_input][row])
        place = f"{kind} scene {number}, step {scene.steps[row]}"
        draw_image(axes[0], composite(seen, product), f"{place}: {task.main_input}")
        draw_image(axes[1], composite(images[row], task.target_product), "prediction")
        draw_image(axes[2], composite(scene.target[row], task.target_product), "truth")
        for axis, values, title in (
            (axes[3], errors[row], "absolute error, mean over bands"),
            (axes[4], angle, "spectral angle, degrees"),
        ):
            top = float(np.quantile(values, 0.995)) or 1e-6
            drawn = axis.imshow(values, cmap="magma", vmin=0, vmax=top, interpolation="nearest")
            axis.set_title(title, fontsize=10)
            axis.set_axis_off()
            figure.colorbar(drawn, ax=axis, shrink=0.85)
    return figure


def _parts(result: Result) -> Figure:
    """Draw scores with their intervals by part: a row a metric, a column a kind of part."""
    metrics = [
        metric
        for metric in shown_in("parts")
        if any(metric.name in of for parts in result.slices.values() for of in parts.values())
    ]
    kinds = list(result.slices)
    figure = Figure(figsize=(4.6 * len(kinds), 2.9 * len(metrics)), layout="constrained")
    figure.suptitle(f"{result.task}: scores by part, {result.confidence:.0%} intervals")
    axes = figure.subplots(len(metrics), len(kinds), squeeze=False)
    for line, metric in zip(axes, metrics, strict=True):
        for axis, kind in zip(line, kinds, strict=True):
            parts = result.slices[kind].items()
            scores = {part: of[metric.name] for part, of in parts if metric.name in of}
            if not scores:
                axis.set_axis_off()
                continue
            _part_scores(axis, kind, scores, shares=(metric.low, metric.high) == (0, 1))
            unit = f" ({metric.unit})" if metric.unit else ""
            axis.set_title(f"{metric.label}{unit} by {kind.replace('_', ' ')}", fontsize=10)
    return figure


def _part_scores(axis: Any, kind: str, scores: dict[str, PartScore], shares: bool) -> None:
    """Draw means with intervals: by part, as bars where they are shares; a line by time step."""
    means = np.array([score.mean for score in scores.values()])
    ends = [(s.ci_low, s.ci_high) for s in scores.values()]
    low, high = (
        np.array([mean if end is None else end for mean, end in zip(means, side, strict=True)])
        for side in zip(*ends, strict=True)
    )
    if kind == "time_step":
        steps = [int(part) for part in scores]
        axis.fill_between(steps, low, high, alpha=0.3)
        axis.plot(steps, means)
        return
    names, colours = class_names(), class_colours()
    shades = [colours[names.index(part)] if part in names else "#5a7fb0" for part in scores]
    spread = np.maximum(np.stack([means - low, high - means]), 0)
    edge = {"edgecolor": "#404040", "linewidth": 0.5}
    if shares:
        axis.barh(list(scores), means, xerr=spread, color=shades, **edge)
    else:  # from 0, differences of decibels would not be seen
        axis.errorbar(means, list(scores), xerr=spread, fmt="none", ecolor="#404040", zorder=1)
        axis.scatter(means, list(scores), c=shades, s=45, zorder=2, **edge)
        axis.grid(axis="x", alpha=0.3)
    axis.invert_yaxis()


def _confusion(result: Result) -> Figure:
    """Draw the confusion matrices, each row as shares of its true class."""
    names = class_names()[1:]
    figure = Figure(figsize=(5.6 * len(result.confusion), 5.2), layout="constrained")
    axes = figure.subplots(1, len(result.confusion), squeeze=False)[0]
    for axis, (source, counts) in zip(axes, result.confusion.items(), strict=True):
        matrix = np.array(counts, np.float64)
        share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), value in np.ndenumerate(share):
            if value >= 0.005:
                colour = "white" if value > 0.6 else "black"
                axis.text(
                    column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour
                )
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.set_title(source.replace("_truth", ", on the truth"), fontsize=10)
        axis.set_xlabel("found")
        axis.set_ylabel("true")
    return figure
