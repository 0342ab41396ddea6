"""What is made of finished jobs: verified entries of the leaderboard, and a table of all seeds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.reproduce.jobs import Job
from baselines.reproduce.running import Place
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.result import Result
from vrs_bench.leaderboard.files import read_submission, write_submission
from vrs_bench.leaderboard.provenance import Provenance
from vrs_bench.leaderboard.submission import Submission, make_provenance, make_submission
from vrs_bench.leaderboard.verification import machine, verify_file
from vrs_bench.markdown import markdown_table
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.tasks import get_task

COLUMNS = (
    "skill",
    "skill_distortion",
    "skill_perceptual",
    "skill_downstream",
    "skill_consistency",
    "psnr",
)


def is_oracle(job: Job) -> bool:
    """Say whether a job's method is shown columns of the truth, so that it is no entry."""
    if job.untrained is not None:
        return bool(job.untrained.oracle)
    return job.config().sees == "truth"


def keep_entry(job: Job, folder: DatasetFolder, out: Path, submissions: Path) -> None:
    """Write the entry of a finished job and score its predictions again, unless that is done.

    Raises:
        BenchError: the entry can't be written, or its scores are not found again.
    """
    place = Place(out, job)
    entry = make_submission(
        Result.from_json(place.result),
        job.name,
        _provenance(job, folder.manifest.recipe.name, place),
        authors="VRS-Bench",
        notes="Reference method of the package, made by vrs-bench reproduce.",
    )
    path = submissions / f"{entry.key}.json"
    if path.is_file() and _same(read_submission(path), entry):
        return
    write_submission(entry, submissions, replace=True)
    rescored = verify_file(path, place.predictions, folder)
    if rescored.refused:
        raise BenchError(f"{path}: {rescored}")


def _same(there: Submission, entry: Submission) -> bool:
    """Say whether a verified entry is of the same predictions and says the same of them."""
    return there.state == "verified" and (there.result, there.provenance) == (
        entry.result,
        entry.provenance,
    )


def _provenance(job: Job, size: str, place: Place) -> Provenance:
    """Return how the predictions of a job were made."""
    command = f"vrs-bench reproduce --size {size} --task {job.task} --method {job.method}"
    inputs, main = tuple(get_task(job.task).sensors), get_task(job.task).main_input
    made: dict[str, Any] = {"licence": "Apache-2.0", "predictions": command}
    method = job.untrained
    if method is None:
        metrics = _metrics(place)
        made |= {
            "parameters": metrics["parameters"],
            "seeds": (job.seed,),
            "hours": round(metrics["seconds"] / 3600, 4),
            "hardware": machine(),
        }
    elif method.restore is not None:
        made["parameters"] = 0
    return make_provenance(
        job.task,
        inputs=(main,) if method is not None and method.main_input_alone else inputs,
        training_data=(
            "none"
            if method is not None and method.restore is not None
            else f"the train and validation splits of size {size}"
        ),
        **made,
    )


def _metrics(place: Place) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((place.run / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def methods_done(jobs: Sequence[Job], out: Path) -> str:
    """Return a table of all methods of a task that are done, best mean skill first, and the rest.

    Each score is the mean over the scenes of the test split, of a training the mean over its
    seeds ± their standard deviation. Oracles are marked, and so is who knows more of the world
    than its data tell.
    """
    rows = []
    for name in dict.fromkeys(job.name for job in jobs):
        done = [job for job in jobs if job.name == name and Place(out, job).result.is_file()]
        if not done:
            continue
        results = [Result.from_json(Place(out, job).result) for job in done]
        scores = [[result.scores[of].mean for result in results] for of in COLUMNS]
        method, trained = done[0].untrained, done[0].seed is not None
        marks = [
            *(["oracle"] if is_oracle(done[0]) else []),
            *(["informed"] if method is not None and method.informed else []),
        ]
        of_runs = [_metrics(Place(out, job)) for job in done] if trained else []
        cells = [
            name + (f" ({', '.join(marks)})" if marks else ""),
            *(
                _over_seeds(values, METRICS[of].unit == "dB")
                for of, values in zip(COLUMNS, scores, strict=True)
            ),
            str(len(done)) if trained else "–",
            f"{of_runs[0]['parameters']:,}" if trained else "–",
            f"{statistics.mean(run['seconds'] for run in of_runs) / 60:.0f}" if trained else "–",
        ]
        rows.append((statistics.mean(scores[0]), cells))
    heads = ["method", *(METRICS[of].label for of in COLUMNS), "seeds", "parameters", "minutes"]
    missing = [job for job in jobs if not Place(out, job).result.is_file()]
    told = ", ".join(
        job.name if job.seed is None else f"{job.name} (seed {job.seed})" for job in missing
    )
    return "\n\n".join(
        [
            markdown_table(heads, [cells for _, cells in sorted(rows, key=lambda row: -row[0])]),
            *([f"Not done yet: {told}."] if missing else []),
        ]
    )


def _over_seeds(values: Sequence[float], decibels: bool) -> str:
    places = 2 if decibels else 3
    spread = f" ± {statistics.stdev(values):.{places}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{places}f}{spread}"
