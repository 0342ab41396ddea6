"""The readers of series: against scikit-learn, on the truth, and what their files may hold."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from vrs_bench.errors import BenchError
from vrs_bench.metrics.downstream import confusion_matrix, jaccard_micro
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.references import readers as module
from vrs_bench.references import readers_fit
from vrs_bench.references.readers import (
    Readers,
    load,
    load_readers,
    noise_answers,
    read_series,
    save,
    series_key,
)
from vrs_bench.references.readers_fit import fit_readers, with_faults
from vrs_bench.references.smoothing import DRAWS, NOISE, noise_draw, noise_key
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

STEPS, CLASSES, HIDDEN = 3, len(LAND_COVER), 5
FEATURES = STEPS * len(OPTICAL_BANDS)
KEY = bytes(range(32))


def world_of(size: str, **changes: object) -> WorldRecipe:
    return load_recipe(BenchmarkRecipe, size).world.model_copy(update=changes)


def small_world(**changes: object) -> WorldRecipe:
    return world_of("tiny", height=48, width=48, **changes)


def optical(world: WorldRecipe, number: int) -> tuple[Floats, Array]:
    """Return the latent series (time, band, height, width) and land cover of a scene."""
    scene = make_scene(world, number)
    frames = [scene.frame("optical", step) for step in range(world.horizon)]
    return np.stack(frames), scene.land_cover


def read(readers: Readers, series: Floats, key: bytes = KEY) -> Floats:
    return read_series(readers, series, noise_answers(readers, key, series.shape))


def some_readers() -> Readers:
    normal = partial(np.random.default_rng(5).normal, scale=3)

    def layer(into: int, out: int) -> tuple[Floats, Floats]:
        return normal(size=(out, into)).astype("f4"), normal(size=out).astype("f4")

    return Readers(
        logistic=(layer(FEATURES, CLASSES),),
        perceptron=(layer(FEATURES, HIDDEN), layer(HIDDEN, CLASSES)),
        series=series_key(world_of("tiny", horizon=STEPS)),
    )


# Reading


def scikit_learn_models(readers: Readers) -> list[LogisticRegression | MLPClassifier]:
    """Return models with the coefficients of the readers."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.random((2 * CLASSES, FEATURES)), np.arange(2 * CLASSES) % CLASSES + 1
    logistic = LogisticRegression(max_iter=1000).fit(pixels, labels)
    [(logistic.coef_, logistic.intercept_)] = readers.logistic
    perceptron = MLPClassifier((HIDDEN,), max_iter=1)
    with warnings.catch_warnings(action="ignore"):  # one epoch is not meant to be enough
        perceptron.fit(pixels, labels)
    perceptron.coefs_ = [weights.T for weights, _ in readers.perceptron]
    perceptron.intercepts_ = [bias for _, bias in readers.perceptron]
    return [logistic, perceptron]


def test_probabilities_are_those_of_scikit_learn_meant_over_the_draws() -> None:
    readers = some_readers()
    series = np.random.default_rng(1).random((STEPS, 4, 17, 23), np.float32)
    found = read(readers, series)
    assert found.shape == (2, CLASSES, 17, 23)
    assert found.dtype == np.float32
    for reader, model in zip(found, scikit_learn_models(readers), strict=True):
        looks = [
            model.predict_proba(
                (series + noise_draw(KEY, draw, series.shape)).reshape(FEATURES, -1).T
            )
            for draw in range(DRAWS)
        ]
        expected = np.mean(looks, axis=0).T.reshape(CLASSES, 17, 23)
        np.testing.assert_allclose(reader, expected, atol=2e-5)
        # The draws can be told apart, and one of them alone is not the answer.
        assert np.abs(looks[0].T.reshape(expected.shape) - expected).max() > 0.01
    strided = np.ascontiguousarray(series.transpose(2, 3, 0, 1)).transpose(2, 3, 0, 1)
    np.testing.assert_array_equal(read(readers, strided), found)


def test_probabilities_sum_to_1_however_sure_a_reader_is() -> None:
    readers = some_readers()
    series = np.full((STEPS, 4, 5, 6), 300, np.float32)
    found = read(readers, series)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert found.max() > 0.999


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((4, STEPS, 5, 5), np.float32),
        ((STEPS + 1, 4, 5, 5), np.float32),
        ((STEPS, 4, 25), np.float32),
        ((STEPS, 4, 5, 5), np.float64),
    ],
)
def test_a_series_of_another_shape_or_type_is_refused(shape: tuple[int, ...], dtype: type) -> None:
    readers = some_readers()
    answers = noise_answers(readers, KEY, (STEPS, 4, 5, 5))
    with pytest.raises(BenchError, match=r"expected float32 \(3, 4, height, width\)"):
        read_series(readers, np.zeros(shape, dtype), answers)


