"""Texture fields against the kernel that they are drawn from."""

import numpy as np
import pytest

from vrs_bench.world.streams import normal, stream
from vrs_bench.world.texture import (
    RBF,
    Constant,
    ExpSineSquared,
    RationalQuadratic,
    TextureSettings,
    White,
    covariance,
    draw_texture,
    gaussian_fields,
)


def blank(height, width):
    """Return the mask of a scene that is one cell."""
    return np.ones((height, width), np.int16)


def test_empirical_covariance_is_the_kernel():
    kernel = RBF(length_scale=3.0)
    fields = np.stack(list(gaussian_fields(kernel, stream(1, 0, "t"), 60, blank(96, 80), 1)))
    assert fields.shape == (60, 96, 80)
    lags = [(0, 0), (0, 1), (1, 0), (0, 3), (3, 0), (2, 2), (0, 7), (9, 0)]
    for dy, dx in lags:
        pairs = fields[:, dy:, dx:] * fields[:, : 96 - dy, : 80 - dx]
        expected = covariance(kernel, np.array(np.hypot(dy, dx)))
        spread = pairs.mean(axis=(1, 2)).std() / np.sqrt(60)
        assert pairs.mean() == pytest.approx(float(expected), abs=5 * spread + 1e-3), (dy, dx)


def test_fields_are_independent_and_opposite_edges_too():
    fields = np.stack(
        list(gaussian_fields(RBF(length_scale=3.0), stream(2, 0, "t"), 200, blank(32, 32), 1))
    )
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


@pytest.mark.parametrize(
    "kernel",
    [
        RationalQuadratic(name="rational_quadratic", length_scale=2.0, alpha=1.0),
        White(name="iid"),
        Constant(name="constant", constant_value=2.0),
    ],
    ids=lambda kernel: kernel.name,
)
def test_every_kernel_has_its_covariance(kernel):
    n, height, width = 300, 48, 64
    fields = np.stack(list(gaussian_fields(kernel, stream(1, 0, "t"), n, blank(height, width), 1)))
    for dy, dx in [(0, 0), (0, 1), (2, 0), (3, 4)]:
        pairs = fields[:, dy:, dx:] * fields[:, : height - dy, : width - dx]
        expected = float(covariance(kernel, np.array(np.hypot(dy, dx))))
        spread = pairs.mean(axis=(1, 2)).std() / np.sqrt(n)
        assert pairs.mean() == pytest.approx(expected, abs=5 * spread + 5e-3), (dy, dx)


def test_crop_rows_are_periodic_across_and_constant_along_their_direction():
    """One cell: lags along the rows correlate fully, lags across follow the kernel."""
    kernel = ExpSineSquared(name="sin_squared", periodicity=8, length_scale=0.8)
    pairs = {angle: [] for angle in range(0, 180, 15)}
    distance = 12.0
    for seed in range(250):
        rng = stream(seed, 0, "t")
        field = next(gaussian_fields(kernel, rng, 1, blank(64, 64), 1))
        # The direction is the draw that follows the process: draw again to know it.
        again = stream(seed, 0, "t")
        normal(again, (2, 1, 2, 1024))
        across = np.degrees(np.pi * again.random(2)[1])
        for angle, products in pairs.items():
            theta = np.radians(across + angle)
            dx, dy = round(distance * np.cos(theta)), round(distance * np.sin(theta))
            y, x = np.mgrid[20:44, 20:44]
            shift = abs(dx * np.cos(np.radians(across)) + dy * np.sin(np.radians(across)))
            products.append(
                (field[y, x] * field[y + dy, x + dx]).mean()
                - float(covariance(kernel, np.array(shift)))
            )
    for angle, products in pairs.items():
        assert np.mean(products) == pytest.approx(0, abs=4 * np.std(products) / np.sqrt(250)), angle


def test_each_cell_has_its_own_rows():
    cell = np.ones((40, 40), np.int16)
    cell[:, 20:] = 2
    kernel = ExpSineSquared(name="sin_squared", periodicity=6)
    field = next(gaussian_fields(kernel, stream(3, 0, "t"), 1, cell, 2))
    alone = next(gaussian_fields(kernel, stream(3, 0, "t"), 1, np.ones_like(cell), 2))
    np.testing.assert_array_equal(field[:, :20], alone[:, :20])
    assert not np.allclose(field[:, 20:], alone[:, 20:])
