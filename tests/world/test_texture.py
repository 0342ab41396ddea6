"""Texture fields against the kernel that they are drawn from."""

import numpy as np
import pytest

from vrs_bench.world.streams import stream
from vrs_bench.world.texture import RBF, TextureSettings, covariance, draw_texture, gaussian_fields


def blank(height, width):
    """Return the mask of a scene that is one cell."""
    return np.ones((height, width), np.int16)


def test_empirical_covariance_is_the_kernel():
    kernel = RBF(length_scale=3.0)
    fields = gaussian_fields(kernel, stream(1, 0, "t"), 60, blank(96, 80), 1)
    assert fields.shape == (60, 96, 80)
    lags = [(0, 0), (0, 1), (1, 0), (0, 3), (3, 0), (2, 2), (0, 7), (9, 0)]
    for dy, dx in lags:
        pairs = fields[:, dy:, dx:] * fields[:, : 96 - dy, : 80 - dx]
        expected = covariance(kernel, np.array(np.hypot(dy, dx)))
        spread = pairs.mean(axis=(1, 2)).std() / np.sqrt(60)
        assert pairs.mean() == pytest.approx(float(expected), abs=5 * spread + 1e-3), (dy, dx)


def test_fields_are_independent_and_opposite_edges_too():
    fields = gaussian_fields(RBF(length_scale=3.0), stream(2, 0, "t"), 200, blank(32, 32), 1)
    assert abs((fields[::2] * fields[1::2]).mean()) < 0.03
    assert abs((fields[:, 0] * fields[:, -1]).mean()) < 0.08
    assert abs((fields[:, :, 0] * fields[:, :, -1]).mean()) < 0.08


def test_bands_share_as_much_as_is_asked():
    def correlation(shared):
        settings = TextureSettings(shared=shared)
        bands = [
            draw_texture(settings, stream(seed, 0, "t"), 2, blank(64, 64), 1).reshape(2, -1)
            for seed in range(20)
        ]
        return np.corrcoef(np.concatenate(bands, axis=1))[0, 1]

    assert abs(correlation(0.0)) < 0.06
    assert correlation(0.9) == pytest.approx(0.9, abs=0.04)
    assert correlation(1.0) == pytest.approx(1.0)


def test_texture_is_bounded_and_centred():
    unit = draw_texture(TextureSettings(), stream(3, 0, "t"), 4, blank(128, 128), 1)
    assert unit.dtype == np.float32
    assert np.abs(unit).max() <= 1
    assert abs(unit.mean()) < 0.1
