"""Verification: only what comes out again is stamped, and a stamp holds for what was stamped."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Bound, PartScore, Result, evaluate
from vrs_bench.leaderboard.files import read_as_claimed, read_submission, write_submission
from vrs_bench.leaderboard.provenance import NOISE_TOLERANCE, TOLERANCE
from vrs_bench.leaderboard.ranking import boards
from vrs_bench.leaderboard.submission import Submission, make_submission
from vrs_bench.leaderboard.verification import (
    SHOWN,
    Deviation,
    Rescored,
    is_of,
    score_again,
    verified,
    verify_file,
)
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.types import Floats


@pytest.fixture(scope="module")
def predictions(little: Path) -> Floats:
    """Return predictions of the test split, (row, band, height, width)."""
    scenes = DatasetFolder(little).scenes("super_res", "test", ["hr"])
    truth = np.concatenate([scene["hr"] for scene in scenes]) / 1e4
    noise = np.random.default_rng(0).normal(0, 0.01, truth.shape)
    return np.clip(truth + noise, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def result(little: Path, predictions: Floats) -> Result:
    return evaluate(predictions, "super_res", little, groups=["distortion"])


@pytest.fixture
def entry(result: Result) -> Submission:
    return make_submission(result, "Noise", authors="Ada")


def with_score(result: Result, name: str, **changes: Any) -> Result:
    """Return a result that states a score otherwise."""
    score = replace(result.scores[name], **changes)
    return replace(result, scores={**result.scores, name: score})


def shifted(result: Result, name: str, relative: float) -> Result:
    """Return a result with a score, and its values by scene, that much larger."""
    score, factor = result.scores[name], 1 + relative
    per_scene = {scene: value * factor for scene, value in score.per_scene.items()}
    return with_score(result, name, mean=score.mean * factor, per_scene=per_scene)


def claiming(entry: Submission, result: Result) -> Submission:
    return entry.model_copy(update={"result": result})


# What comes out again


def test_what_comes_out_again_is_stamped(
    entry: Submission, predictions: Floats, little: Path
) -> None:
    rescored = score_again(entry, predictions, little)
    assert rescored.deviations == ()
    stamped = verified(rescored)
    stamp = stamped.verification
    assert stamp is not None
    assert (stamp.kind, stamp.largest_deviation, stamp.deviating_score) == ("submitted", 0.0, "")
    assert stamp.numpy == np.__version__
    assert stamp.content_sha256 == entry.content_digest()
    assert stamped.state == "verified"
    assert stamped.model_copy(update={"verification": None}) == entry


def test_a_stamp_publishes_no_more_of_a_private_split_than_the_entry(result: Result) -> None:
    """Who holds the truth scores again scene by scene; that does not go into the entry."""
    found = replace(result, split="private")
    entry = make_submission(found, "Held back")
    stamped = verified(Rescored(entry, found, (), regenerated=False))
    assert stamped.state == "private"
    assert stamped.result == entry.result
    assert all(not score.per_scene for score in stamped.result.scores.values())


def test_a_stamp_is_kept_in_the_file_and_counts_on_the_board(
    entry: Submission, predictions: Floats, little: Path, tmp_path: Path
) -> None:
    path = write_submission(entry, tmp_path)
    assert boards([read_submission(path)])[0].ranked == ()
    verify_file(path, predictions, little)
    [(rank, read)] = boards([read_submission(path)])[0].ranked
    assert (str(rank), read.name, read.state) == ("1", "Noise", "verified")
    verify_file(path, predictions, little)  # who verifies does so as often as he likes
    assert read_submission(path).state == "verified"


@pytest.mark.parametrize("regenerated", [False, True])
def test_a_score_may_deviate_by_a_rounding(
    regenerated: bool, entry: Submission, predictions: Floats, little: Path
) -> None:
    claimed = claiming(entry, shifted(entry.result, "psnr", 5e-6))
    rescored = score_again(claimed, predictions, little, regenerated)
    assert rescored.refused == ()
    stamped = verified(rescored)
    assert stamped.verification is not None
    assert stamped.verification.largest_deviation == pytest.approx(5e-6, rel=1e-3)
    assert stamped.verification.deviating_score.startswith("psnr ")
    assert stamped.result == entry.result  # as they were found, not as they were claimed


# What does not


def scenes_exchanged(result: Result) -> Result:
    """Return a result whose mean is right, and whose scenes are not."""
    first, second = result.scores["psnr"].per_scene.items()
    return with_score(result, "psnr", per_scene={first[0]: second[1], second[0]: first[1]})


FORGED: dict[str, tuple[Callable[[Result], Result], str]] = {
    "a score": (lambda r: shifted(r, "psnr", 2e-5), "psnr mean"),
    "a worse score": (lambda r: shifted(r, "mae", -2e-5), "mae mean"),
    "one scene for another": (
        scenes_exchanged,
        "psnr scene 900000",
    ),
    "an interval": (
        lambda r: with_score(r, "psnr", ci_low=r.scores["psnr"].mean - 1e-3),
        "psnr ci_low",
    ),
    "no interval": (lambda r: with_score(r, "psnr", ci_low=None, ci_high=None), "psnr ci_low"),
    "a floor": (
        lambda r: replace(r, bounds={**r.bounds, "psnr": Bound(10.0, 80.0)}),
        "psnr floor",
    ),
    "resamples": (lambda r: replace(r, resamples=10), "resamples"),
    "data": (lambda r: replace(r, dataset_digest="d" * 64), "dataset_digest"),
    "predictions": (lambda r: replace(r, predictions_sha256="a" * 64), "predictions_sha256"),
    "clipped values": (lambda r: replace(r, clipped_values=7), "clipped_values"),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_does_not_come_out_again_is_not_stamped(
    what: str, entry: Submission, predictions: Floats, little: Path, tmp_path: Path
) -> None:
    forge, deviating = FORGED[what]
    path = write_submission(claiming(entry, forge(entry.result)), tmp_path)
    before = path.read_bytes()
    rescored = verify_file(path, predictions, little)
    assert deviating in {deviation.what for deviation in rescored.refused}
    assert path.read_bytes() == before
    assert f"\n  {deviating} " in str(rescored)
    with pytest.raises(BenchError, match="Noise: not verified"):
        verified(rescored)


def test_other_predictions_are_not_the_submitted_ones_though_the_scores_agree(
    entry: Submission, predictions: Floats, little: Path
) -> None:
    other = predictions.copy()
    other[0, 0, 0, 0] = np.nextafter(other[0, 0, 0, 0], np.float32(0.5))
    rescored = score_again(entry, other, little)
    assert [deviation.what for deviation in rescored.refused] == ["predictions_sha256"]
    again = score_again(entry, other, little, regenerated=True)
    assert again.refused == ()
    stamp = verified(again).verification
    assert stamp is not None
    assert stamp.kind == "regenerated"
    assert verified(again).result.predictions_sha256 == again.result.predictions_sha256  # type: ignore[union-attr]


def test_predictions_that_were_made_again_otherwise_are_refused(
    entry: Submission, predictions: Floats, little: Path
) -> None:
    rescored = score_again(entry, predictions * np.float32(0.999), little, regenerated=True)
    assert "psnr mean" in {deviation.what for deviation in rescored.refused}


# What is read through noise


@pytest.fixture(scope="module")
def judged_by_network(little: Path, predictions: Floats) -> Result:
    """Return the result of the group whose encoder looks through the noise of the predictions."""
    return evaluate(predictions, "super_res", little, groups=["perceptual"])


def with_headline(result: Result, change: float = 0.0) -> Submission:
    """Return an entry, which needs a score that ranks, whose feature distance is that much off."""
    score = result.scores["feature_distance"]
    per_scene = {scene: value + change for scene, value in score.per_scene.items()}
    made = with_score(result, "feature_distance", mean=score.mean + change, per_scene=per_scene)
    psnr = replace(score, metric="psnr", unit="dB", higher_is_better=True, version="0")
    return Submission(
        name="Noise",
        date=datetime.date(2026, 1, 31),
        result=replace(made, scores={**made.scores, "psnr": psnr}),
    )


def test_predictions_made_again_are_seen_through_another_noise(
    judged_by_network: Result, predictions: Floats, little: Path
) -> None:
    other = predictions.copy()
    other[:, 0, 0, 0] = np.nextafter(other[:, 0, 0, 0], np.float32(1))
    entry = with_headline(judged_by_network)
    submitted, again = (score_again(entry, other, little, made) for made in (False, True))
    assert "feature_distance mean" in {deviation.what for deviation in submitted.refused}
    assert again.refused == ()
    assert again.largest is not None
    assert 1e-5 < again.largest.relative < NOISE_TOLERANCE
    # Scenes one by one move more than their mean, and are replaced by what was found anyway.
    assert {d.what.split()[1] for d in again.deviations if d.allowed > TOLERANCE} == {"mean"}


@pytest.mark.parametrize(("change", "refused"), [(0.04, False), (0.06, True)])
def test_noise_is_no_excuse_for_any_score(
    change: float, refused: bool, judged_by_network: Result, predictions: Floats, little: Path
) -> None:
    entry = with_headline(judged_by_network, change)
    assert bool(score_again(entry, predictions, little, regenerated=True).refused) is refused
    assert score_again(entry, predictions, little).refused


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"recipe": "large-one"}, "recipe"),
        ({"recipe_digest": "c" * 64}, "recipe_digest"),
        ({"n_rows": 8}, "n_rows"),
    ],
)
def test_entries_of_other_data_are_refused_before_anything_is_scored(
    changes: dict[str, Any], what: str, entry: Submission, little: Path
) -> None:
    claimed = claiming(entry, replace(entry.result, **changes))
    rescored = score_again(claimed, "no predictions are looked for", little)
    assert [deviation.what for deviation in rescored.refused] == [what]
    assert rescored.result is None


def test_a_split_or_task_that_the_data_lack_is_an_error(entry: Submission, little: Path) -> None:
    private = claiming(entry, replace(entry.result, split="private").published())
    with pytest.raises(BenchError, match="unknown split 'private'"):
        score_again(private, "x", little)
    with pytest.raises(BenchError, match="holds no task 'cloud_removal'"):
        score_again(claiming(entry, replace(entry.result, task="cloud_removal")), "x", little)


def test_scores_of_an_older_definition_are_left_alone(
    entry: Submission, predictions: Floats, little: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boards show a dash for them; the verified entry has them as they are defined now."""
    old = with_score(shifted(entry.result, "mae", 0.5), "mae", version="0")
    stamped = verified(score_again(claiming(entry, old), predictions, little))
    assert stamped.result.scores["mae"].version == METRICS["mae"].version