# Noise


def test_the_noise_is_that_of_its_key_and_of_the_number_of_the_draw() -> None:
    shape = (8, 4, 64, 64)
    first, again, other_draw, other_key = (
        noise_draw(*of, shape) for of in ((KEY, 0), (KEY, 0), (KEY, 1), (KEY[::-1], 0))
    )
    np.testing.assert_array_equal(first, again)
    n = first.size
    for noise in (first, other_draw, other_key):
        assert noise.dtype == np.float32
        assert abs(noise.mean()) < 5 * NOISE / n**0.5
        assert noise.std() == pytest.approx(NOISE, rel=5 / (2 * n) ** 0.5)
    for other in (other_draw, other_key):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 5 / n**0.5


def test_a_scene_has_its_key_and_all_change_with_the_split() -> None:
    keys = {noise_key(split, scene) for split in (b"", b"a", b"1/a") for scene in (0, 1, 11)}
    assert len(keys) == 9
    assert noise_key(b"a", 1) == noise_key(b"a", 1)


# What is packaged


@pytest.mark.parametrize("size", ["tiny", "small", "toy", "large"])
def test_the_packaged_readers_know_the_truth_of_scenes_they_were_not_fitted_on(
    size: str,
) -> None:
    world = world_of(size)
    readers = load_readers(world)
    confusion = np.zeros((2, CLASSES, CLASSES), np.int64)
    for number in range(SPLITS["validation"], SPLITS["validation"] + 2):
        series, truth = optical(world, number)
        labels = read(readers, series, noise_key(b"", number)).argmax(axis=1) + 1
        confusion += np.stack([confusion_matrix(of, truth, CLASSES) for of in labels])
    for reader in confusion:
        assert 0.7 < jaccard_micro(reader) < 0.95  # classes overlap


def test_only_what_the_series_are_like_decides_on_the_readers() -> None:
    toy = world_of("toy")
    cells = toy.cells.model_copy(update={"n": 9})
    alike = world_of("toy", seed=1, height=64, width=32, cells=cells, class_prior=(), gsd=20.0)
    assert load_readers(alike).fits(toy)
    assert load_readers(world_of("large")).fits(toy)
    assert not load_readers(world_of("tiny")).fits(toy)
    plain = toy.model_dump(mode="json")
    for change in (
        {"horizon": 29},
        {"series": {"start_day": 7}},
        {"series": {"spread": 1.5, "start_day": 6, "step_days": 12}},
        {"series": {"mixture": {"largest": 0.4}, "start_day": 6, "step_days": 12}},
    ):
        other = check_recipe(WorldRecipe, plain | change, "recipe")
        with pytest.raises(BenchError, match="vrs-bench fit readers"):
            load_readers(other)


def test_an_archive_as_source_is_refused() -> None:
    recipe = {"seed": 1, "series": {"source": "uea", "path": ["a.ts"], "ndim": 3, "nclass": 4}}
    world = check_recipe(WorldRecipe, recipe, "recipe")
    with pytest.raises(BenchError, match="choose 'phenology'"):
        load_readers(world)


# Fitting


def test_a_fit_reads_scenes_it_has_not_seen_and_can_be_repeated(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    world = small_world()
    steps: list[tuple[int, int]] = []
    fitted = fit_readers(world, 6, 300, report=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 8) for done in range(1, 9)]
    save(fitted, tmp_path / "first.npz")
    save(fit_readers(world, 6, 300), tmp_path / "again.npz")
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    assert [str(warning.message) for warning in recwarn] == []

    assert fitted.fits(world)
    confusion = np.zeros((2, CLASSES, CLASSES), np.int64)
    for number in range(SPLITS["validation"], SPLITS["validation"] + 3):
        series, truth = optical(world, number)
        labels = read(load(tmp_path / "first.npz"), series).argmax(axis=1) + 1
        confusion += np.stack([confusion_matrix(of, truth, CLASSES) for of in labels])
    assert min(map(jaccard_micro, confusion)) > 0.6  # one class of eight: 0.07


