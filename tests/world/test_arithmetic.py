"""Arithmetic that is the same on every processor."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vrs_bench.world.arithmetic import settle, soft_sign


@given(st.floats(-8, 8), st.integers(4, 20))
def test_settling_moves_by_at_most_half_a_step_and_is_final(x, bits):
    settled = settle(np.array([x]), bits)
    assert abs(float(settled[0]) - x) <= 0.5**bits / 2
    assert settle(settled.astype(np.float64), bits) == settled


@given(st.floats(-8, 8))
def test_settling_hides_the_last_bits(x):
    step = 2.0**-20
    if abs(x / step - np.floor(x / step) - 0.5) > 1e-6:  # not on the edge between two values
        assert settle(np.array([x])) == settle(np.array([x * (1 + 4e-16)]))


def test_the_rational_tanh_is_odd_monotone_bounded_and_near_tanh():
    x = np.linspace(-6, 6, 2001)
    y = soft_sign(x)
    assert np.abs(y - np.tanh(x)).max() < 0.024
    assert np.all(np.diff(y) >= 0)
    assert np.abs(y).max() == 1
    np.testing.assert_array_equal(y, -soft_sign(-x))