def test_what_no_one_checked_before_is_replaced_by_what_was_found(
    entry: Submission, predictions: Floats, little: Path
) -> None:
    parts = {"position": {"border": {"psnr": PartScore(99.0, None, None, 2)}}}
    claimed = claiming(entry, replace(entry.result, slices=parts))
    assert verified(score_again(claimed, predictions, little)).result == entry.result


@pytest.mark.parametrize(("error", "refused"), [(1e-9, False), (1e-7, True)])
def test_a_rounding_error_of_zero_is_no_deviation(
    error: float, refused: bool, little: Path
) -> None:
    scenes = DatasetFolder(little).scenes("super_res", "test", ["hr"])
    truth = np.concatenate([scene["hr"] for scene in scenes])
    result = evaluate(truth, "super_res", little, groups=["distortion"])
    assert result.scores["mae"].mean == 0
    per_scene = dict.fromkeys(result.scores["mae"].per_scene, error)
    claimed = with_score(result, "mae", mean=error, per_scene=per_scene)
    rescored = score_again(make_submission(claimed, "Truth"), truth, little)
    assert bool(rescored.refused) is refused


# The stamp


def test_an_edit_after_the_stamp_shows(
    entry: Submission, predictions: Floats, little: Path, tmp_path: Path
) -> None:
    path = write_submission(entry, tmp_path)
    verify_file(path, predictions, little)
    whole = json.loads(path.read_text(encoding="utf-8"))
    edits: list[tuple[str, object]] = [("authors", "Eve"), ("notes", "x"), ("date", "2026-01-01")]
    for key, value in edits:
        path.write_text(json.dumps({**whole, key: value}), encoding="utf-8")
        with pytest.raises(BenchError, match="was changed after it was verified; verify it again"):
            read_submission(path)
        assert read_as_claimed(path)  # who verifies it reads it
    whole["result"]["slices"] = {}
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(BenchError, match="was changed after it was verified"):
        read_submission(path)


