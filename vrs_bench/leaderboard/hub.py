"""An entry as a file of the Hub's own leaderboards: ``.eval_results/*.yaml`` in a model repository.

The form is the Hub's, see https://huggingface.co/docs/hub/eval-results: one number for each task of
a benchmark, which is the headline. The task is named as in the ``eval.yaml`` of a dataset folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.paths import write_text
from vrs_bench.tasks import TASKS

FOLDER = ".eval_results"
"""Folder of a model repository in which the Hub looks."""
_DATASET = re.compile(r"([\w.-]+/[\w.-]+)(?:@([0-9a-f]{40}))?", re.ASCII)


def check_dataset(dataset: str) -> tuple[str, str | None]:
    """Return the name of a dataset repository, and the revision if one is named.

    Args:
        dataset: ``my-org/vrs-toy``, or ``my-org/vrs-toy@`` and the 40 digits of a commit.

    Raises:
        BenchError: it is neither.
    """
    found = _DATASET.fullmatch(dataset)
    if found is None:
        raise BenchError(
            f"expected a dataset of the Hub such as my-org/vrs-toy, or my-org/vrs-toy@REVISION "
            f"with the 40 digits of a commit, got '{dataset}'"
        )
    return found[1], found[2]


def eval_result(entry: Submission, dataset: str) -> dict[str, Any]:
    """Return the headline of an entry in the Hub's form.

    Args:
        entry: the entry.
        dataset: as of :func:`check_dataset`: the published data that were scored on.

    Raises:
        BenchError: no such name of a dataset.
    """
    name, revision = check_dataset(dataset)
    result = entry.result
    metric = METRICS[TASKS[result.task].headline]
    of: dict[str, Any] = {"id": name, "task_id": result.task}
    if revision is not None:
        of["revision"] = revision
    found = {
        "dataset": of,
        "value": result.scores[metric.name].mean,
        "date": entry.date.isoformat(),
        "notes": (
            f"{metric.label}, definition {metric.version}; size {result.recipe}, split "
            f"{result.split}; {entry.state}; predictions {result.predictions_sha256[:12]}"
        ),
    }
    if entry.url or entry.code:
        found["source"] = {"url": entry.url or entry.code, "name": entry.name}
    return found


def write_eval_results(entry: Submission, dataset: str, repository: str | Path) -> Path:
    """Write ``.eval_results/<task>.yaml`` into the folder of a model repository.

    Raises:
        BenchError: no such name of a dataset.
    """
    path = Path(repository) / FOLDER / f"{entry.result.task}.yaml"
    content = [eval_result(entry, dataset)]
    write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return path
