"""Results: what is written is what is read, and what contradicts itself is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Bound, Comparison, PartScore, Result, Score, compare
from vrs_bench.evaluation.paired import paired_test
from vrs_bench.evaluation.statistics import bootstrap_interval

N = 8


def score(name: str, unit: str, higher: bool, values: np.ndarray[Any, Any]) -> Score:
    low, high = bootstrap_interval(values) or (None, None)
    per_scene = dict(enumerate(values.tolist(), start=900000))
    return Score(name, float(values.mean()), low, high, per_scene, unit, higher, "1")


def make(shift: float = 0.0, n: int = N, seed: int = 0) -> Result:
    rng = np.random.default_rng(seed)
    psnr, sam = rng.normal(30, 1, size=n) + shift, rng.gamma(2, size=n)
    return Result(
        task="super_res",
        split="test",
        recipe="tiny",
        recipe_digest="c" * 64,
        dataset_digest="d" * 64,
        package="0.1.0",
        n_scenes=n,
        n_rows=8 * n,
        clipped_values=3,
        predictions_sha256="a" * 64,
        confidence=0.95,
        resamples=10_000,
        seed=0,
        references={"encoder": "e" * 64},
        slices={"position": {"border": {"psnr": PartScore(29.0, 28.5, 29.5, n)}}},
        confusion={"reader": [[3, 1], [0, 4]]},
        bounds={"psnr": Bound(20.0, 80.0), "sam": Bound(9.0, 0.0)},
        scores={"psnr": score("psnr", "dB", True, psnr), "sam": score("sam", "°", False, sam)},
    )


# JSON


def test_of_a_private_split_no_more_than_means_is_written(tmp_path: Path) -> None:
    result = replace(make(), split="private")
    result.to_json(tmp_path / "scores.json")
    text = (tmp_path / "scores.json").read_text(encoding="utf-8")
    assert not any(f"{value!r}" in text for value in result.scores["psnr"].per_scene.values())
    read = Result.from_json(tmp_path / "scores.json")
    assert read == result.published()
    assert read != result
    assert (read.slices, read.confusion) == ({}, {})
    for name, score in read.scores.items():
        assert score == replace(result.scores[name], per_scene={})
    assert make().published() == make()  # of a public split, all of it is


@pytest.mark.parametrize("n", [1, 2, N])
def test_what_is_written_is_what_is_read(n: int, tmp_path: Path) -> None:
    result = make(n=n)
    result.to_json(tmp_path / "folder" / "scores.json")
    read = Result.from_json(tmp_path / "folder" / "scores.json")
    assert read == result
    assert list(read.scores) == list(result.scores)
    assert json.loads(json.dumps(result.to_dict())) == json.loads(
        (tmp_path / "folder" / "scores.json").read_text()
    )


def test_the_json_has_direction_unit_version_and_null_for_no_interval(tmp_path: Path) -> None:
    make(n=1).to_json(tmp_path / "scores.json")
    data = json.loads((tmp_path / "scores.json").read_text())
    psnr = data["scores"]["psnr"]
    assert data["format"] == 3
    assert (psnr["unit"], psnr["higher_is_better"], psnr["version"]) == ("dB", True, "1")
    assert (psnr["ci_low"], psnr["ci_high"]) == (None, None)
    assert list(psnr["per_scene"]) == ["900000"]


def test_warnings_stand_before_the_tables_and_are_kept(tmp_path: Path) -> None:
    result = replace(make(), warnings=["bands look reversed", "much was clipped"])
    head, warnings, *_ = str(result).split("\n\n")
    assert head.startswith("super_res, split test")
    assert warnings.splitlines() == ["Warnings:", "  bands look reversed", "  much was clipped"]
    assert "Warnings" not in str(make())
    result.to_json(tmp_path / "scores.json")
    assert Result.from_json(tmp_path / "scores.json") == result


def test_a_result_from_before_there_were_warnings_is_read(tmp_path: Path) -> None:
    data = make().to_dict()
    del data["warnings"]
    (tmp_path / "scores.json").write_text(json.dumps(data))
    assert Result.from_json(tmp_path / "scores.json").warnings == []


def set_at(*path: str, to: object) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = to

    return change


PSNR = ("scores", "psnr")
FAULTS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "unknown key": (set_at("colour", to=1), "colour: Unexpected keyword argument"),
    "unknown key of a score": (set_at(*PSNR, "median", to=1.0), "scores.psnr.median: Unexpected"),
    "missing key": (lambda data: data.pop("seed"), "seed: Field required"),
    "text for a number": (
        set_at(*PSNR, "mean", to="30"),
        "psnr.mean: Input should be a valid n",
    ),
    "number for text": (set_at("task", to=3), "task: Input should be a valid string"),
    "float for a count": (set_at("n_rows", to=1.5), "n_rows: Input should be a valid integer"),
    "truth for a number": (set_at("seed", to=True), "seed: Input should be a valid integer"),
    "nan": (set_at(*PSNR, "mean", to=float("nan")), "scores.psnr.mean: Input should be a finite"),
    "infinity": (set_at(*PSNR, "ci_low", to=float("inf")), "Input should be a finite number"),
    "negative count": (set_at("clipped_values", to=-1), "clipped_values: Input should be greater"),
    "negative seed": (set_at("seed", to=-1), "seed: Input should be greater than or equal to 0"),
    "digest": (set_at("dataset_digest", to="../.."), "dataset_digest: String should match"),
    "version": (set_at("format", to=1), "format: Input should be 3"),
    "version, said in words": (set_at("format", to=2), "reads format 3: evaluate the predictions"),
    "a warning that is no text": (
        set_at("warnings", to=[1]),
        "warnings.0: Input should be a valid",
    ),
    "a reason that is no text": (set_at("left_out", to={"sam": 1}), "left_out.sam: Input should"),
    "confidence": (set_at("confidence", to=95), "confidence: Input should be less than 1"),
    "scene": (set_at(*PSNR, "per_scene", to={"x": 1.0}), "scores.psnr.per_scene.x"),
    "a path as split": (set_at("split", to="../test"), "split: Input should be 'train'"),
    "a page as recipe": (set_at("recipe", to="<b>"), "recipe: String should match"),
    "half a bound": (set_at("bounds", "psnr", to={"floor": 1.0}), "bounds.psnr.ceiling"),
    "a part of no scene": (
        set_at("slices", "position", "border", "psnr", "n_scenes", to=0),
        "slices.position.border.psnr.n_scenes",
    ),
    "other mean": (set_at(*PSNR, "mean", to=99.0), "psnr: the mean is 99, that of the scenes"),
    "an interval the wrong way round": (
        lambda data: data["scores"]["psnr"].update(ci_low=31.0, ci_high=29.0),
        "psnr: its interval is the wrong way round, 31 to 29",
    ),
    "an interval of a part the wrong way round": (
        set_at("slices", "position", "border", "psnr", "ci_low", to=29.6),
        "its interval is the wrong way round, 29.6 to 29.5",
    ),
    "half an interval": (set_at(*PSNR, "ci_low", to=None), "psnr: half of an interval"),
    "other metric": (set_at(*PSNR, "metric", to="sam"), "the score 'psnr' says that it is 'sam'"),
    "number of scenes": (set_at("n_scenes", to=9), "psnr: its scenes are not the 9 of the result"),
    "one scene less": (
        lambda data: set_at(*PSNR, to=make(n=N - 1).to_dict()["scores"]["psnr"])(data),
        "psnr: its scenes are not the 8 of the result",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_files_that_are_no_result_are_refused(fault: str, tmp_path: Path) -> None:
    change, message = FAULTS[fault]
    data = json.loads(json.dumps(make().to_dict()))
    change(data)
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(data))
    with pytest.raises(BenchError) as caught:
        Result.from_json(path)
    assert str(caught.value).startswith(f"{path}: not a result:\n  ")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"a": 1}', "\x00"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(BenchError, match="not a result"):
        Result.from_json(tmp_path / "scores.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"nowhere\.json: can't be read"):
        Result.from_json(tmp_path / "nowhere.json")


def test_all_faults_are_listed(tmp_path: Path) -> None:
    data = make().to_dict() | {"seed": "x", "task": None}
    (tmp_path / "scores.json").write_text(json.dumps(data))
    with pytest.raises(BenchError, match=r"(?s)task: .*seed: "):
        Result.from_json(tmp_path / "scores.json")


def test_a_result_made_by_hand_is_checked_too() -> None:
    with pytest.raises(BenchError, match="the mean is 1"):
        replace(make().scores["psnr"], mean=1.0)
    with pytest.raises(BenchError, match="are not the 7"):
        replace(make(), n_scenes=7)


def test_the_table_has_every_score_with_unit_direction_and_interval() -> None:
    lines = str(make()).splitlines()
    assert lines[0] == (
        "super_res, split test of 'tiny', data dddddddddddd: 64 rows, 8 scenes, 3 values clipped"
    )
    assert lines[2].split("  ")[0].strip() == "metric"
    assert "95% interval" in lines[2]
    psnr, sam = make().scores.values()
    assert lines[4].split() == [
        *("psnr", f"{psnr.mean:.4g}", f"{psnr.ci_low:.4g}", "to", f"{psnr.ci_high:.4g}"),
        *("dB", "↑", "higher", "20", "80", f"{(psnr.mean - 20) / 30:.3f}"),
    ]
    assert lines[5].split()[0] == "sam"
    assert lines[5].split()[4:9] == [f"{sam.ci_high:.4g}", "°", "↓", "lower", "9"]
    assert lines[5].split()[1] == f"{sam.mean:.4g}"
    assert lines[7].split() == ["position", "psnr", "scenes"]
    assert lines[9].split() == ["border", "29", "8"]
    assert "–" in str(make(n=1))


def test_a_score_is_placed_between_the_trivial_baseline_and_the_truth() -> None:
    result = make()
    psnr, sam = result.scores.values()
    place = result.normalised("psnr")
    assert place == pytest.approx(  # PSNR's scale ends at 50 dB, not at its cap
        ((psnr.mean - 20) / 30, (psnr.ci_low - 20) / 30, (psnr.ci_high - 20) / 30)
    )
    lower_is_better = result.normalised("sam")
    assert lower_is_better == pytest.approx(
        (1 - sam.mean / 9, 1 - sam.ci_high / 9, 1 - sam.ci_low / 9)
    )
    assert replace(result, bounds={}).normalised("psnr") is None
    assert replace(result, bounds={"psnr": Bound(3.0, 3.0)}).normalised("psnr") is None
    assert make(n=1).normalised("psnr")[1:] == (None, None)
    assert make(shift=40).normalised("psnr") == (1, 1, 1)
    assert replace(result, bounds={"psnr": Bound(20.0, 45.0)}).normalised("psnr")[
        0
    ] == pytest.approx((psnr.mean - 20) / 25)
    for floor in (50.0, 55.0):
        assert replace(result, bounds={"psnr": Bound(floor, 80.0)}).normalised("psnr") is None
    with pytest.raises(BenchError, match="no score 'ssim'"):
        result.normalised("ssim")


def test_one_number_for_a_split_has_nothing_to_pair() -> None:
    whole = Score("frechet_distance", 3.0, None, None, {}, "", False, "1")
    result = make()
    result = replace(result, scores={**result.scores, "frechet_distance": whole})
    with pytest.raises(BenchError, match="one number for a whole split"):
        compare(result, result, "frechet_distance")


def test_results_from_before_metrics_could_be_left_out_are_read(tmp_path: Path) -> None:
    data = json.loads(json.dumps(make().to_dict()))
    assert data.pop("left_out") == {}
    (tmp_path / "scores.json").write_text(json.dumps(data))
    assert Result.from_json(tmp_path / "scores.json") == make()


def test_what_was_left_out_is_said_once_for_each_reason() -> None:
    left_out = {"ndvi_mae": "no red", "omission": "no input", "improvement": "no input"}
    lines = str(replace(make(), left_out=left_out)).splitlines()
    at = lines.index("Not for this task:")
    assert lines[at + 1 : at + 3] == ["  ndvi_mae: no red", "  omission, improvement: no input"]


# Comparisons


def test_compare_is_the_paired_test_of_the_scenes() -> None:
    a, b = make(1.0, seed=1), make(seed=2)
    paired = paired_test(*(list(r.scores["psnr"].per_scene.values()) for r in (a, b)))
    assert paired.interval is not None
    assert compare(a, b, "psnr") == Comparison(
        "psnr", paired.difference, *paired.interval, paired.p_value, paired.effect_size, N
    )
    assert paired.difference == pytest.approx(a.scores["psnr"].mean - b.scores["psnr"].mean)


def test_compare_pairs_scenes_by_number_not_by_place() -> None:
    a, b = make(seed=1), make(seed=2)
    psnr = b.scores["psnr"]
    turned = replace(psnr, per_scene=dict(reversed(psnr.per_scene.items())))
    b_turned = replace(b, scores={**b.scores, "psnr": turned})
    assert compare(a, b_turned, "psnr") == compare(a, b, "psnr")


def test_compare_of_one_scene_has_no_interval_and_no_verdict() -> None:
    comparison = compare(make(2.0, n=1), make(n=1), "psnr")
    assert asdict(comparison) == {
        "metric": "psnr",
        "difference": pytest.approx(2.0),
        "ci_low": None,
        "ci_high": None,
        "p_value": 1.0,
        "effect_size": None,
        "n_scenes": 1,
    }
    assert str(comparison) == "psnr: difference +2, p = 1, 1 scenes"


def test_a_comparison_reads_as_a_sentence() -> None:
    comparison = Comparison("psnr", 1.25, 1.0, 1.5, 0.001, 2.0, 8)
    assert str(comparison) == (
        "psnr: difference +1.25, interval +1 to +1.5, effect size +2.00, p = 0.001, 8 scenes"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "cloud_removal"}, "can't be compared: task 'super_res' and 'cloud_removal'"),
        ({"split": "train"}, "split 'test' and 'train'"),
        ({"dataset_digest": "e" * 64}, "dataset digest 'ddd"),
    ],
)
def test_results_of_other_data_are_not_compared(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        compare(make(), replace(make(), **changes), "psnr")


def test_scores_that_do_not_match_are_not_compared() -> None:
    a, b = make(), make()
    with pytest.raises(BenchError, match="no score 'pnsr'; did you mean 'psnr'"):
        compare(a, b, "pnsr")
    newer = replace(b.scores["psnr"], version="2")
    with pytest.raises(BenchError, match="psnr is of definition '1' and '2'; score again"):
        compare(a, replace(b, scores={**b.scores, "psnr": newer}), "psnr")
    scores = {
        name: replace(of, per_scene={k + 1: v for k, v in of.per_scene.items()})
        for name, of in b.scores.items()
    }
    with pytest.raises(BenchError, match="different scenes"):
        compare(a, replace(b, scores=scores), "psnr")
