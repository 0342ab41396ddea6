"""Scoring: predictions against the truth, one scene at a time."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from vrs_bench.data.manifest import TaskEntry
from vrs_bench.data.reader import DatasetFolder
from vrs_bench.evaluation.expected import expectation
from vrs_bench.evaluation.predictions import checked
from vrs_bench.evaluation.result import Result, Score
from vrs_bench.evaluation.statistics import CONFIDENCE, RESAMPLES, bootstrap_interval
from vrs_bench.metrics.definition import DISTORTION
from vrs_bench.metrics.distortion import ergas, mae, ndvi_mae, psnr, rmse, sam
from vrs_bench.metrics.structural import ssim, uiqi
from vrs_bench.tasks import BANDS, Task, get_task, restore
from vrs_bench.types import Doubles, Floats, Report


def evaluate(
    predictions: object,
    task: str,
    data: str | Path | DatasetFolder,
    split: str = "test",
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Report | None = None,
) -> Result:
    """Check predictions and score them against the truth.

    Two passes over the predictions: all are checked before one is scored. Memory holds one scene.
    Values outside of [0, 1] are clipped, and counted in the result.

    Args:
        predictions: for each row of the split an array (band, height, width) on the target's
            grid, as floats in [0, 1] or uint16 holding round(10000 · x), given as one of:
            a mapping {(scene, time_step): array} or an iterable of such pairs (a generator is
            read once, and kept in a temporary file); one array (row, band, height, width) in the
            split's order, also a memory map or a torch tensor; a ``datasets.Dataset`` with the
            columns ``scene``, ``time_step`` and ``prediction``; the path of a folder of
            ``<scene>_<step>.npy`` files such as ``900000_007.npy``, of an ``.npz`` with such
            names, of one ``.npy`` in the split's order, or of a ``.parquet`` file or a folder
            of them, with the columns of a Dataset.
        task: name of the task.
        data: dataset folder.
        split: ``train``, ``validation`` or ``test``.
        resamples: bootstrap samples of scenes for the confidence intervals.
        seed: of the bootstrap.
        progress: called with (rows scored, rows in all), after the check and after each scene.

    Raises:
        BenchError: no such data, task or split; or predictions that are missing, duplicate,
            unknown or unreadable, of wrong shape, dtype or range, or not finite. All problems
            are listed at once.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    definition = get_task(task)
    expected = expectation(task, folder, split)
    manifest = folder.manifest
    data_hash = hashlib.sha256(_sensor_settings(manifest.tasks[task]))
    predictions_hash = hashlib.sha256()
    per_scene: dict[str, dict[int, float]] = {name: {} for name in DISTORTION}
    clipped = rows = 0
    with checked(predictions, expected) as prediction_of:
        report = progress or (lambda done, total: None)
        report(0, len(expected.keys))
        for scene in folder.scenes(task, split, [definition.target]):
            truth, number = scene[definition.target], scene["scene"]
            predicted = np.empty(truth.shape, np.float32)
            for index, step in enumerate(scene["time_step"].tolist()):
                predicted[index] = prediction_of((number, step))
                key = np.array([number, step], "<i8").tobytes()
                data_hash.update(key + truth[index].astype("<u2", copy=False).tobytes())
                predictions_hash.update(key + predicted[index].astype("<f4", copy=False).tobytes())
            clipped += int(np.count_nonzero((predicted < 0) | (predicted > 1)))
            np.clip(predicted, 0, 1, out=predicted)
            for name, values in distortion(predicted, restore(truth), definition).items():
                per_scene[name][number] = float(values.mean())
            rows += len(truth)
            report(rows, len(expected.keys))
    return Result(
        task=task,
        split=split,
        recipe=manifest.recipe.name,
        dataset_digest=data_hash.hexdigest(),
        package=version("vrs-bench"),
        n_scenes=len(per_scene["psnr"]),
        n_rows=rows,
        clipped_values=clipped,
        predictions_sha256=predictions_hash.hexdigest(),
        confidence=CONFIDENCE,
        resamples=resamples,
        seed=seed,
        scores={name: _score(name, of, resamples, seed) for name, of in per_scene.items()},
    )


def distortion(prediction: Floats, truth: Floats, task: Task) -> dict[str, Doubles]:
    """Return the metrics of the distortion group.

    Args:
        prediction: (row, band, height, width) float32 in [0, 1].
        truth: the same shape.
        task: whose sampling ratio and bands count.

    Returns:
        metric → (row,) float64.
    """
    bands = BANDS[task.target_product]
    return {
        "mae": mae(prediction, truth),
        "rmse": rmse(prediction, truth),
        "psnr": psnr(prediction, truth),
        "ssim": ssim(prediction, truth),
        "sam": sam(prediction, truth),
        "ergas": ergas(prediction, truth, ratio=task.gsd_ratio),
        "uiqi": uiqi(prediction, truth),
        "ndvi_mae": ndvi_mae(prediction, truth, bands.index("red"), bands.index("nir")),
    }


def _sensor_settings(entry: TaskEntry) -> bytes:
    """Return what made the inputs of a dataset, for its digest.

    Defaults are left out, so that a later version with one more setting gives the same digest.
    """
    sensors = {
        column: sensor.model_dump(mode="json", exclude_defaults=True)
        for column, sensor in entry.sensors.items()
    }
    return json.dumps(sensors, sort_keys=True).encode()


def _score(name: str, per_scene: dict[int, float], resamples: int, seed: int) -> Score:
    metric, values = DISTORTION[name], list(per_scene.values())
    low, high = bootstrap_interval(values, resamples, CONFIDENCE, seed) or (None, None)
    return Score(
        metric=name,
        mean=float(np.mean(values)),
        ci_low=low,
        ci_high=high,
        per_scene=per_scene,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        version=metric.version,
    )
