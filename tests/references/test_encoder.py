"""The reference encoder: the file that ships, what it sees, and how it is trained."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from scipy.ndimage import gaussian_filter

from vrs_bench.errors import BenchError
from vrs_bench.metrics.feature_distances import feature_distance
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references import encoder as shipped
from vrs_bench.references.backbone import CHANNELS
from vrs_bench.references.encoder import Encoder, load_encoder, perceive
from vrs_bench.references.encoder_card import CARD, WEIGHTS
from vrs_bench.references.encoder_training import BACKBONE, CHECKPOINT, Training, train_encoder
from vrs_bench.types import Array
from vrs_bench.world.scene import WorldRecipe, make_scene

TEST_SCENES = (900_000, 900_001, 900_002)
STEPS = (3, 11, 14, 20)
"""Time steps of `toy` in winter, spring, early summer and late summer."""


@pytest.fixture(scope="module")
def reference() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="module")
def truth() -> tuple[Array, Array]:
    """Return (12, 4, 128, 128) corners of frames of test scenes, and their land cover."""
    world = load_recipe(BenchmarkRecipe, "toy").world
    scenes = [make_scene(world, number) for number in TEST_SCENES]
    frames = [scene.frame("optical", step)[:, :128, :128] for scene in scenes for step in STEPS]
    labels = [scene.land_cover[:128, :128] for scene in scenes for _ in STEPS]
    return np.stack(frames), np.stack(labels)


@pytest.fixture(scope="module")
def small() -> WorldRecipe:
    world = load_recipe(BenchmarkRecipe, "tiny").world
    cells = world.cells.model_copy(update={"n": 8})
    return world.model_copy(update={"height": 64, "width": 64, "horizon": 3, "cells": cells})


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# The file that ships


def test_what_ships_is_small_and_says_what_it_is(reference: Encoder) -> None:
    card = reference.card
    assert (shipped.HERE / WEIGHTS).stat().st_size < 3e6
    assert card.version == shipped.VERSION
    assert card.bands == ("blue", "green", "red", "nir")
    assert card.parameters == sum(p.numel() for p in reference.network.parameters())
    assert card.training == Training().model_dump(mode="json")
    np.testing.assert_array_equal(reference.network.centre.ravel(), np.float32(card.centre))
    np.testing.assert_array_equal(reference.network.spread.ravel(), np.float32(card.spread))
    assert 0.55 < card.validation["miou"] < 0.8  # single dates are ambiguous
    assert not any(p.requires_grad for p in reference.network.parameters())


def test_it_labels_single_frames_of_test_scenes(
    reference: Encoder, truth: tuple[Array, Array]
) -> None:
    """Not every date tells winter cereal from rapeseed, or bare soil from a field before maize."""
    frames, land_cover = truth
    labels = perceive(reference, frames).probabilities.argmax(axis=1) + 1
    right = labels == land_cover
    assert right[land_cover > 0].mean() > 0.65
    assert right[np.isin(land_cover, (1, 2, 4))].mean() > 0.9  # water, built-up, forest


@pytest.mark.parametrize("place", [0, 100_000, -1])
def test_a_changed_file_is_refused(tmp_path: Path, place: int) -> None:
    for name in (WEIGHTS, CARD):
        shutil.copy(shipped.HERE / name, tmp_path)
    data = bytearray((tmp_path / WEIGHTS).read_bytes())
    data[place] ^= 1
    (tmp_path / WEIGHTS).write_bytes(data)
    with pytest.raises(BenchError, match="SHA-256 is"):
        load_encoder(tmp_path)


def test_files_that_are_missing_or_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="holds no reference encoder"):
        load_encoder(tmp_path)
    card = json.loads((shipped.HERE / CARD).read_text())
    save_file({"weight": torch.zeros(3)}, tmp_path / WEIGHTS)
    for text in ("", "{}", json.dumps({**card, "sha256": "short"}), json.dumps({**card, "x": 1})):
        (tmp_path / CARD).write_text(text)
        with pytest.raises(BenchError, match="holds no reference encoder"):
            load_encoder(tmp_path)
    for data in (b"", b"not safetensors", (tmp_path / WEIGHTS).read_bytes()):
        (tmp_path / WEIGHTS).write_bytes(data)
        card["sha256"] = hashlib.sha256(data).hexdigest()
        (tmp_path / CARD).write_text(json.dumps(card))
        with pytest.raises(BenchError, match="not the weights of this network"):
            load_encoder(tmp_path)


# What it sees


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 45), (130, 100)])
def test_shapes_types_and_ranges(reference: Encoder, height: int, width: int) -> None:
    images = np.random.default_rng(0).random((5, 4, height, width))
    seen = perceive(reference, images)
    assert [stage.shape[:2] for stage in seen.features] == [(5, c) for c in (32, 32, 48, 192, 96)]
    for stage, stride in zip(seen.features, (2, 4, 8, 16, 32), strict=True):
        assert stage.shape[2:] == (-(-height // stride), -(-width // stride))
        assert stage.dtype == np.float32
        assert stage.min() >= 0
    np.testing.assert_allclose(seen.pooled, seen.features[-1].mean(axis=(2, 3)), rtol=1e-5)
    assert seen.probabilities.shape == (5, 8, height, width)
    assert seen.probabilities.dtype == np.float32
    assert seen.probabilities.min() >= 0
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, atol=1e-5)


def test_an_image_is_seen_the_same_in_any_company(
    reference: Encoder, truth: tuple[Array, Array]
) -> None:
    frames = truth[0][:6]
    together, again = perceive(reference, frames), perceive(reference, frames.astype(np.float64))
    np.testing.assert_array_equal(again.probabilities, together.probabilities)
    for stage, same in zip(together.features, again.features, strict=True):
        np.testing.assert_array_equal(stage, same)
    for row in (0, 3, 5):
        alone = perceive(reference, frames[row : row + 1])
        np.testing.assert_allclose(alone.pooled[0], together.pooled[row], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            alone.probabilities[0], together.probabilities[row], rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 4, 64, 64), np.uint16), "float32 or float64"),
        (np.zeros((1, 3, 64, 64), np.float32), "4, height, width"),
        (np.zeros((4, 64, 64), np.float32), "4, height, width"),
        (np.zeros((1, 4, 31, 64), np.float32), "at least 32 x 32"),
        (np.zeros((0, 4, 64, 64), np.float32), "at least one image"),
        (np.full((1, 4, 64, 64), np.nan, np.float32), "finite"),
    ],
)
def test_images_of_another_kind_are_refused(
    reference: Encoder, images: Array, message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        perceive(reference, images)


# What its features are for


def blurred(frames: Array, level: float) -> Array:
    return gaussian_filter(frames, (0, 0, level, level))


def noisy(frames: Array, level: float) -> Array:
    noise = np.random.default_rng(1).standard_normal(frames.shape, np.float32)
    return np.clip(frames + np.float32(level) * noise, 0, 1)


def shifted(frames: Array, level: float) -> Array:
    return np.roll(frames, int(level), axis=3)


def clouded(frames: Array, level: float) -> Array:
    """A bright, soft bank of cloud over the middle, of a highest opacity."""
    rows, columns = np.mgrid[-1:1:128j, -1:1:128j].astype(np.float32)
    opacity = np.float32(level) * np.exp(-4 * (rows**2 + columns**2))
    return frames + opacity * (np.float32(0.8) - frames)


@pytest.mark.parametrize(
    ("degrade", "levels"),
    [
        (blurred, (0.5, 1, 2, 4)),
        (noisy, (0.0025, 0.005, 0.01, 0.02, 0.04)),
        (shifted, (1, 2, 4, 8)),
        (clouded, (0.05, 0.1, 0.2, 0.4, 0.8)),
    ],
)
def test_the_feature_distance_rises_with_every_degradation(
    reference: Encoder,
    truth: tuple[Array, Array],
    degrade: Callable[[Array, float], Array],
    levels: tuple[float, ...],
) -> None:
    frames = truth[0]
    clean = perceive(reference, frames).features
    distances = [
        feature_distance(perceive(reference, degrade(frames, level)).features, clean)
        for level in levels
    ]
    means = [distance.mean() for distance in distances]
    assert means[0] > 0
    assert (np.diff(means) > 0.1 * means[0]).all()
    assert (distances[-1] > distances[0]).all()  # in every single image


# How it is trained

QUICK = Training(
    seed=3, scenes=20, validation_scenes=2, steps=7, batch_size=4, crop=32, checkpoint_every=3
)


def stop_after(step: int) -> Callable[[int, int], None]:
    def report(done: int, in_all: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    return report


@pytest.fixture(scope="module")
def whole_run(small: WorldRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    seen: list[tuple[int, int]] = []
    torch.manual_seed(11)  # the global state neither matters nor changes
    before = torch.random.get_rng_state()
    train_encoder(small, QUICK, folder, lambda done, in_all: seen.append((done, in_all)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert seen == [(done, 9) for done in range(1, 10)]
    return folder


def test_a_training_writes_weights_and_card(whole_run: Path) -> None:
    assert {path.name for path in whole_run.iterdir()} == {WEIGHTS, CARD}
    trained = load_encoder(whole_run)
    assert trained.card.training["seed"] == 3
    assert 0 < trained.card.validation["pixel_accuracy"] < 1


@pytest.mark.parametrize("step", [4, 7, 8])
def test_a_run_that_was_stopped_ends_with_the_same_bytes(
    whole_run: Path, small: WorldRecipe, tmp_path: Path, step: int
) -> None:
    """Between checkpoints, after the last step, and while the scores are taken."""
    with pytest.raises(KeyboardInterrupt):
        train_encoder(small, QUICK, tmp_path, stop_after(step))
    assert not (tmp_path / CARD).exists()
    first: list[int] = []
    train_encoder(small, QUICK, tmp_path, lambda done, _: first.append(done))
    assert first[0] == {4: 4, 7: 8, 8: 8}[step]
    for name in (WEIGHTS, CARD):
        assert (tmp_path / name).read_bytes() == (whole_run / name).read_bytes()
    assert not (tmp_path / CHECKPOINT).exists()


def test_a_checkpoint_of_another_run_or_damaged_is_refused(
    small: WorldRecipe, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_encoder(small, QUICK, tmp_path, stop_after(3))
    with pytest.raises(BenchError, match="other settings or of another world"):
        train_encoder(small, QUICK.model_copy(update={"seed": 0}), tmp_path)
    with pytest.raises(BenchError, match="other settings or of another world"):
        train_encoder(small.model_copy(update={"seed": 0}), QUICK, tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"cut off")
    with pytest.raises(BenchError, match="remove it to start again"):
        train_encoder(small, QUICK, tmp_path)


def test_scenes_smaller_than_a_crop_are_refused(small: WorldRecipe, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="128 px do not fit into scenes of 64 x 64"):
        train_encoder(small, Training(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_short_training_learns(small: WorldRecipe, tmp_path: Path) -> None:
    settings = {"steps": 50, "batch_size": 8, "crop": 64, "validation_scenes": 5}
    trained = train_encoder(small, QUICK.model_copy(update=settings), tmp_path)
    assert trained.card.validation["pixel_accuracy"] > 0.35  # one class alone has 0.16


# The backbone


@pytest.mark.parametrize("size", [(64, 64), (45, 77), (130, 100)])
def test_the_backbone_is_timms(reference: Encoder, size: tuple[int, int]) -> None:
    """The shipped weights in timm's own network see the same, to the bit."""
    network = reference.network.backbone
    original = timm.create_model(BACKBONE, features_only=True, in_chans=4, pretrained=False).eval()
    original.load_state_dict(network.state_dict())
    assert tuple(original.feature_info.channels()) == CHANNELS
    images = torch.rand(2, 4, *size, generator=torch.Generator().manual_seed(0))
    original, images = (of.to(memory_format=torch.channels_last) for of in (original, images))
    with torch.inference_mode():
        for seen, expected in zip(network(images), original(images), strict=True):
            assert torch.equal(seen, expected)
            assert seen.shape[1] in CHANNELS
