"""Distances between features: against their formulas in NumPy and SciPy, and by properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from vrs_bench.errors import BenchError
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import PerSplit
from vrs_bench.metrics.feature_distances import (
    feature_distance,
    frechet_distance,
    kernel_distance,
    kernel_distances_without,
)
from vrs_bench.types import Array


def layers(seed: int, rows: int = 3) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [
        rng.random((rows, channels, side, side), np.float32) for channels, side in ((3, 8), (5, 4))
    ]


def sets(seed: int, rows: int, n_features: int = 6) -> tuple[Array, Array]:
    """Return two sets of correlated features, the first of other mean and spread."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_features, n_features))
    x = rng.normal(size=(rows, n_features)) @ mixing * 1.3 + 0.4
    return x.astype(np.float32), (rng.normal(size=(rows, n_features)) @ mixing).astype(np.float32)


# Pair by pair


def test_it_is_the_mean_squared_distance_of_unit_vectors() -> None:
    """By the law of cosines: |u - v|² = 2 - 2 cos, at each position of each layer."""
    x, y = layers(1), layers(2)
    expected = np.zeros(3)
    for a, b in zip(x, y, strict=True):
        a, b = a.astype(np.float64), b.astype(np.float64)
        cosine = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        expected += (2 - 2 * cosine).mean(axis=(1, 2)) / 2
    distance = feature_distance(x, y)
    assert distance.dtype == np.float64
    np.testing.assert_allclose(distance, expected, rtol=1e-5)


def test_opposite_orthogonal_and_zero_vectors() -> None:
    up, right, zero = (
        np.array(v, np.float64).reshape(1, 2, 1, 1) for v in ((0, 2), (5, 0), (0, 0))
    )
    for x, y, expected in (
        (up, up, 0),
        (up, right, 2),
        (up, -up, 4),
        (up, zero, 1),
        (zero, right, 1),
        (zero, zero, 0),
    ):
        assert feature_distance([x], [y]) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), gain=st.floats(0.01, 100))
def test_it_is_symmetric_and_blind_to_the_length_of_vectors(seed: int, gain: float) -> None:
    x, y = layers(seed), layers(seed + 1)
    distance = feature_distance(x, y)
    assert ((distance >= 0) & (distance <= 2)).all()
    np.testing.assert_allclose(feature_distance(y, x), distance, rtol=1e-6)
    louder = [np.float32(gain) * layer for layer in x]
    np.testing.assert_allclose(feature_distance(louder, y), distance, rtol=1e-4)
    np.testing.assert_allclose(feature_distance(louder, x), 0, atol=1e-10)


def test_every_row_has_its_own_distance() -> None:
    x, y = layers(3, rows=4), layers(4, rows=4)
    one_by_one = [
        feature_distance([a[r : r + 1] for a in x], [b[r : r + 1] for b in y]).item()
        for r in range(4)
    ]
    np.testing.assert_array_equal(feature_distance(x, y), one_by_one)


def test_layers_that_do_not_match_are_refused() -> None:
    x = layers(5)
    for wrong in ([], x[:1], x[::-1], [layer[:2] for layer in x], [layer[0] for layer in x]):
        with pytest.raises(BenchError, match="features"):
            feature_distance(wrong, x)
    with pytest.raises(BenchError, match="at least one"):
        feature_distance([], [])
    broken = [x[0], np.full_like(x[1], np.nan)]
    with pytest.raises(BenchError, match="layer 1: expected finite"):
        feature_distance(broken, x)


# Set against set


@pytest.mark.parametrize("rows", [400, 7, 4])
def test_frechet_distance_is_that_of_the_matrix_square_root(rows: int) -> None:
    """Also with about as many rows as features, and with fewer, where covariances are singular."""
    x, y = sets(6, rows)
    sx, sy = (np.cov(v.astype(np.float64).T) for v in (x, y))
    gap = np.square(x.mean(axis=0, dtype=np.float64) - y.mean(axis=0, dtype=np.float64)).sum()
    expected = gap + np.trace(sx + sy - 2 * sqrtm(sx @ sy).real)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-4)


def test_frechet_distance_of_gaussians_in_one_dimension() -> None:
    """(difference of means)² + (difference of standard deviations)², and sets may differ in n."""
    x, y = np.array([[0.0], [2.0]]), np.array([[5.0], [5.0], [11.0], [11.0]])
    sx, sy = np.sqrt(2), np.sqrt(12)
    assert frechet_distance(x, y) == pytest.approx(49 + (sx - sy) ** 2)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_frechet_distance_is_symmetric_blind_to_order_and_zero_for_equal_sets(seed: int) -> None:
    x, y = sets(seed, 40)
    distance = frechet_distance(x, y)
    assert frechet_distance(y, x) == pytest.approx(distance, rel=1e-6)
    # Fewer rows than features: roots of what is zero up to rounding, in another order.
    assert frechet_distance(x[::-1], y) == pytest.approx(distance, rel=1e-6)
    scale = np.trace(np.cov(x.T))
    assert 0 <= frechet_distance(x, x[::-1]) < 1e-5 * scale
    shift = np.float32(3)
    assert frechet_distance(x + shift, x) == pytest.approx(9 * 6, rel=1e-3)