def test_the_logistic_regression_is_the_optimum_over_its_pixels() -> None:
    """There, the gradient of mean cross-entropy + penalty / 2 · ‖weights‖² is zero."""
    world = small_world()
    pixels, labels = readers_fit._sample(world, 6, 200, 0, None)
    assert len(pixels) == len(labels) == 6 * readers_fit.VIEWS * 200
    [(weights, bias)] = fit_readers(world, 6, 200).logistic
    mean, scale = pixels.mean(axis=0, dtype=float), pixels.std(axis=0, dtype=float)
    features, standard = (pixels - mean) / scale, weights * scale
    scores = features @ standard.T + bias + weights @ mean
    scores -= scores.max(axis=1, keepdims=True)
    chance = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    residual = (chance - (labels[:, None] == np.arange(1, CLASSES + 1))) / len(labels)
    assert np.abs(residual.T @ features + readers_fit.PENALTY * standard).max() < 2e-4
    assert np.abs(residual.sum(axis=0)).max() < 2e-4


def test_the_seed_chooses_pixels_and_faults() -> None:
    world = small_world(horizon=2)
    first, other = (readers_fit._sample(world, 2, 50, seed, None)[0] for seed in (0, 1))
    assert first.shape == other.shape
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kinds", [2, 3])
def test_classes_that_scenes_lack_never_win(kinds: int) -> None:
    prior = (0, 0, 0, 1.0, 0, 0, 1.0, 1.0 if kinds == 3 else 0)
    world = small_world(horizon=2, class_prior=prior)
    readers = fit_readers(world, 6, 60)
    series, truth = optical(world, SPLITS["validation"])
    read = read_series(readers, series, noise_answers(readers, b"any", series.shape))
    np.testing.assert_allclose(read.sum(axis=1), 1, atol=1e-5)
    lacking = [number for number, share in enumerate(prior) if share == 0]
    assert read[:, lacking].max() == 0
    labels = read.argmax(axis=1) + 1
    inside = truth > 0
    assert (labels == truth)[:, inside].mean(axis=1).min() > 0.5


def test_one_class_is_no_task_for_a_reader() -> None:
    world = small_world(horizon=2, class_prior=(0, 0, 0, 1.0, 0, 0, 0, 0))
    with pytest.raises(BenchError, match="expected at least 2 classes: take more scenes"):
        fit_readers(world, 2, 20)


