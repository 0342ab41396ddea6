"""From predictions to a result: every form scores alike, the truth scores perfectly."""

from __future__ import annotations

import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import datasets
import jsonschema
import numpy as np
import pytest
import skimage.metrics
import torch

from vrs_bench.columns import quantise, restore
from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, expected_input_format, expected_input_schema
from vrs_bench.evaluation import evaluate as evaluate_all
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.types import Array

DISTORTION = {name: metric for name, metric in METRICS.items() if metric.group == "distortion"}
Rows = dict[tuple[int, int], Array]
evaluate = partial(evaluate_all, groups=("distortion",), bounds=False)
PERFECT = dict.fromkeys(DISTORTION, 0.0) | {"psnr": 80.0, "ssim": 1.0, "uiqi": 1.0}


def truth_of(folder: Path, split: str) -> Rows:
    """Return the truth of every row as published, (4, 64, 64) uint16."""
    return {
        (scene["scene"], int(step)): scene["hr"][index]
        for scene in DatasetFolder(folder).scenes("super_res", split, ["hr"])
        for index, step in enumerate(scene["time_step"])
    }


@pytest.fixture(scope="module")
def truth(tiny: Path) -> Rows:
    return truth_of(tiny, "train")


@pytest.fixture(scope="module")
def noisy(truth: Rows) -> Rows:
    """Return predictions on the published scale."""
    rng = np.random.default_rng(0)
    return {
        key: quantise(restore(image) + 0.02 * rng.normal(size=image.shape).astype(np.float32))
        for key, image in truth.items()
    }


@pytest.fixture(scope="module")
def result(tiny: Path, noisy: Rows) -> Result:
    return evaluate(noisy, "super_res", tiny, "train")


# Forms


def files(rows: Rows, folder: Path) -> Path:
    for (scene, step), image in rows.items():
        np.save(folder / f"{scene:06d}_{step:03d}.npy", image)
    np.save(folder / "._900000_000.npy", 0)  # what some systems leave beside every file
    return folder


def archive(save: Callable[..., None]) -> Callable[[Rows, Path], Path]:
    def write(rows: Rows, folder: Path) -> Path:
        save(folder / "p.npz", **{f"{s:06d}_{t:03d}": image for (s, t), image in rows.items()})
        return folder / "p.npz"

    return write


def stack(rows: Rows) -> Array:
    return np.stack(list(rows.values()))


def stack_file(rows: Rows, folder: Path) -> Path:
    np.save(folder / "p.npy", np.asfortranarray(stack(rows)))
    return folder / "p.npy"


def dataset(rows: Rows, dtype: str = "", seed: int | None = None) -> datasets.Dataset:
    """Return a Dataset: as nested lists, or with a declared array type; shuffled by a seed."""
    scenes, steps = zip(*rows, strict=True)
    images = [restore(image) if dtype == "float32" else image for image in rows.values()]
    features = datasets.Features(
        scene=datasets.Value("int32"),
        time_step=datasets.Value("int16"),
        prediction=datasets.Array3D((4, 64, 64), dtype or "uint16"),
    )
    columns = {"scene": scenes, "time_step": steps, "prediction": images}
    made = datasets.Dataset.from_dict(columns, features=features if dtype else None)
    return made if seed is None else made.shuffle(seed=seed)


def parquet(rows: Rows, folder: Path) -> Path:
    dataset(rows, "float32", seed=1).to_parquet(folder / "p.parquet")
    return folder / "p.parquet"


def parquet_folder(rows: Rows, folder: Path) -> Path:
    made = dataset(rows, seed=2)
    for part in range(3):
        made.shard(3, part).to_parquet(folder / f"part-{part}.parquet")
    return folder


