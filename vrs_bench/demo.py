"""The main job in a few minutes: from nothing to a ranked leaderboard at size tiny."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from vrs_bench.columns import restore, row_name
from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, compare, evaluate
from vrs_bench.leaderboard.files import read_submissions, write_submission
from vrs_bench.leaderboard.markdown import board_table, update_page
from vrs_bench.leaderboard.provenance import Provenance
from vrs_bench.leaderboard.ranking import boards
from vrs_bench.leaderboard.submission import make_provenance, make_submission
from vrs_bench.leaderboard.texts import slug
from vrs_bench.leaderboard.verification import machine, verify_file
from vrs_bench.plots.evaluation import evaluation_plots
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.types import Report

Progress = Callable[[str], AbstractContextManager[Report]]

TASK = "super_res"
LIBRARIES = (
    "accelerate",
    "safetensors",
    "sklearn",
    "tensorboard",
    "timm",
    "torch",
    "torchvision",
)
"""What the extras ``baselines`` and ``evaluation`` install."""


def run(out: Path, progress: Progress) -> str:
    """Do the whole job into a folder; what is already there and whole is not made again.

    Args:
        out: folder for data, weights, predictions, entries, the leaderboard and pictures.
        progress: context manager that shows a progress bar with a label.

    Returns:
        a summary: the table, what the check found, and where everything is.

    Raises:
        BenchError: what it needs is not installed, a step failed, or the network does not beat
            bicubic interpolation.
    """
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise BenchError(
            f"the demo trains and scores: pip install 'vrs-bench[baselines,evaluation]' "
            f"(not installed: {', '.join(missing)})"
        )
    from baselines.methods.registry import METHODS
    from baselines.predict import predict

    data, run_folder, predictions = out / "vrs-toy", out / "unet", out / "predictions"
    submissions, page = out / "submissions", out / "BENCHMARK.md"
    os.environ.setdefault("HF_DATASETS_CACHE", str((out / "cache").absolute()))
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")  # it has one of each split

    with progress("build vrs-toy, size tiny") as report:
        build([TASK], load_recipe(BenchmarkRecipe, "tiny"), data, 2, report)
    _say(_load(data))

    _say("train a small residual U-Net (the bar below is the training's own)")
    _train(data, run_folder)

    entries = {"Nearest neighbour": "nearest", "Bicubic": "bicubic", "U-Net": str(run_folder)}
    results: dict[str, Result] = {}
    for name, model in entries.items():
        folder = predictions / TASK / slug(name)
        with progress(f"predict {name}") as report:
            predict(model, TASK, data, "test", folder, report)
        with progress(f"evaluate {name}") as report:
            results[name] = evaluate(folder, TASK, data, progress=report)
        notes = "Reference method of the package, made by vrs-bench demo."
        made = _untrained(model) if model in METHODS else _trained(run_folder)
        entry = make_submission(results[name], name, made, authors="VRS-Bench", notes=notes)
        file = write_submission(entry, submissions, replace=True)
        with progress(f"verify {name}") as report:
            rescored = verify_file(file, folder, data, progress=report)
        _say(f"{file}: {rescored}")

    ranked = boards(read_submissions(submissions))
    update_page(page, ranked)
    pictures = _draw(data, predictions, out / "pictures")
    scored = predictions / TASK / "u-net"
    pictures += evaluation_plots(results["U-Net"], scored, data, out / "pictures")

    margin = compare(results["U-Net"], results["Bicubic"], "psnr")
    verdict = (
        f"U-Net against bicubic, PSNR: {margin.difference:+.2f} dB, 95 % interval "
        f"[{margin.ci_low:+.2f}, {margin.ci_high:+.2f}] over {margin.n_scenes} test scenes"
    )
    net, bicubic = results["U-Net"].scores["psnr"], results["Bicubic"].scores["psnr"]
    if net.ci_low is None or bicubic.ci_high is None or net.ci_low <= bicubic.ci_high:
        raise BenchError(f"the network does not beat bicubic interpolation clearly: {verdict}")
    return "\n".join(
        [
            "",
            *(board_table(board) for board in ranked),
            "",
            verdict,
            "",
            f"data set      {data}",
            f"weights       {run_folder / 'model.safetensors'}",
            f"predictions   {predictions}",
            f"entries       {submissions}",
            f"leaderboard   {page}",
            *(f"picture       {picture}" for picture in pictures),
        ]
    )


def _untrained(method: str) -> Provenance:
    """Return how the predictions of a method were made that is not trained."""
    return make_provenance(
        TASK,
        parameters=0,
        training_data="none",
        inputs=("lr",),
        licence="Apache-2.0",
        predictions=f"vrs-bench predict --method {method} --task {TASK}",
    )


def _trained(run_folder: Path) -> Provenance:
    """Return how the predictions of the network were made."""
    from baselines.training_config import TrainingConfig

    metrics = json.loads((run_folder / "metrics.json").read_text(encoding="utf-8"))
    seed = load_recipe(TrainingConfig, run_folder / "config.yaml").seed
    return make_provenance(
        TASK,
        parameters=metrics["parameters"],
        training_data="the train split of size tiny",
        inputs=("lr",),
        seeds=(seed,),
        hours=round(metrics["seconds"] / 3600, 4),
        hardware=machine(),
        licence="Apache-2.0",
        predictions="vrs-bench demo",
    )


def _train(data: Path, out: Path) -> None:
    """Train the small U-Net in a process of its own, its progress on our stderr.

    Raises:
        BenchError: the training failed.
    """
    from baselines import CONFIGS
    from baselines.launching import training_command

    config = CONFIGS / TASK / "unet.yaml"
    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    command, environment = training_command(config, data, out, threads)
    done = subprocess.run(command, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise BenchError(
            f"baselines.train ended with status {done.returncode}; its message is above"
        )


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _load(data: Path) -> str:
    """Load the folder as any user of `datasets` would."""
    import datasets

    splits = datasets.load_dataset(str(data), TASK)
    rows = ", ".join(f"{split} {len(rows)} rows" for split, rows in splits.items())
    return f"load_dataset('{data}', '{TASK}'): {rows}"


def _draw(data: Path, predictions: Path, out: Path) -> list[Path]:
    """Draw a test scene, and what the methods made of it."""
    from vrs_bench.plots.display import save
    from vrs_bench.plots.scene import comparison, scene_panel
    from vrs_bench.world.scene import make_scene

    folder, task, step = DatasetFolder(data), DatasetFolder(data).manifest.bound(TASK), 3
    scene = next(folder.scenes(TASK, "test", ["lr", task.target]))
    images = {"input": restore(scene["lr"][step])}
    for method in ("nearest-neighbour", "bicubic", "u-net"):
        path = predictions / TASK / method / f"{row_name((scene['scene'], step))}.npy"
        images[method] = restore(np.load(path, allow_pickle=False))
    truth = restore(scene[task.target][step])
    title = f"super_res, scene {scene['scene']}, time step {step}"
    panel = scene_panel(make_scene(folder.manifest.recipe.world, scene["scene"]), task, step)
    return [
        save(panel, out / "scene.png"),
        save(comparison(images, truth, title), out / "comparison.png"),
    ]
