"""Tangential scale distortion against its formula and the original's piecewise affine warp."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.transform import PiecewiseAffineTransform, warp

from vrs_bench.errors import BenchError
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe
from vrs_bench.sensors.stages.deformation import (
    Deformation,
    distorted_length,
    growth_rate,
    resampling_matrix,
    source_positions,
)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@given(st.integers(16, 2048), st.floats(0.2, 1))
def test_positions_are_the_inverse_of_the_map(length, share_of_bound):
    rate = share_of_bound * 4 / length
    position = source_positions(length, rate)
    first = int(length * _sigmoid(-rate * length / 2))
    u = first + np.arange(len(position))
    inside = (position > 0) & (position < length - 1)
    np.testing.assert_allclose(
        length * _sigmoid(rate * (position[inside] - length / 2)), u[inside], atol=1e-6
    )
    assert (np.diff(position) >= 0).all()


def test_the_original_crops_337_columns_to_256():
    assert distorted_length(337, 4 / 337) == 256


def test_scale_is_kept_at_the_centre_and_shrinks_towards_the_edges():
    step = np.diff(source_positions(337, 4 / 337))
    assert step[len(step) // 2] == pytest.approx(1, abs=1e-3)
    assert step[10] > 1.9
    np.testing.assert_allclose(step[1:-1], step[1:-1][::-1], rtol=0.05)


@pytest.mark.parametrize("axis", ["columns", "rows"])
def test_agrees_with_the_originals_piecewise_affine_warp(axis):
    """A mesh fine enough that the warp is the map: the rest is interpolation."""
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.standard_normal((64, 120)), 3)
    image = (image - image.min()) / np.ptp(image)
    length, rate = 120, 4 / 120
    x, y = np.meshgrid(np.linspace(0, length, 80), np.linspace(0, 64, 3))
    source = np.stack([x.ravel(), y.ravel()], axis=1)
    target = source.copy()
    target[:, 0] = length * _sigmoid(rate * (source[:, 0] - length / 2))
    transform = PiecewiseAffineTransform.from_estimate(target, source)
    first = int(target[:, 0].min())
    expected = warp(image, transform, mode="edge")[:, first : int(target[:, 0].max())]

    turned = image if axis == "columns" else image.T
    sensor = SensorRecipe(name="d", product="optical", stages=(Deformation(axis=axis),))
    place = Place(0, 0, *turned.shape)
    got = observe(sensor, place, 0, turned[None].astype(np.float32))[0]
    got = got if axis == "columns" else got.T
    assert got.shape == expected.shape
    np.testing.assert_allclose(got[1:-1, 2:-2], expected[1:-1, 2:-2], atol=4e-3)


@given(st.integers(8, 400), st.floats(0.6, 1))
def test_weights_interpolate(length, share_of_bound):
    matrix = resampling_matrix(length, share_of_bound * 4 / length)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    assert matrix.min() >= 0
    assert (np.count_nonzero(matrix, axis=1) <= 2).all()


def test_the_bound_of_the_growth_rate_is_enforced():
    assert growth_rate(Deformation(growth_rate=0.00195), 2048) == 0.00195
    with pytest.raises(BenchError, match=r"growth_rate: 0\.02 is above its bound 4 / 337 px"):
        growth_rate(Deformation(growth_rate=0.02), 337)


def test_a_rate_that_leaves_nothing_is_refused():
    with pytest.raises(BenchError, match="shrinks 9 pixels to none"):
        distorted_length(9, 0.01)


def test_gathers_equal_the_matrix_and_pass_the_dot_product_test():
    from vrs_bench.sensors.operator import SeparableOperator

    rng = np.random.default_rng(0)
    moved = resampling_matrix(90, 4 / 90)
    x, y = rng.random((2, 40, 90)), rng.random((2, 40, moved.shape[0]))
    operator = SeparableOperator(np.eye(40), moved)
    np.testing.assert_allclose(operator.apply(x), x @ moved.T, atol=1e-6)
    assert np.vdot(operator.apply(x), y) == pytest.approx(
        np.vdot(x, operator.adjoint.apply(y)), rel=1e-6
    )
