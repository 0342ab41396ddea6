"""The reference classifier: against scikit-learn, on the truth, and what its files may hold."""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vrs_bench.data.build.shards import SPLITS
from vrs_bench.errors import BenchError
from vrs_bench.metrics.downstream import confusion_matrix, jaccard_micro
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.references import classifier as module
from vrs_bench.references import classifier_fit
from vrs_bench.references.classifier import (
    Classifier,
    classify,
    load,
    load_classifier,
    save,
    series_key,
)
from vrs_bench.references.classifier_fit import fit_classifier
from vrs_bench.types import Array
from vrs_bench.world.landcover import OPTICAL_BANDS
from vrs_bench.world.scene import WorldRecipe, make_scene

STEPS = 3
ARRAYS = ("weights", "intercept", "mean", "scale", "classes")


def world_of(size: str, **changes: object) -> WorldRecipe:
    return load_recipe(BenchmarkRecipe, size).world.model_copy(update=changes)


def small_world(**changes: object) -> WorldRecipe:
    return world_of("tiny", height=48, width=48, **changes)


def optical(world: WorldRecipe, number: int) -> tuple[Array, Array]:
    """Return the latent series (time, band, height, width) and land cover of a scene."""
    scene = make_scene(world, number)
    frames = [scene.frame("optical", step) for step in range(world.horizon)]
    return np.stack(frames), scene.land_cover


def some_classifier() -> Classifier:
    rng = np.random.default_rng(5)
    n_features = STEPS * len(OPTICAL_BANDS)
    return Classifier(
        weights=rng.normal(size=(4, n_features)).astype(np.float32),
        intercept=rng.normal(size=4).astype(np.float32),
        mean=rng.uniform(0.1, 0.4, n_features).astype(np.float32),
        scale=rng.uniform(0.01, 0.1, n_features).astype(np.float32),
        classes=np.array([1, 2, 5, 8], np.uint8),
        series=series_key(world_of("tiny", horizon=STEPS)),
    )


# Classifying


def test_labels_are_those_that_scikit_learn_predicts_from_the_same_coefficients() -> None:
    classifier = some_classifier()
    series = np.random.default_rng(1).random((STEPS, 4, 17, 23), np.float32)
    model = LogisticRegression()
    model.classes_ = classifier.classes
    model.coef_ = classifier.weights.astype(np.float64)
    model.intercept_ = classifier.intercept.astype(np.float64)
    pixels = series.transpose(2, 3, 0, 1).reshape(17 * 23, -1).astype(np.float64)
    expected = model.predict((pixels - classifier.mean) / classifier.scale).reshape(17, 23)
    labels = classify(classifier, series)
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.uint8
    assert len(np.unique(labels)) == 4
    strided = np.ascontiguousarray(series.transpose(2, 3, 0, 1)).transpose(2, 3, 0, 1)
    np.testing.assert_array_equal(classify(classifier, strided), expected)


@pytest.mark.parametrize("value", [0, 1])
def test_an_image_without_content_is_labelled_all_alike(value: float) -> None:
    world = world_of("toy")
    series = np.full((world.horizon, 4, 5, 6), value, np.float32)
    labels = classify(load_classifier(world), series)
    assert labels.shape == (5, 6)
    assert len(np.unique(labels)) == 1


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
    with pytest.raises(BenchError, match=r"expected float32 \(3, 4, height, width\)"):
        classify(some_classifier(), np.zeros(shape, dtype))


# What is packaged


@pytest.mark.parametrize(("size", "least"), [("tiny", 0.98), ("toy", 0.99), ("large", 0.99)])
def test_the_packaged_classifiers_know_the_truth_of_scenes_they_were_not_fitted_on(
    size: str, least: float
) -> None:
    world = world_of(size)
    classifier = load_classifier(world)
    confusion = np.zeros((8, 8), np.int64)
    for number in range(SPLITS["validation"], SPLITS["validation"] + (3 if size == "toy" else 2)):
        series, truth = optical(world, number)
        confusion += confusion_matrix(classify(classifier, series), truth, 8)
    assert jaccard_micro(confusion) >= least