FORMS: dict[str, Callable[[Rows, Path], object]] = {
    "mapping, other order": lambda rows, _: dict(reversed(rows.items())),
    "mapping of floats": lambda rows, _: {k: restore(v) for k, v in rows.items()},
    "mapping of doubles": lambda rows, _: {k: v / 10_000 for k, v in rows.items()},
    "mapping of big-endian": lambda rows, _: {k: restore(v).astype(">f4") for k, v in rows.items()},
    "mapping of tensors": lambda rows, _: {
        k: torch.from_numpy(restore(v)) for k, v in rows.items()
    },
    "mapping of lists": lambda rows, _: {k: restore(v).tolist() for k, v in rows.items()},
    "keys of NumPy": lambda rows, _: [
        ((np.int32(scene), torch.tensor(step)), image) for (scene, step), image in rows.items()
    ],
    "list of pairs": lambda rows, _: list(rows.items()),
    "generator": lambda rows, _: (pair for pair in reversed(rows.items())),
    "array": lambda rows, _: stack(rows),
    "array of floats": lambda rows, _: restore(stack(rows)),
    "tensor": lambda rows, _: torch.from_numpy(restore(stack(rows))),
    "memory map": lambda rows, folder: np.load(stack_file(rows, folder), mmap_mode="r"),
    "Dataset of lists": lambda rows, _: dataset(rows),
    "Dataset of arrays": lambda rows, _: dataset(rows, "uint16"),
    "Dataset, shuffled": lambda rows, _: dataset(rows, "uint16", seed=3),
    "Dataset of tensors": lambda rows, _: dataset(rows, "float32").with_format("torch"),
    "folder": files,
    "folder as text": lambda rows, folder: str(files(rows, folder)),
    ".npz": archive(np.savez),
    ".npz compressed": archive(np.savez_compressed),
    ".npy": stack_file,
    ".parquet": parquet,
    "folder of .parquet": parquet_folder,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_result(
    form: str, tiny: Path, noisy: Rows, result: Result, tmp_path: Path
) -> None:
    assert evaluate(FORMS[form](noisy, tmp_path), "super_res", tiny, "train") == result


def test_a_generator_is_read_once_and_its_arrays_are_not_kept(
    tiny: Path, noisy: Rows, result: Result
) -> None:
    alive: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()
    most = started = 0

    def predictions() -> Iterator[tuple[tuple[int, int], Array]]:
        nonlocal most, started
        started += 1
        for key, image in noisy.items():
            array = image.copy()
            alive[id(array)] = array
            most = max(most, len(alive))
            yield key, array

    class Once:
        def __iter__(self) -> Iterator[tuple[tuple[int, int], Array]]:
            return predictions()

    assert evaluate(Once(), "super_res", tiny, "train") == result
    assert started == 1
    assert most <= 3
    assert len(noisy) == 12


def test_a_mapping_may_load_its_arrays_when_asked(tiny: Path, noisy: Rows, result: Result) -> None:
    alive: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()
    most = 0

    class Lazy(dict[tuple[int, int], Array]):
        def __getitem__(self, key: tuple[int, int]) -> Array:
            nonlocal most
            array = super().__getitem__(key).copy()
            alive[id(array)] = array
            most = max(most, len(alive))
            return array

    assert evaluate(Lazy(noisy), "super_res", tiny, "train") == result
    assert most <= 2


# Scores


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_truth_scores_perfectly(tiny: Path, split: str) -> None:
    truth = truth_of(tiny, split)
    oracle = evaluate(truth, "super_res", tiny, split)
    assert {name: score.mean for name, score in oracle.scores.items()} == pytest.approx(
        PERFECT, abs=1e-12, rel=0
    )
    assert (oracle.n_rows, oracle.n_scenes) == (len(truth), len({scene for scene, _ in truth}))
    assert (oracle.task, oracle.split, oracle.recipe) == ("super_res", split, "tiny")
    assert oracle.clipped_values == 0


def test_scores_are_those_of_scikit_image(truth: Rows, noisy: Rows, result: Result) -> None:
    scene = next(iter(truth))[0]
    steps = [step for number, step in truth if number == scene]
    images = [(restore(truth[scene, step]), restore(noisy[scene, step])) for step in steps]
    psnr = [skimage.metrics.peak_signal_noise_ratio(t, p, data_range=1) for t, p in images]
    ssim = [
        skimage.metrics.structural_similarity(
            *(t, p),
            channel_axis=0,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for t, p in images
    ]
    rmse = [skimage.metrics.mean_squared_error(t, p) ** 0.5 for t, p in images]
    for name, values in (("psnr", psnr), ("ssim", ssim), ("rmse", rmse)):
        assert result.scores[name].per_scene[scene] == pytest.approx(np.mean(values), rel=1e-5)


def test_ergas_uses_the_ratio_of_the_task(truth: Rows, noisy: Rows, result: Result) -> None:
    errors = []
    scene = next(iter(truth))[0]
    for key in (key for key in truth if key[0] == scene):
        t, p = restore(truth[key]).astype(float), restore(noisy[key]).astype(float)
        relative = ((t - p) ** 2).mean(axis=(1, 2)) / t.mean(axis=(1, 2)) ** 2
        errors.append(100 / 4 * relative.mean() ** 0.5)
    assert result.scores["ergas"].per_scene[scene] == pytest.approx(np.mean(errors), rel=1e-5)


def test_a_score_is_the_mean_over_scenes_within_its_interval(result: Result) -> None:
    assert list(result.scores) == list(DISTORTION)
    for name, score in result.scores.items():
        assert score.mean == pytest.approx(np.mean(list(score.per_scene.values())))
        assert len(score.per_scene) == result.n_scenes == 4
        assert score.ci_low is not None
        assert score.ci_high is not None
        assert score.ci_low < score.mean < score.ci_high
        metric = DISTORTION[name]
        assert (score.unit, score.higher_is_better) == (metric.unit, metric.higher_is_better)
        assert score.version == metric.version


def test_one_scene_has_no_interval(tiny: Path) -> None:
    assert set(intervals(evaluate(truth_of(tiny, "test"), "super_res", tiny))) == {(None, None)}


def intervals(result: Result) -> list[tuple[float | None, float | None]]:
    return [(score.ci_low, score.ci_high) for score in result.scores.values()]


def test_the_bootstrap_is_seeded_and_zero_is_a_seed(
    tiny: Path, noisy: Rows, result: Result
) -> None:
    zero, again, one = (
        evaluate(noisy, "super_res", tiny, "train", resamples=20, seed=seed) for seed in (0, 0, 1)
    )
    assert zero == again
    assert intervals(zero) != intervals(one)
    assert zero.scores["psnr"].mean == one.scores["psnr"].mean == result.scores["psnr"].mean
    assert (zero.resamples, zero.seed, one.seed) == (20, 0, 1)
    assert (result.resamples, result.seed) == (10_000, 0)


def test_values_outside_are_clipped_and_counted(tiny: Path, truth: Rows) -> None:
    rows = {key: restore(image) for key, image in truth.items()}
    first = next(iter(rows))
    rows[first] = rows[first].copy()
    rows[first][0, 0, :5] = -0.01
    rows[first][1, 3, :2] = 1.2
    clipped = {key: np.clip(image, 0, 1) for key, image in rows.items()}
    outside, inside = (evaluate(p, "super_res", tiny, "train") for p in (rows, clipped))
    assert (outside.clipped_values, inside.clipped_values) == (7, 0)
    assert outside.scores == inside.scores
    assert outside.predictions_sha256 != inside.predictions_sha256


# Identity


def test_digests_tell_predictions_and_data_apart(tiny: Path, noisy: Rows, result: Result) -> None:
    changed = dict(noisy)
    key = next(iter(changed))
    changed[key] = changed[key].copy()
    changed[key][0, 0, 0] += 1
    other = evaluate(changed, "super_res", tiny, "train")
    assert other.predictions_sha256 != result.predictions_sha256
    assert other.dataset_digest == result.dataset_digest
    test = evaluate(truth_of(tiny, "test"), "super_res", tiny)
    assert test.dataset_digest != result.dataset_digest


def test_the_digest_of_data_is_that_of_its_content(
    tiny: Path, noisy: Rows, result: Result, tmp_path: Path
) -> None:
    recipe = DatasetFolder(tiny).manifest.recipe
    build(["super_res"], recipe.model_copy(update={"scenes_per_shard": 3}), tmp_path / "cut")
    cut = evaluate(noisy, "super_res", tmp_path / "cut", "train")
    assert cut.dataset_digest == result.dataset_digest

    shutil.copytree(tiny, tmp_path / "noisier")
    path = tmp_path / "noisier" / "manifest.json"
    path.write_text(path.read_text().replace('"read_noise": 0.004', '"read_noise": 0.005'))
    noisier = evaluate(noisy, "super_res", tmp_path / "noisier", "train")
    assert noisier.dataset_digest != result.dataset_digest
    assert noisier.scores == cut.scores == result.scores


def test_progress_counts_rows_to_the_end(tiny: Path, noisy: Rows) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(
        noisy, "super_res", tiny, "train", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(done, 12) for done in (0, 3, 6, 9, 12)]


def test_an_open_folder_may_be_given(tiny: Path, noisy: Rows, result: Result) -> None:
    assert evaluate(noisy, "super_res", DatasetFolder(tiny), "train") == result


def test_the_expected_format_is_said_with_the_numbers_of_the_data(tiny: Path) -> None:
    text = expected_input_format("super_res", tiny, "train")
    assert "super_res, split train: 12 rows (4 scenes)" in text
    assert "shape (4, 64, 64), which is (band, height, width)" in text
    assert "shape (12, 4, 64, 64), in the order" in text
    assert "000000_000.npy" in text


@pytest.mark.parametrize(
    ("task", "split", "message"),
    [
        ("super_ress", "test", "unknown task 'super_ress'; did you mean 'super_res'"),
        ("super_res", "testing", "unknown split 'testing' of super_res; this dataset holds train"),
    ],
)
def test_unknown_names_are_errors(tiny: Path, task: str, split: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        evaluate({}, task, tiny, split)


def test_no_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no dataset here"):
        evaluate({}, "super_res", tmp_path)


def test_import_and_use_need_neither_torch_nor_datasets() -> None:
    code = "import sys, vrs_bench.evaluation as e; print({'torch', 'datasets'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_schema_accepts_a_row_as_it_should_be_and_no_other(tiny: Path) -> None:
    schema = expected_input_schema("super_res", tiny, "test")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    [scene] = DatasetFolder(tiny).scenes("super_res", "test", ["hr"])
    row = {"scene": 900000, "time_step": 2, "prediction": restore(scene["hr"][2]).tolist()}
    assert validator.is_valid(row)
    for change in (
        {"scene": 800000},
        {"time_step": 3},
        {"prediction": restore(scene["hr"][2])[:3].tolist()},
        {"prediction": restore(scene["hr"][2])[:, :63].tolist()},
        {"prediction": scene["hr"][2].astype(float).tolist()},
    ):
        assert not validator.is_valid({**row, **change})
    assert not validator.is_valid({"scene": 900000, "time_step": 2})
