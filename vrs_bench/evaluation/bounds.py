"""Floor and ceiling of every score: the trivial baseline, and the truth itself as a prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.floors import Method, floor_method
from vrs_bench.evaluation.judge import Judge
from vrs_bench.evaluation.scores import Bound
from vrs_bench.evaluation.tally import PartFloors
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Metric
from vrs_bench.paths import write_text
from vrs_bench.references import HERE
from vrs_bench.tasks import BoundTask, get_task

PACKAGED = HERE / "bounds.json"


def rival_methods(folder: DatasetFolder, task: BoundTask) -> dict[str, Method]:
    """Return the trivial baseline of a task as ``floor``, and the truth as ``ceiling``."""
    return {
        "floor": floor_method(task, folder),
        "ceiling": lambda scene: scene.target,
    }


def packaged_bounds(
    folder: DatasetFolder, task: str, split: str, judge: Judge
) -> tuple[dict[str, Bound], PartFloors]:
    """Return the bounds that were measured beforehand, of those metrics of the judge that have one.

    Returns:
        metric → bound, in the order of the judge's metrics; and part → metric → floor there, of
        what skill is made of.
    """
    key = bounds_key(task, split, folder.manifest.tasks[task].digest)
    rows = folder.manifest.rows(task, split)
    bounds = kept_bounds(key, rows, judge.references(), judge.metrics)
    entry = _kept(PACKAGED).get(key, {"parts": {}}) if bounds else {"parts": {}}
    floors = {
        (kind, part): {name: value for name, value in of_part.items() if name in bounds}
        for kind, of_kind in entry["parts"].items()
        for part, of_part in of_kind.items()
    }
    return bounds, floors


def kept_bounds(
    key: str, rows: int, references: Mapping[str, str], metrics: Iterable[Metric]
) -> dict[str, Bound]:
    """Return what ships with the package of the bounds of some data.

    A bound holds for the data, the references and the version of the metric that it was measured
    with; what became of other metrics since does not matter.

    Args:
        key: of the data, see :func:`bounds_key`.
        rows: of the split.
        references: SHA-256 of what the metrics look through.
        metrics: of which bounds are wanted.

    Returns:
        metric → bound, of those that have one, in the order of the metrics.
    """
    entry = _kept(PACKAGED).get(key)
    if entry is None or entry["rows"] != rows:
        return {}
    bounds = {}
    for metric in metrics:
        kept = entry["bounds"].get(metric.name)
        through = [need for need in ("readers", "encoder") if need in metric.needs]
        if (
            kept is not None
            and kept["version"] == metric.version
            and all(references.get(name) == entry["references"].get(name) for name in through)
        ):
            bounds[metric.name] = Bound(kept["floor"], kept["ceiling"])
    return bounds


def bounds_key(task: str, split: str, recipe_digest: str) -> str:
    """Return under what name the bounds of a split are kept: its floor, and what made it."""
    return f"{task}/{split}/{get_task(task).floor}/{recipe_digest}"


def keep_bounds(
    path: Path,
    folder: DatasetFolder,
    split: str,
    judge: Judge,
    bounds: Mapping[str, Bound],
    part_floors: PartFloors,
) -> None:
    """Write the bounds of a split into a JSON file; what it holds of other data stays."""
    task = judge.task.name
    parts: dict[str, dict[str, dict[str, float]]] = {}
    for (kind, part), floors in part_floors.items():
        parts.setdefault(kind, {})[part] = dict(floors)
    kept = _kept(path) if path.exists() else {}
    kept[bounds_key(task, split, folder.manifest.tasks[task].digest)] = {
        # The digest of the recipes does not say how many scenes there are.
        "rows": folder.manifest.rows(task, split),
        "references": judge.references(),
        "bounds": {
            metric: {
                "version": METRICS[metric].version,
                "floor": bound.floor,
                "ceiling": bound.ceiling,
            }
            for metric, bound in bounds.items()
        },
        "parts": parts,
    }
    write_text(path, json.dumps(kept, indent=1, sort_keys=True) + "\n")


def _kept(path: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept
