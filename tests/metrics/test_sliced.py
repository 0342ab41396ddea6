"""Distortion over parts of an image, against the metrics of cut-out images and whole rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrs_bench.errors import BenchError
from vrs_bench.metrics import distortion, structural
from vrs_bench.metrics.sliced import METRICS, sliced_distortion
from vrs_bench.types import Floats

NAMES = tuple(metric.name for metric in METRICS)


def pair(seed: int = 0, rows: int = 2, side: int = 40) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    truth = rng.random((rows, 4, side, side), np.float32) * np.float32(0.4)
    noise = rng.normal(0, 0.02, truth.shape).astype(np.float32)
    return np.clip(truth + noise, 0, 1), truth


def scores(x: Floats, y: Floats, parts: np.ndarray, rows: np.ndarray | None = None) -> dict:
    return sliced_distortion(x, y, parts, rows, ratio=4, red=2, nir=3)


def whole(name: str, x: Floats, y: Floats) -> np.ndarray:
    return getattr(structural if name in ("ssim", "uiqi") else distortion, name)(x, y)


@pytest.mark.parametrize("name", NAMES)
def test_whole_images_score_as_by_the_metric_itself(name: str) -> None:
    x, y = pair()
    parts = np.ones((1, 40, 40), bool)
    by_part = scores(x, y, parts)[name]
    np.testing.assert_allclose(by_part[:, 0], whole(name, x, y), rtol=1e-7)
    np.testing.assert_allclose(by_part[:, 1], by_part[:, 0], rtol=1e-5)


@pytest.mark.parametrize("name", ["mae", "rmse", "psnr", "sam", "ergas", "ndvi_mae"])
def test_a_rectangle_scores_as_the_image_that_is_cut_out(name: str) -> None:
    x, y = pair()
    parts = np.zeros((2, 40, 40), bool)
    parts[0, 5:20, 10:33] = parts[1, 30:, :4] = True
    by_part = scores(x, y, parts)[name]
    for part, cut in ((1, np.s_[..., 5:20, 10:33]), (2, np.s_[..., 30:, :4])):
        np.testing.assert_allclose(by_part[:, part], whole(name, x[cut], y[cut]), rtol=1e-5)


def test_ssim_and_uiqi_of_a_part_are_of_the_windows_centred_in_it() -> None:
    x, y = pair(rows=1)
    parts = np.zeros((3, 40, 40), bool)
    parts[0, 17, 21] = parts[1, :5] = parts[2, 4, 4] = True
    by_part = scores(x, y, parts)
    window = np.s_[..., 12:23, 16:27]
    np.testing.assert_allclose(
        by_part["ssim"][0, 1], structural.ssim(x[window], y[window])[0], rtol=1e-4
    )
    window = np.s_[..., 13:21, 17:25]
    np.testing.assert_allclose(
        by_part["uiqi"][0, 1], structural.uiqi(x[window], y[window])[0], rtol=1e-5
    )
    assert np.isnan(by_part["ssim"][0, 2])  # no window of 11 pixels is centred in five rows
    assert np.isfinite(by_part["uiqi"][0, 3])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 5))
def test_parts_that_share_out_the_image_make_up_the_whole(seed: int, n: int) -> None:
    x, y = pair(seed, rows=2, side=16)
    labels = np.random.default_rng(seed).integers(0, n, (2, 16, 16))
    rows = labels[:, None] == np.arange(n)[:, None, None]
    by_part = scores(x, y, np.empty((0, 16, 16), bool), rows)
    share = rows.mean(axis=(2, 3))
    for name in ("mae", "sam", "ndvi_mae"):
        parts = np.nan_to_num(by_part[name][:, 1:])
        np.testing.assert_allclose((parts * share).sum(axis=1), by_part[name][:, 0], rtol=1e-5)
    squares = np.nan_to_num(by_part["rmse"][:, 1:]) ** 2
    np.testing.assert_allclose((squares * share).sum(axis=1), by_part["rmse"][:, 0] ** 2, rtol=1e-5)


def test_parts_of_rows_come_after_those_of_all_rows() -> None:
    x, y = pair()
    fixed, rows = np.zeros((1, 40, 40), bool), np.zeros((2, 1, 40, 40), bool)
    fixed[0, :20] = True
    rows[0, 0, :20] = rows[1, 0, 20:] = True
    mae = scores(x, y, fixed, rows)["mae"]
    assert mae[0, 2] == pytest.approx(mae[0, 1], rel=1e-6)
    assert mae[1, 2] == pytest.approx(2 * mae[1, 0] - mae[1, 1], rel=1e-5)


def test_an_empty_part_has_no_score() -> None:
    x, y = pair()
    values = scores(x, y, np.zeros((1, 40, 40), bool))
    assert all(np.isnan(values[name][:, 1]).all() for name in NAMES)


def test_perfect_images_are_perfect_in_every_part() -> None:
    _, y = pair()
    parts = np.zeros((1, 40, 40), bool)
    parts[0, ::2, 3:30] = True
    values = scores(y, y, parts)
    assert (values["psnr"] == 80).all()
    for name in ("mae", "rmse", "sam", "ergas", "ndvi_mae"):
        assert (values[name] == 0).all(), name
    for name in ("ssim", "uiqi"):
        np.testing.assert_allclose(values[name], 1, rtol=1e-7)


def test_without_red_and_infrared_all_but_ndvi_is_scored() -> None:
    x, y = pair()
    parts = np.ones((1, 40, 40), bool)
    alone = sliced_distortion(x, y, parts, ratio=4)
    every = scores(x, y, parts)
    assert list(alone) == [name for name in every if name != "ndvi_mae"]
    for name, values in alone.items():
        np.testing.assert_allclose(values, every[name], rtol=1e-6)


def test_parts_of_another_size_are_refused() -> None:
    x, y = pair()
    with pytest.raises(BenchError, match=r"parts: expected \(part, \[40, 40\]\)"):
        scores(x, y, np.ones((1, 39, 40), bool))
