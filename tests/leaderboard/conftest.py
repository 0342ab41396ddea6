"""Entries of a leaderboard that are made of numbers a test chooses."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from stamps import stamped

from vrs_bench.evaluation import Result, Score
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.tasks import TASKS

MakeEntry = Callable[..., Submission]


def make_result(scores: Mapping[str, Sequence[float]], **changes: Any) -> Result:
    """Return a result that agrees with itself: metric → one value a test scene."""
    n = {len(values) for values in scores.values()}.pop()
    fields = {
        "task": "super_res",
        "split": "test",
        "recipe": "little",
        "recipe_digest": "c" * 64,
        "dataset_digest": "d" * 64,
        "package": "0.1.0",
        "n_scenes": n,
        "n_rows": 8 * n,
        "clipped_values": 0,
        "predictions_sha256": "a" * 64,
        "confidence": 0.95,
        "resamples": 1000,
        "seed": 0,
        "references": {},
        "slices": {},
        "confusion": {},
        "bounds": {},
    }
    made = {}
    for name, values in scores.items():
        mean, metric = sum(values) / n, METRICS[name]
        per_scene = {900_000 + i: float(value) for i, value in enumerate(values)}
        made[name] = Score(
            metric=name,
            mean=mean,
            ci_low=mean - 1,
            ci_high=mean + 1,
            per_scene=per_scene,
            unit=metric.unit,
            higher_is_better=metric.higher_is_better,
            version=metric.version,
        )
    return Result(**{**fields, "scores": made, **changes})


@pytest.fixture(autouse=True)
def psnr_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PSNR rank, so that entries here need one score only."""
    for name, task in list(TASKS.items()):
        monkeypatch.setitem(TASKS, name, replace(task, headline="psnr"))


@pytest.fixture(scope="session")
def make_entry() -> MakeEntry:
    """Return a function that makes an entry from a name and the PSNR of each test scene.

    It is verified, unless ``claimed`` is true.
    """

    def make(
        name: str = "Bicubic",
        psnr: Sequence[float] = (30.0, 31.0, 32.5),
        about: Mapping[str, str] | None = None,
        claimed: bool = False,
        **changes: Any,
    ) -> Submission:
        scores = {"psnr": psnr, **changes.pop("scores", {})}
        entry = Submission(
            name=name,
            date=datetime.date(2026, 1, 31),
            result=make_result(scores, **changes),
            **(about or {}),
        )
        return entry if claimed else stamped(entry)

    return make
