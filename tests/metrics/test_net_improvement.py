"""Net improvement: counted by hand, and what must hold of any images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vrs_bench.errors import BenchError
from vrs_bench.metrics.net_improvement import TIE, net_improvement
from vrs_bench.types import Floats

TRUTH = np.full((4, 6, 8), 0.3, np.float32)


def off_by(errors: Floats) -> Floats:
    """Return images of which every band of a pixel is that far from the truth."""
    return TRUTH + np.broadcast_to(errors, TRUTH.shape[1:]).astype(np.float32)


def test_the_floor_itself_improves_nothing() -> None:
    floor = TRUTH + np.random.default_rng(0).normal(0, 0.1, TRUTH.shape).astype(np.float32)
    assert net_improvement(floor, TRUTH, floor) == 0


def test_the_truth_is_nearer_wherever_the_floor_is_off() -> None:
    errors = np.zeros((6, 8))
    errors[:3, :2] = 0.05
    errors[5] = TIE / 2  # as good as the truth
    assert net_improvement(TRUTH, TRUTH, off_by(errors)) == 6 / 48


def test_help_and_harm_are_set_off_against_each_other() -> None:
    floor = off_by(np.full((6, 8), 0.05))
    errors = np.full((6, 8), 0.05)
    errors[:, :4], errors[:, 4:] = 0.04, 0.06
    assert net_improvement(off_by(errors), TRUTH, floor) == 0
    errors[:, 4] = 0.05
    assert net_improvement(off_by(errors), TRUTH, floor) == pytest.approx(1 / 8)
    assert net_improvement(off_by(errors + 1), TRUTH, floor) == -1


@pytest.mark.parametrize(("difference", "value"), [(0.9 * TIE, 0), (1.1 * TIE, 1)])
def test_what_is_hardly_nearer_is_a_tie(difference: float, value: float) -> None:
    floor, nearer = off_by(np.full((6, 8), 0.05)), off_by(np.full((6, 8), 0.05 - difference))
    assert net_improvement(nearer, TRUTH, floor) == value
    assert net_improvement(floor, TRUTH, nearer) == -value


def test_the_error_of_a_pixel_is_the_root_of_its_mean_square_over_bands() -> None:
    """All of it in one of four bands weighs as half of it in each."""
    one_band = TRUTH.copy()
    one_band[2] += 0.1
    for each, value in ((0.06, 1), (0.05, 0), (0.04, -1)):
        assert net_improvement(one_band, TRUTH, TRUTH + np.float32(each)) == value


IMAGES = arrays(
    np.float32, (2, 3, 2, 4, 5), elements=st.floats(0, 1, width=32, allow_subnormal=False)
)


@given(IMAGES, IMAGES, IMAGES)
def test_it_lies_between_minus_1_and_1_and_the_truth_is_best(
    prediction: Floats, truth: Floats, floor: Floats
) -> None:
    found = net_improvement(prediction, truth, floor)
    assert found.shape == (2, 3)
    assert (np.abs(found) <= 1).all()
    assert (net_improvement(truth, truth, floor) >= found).all()
    np.testing.assert_array_equal(net_improvement(floor, truth, prediction), -found)


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BenchError):
        net_improvement(TRUTH, TRUTH, TRUTH[:, :, :-1])
    with pytest.raises(BenchError):
        net_improvement(TRUTH.astype(np.int32), TRUTH, TRUTH)
