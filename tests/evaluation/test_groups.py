"""All groups of metrics together: on the truth, on worse and worse images, and asked for alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, evaluate, judge
from vrs_bench.metrics.catalogue import GROUPS, METRICS
from vrs_bench.references import packaged_references
from vrs_bench.tasks import get_task
from vrs_bench.types import Floats
from vrs_bench.world.landcover import class_names


def truth(folder: DatasetFolder, task: str) -> Floats:
    target = get_task(task).target
    return np.concatenate([restore(s[target]) for s in folder.scenes(task, "test", [target])])


@pytest.fixture(scope="module")
def results(folder: DatasetFolder) -> dict[float, Result]:
    """Return results of cloud removal by the level of noise; 0 is the truth itself."""
    images = truth(folder, "cloud_removal")
    noise = np.random.default_rng(0).normal(size=images.shape).astype(np.float32)
    return {
        level: evaluate(
            np.clip(images + level * noise, 0, 1), "cloud_removal", folder, bounds=False
        )
        for level in (0.0, 0.01, 0.05)
    }


def test_every_group_is_there_by_default(results: dict[float, Result]) -> None:
    scores = results[0.0].scores
    assert {METRICS[name].group for name in scores} == set(GROUPS)
    assert set(scores) == {name for name, metric in METRICS.items() if metric.group in GROUPS}
    assert list(scores) == [name for name in METRICS if name in scores]


def test_the_truth_is_perfect(results: dict[float, Result]) -> None:
    perfect = {
        **dict.fromkeys(["mae", "rmse", "sam", "ergas", "ndvi_mae", "gmsd"], 0.0),
        **dict.fromkeys(["ssim", "uiqi", "ms_ssim", "haarpsi", "cw_ssim"], 1.0),
        **dict.fromkeys(["jaccard_ratio", "segmentation_ratio"], 1.0),
        **dict.fromkeys(["reader_agreement", "segmentation_agreement"], 1.0),
        **dict.fromkeys(["feature_distance", "frechet_distance", "spatial_shift"], 0.0),
        "psnr": 80.0,
    }
    scores = results[0.0].scores
    for name, value in perfect.items():
        assert scores[name].mean == pytest.approx(value, abs=1e-4), name
    assert scores["jaccard"] == scores["jaccard_truth"].__class__(
        **{**scores["jaccard_truth"].__dict__, "metric": "jaccard"}
    )
    assert scores["jaccard_truth"].mean > 0.5  # classes overlap
    assert scores["improvement"].mean > 0.9
    assert scores["hallucination"].mean < 0.1


def test_noise_makes_every_metric_worse(results: dict[float, Result]) -> None:
    # Two numbers do not depend on the predictions, or hardly on noise.
    steady = {"jaccard_truth", "spatial_shift", "cell_accuracy", "omission"}
    for name in results[0.0].scores.keys() - steady:
        clean, little, much = (results[level].scores[name].mean for level in (0.0, 0.01, 0.05))
        better = METRICS[name].higher_is_better
        assert (clean >= little >= much) if better else (clean <= little <= much), name
        assert clean != much, name


def test_values_lie_in_their_range_and_have_a_definition(results: dict[float, Result]) -> None:
    for result in results.values():
        for name, score in result.scores.items():
            metric = METRICS[name]
            for value in (score.mean, *score.per_scene.values()):
                assert metric.low - 1e-6 <= value <= metric.high + 1e-6, name
            assert score.ci_low is not None
            assert score.ci_high is not None
            assert metric.low <= score.ci_low <= score.ci_high <= metric.high, name
            assert score.ci_low - 1e-9 <= score.mean <= score.ci_high + 1e-9, name
            assert bool(score.per_scene) == (metric.scope != "split")
            assert (score.unit, score.version) == (metric.unit, metric.version)


def test_distances_of_a_whole_split_have_an_interval(results: dict[float, Result]) -> None:
    for name in ("frechet_distance", "kernel_distance"):
        score = results[0.05].scores[name]
        assert (score.ci_high or 0) > score.mean
        assert not score.per_scene


def test_parts_confusion_and_references_are_in_the_json(
    results: dict[float, Result], tmp_path: Path
) -> None:
    result = results[0.01]
    assert set(result.slices) == {"land_cover", "position", "cloud", "time_step"}
    assert set(result.slices["land_cover"]) <= set(class_names()[1:])
    assert list(result.slices["time_step"]) == [str(step) for step in range(8)]
    assert "psnr" in result.slices["cloud"]["opaque"]
    assert set(result.confusion) == {
        f"{method}{of}" for method in ("reader", "segmentation") for of in ("", "_truth")
    }
    assert set(result.references) == {"readers", "encoder"}
    assert set(result.references.values()) <= packaged_references()
    result.to_json(tmp_path / "result.json")
    assert Result.from_json(tmp_path / "result.json") == result


def test_slices_of_time_steps_are_the_rows(results: dict[float, Result]) -> None:
    result = results[0.01]
    steps = [of["psnr"].mean for of in result.slices["time_step"].values()]
    assert np.mean(steps) == pytest.approx(result.scores["psnr"].mean)


def test_tasks_without_clouds_or_operator_have_no_such_scores(folder: DatasetFolder) -> None:
    images = truth(folder, "sar_to_optical")
    result = evaluate(
        images, "sar_to_optical", folder, groups=["consistency", "distortion"], bounds=False
    )
    assert "cloud" not in result.slices
    assert {"through_sensor_rmse", "hallucination"}.isdisjoint(result.scores)
    assert "spatial_shift" in result.scores
    assert set(result.left_out) == {
        *("through_sensor_rmse", "through_sensor_excess"),
        *("improvement", "omission", "hallucination"),
    }
    assert "hallucination: the main input is no image of what is predicted" in str(result)


def test_the_original_profile_scores_by_its_own_names(folder: DatasetFolder) -> None:
    images = truth(folder, "super_res")
    result = evaluate(images, "super_res", folder, profile="original")
    assert result.profile == "original"
    original = {name for name, metric in METRICS.items() if metric.group == "original"}
    assert set(result.scores) == original >= {"original_psnr", "original_sam"}
    assert "definitions of the original project" in str(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": ["distorsion"]}, "unknown group 'distorsion'; did you mean 'distortion'?"),
        ({"groups": []}, "groups: expected at least one of distortion"),
        ({"profile": "original", "groups": ["sam"]}, "leave groups and readers out"),
        ({"profile": "original", "readers": "x.npz"}, "leave groups and readers out"),
        ({"profile": "orginal"}, "unknown profile 'orginal'; did you mean 'original'?"),
        ({"readers": "nowhere.npz"}, "nowhere.npz"),
    ],
)
def test_what_is_not_known_is_refused(
    folder: DatasetFolder, arguments: dict[str, object], message: str
) -> None:
    images = truth(folder, "super_res")
    with pytest.raises(BenchError) as caught:
        evaluate(images, "super_res", folder, **arguments)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("groups", "named"),
    [(["perceptual"], "perceptual"), (GROUPS, "perceptual and downstream"), (["distortion"], "")],
)
def test_groups_that_need_more_than_is_installed_say_so(
    folder: DatasetFolder, groups: list[str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "find_spec", lambda name: None)
    task = folder.manifest.bound("super_res")
    if not named:
        assert judge.make_judge(task, groups, None).references() == {}
        return
    with pytest.raises(BenchError) as caught:
        judge.make_judge(task, groups, None)
    assert f"metrics of {named} need pip install 'vrs-bench[evaluation]'" in str(caught.value)
    assert "torch" in str(caught.value)


def test_data_that_no_readers_fit_say_how_to_get_some(tiny: Path) -> None:
    with pytest.raises(BenchError, match=r"3 steps, .*vrs-bench fit readers .*--readers"):
        evaluate({}, "super_res", tiny)


def test_groups_without_networks_do_not_import_torch(folder: DatasetFolder) -> None:
    code = (
        "import sys, numpy, vrs_bench; from vrs_bench import DatasetFolder, evaluate; "
        f"data = DatasetFolder({str(folder.path)!r}); "
        "rows = {(s['scene'], int(t)): s['hr'][i] "
        "for s in data.scenes('super_res', 'test', ['hr']) for i, t in enumerate(s['time_step'])}; "
        "evaluate(rows, 'super_res', data, groups=['distortion', 'consistency'], bounds=False); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "False"
