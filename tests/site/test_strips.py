"""Image strips: which scenes, on which scale, and of whose predictions."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import evaluate
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.site.build import build_site
from vrs_bench.site.strips import ERROR_SCALE, strips
from vrs_bench.types import Array

Predictions = dict[tuple[int, int], Array]


@pytest.fixture(scope="module")
def predictions(little: Path) -> Predictions:
    """Return the truth; of the second scene, half as much as the scale too bright at step 1."""
    found = {}
    for number, scene in enumerate(DatasetFolder(little).scenes("super_res", "test", ["hr"])):
        for step, image in zip(scene["time_step"].tolist(), restore(scene["hr"]), strict=True):
            wrong = ERROR_SCALE / 2 if (number, step) == (1, 1) else 0
            found[scene["scene"], step] = image + np.float32(wrong)
    return found


@pytest.fixture(scope="module")
def entry(little: Path, predictions: Predictions) -> Submission:
    result = evaluate(predictions, "super_res", little, groups=["distortion"], bounds=False)
    return Submission(name="Mine", date=datetime.date(2026, 1, 31), result=result)


def pixels(content: bytes) -> Array:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_worst_median_and_best_scene_are_shown_on_one_scale(
    little: Path, predictions: Predictions, entry: Submission
) -> None:
    made, files = strips(entry, predictions, DatasetFolder(little))
    assert [strip.kind for strip in made] == ["worst", "median", "best"]
    worst, _, best = made
    scenes = sorted({scene for scene, _ in predictions})
    assert (worst.scene, worst.step) == (scenes[1], 1)
    assert best.scene == scenes[0]
    assert worst.error == pytest.approx(ERROR_SCALE / 2, abs=1e-4)
    assert len(files) == 12
    shown = {label: pixels(files[path]) for label, path in worst.images.items()}
    assert {image.shape for image in shown.values()} == {(64, 64, 3)}
    middle = shown["error"].reshape(-1, 3)
    assert np.ptp(middle.astype(int), axis=0).max() <= 3  # as wrong everywhere
    assert 60 < middle.mean() < 160  # half of the scale, between black and white
    assert pixels(files[best.images["error"]]).max() <= 4  # black
    assert np.array_equal(
        pixels(files[best.images["truth"]]), pixels(files[best.images["prediction"]])
    )
    assert strips(entry, predictions, DatasetFolder(little)) == (made, files)


def test_other_predictions_are_refused(
    little: Path, predictions: Predictions, entry: Submission
) -> None:
    halved = {key: image / 2 for key, image in predictions.items()}
    with pytest.raises(BenchError, match="not those of the result"):
        strips(entry, halved, DatasetFolder(little))


def test_predictions_of_an_entry_are_shown_on_its_page(
    little: Path, predictions: Predictions, entry: Submission, make_entry: Any, tmp_path: Path
) -> None:
    skill = make_entry("x").result.scores["skill"]
    scenes = entry.result.scores["psnr"].per_scene
    values = dict(zip(scenes, (0.25, 0.35), strict=True))
    whole = skill.__class__(**{**vars(skill), "mean": 0.3, "per_scene": values})
    result = entry.result.__class__(
        **{**vars(entry.result), "scores": {"skill": whole, **entry.result.scores}}
    )
    mine = entry.model_copy(update={"result": result})
    files = build_site([mine], tmp_path, little, {"mine": predictions})
    html = files["entries/super_res/little/mine.html"].decode()
    assert html.count("<img ") == 12
    assert "No pictures" not in html
    without = build_site([mine], tmp_path)["entries/super_res/little/mine.html"].decode()
    assert "No pictures" in without
    for name, data, message in (
        ("mien", little, "no entry 'mien'; known: super_res/little/mine"),
        ("mine", None, "need the data"),
    ):
        with pytest.raises(BenchError, match=message):
            build_site([mine], tmp_path, data, {name: predictions})
    with pytest.raises(BenchError, match="is not of the data in"):
        build_site([make_entry("x")], tmp_path, little, {"super_res/little/x": predictions})