def unbiased_mmd(x: Array, y: Array) -> float:
    """Sum the kernel over all pairs of different rows, one by one."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    n, d = x.shape

    def kernel(a: Array, b: Array) -> float:
        return float((a @ b / d + 1) ** 3)

    within = sum(
        kernel(x[i], x[j]) + kernel(y[i], y[j]) for i in range(n) for j in range(n) if i != j
    )
    between = sum(kernel(a, b) for a in x for b in y)
    return within / (n * (n - 1)) - 2 * between / n**2


@pytest.mark.parametrize("rows", [2, 25])
def test_kernel_distance_is_the_unbiased_sum_over_pairs(rows: int) -> None:
    x, y = sets(7, rows)
    assert kernel_distance(x, y) == pytest.approx(unbiased_mmd(x, y), rel=1e-6)


def test_kernel_distance_of_large_sets_is_a_mean_over_subsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The whole of a small set for comparison; another seed draws others, the same the same."""
    x, y = sets(8, 400)
    whole = kernel_distance(x, y)
    monkeypatch.setattr("vrs_bench.metrics.feature_distances.KERNEL_ROWS", 100)
    parts = [kernel_distance(x, y, seed) for seed in range(6)]
    assert kernel_distance(x, y, 3) == parts[3]
    assert len(set(parts)) == 6
    assert np.mean(parts) == pytest.approx(whole, rel=0.3)


@pytest.mark.filterwarnings("ignore:.*will save all extracted features")
@pytest.mark.parametrize("rows", [8, 60, 130])
def test_distances_of_sets_are_those_of_torchmetrics(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the subsets of large sets: the same rows are drawn."""
    monkeypatch.setattr("vrs_bench.metrics.feature_distances.KERNEL_ROWS", 50)
    x, y = sets(11, rows)
    feature = torch.nn.Identity()
    feature.num_features = x.shape[1]
    frechet = FrechetInceptionDistance(feature=feature)
    kernel = KernelInceptionDistance(
        feature=feature, subsets=max(rows // 50, 1), subset_size=min(rows, 50)
    )
    for metric in (frechet, kernel):
        metric.update(torch.from_numpy(y.astype(np.float64)), real=True)
        metric.update(torch.from_numpy(x.astype(np.float64)), real=False)
    torch.manual_seed(4)
    assert kernel_distance(x, y, 4) == pytest.approx(float(kernel.compute()[0]), rel=1e-12)
    assert frechet_distance(x, y) == pytest.approx(float(frechet.compute()), rel=1e-7)


def test_kernel_distance_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    kernel_distance(*sets(9, 10))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_sets_that_do_not_match_are_refused() -> None:
    x, y = sets(10, 8)
    for distance in (frechet_distance, kernel_distance):
        for wrong in (x[:1], x[:, :5], x[0], x[None]):
            with pytest.raises(BenchError, match="features of the prediction"):
                distance(wrong, y)
            with pytest.raises(BenchError, match="features of the"):
                distance(x, wrong)
        with pytest.raises(BenchError, match="features of the prediction: expected finite"):
            distance(np.full_like(x, np.nan), y)
    with pytest.raises(BenchError, match="as many rows of both, got 4"):
        kernel_distance(x[:4], y)


# Without each scene


def scenes(numbers: int, rows: int = 5) -> list[tuple[Array, Array]]:
    return [sets(20 + number, rows + number % 3) for number in range(numbers)]


@pytest.mark.parametrize("name", ["frechet_distance", "kernel_distance"])
def test_values_without_each_scene_are_those_of_the_others(name: str) -> None:
    computed = METRICS[name].computed
    assert isinstance(computed, PerSplit)
    kept = scenes(6)
    expected = [computed.value(kept[:i] + kept[i + 1 :]) for i in range(6)]
    assert len(set(expected)) == 6
    assert computed.without_each(kept) == pytest.approx(expected, rel=1e-9)
    assert len(computed.without_each(kept[:1])) == 0


def test_many_scenes_are_left_out_in_groups() -> None:
    """Of 85 scenes, 40 groups of two or three: each scene is left out once."""
    computed = PerSplit(lambda scene: None, lambda kept: float(sum(kept)))
    left_out = 85 - computed.without_each([1] * 85)
    assert len(left_out) == 40
    assert set(left_out) == {2, 3}
    assert left_out.sum() == 85


def test_kernel_distances_without_groups_use_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = scenes(4)
    whole = kernel_distances_without(groups)
    monkeypatch.setattr("vrs_bench.metrics.feature_distances.KERNEL_ROWS", 4)
    np.testing.assert_array_equal(kernel_distances_without(groups), whole)
    rest = [np.concatenate(kind) for kind in zip(*groups[1:], strict=True)]
    assert whole[0] == pytest.approx(unbiased_mmd(*rest), rel=1e-6)
