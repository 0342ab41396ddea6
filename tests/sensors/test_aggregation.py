"""Point spread function, sampling and registration, and the operator that they make."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from vrs_bench.errors import BenchError
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.sensors.stages.aggregation import (
    Aggregation,
    aggregation,
    psf_sigma,
    sampling_matrix,
)

FOUR = Aggregation(factor=4, mtf_nyquist=0.25)
shifts = st.floats(-0.5, 0.5)
sizes = st.tuples(st.integers(2, 20), st.integers(1, 6))


@settings(deadline=None)
@given(sizes, st.floats(0.2, 2), shifts)
def test_the_kernel_sums_to_one_and_is_not_negative(size, sigma, shift):
    n_out, ratio = size
    weights = sampling_matrix(n_out * ratio, n_out, sigma, shift)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    assert weights.min() >= 0


def test_the_kernel_is_a_gaussian_with_the_mtf_that_is_asked():
    """Transform the weights of one sample: at half a cycle a sensor pixel they pass the MTF."""
    ratio, mtf = 32, 0.25
    weights = sampling_matrix(64 * ratio, 64, psf_sigma(mtf))[32]
    position = (np.arange(64 * ratio) + 0.5) / ratio - 32.5  # in sensor pixels from the centre
    assert np.sum(weights * np.cos(2 * np.pi * 0.5 * position)) == pytest.approx(mtf, abs=1e-3)
    assert np.sum(weights * position) == pytest.approx(0, abs=1e-9)
    assert np.sum(weights * position**2) == pytest.approx(psf_sigma(mtf) ** 2, rel=1e-3)


def test_it_agrees_with_scipys_gaussian_filter():
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((96, 96)), 3)
    factor, sigma = 4, psf_sigma(0.25)
    stage = aggregation(FOUR, 96, 96)
    fine = ndimage.zoom(np.kron(image, np.ones((8, 8))), 1)  # pixels as areas, eight times finer
    blurred = ndimage.gaussian_filter(fine, sigma * factor * 8, truncate=8)
    at = (np.arange(24) * 4 + 2) * 8
    expected = (blurred[np.ix_(at - 1, at - 1)] + blurred[np.ix_(at, at)]) / 2
    inner = slice(3, -3)
    np.testing.assert_allclose(stage.apply(image)[inner, inner], expected[inner, inner], atol=2e-4)


def test_a_shift_looks_at_another_place():
    ramp = np.arange(256.0)[None, :] * np.ones((256, 1))
    settings_ = FOUR
    straight, shifted = (
        aggregation(settings_, 256, 256, (0.0, dx)).apply(ramp) for dx in (0, 0.25)
    )
    inner = slice(4, -4)
    np.testing.assert_allclose((shifted - straight)[inner, inner], 0.25 * 4, atol=1e-6)
    np.testing.assert_allclose(straight[inner, inner][0], ramp[0, 1::4][inner] + 0.5, atol=1e-6)


@settings(deadline=None)
@given(shifts, shifts, st.floats(-3, 3))
def test_a_constant_stays_that_constant(dy, dx, value):
    seen = aggregation(FOUR, 32, 48, (dy, dx)).apply(np.full((2, 32, 48), value))
    assert seen.shape == (2, 8, 12)
    np.testing.assert_allclose(seen, value, atol=1e-12)


def test_the_mean_of_what_lies_inside_is_conserved():
    """Away from edges each input pixel gives as much as any other: columns sum to 1/factor."""
    weights = sampling_matrix(256, 64, psf_sigma(0.25), 0.2)
    np.testing.assert_allclose(weights.sum(axis=0)[16:-16], 1 / 4, atol=0.012)
    image = np.zeros((256, 256))
    image[100:140, 90:150] = np.random.default_rng(1).random((40, 60))
    seen = aggregation(FOUR, 256, 256, (0.2, -0.4)).apply(image)
    assert seen.mean() == pytest.approx(image.mean(), rel=2e-3)


@settings(deadline=None)
@given(st.integers(0, 1000), shifts, shifts)
def test_the_adjoint_passes_the_dot_product_test(seed, dy, dx):
    rng = np.random.default_rng(seed)
    stage = aggregation(FOUR, 24, 36, (dy, dx))
    x, y = rng.standard_normal((3, 24, 36)), rng.standard_normal((3, 6, 9))
    assert np.vdot(stage.apply(x), y) == pytest.approx(np.vdot(x, stage.adjoint.apply(y)))


def test_operators_compose():
    rng = np.random.default_rng(0)
    first = SeparableOperator(rng.random((5, 8)), rng.random((6, 7)))
    second = SeparableOperator(rng.random((2, 5)), rng.random((3, 6)))
    x = rng.random((4, 8, 7))
    np.testing.assert_allclose(second.after(first).apply(x), second.apply(first.apply(x)))


def test_errors_say_what_was_expected():
    with pytest.raises(BenchError, match=r"factor: 4 does not divide the 30 × 32 frame"):
        aggregation(FOUR, 30, 32)
    with pytest.raises(BenchError, match="takes images of 32 × 32 pixels, got 31 × 32"):
        aggregation(FOUR, 32, 32).apply(np.zeros((31, 32)))


def test_sigma_is_the_inverse_of_the_mtf():
    assert math.exp(-2 * math.pi**2 * psf_sigma(0.3) ** 2 * 0.25) == pytest.approx(0.3)
