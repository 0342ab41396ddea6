"""Write the predictions of a method, one file a row.

    python baselines/predict.py --method runs/unet --data vrs-toy --split test --out preds/unet

is `vrs-bench predict`, as is `python -m baselines.predict`. A file is named
`<scene>_<time step>.npy` and holds uint16 (band, H, W), value = round(10000 · x). Rows that are
already there and whole are not made again, so a run that was stopped goes on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# As in train.py: threads that wait for each other sleep, and NumPy uses one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from baselines.examples import FolderExamples
from baselines.inputs import data_digest, shown_inputs
from baselines.methods.finding import find_method
from baselines.methods.method import Method, Restore
from baselines.methods.registry import METHODS
from vrs_bench.columns import quantise, row_name
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.paths import named, whole_file, write_text
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats, Report

RECORD = ".made-by.json"
"""File beside the predictions that says what made them."""


def predict(
    method: str,
    task: str,
    data: str | Path,
    split: str,
    out: str | Path,
    report: Report = lambda done, total: None,
    *,
    train: str | Path | None = None,
    fitting: Report = lambda done, total: None,
) -> None:
    """Write the predictions of a method for a split; memory holds one scene.

    Args:
        method: name of a method, ``FILE.py:OBJECT``, or the folder of a finished training run.
        task: name of the task.
        data: dataset folder.
        split: ``train``, ``validation``, ``test``, or ``private``.
        out: folder of the predictions; those that are there and whole are kept.
        report: called with the number of rows (done, in all).
        train: dataset folder whose train and validation splits a method is fitted on, where it is
            fitted; by default ``data``.
        fitting: called with the number of scenes that were read for a fit (done, in all).

    Raises:
        BenchError: no such method, dataset, task or split; a method that is not for the task, or
            does not return what it should; or a folder that holds other predictions.
    """
    found, out = find_method(method), named(out)
    folder = DatasetFolder(data)
    manifest, bound = folder.manifest, folder.manifest.bound(task)
    total, done = manifest.rows(task, split), 0
    if not found.suits(bound):
        others = [name for name, other in METHODS.items() if other.suits(bound)]
        raise BenchError(
            f"{method}: needs {found.needs}; that is not so of {task} in {data}. Methods for it: "
            f"{', '.join([*others, 'the folder of a training on it'])}"
        )
    held = {column.name for column in manifest.columns(task)}
    if not held.issuperset(found.oracle):
        raise BenchError(
            f"{method}: is told {' and '.join(found.oracle)}, which {data} holds back; choose a "
            f"method that is no oracle"
        )
    made_by = {"method": found.identity or found.name, "task": task, "split": split}
    made_by["data"] = data_digest(manifest, task)
    examples = FolderExamples(folder if train is None else DatasetFolder(train), found, bound)
    if found.fit is not None:
        examples.require()
        made_by["fitted_on"] = data_digest(examples.folder.manifest, task)
    claim(out, made_by)
    restore: Restore | None = None
    shape = bound.column(bound.target).shape
    for scene in folder.scenes(task, split, found.seen(bound)):
        keys = [(scene["scene"], int(step)) for step in scene["time_step"]]
        paths = [out / f"{row_name(key)}.npy" for key in keys]
        missing = [index for index, path in enumerate(paths) if not is_whole(path, shape)]
        if missing:
            if restore is None:  # not before: a run that is complete fits nothing
                restore = found.ready(bound, examples.reporting(fitting))
            images = quantise(restored(found, restore, bound, scene))
        for index in missing:
            with whole_file(paths[index]) as temporary, temporary.open("wb") as file:
                np.save(file, images[index])
        done += len(keys)
        report(done, total)


def restored(
    method: Method, restore: Restore, bound: BoundTask, scene: Mapping[str, Any]
) -> Floats:
    """Return what a method makes of a scene, as published, and check that it is what it should be.

    Raises:
        BenchError: another shape, or values that are not finite.
    """
    images = restore(bound, shown_inputs(bound, method.oracle, scene))
    expected = (len(scene["time_step"]), *bound.column(bound.target).shape)
    if images.shape != expected or not np.isfinite(images).all():
        raise BenchError(
            f"{method.name}: expected finite values of shape {expected}, which is (n_steps, band, "
            f"height, width), for scene {scene['scene']}; got shape {images.shape}"
        )
    return images


def claim(out: Path, record: dict[str, str]) -> None:
    """Note what makes the predictions of a folder.

    Raises:
        BenchError: the folder holds predictions that something else made; they must not mix.
    """
    path = out / RECORD
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != record:
        raise BenchError(
            f"{out}: holds predictions of another method, task, dataset or split; choose another "
            f"--out or remove the folder"
        )
    write_text(path, json.dumps(record, indent=2) + "\n")


def is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Say whether a file holds a prediction of the expected shape, every byte of it."""
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        return False
    return array.shape == tuple(shape) and array.dtype == np.uint16


if __name__ == "__main__":
    from vrs_bench.cli import main

    sys.argv.insert(1, "predict")
    main()