@pytest.mark.parametrize(
    ("scenes", "pixels", "message"),
    [(0, 10, "scenes: expected 1 to 800000"), (800_001, 10, "scenes"), (1, 0, "pixels_per_view")],
)
def test_counts_out_of_range_are_refused_before_the_work(
    scenes: int, pixels: int, message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        fit_readers(small_world(), scenes, pixels)


# Faults


def test_faults_keep_what_a_series_is_and_are_small() -> None:
    series, _ = optical(small_world(), 0)
    untouched = series.copy()
    seen = [with_faults(series, np.random.default_rng(seed)) for seed in range(40)]
    np.testing.assert_array_equal(series, untouched)
    for of in seen:
        assert of.shape == series.shape
        assert of.dtype == np.float32
        assert np.isfinite(of).all()
        assert np.abs(of - series).mean() < 0.1
    same = [np.array_equal(of, series) for of in seen]
    assert 0 <= sum(same) < 10  # 1 in 32 has no fault
    again = with_faults(series, np.random.default_rng(7))
    np.testing.assert_array_equal(again, seen[7])


def test_gaps_are_filled_along_the_series() -> None:
    series = np.arange(5, dtype=np.float32).reshape(5, 1, 1, 1) ** 2
    filled = readers_fit._interpolated(series, np.array([False, True, False, False, True]))
    assert filled.ravel().tolist() == [1, 1, 6, 11, 16]


# Files

LAYERS = {"logistic": 1, "perceptron": 2}
ARRAYS = {
    f"{name}_{kind}_{number}": (name, number, index)
    for name, depth in LAYERS.items()
    for number in range(depth)
    for index, kind in enumerate(("weights", "bias"))
}


def arrays(readers: Readers) -> dict[str, Array]:
    """Return what a file of readers holds, by the name that it has there."""
    of = {
        name: getattr(readers, reader)[number][index]
        for name, (reader, number, index) in ARRAYS.items()
    }
    return of | {"series": np.frombuffer(readers.series.encode(), np.uint8)}


def test_a_file_gives_back_what_was_saved_and_always_the_same_bytes(tmp_path: Path) -> None:
    readers = some_readers()
    save(readers, tmp_path / "a.npz")
    [(weights, bias)] = readers.logistic
    save(replace(readers, logistic=((np.asfortranarray(weights), bias),)), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = load(tmp_path / "a.npz")
    for name, array in arrays(readers).items():
        np.testing.assert_array_equal(arrays(loaded)[name], array)
        assert arrays(loaded)[name].dtype == array.dtype
    assert loaded.series == readers.series
    assert len(loaded.sha256) == 64
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def members(readers: Readers) -> dict[str, bytes]:
    return {name: npy(array) for name, array in arrays(readers).items()}


def write(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.npy", data)
    return path


def test_members_written_by_hand_are_read(tmp_path: Path) -> None:
    loaded = load(write(tmp_path / "r.npz", members(some_readers())))
    np.testing.assert_array_equal(loaded.logistic[0][0], some_readers().logistic[0][0])


CHANGES: dict[str, dict[str, Callable[[Array], Array]]] = {
    "another dtype": {"logistic_weights_0": lambda a: a.astype(np.float64)},
    "a class too few": {
        "logistic_weights_0": lambda a: a[:-1],
        "logistic_bias_0": lambda a: a[:-1],
    },
    "a bias too many": {"logistic_bias_0": lambda a: np.zeros(len(a) + 1, np.float32)},
    "a flat array": {"perceptron_weights_0": lambda a: a.ravel()},
    "hidden units that differ": {"perceptron_weights_1": lambda a: a[:, 1:].copy()},
    "columns first": {"perceptron_weights_0": np.asfortranarray},
    "not finite": {"perceptron_bias_1": lambda a: a * np.float32(np.nan)},
    "text that is no JSON": {"series": lambda a: np.frombuffer(b"{", np.uint8)},
    "JSON without horizon": {"series": lambda a: np.frombuffer(b"[]", np.uint8)},
    "another horizon": {"series": lambda a: np.frombuffer(b'{"horizon": 4}', np.uint8)},
    "Python objects": {"logistic_bias_0": lambda a: np.array([None] * len(a))},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_coefficients_that_do_not_belong_together_are_refused(
    change: dict[str, Callable[[Array], Array]], tmp_path: Path
) -> None:
    held = arrays(some_readers())
    files = {name: npy(change.get(name, np.asarray)(array)) for name, array in held.items()}
    with pytest.raises(BenchError, match=r"r\.npz: not a file of readers"):
        load(write(tmp_path / "r.npz", files))


def claiming(descr: str, shape: tuple[int, ...], payload: bytes) -> bytes:
    """Return an array file whose header claims a type and shape."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + payload


def test_nothing_of_a_file_is_executed(tmp_path: Path) -> None:
    witness = tmp_path / "executed"

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (witness,)

    hostile = claiming("|O", (12,), pickle.dumps(Hostile()))
    np.load(io.BytesIO(hostile), allow_pickle=True)
    witness.unlink()  # the reader that trusts a file has run it
    with pytest.raises(BenchError, match="logistic_bias_0: expected <f4"):
        load(write(tmp_path / "r.npz", members(some_readers()) | {"logistic_bias_0": hostile}))
    plain = tmp_path / "d.npz"
    plain.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(BenchError):
        load(plain)
    assert not witness.exists()


def test_a_size_that_is_only_claimed_is_refused(tmp_path: Path) -> None:
    files = members(some_readers())
    for shape in ((CLASSES, 10**13), (10**30, FEATURES), (-1, 7)):
        claimed = claiming("<f4", shape, bytes(4 * CLASSES * FEATURES))
        with pytest.raises(BenchError, match="not a file of readers"):
            load(write(tmp_path / "r.npz", files | {"logistic_weights_0": claimed}))
    huge = npy(np.zeros(2_000_000, np.float32))
    for compression, message in (
        (zipfile.ZIP_STORED, "at most 4000000 are expected"),
        (zipfile.ZIP_DEFLATED, "compressed"),
    ):
        with pytest.raises(BenchError, match=message):
            load(write(tmp_path / "r.npz", files | {"logistic_weights_0": huge}, compression))


@pytest.mark.parametrize("name", ["extra", "../logistic_weights_0"])
def test_a_file_with_other_members_is_refused(name: str, tmp_path: Path) -> None:
    files = members(some_readers()) | {name: npy(np.zeros(1))}
    with pytest.raises(BenchError, match="expected the arrays logistic_weights_0, logistic_bias"):
        load(write(tmp_path / "r.npz", files))


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"none\.npz.*No such file"):
        load(tmp_path / "none.npz")
    whole = (module.HERE / "readers-tiny.npz").read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        damaged = tmp_path / "damaged.npz"
        damaged.write_bytes(whole[:size])
        with pytest.raises(BenchError, match=r"damaged\.npz: not a file of readers"):
            load(damaged)