def test_only_what_the_series_are_like_decides_on_the_classifier() -> None:
    toy = world_of("toy")
    cells = toy.cells.model_copy(update={"n": 9})
    alike = world_of("toy", seed=1, height=64, width=32, cells=cells, class_prior=(), gsd=20.0)
    assert load_classifier(alike).fits(toy)
    assert load_classifier(world_of("large")).fits(toy)
    assert not load_classifier(world_of("tiny")).fits(toy)
    texture = {"texture": {"amplitude": 0.3}, "background": [0.1, 0.1, 0.1, 0.1]}
    plain = toy.model_dump(mode="json")
    for change in (
        {"horizon": 29},
        {"series": {"start_day": 7}},
        {"series": {"spread": 1.5, "start_day": 6, "step_days": 12}},
        {"products": {"optical": texture}},
    ):
        other = check_recipe(WorldRecipe, plain | change, "recipe")
        with pytest.raises(BenchError, match="vrs-bench fit classifier"):
            load_classifier(other)


def test_an_archive_as_source_is_refused() -> None:
    recipe = {"seed": 1, "series": {"source": "uea", "path": ["a.ts"], "ndim": 3, "nclass": 4}}
    world = check_recipe(WorldRecipe, recipe, "recipe")
    with pytest.raises(BenchError, match="choose 'phenology'"):
        load_classifier(world)


# Fitting


