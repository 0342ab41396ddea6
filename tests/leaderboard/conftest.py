"""Entries of a leaderboard that are made of numbers a test chooses."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vrs_bench.data.build.building import build
from vrs_bench.evaluation import Result, Score
from vrs_bench.leaderboard.provenance import Verification
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
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


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset folder with a name of its own: two test scenes of 3 steps, 64 x 64 pixels.

    Of ``super_res``; to read, not to change.
    """
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    cells = recipe.world.cells.model_copy(update={"n": 8})
    size = {"height": 64, "width": 64, "horizon": 3, "cells": cells}
    world = recipe.world.model_copy(update=size)
    changes = {"name": "little", "scenes": 14, "scenes_per_shard": 20, "world": world}
    folder = tmp_path_factory.mktemp("data") / "vrs-toy"
    build(["super_res"], recipe.model_copy(update=changes), folder)
    return folder


def stamped(entry: Submission) -> Submission:
    """Return an entry as if its predictions had been scored again."""
    stamp = Verification(
        date=entry.date,
        package="0.1.0",
        machine="Linux x86_64, 2 cores",
        python="3.12.0",
        numpy="2.2.0",
        kind="submitted",
        largest_deviation=0.0,
        deviating_score="",
        content_sha256=entry.content_digest(),
    )
    return entry.model_copy(update={"verification": stamp})


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
