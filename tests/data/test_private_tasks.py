"""Private tasks of one secret: what is published of one is of no use for another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vrs_bench.columns import restore
from vrs_bench.data import private
from vrs_bench.data.build.shards import private_plan
from vrs_bench.data.private import build_private, reveal
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.recipes import BenchmarkRecipe, check_recipe
from vrs_bench.tasks import bind
from vrs_bench.types import Floats
from vrs_bench.world.scene import make_scene

RECIPE = check_recipe(
    BenchmarkRecipe,
    {
        "name": "mini",
        "scenes": 40,  # six of them private
        "scenes_per_shard": 6,
        "world": {"seed": 4, "height": 64, "width": 64, "horizon": 3, "cells": {"n": 9}},
    },
    "mini",
)


def psnr_of_all_pairs(low: list[Floats], clear: list[Floats]) -> Floats:
    """Return the PSNR in dB of every low-resolution scene, enlarged, against every clear one."""
    enlarged = [images.repeat(4, axis=2).repeat(4, axis=3) for images in low]
    errors = [[np.square(one - other).mean() for other in clear] for one in enlarged]
    return np.asarray(-10 * np.log10(errors))


def test_the_published_inputs_of_one_task_do_not_help_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enlarged ``lr`` is as near to ``clear`` of the same number as to that of any other scene.

    The floor of cloud removal is no measure of chance: any clear scene lies above clouds.
    """
    monkeypatch.setattr(private.secrets, "token_hex", lambda n: "5a" * n)  # the same scenes always
    build_private(["super_res", "cloud_removal"], RECIPE, tmp_path / "p", b"a secret to be told")
    reveal(tmp_path / "p", b"a secret to be told", tmp_path / "truth")
    seen = DatasetFolder(tmp_path / "p").scenes("super_res", "private", ["lr"])
    truth = DatasetFolder(tmp_path / "truth").scenes("cloud_removal", "private", ["clear"])
    scores = psnr_of_all_pairs(
        [restore(scene["lr"]) for scene in seen], [restore(scene["clear"]) for scene in truth]
    )
    same = np.eye(6, dtype=bool)
    assert abs(scores[same].mean() - scores[~same].mean()) < 2


def test_of_one_seed_they_would() -> None:
    """So the test above can fail: the same comparison, of tasks that share their scenes."""
    [shard] = private_plan("super_res", RECIPE, inputs_only=False)
    low, clear = [], []
    for number in shard.scenes:
        scene = make_scene(RECIPE.world, number)
        for task, column, found in (("super_res", "lr", low), ("cloud_removal", "clear", clear)):
            rows = bind(task, RECIPE).rows(scene)
            found.append(restore(np.stack([row[column] for row in rows])))
    scores = psnr_of_all_pairs(low, clear)
    same = np.eye(6, dtype=bool)
    assert scores[same].mean() > scores[~same].mean() + 8