def test_a_fit_is_the_optimum_over_the_pixels_of_train_scenes_and_can_be_repeated() -> None:
    world = small_world()
    steps: list[tuple[int, int]] = []
    everything = 48 * 48
    fitted = fit_classifier(
        world, 6, everything, report=lambda done, total: steps.append((done, total))
    )
    assert steps == [(done, 7) for done in range(1, 8)]
    again = fit_classifier(world, 6, everything)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(fitted, name), getattr(again, name))

    scenes = [optical(world, number) for number in range(6)]
    inside = [truth != 0 for _, truth in scenes]
    pixels = np.concatenate(
        [
            series.reshape(-1, everything).T[m.ravel()]
            for (series, _), m in zip(scenes, inside, strict=True)
        ]
    ).astype(np.float64)
    labels = np.concatenate([truth[m] for (_, truth), m in zip(scenes, inside, strict=True)])
    np.testing.assert_allclose(fitted.mean, pixels.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(fitted.scale, pixels.std(axis=0), rtol=1e-4)
    # At the optimum, the gradient of mean cross-entropy + penalty / 2 · ‖weights‖² is zero.
    features = (pixels - fitted.mean) / fitted.scale
    scores = features @ fitted.weights.T.astype(np.float64) + fitted.intercept
    scores -= scores.max(axis=1, keepdims=True)
    chance = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    residual = (chance - (labels[:, None] == fitted.classes)) / len(labels)
    gradient = residual.T @ features + classifier_fit.PENALTY * fitted.weights
    assert np.abs(gradient).max() < 2e-4
    assert np.abs(residual.sum(axis=0)).max() < 2e-4


def test_the_seed_chooses_the_pixels() -> None:
    world = small_world(horizon=2)
    first, other = (fit_classifier(world, 4, 50, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first.weights, other.weights)
    assert first.fits(world)


def test_two_classes_will_do_and_one_will_not() -> None:
    world = small_world(class_prior=(0, 0, 0, 1.0, 0, 0, 1.0, 0))
    fitted = fit_classifier(world, 4, 100)
    assert fitted.classes.tolist() == [4, 7]
    series, truth = optical(world, SPLITS["validation"])
    assert jaccard_micro(confusion_matrix(classify(fitted, series), truth, 8)) > 0.98
    with pytest.raises(BenchError, match="of 1 classes; expected at least 2"):
        fit_classifier(small_world(class_prior=(0, 0, 0, 1.0, 0, 0, 0, 0)), 2, 20)


@pytest.mark.parametrize(
    ("scenes", "pixels", "message"),
    [(0, 10, "scenes: expected 1 to 800000"), (800_001, 10, "scenes"), (1, 0, "pixels_per_scene")],
)
def test_counts_out_of_range_are_refused_before_the_work(
    scenes: int, pixels: int, message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        fit_classifier(small_world(), scenes, pixels)


# Files


def test_a_file_gives_back_what_was_saved_and_always_the_same_bytes(tmp_path: Path) -> None:
    classifier = some_classifier()
    save(classifier, tmp_path / "a.npz")
    save(replace(classifier, weights=np.asfortranarray(classifier.weights)), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = load(tmp_path / "a.npz")
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(classifier, name))
        assert getattr(loaded, name).dtype == getattr(classifier, name).dtype
    assert loaded.series == classifier.series
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def members(classifier: Classifier) -> dict[str, bytes]:
    arrays = {name: npy(getattr(classifier, name)) for name in ARRAYS}
    return arrays | {"series": npy(np.frombuffer(classifier.series.encode(), np.uint8))}


def write(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.npy", data)
    return path


def test_members_written_by_hand_are_read(tmp_path: Path) -> None:
    loaded = load(write(tmp_path / "c.npz", members(some_classifier())))
    np.testing.assert_array_equal(loaded.weights, some_classifier().weights)


CHANGES = {
    "another dtype": {"weights": lambda c: c.weights.astype(np.float64)},
    "another shape": {"weights": lambda c: c.weights[:3]},
    "an intercept too many": {"intercept": lambda c: np.zeros(5, np.float32)},
    "a flat array": {"weights": lambda c: c.weights.ravel()},
    "not finite": {"mean": lambda c: c.mean * np.float32(np.nan)},
    "a scale of zero": {"scale": lambda c: c.scale * 0},
    "no such class": {"classes": lambda c: np.array([1, 2, 5, 9], np.uint8)},
    "a class twice": {"classes": lambda c: np.array([1, 2, 2, 8], np.uint8)},
    "background as class": {"classes": lambda c: np.array([0, 2, 5, 8], np.uint8)},
    "text that is no JSON": {"series": lambda c: np.frombuffer(b"{", np.uint8)},
    "another horizon": {"series": lambda c: np.frombuffer(b'{"horizon": 4}', np.uint8)},
    "Python objects": {"mean": lambda c: np.array([None] * 12)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_coefficients_that_do_not_belong_together_are_refused(
    change: dict[str, object], tmp_path: Path
) -> None:
    classifier = some_classifier()
    files = members(classifier) | {name: npy(make(classifier)) for name, make in change.items()}
    with pytest.raises(BenchError, match=r"c\.npz: not the file of a classifier"):
        load(write(tmp_path / "c.npz", files))


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
    with pytest.raises(BenchError, match="mean: expected <f4"):
        load(write(tmp_path / "c.npz", members(some_classifier()) | {"mean": hostile}))
    plain = tmp_path / "d.npz"
    plain.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(BenchError):
        load(plain)
    assert not witness.exists()


def test_a_size_that_is_only_claimed_is_refused(tmp_path: Path) -> None:
    files = members(some_classifier())
    for shape in ((4, 10**13), (10**30, 12), (-1, 7)):
        claimed = claiming("<f4", shape, bytes(4 * 12 * 4))
        with pytest.raises(BenchError, match="not the file of a classifier"):
            load(write(tmp_path / "c.npz", files | {"weights": claimed}))
    huge = npy(np.zeros(2_000_000, np.float32))
    with pytest.raises(BenchError, match="at most 4000000 are expected"):
        load(write(tmp_path / "c.npz", files | {"weights": huge}))
    with pytest.raises(BenchError, match="compressed"):
        load(write(tmp_path / "c.npz", files | {"weights": huge}, zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize("name", ["extra", "../weights"])
def test_a_file_with_other_members_is_refused(name: str, tmp_path: Path) -> None:
    files = members(some_classifier()) | {name: npy(np.zeros(1))}
    with pytest.raises(BenchError, match="expected the arrays weights, intercept"):
        load(write(tmp_path / "c.npz", files))


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"none\.npz.*No such file"):
        load(tmp_path / "none.npz")
    whole = (module.HERE / "classifier-tiny.npz").read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        damaged = tmp_path / "damaged.npz"
        damaged.write_bytes(whole[:size])
        with pytest.raises(BenchError, match=r"damaged\.npz: not the file of a classifier"):
            load(damaged)
