"""Which scenes of a result to show, and what was predicted of them."""

from __future__ import annotations

from collections.abc import Collection

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.clipped import ClippedPredictions
from vrs_bench.evaluation.predictions.checking import checked
from vrs_bench.evaluation.predictions.expected import expectation
from vrs_bench.evaluation.result import Result
from vrs_bench.evaluation.scores import Score
from vrs_bench.evaluation.truth import SceneTruth, Truth
from vrs_bench.types import Floats


def telling_score(result: Result) -> Score:
    """Return the score by which scenes are chosen: PSNR, or the first that has values by scene.

    Raises:
        BenchError: there is none.
    """
    by_scene = [name for name, score in result.scores.items() if score.per_scene]
    if not by_scene:
        raise BenchError("the result has no scores by scene, so there are none to draw")
    return result.scores["psnr" if "psnr" in by_scene else by_scene[0]]


def telling_scenes(result: Result) -> dict[str, int]:
    """Return the scenes that are worst, median and best by :func:`telling_score`.

    Raises:
        BenchError: the result has no scores by scene.
    """
    score = telling_score(result)
    ranked = sorted(
        score.per_scene, key=lambda scene: score.per_scene[scene], reverse=score.higher_is_better
    )
    return {"worst": ranked[-1], "median": ranked[(len(ranked) - 1) // 2], "best": ranked[0]}


def scenes_of(
    result: Result, predictions: object, folder: DatasetFolder, numbers: Collection[int]
) -> dict[int, tuple[SceneTruth, Floats]]:
    """Return some scenes, and what was predicted of them, (row, band, height, width) in [0, 1].

    All predictions are read, for their digest.

    Raises:
        BenchError: the predictions are not those of the result.
    """
    scenes: dict[int, tuple[SceneTruth, Floats]] = {}
    expected = expectation(result.task, folder, result.split)
    with checked(predictions, expected) as prediction_of:
        clipped = ClippedPredictions(prediction_of)
        for scene in Truth(folder, folder.manifest.bound(result.task), result.split):
            images = clipped(scene)
            if scene.number in numbers:
                scenes[scene.number] = scene, images
    if clipped.sha256 != result.predictions_sha256:
        raise BenchError("the predictions are not those of the result; evaluate them again")
    return scenes