def test_the_layout_of_the_file_is_no_edit(
    entry: Submission, predictions: Floats, little: Path, tmp_path: Path
) -> None:
    path = write_submission(entry, tmp_path)
    verify_file(path, predictions, little)
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(dict(reversed(data.items())), indent=3), encoding="utf-8")
    assert read_submission(path).state == "verified"


# For people and programs


def rescored_of(entry: Submission, count: int) -> Rescored:
    found = tuple(Deviation(f"psnr scene {i}", 30.0, 31.0, 0.03) for i in range(count))
    return Rescored(entry, None, found, regenerated=False)


def test_a_long_table_is_cut_and_says_so(entry: Submission) -> None:
    text = str(rescored_of(entry, SHOWN + 3))
    assert text.count("psnr scene") == SHOWN
    assert text.endswith("… and 3 more")
    assert "more" not in str(rescored_of(entry, SHOWN))


def test_json_has_no_infinite_number(entry: Submission, predictions: Floats, little: Path) -> None:
    claimed = claiming(entry, replace(entry.result, predictions_sha256="a" * 64))
    told = json.loads(
        json.dumps(score_again(claimed, predictions, little).to_dict(), allow_nan=False)
    )
    assert told["verified"] is False
    assert told["kind"] == "submitted"
    [deviation] = told["deviations"]
    assert (deviation["what"], deviation["relative"]) == ("predictions_sha256", None)


def test_an_entry_says_of_which_data_it_is(
    entry: Submission, little: Path, tiny: Path, tmp_path: Path
) -> None:
    path = write_submission(entry, tmp_path)
    assert is_of(path, DatasetFolder(little))
    assert not is_of(path, DatasetFolder(tiny))
    private = claiming(entry, replace(entry.result, split="private").published())
    assert not is_of(write_submission(private, tmp_path / "p"), DatasetFolder(little))
