"""Weights of mixed pixels against a convolution of every surface's mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import convolve1d

from vrs_bench.world.cells import CellSettings
from vrs_bench.world.mixed_pixels import SCALE, mix
from vrs_bench.world.partition import draw_partition, surfaces

SPLINE = np.convolve(np.convolve(np.ones(3), np.ones(3)), np.ones(3)) / 27


def weights_by_surface(fine):
    """Return what each pixel sees of each surface, (n, height, width), by convolution."""
    masks = (fine == np.arange(fine.max() + 1)[:, None, None]).astype(float)
    for axis in (1, 2):
        masks = convolve1d(masks, SPLINE, axis, mode="nearest")
    return masks[:, 1::SCALE, 1::SCALE]


def of(pixels, n, height, width):
    """Return the same from what was found."""
    seen = np.zeros((n, height * width))
    seen[pixels.pure, np.arange(height * width)] = 1
    seen[:, pixels.mixed] = 0
    for part in pixels.parts:
        np.add.at(seen, (part.surfaces, pixels.mixed[part.pixels]), part.weights[:, 0])
    return seen.reshape(n, height, width)


@given(seed=st.integers(0, 1000), n=st.integers(1, 12))
def test_a_pixel_sees_surfaces_through_a_spline(seed, n):
    cells = CellSettings.model_validate({"n": n, "lines": {}, "parcels": {"width_px": 9}})
    fine = surfaces(draw_partition(cells, seed, 0, 24, 30), SCALE)
    pixels = mix(fine)
    expected = weights_by_surface(fine)
    found = of(pixels, len(expected), 24, 30)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_edge_through_the_middle_of_a_pixel_is_seen_half_and_half():
    fine = np.zeros((12, 15), np.int16)
    fine[:, 7:] = 1
    fine[:, 7] = np.arange(12) % 2  # the sub-pixels in the middle of pixel 2, by turns
    mean = weights_by_surface(fine)[1][:, 2]
    np.testing.assert_allclose(of(mix(fine), 2, 4, 5)[1][:, 2], mean, atol=1e-6)
    assert mean[1:3] == pytest.approx([0.5, 0.5], abs=0.1)


def test_area_is_conserved_where_no_surface_meets_the_rim():
    fine = np.zeros((60, 60), np.int16)
    fine[15:37, 21:40] = 3
    seen = of(mix(fine), 4, 20, 20)
    assert seen[3].sum() * SCALE**2 == pytest.approx(22 * 19, rel=1e-5)
