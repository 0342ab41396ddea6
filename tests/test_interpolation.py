"""Nearest and bicubic: right values at the right place, checked by other means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicHermiteSpline

from vrs_bench.interpolation import (
    Weights,
    cubic_matrix,
    lanczos_matrix,
    nearest_matrix,
    upsample,
)
from vrs_bench.sensors.stages.aggregation import Aggregation, aggregation
from vrs_bench.types import Array, Doubles

RATIO = 4
INSIDE = slice(3 * RATIO, -3 * RATIO)
"""Away from the edges: there neither the PSF nor the interpolation reaches beyond the image."""


def noise(*shape: int) -> Array:
    return np.random.default_rng(0).random(shape)


def ramp(rows: Doubles, columns: Doubles) -> Doubles:
    return 0.1 + 0.01 * rows[:, None] - 0.004 * columns


@pytest.mark.parametrize("weights", [nearest_matrix, cubic_matrix, lanczos_matrix])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, -0.5), (-0.31, 0.17)])
def test_a_constant_stays_that_constant_up_to_the_edges(
    weights: Weights, shift: tuple[float, float]
) -> None:
    image = np.full((2, 5, 7), 0.3)
    assert upsample(image, np.array(shift), (20, 28), weights) == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.4, -0.3)])
def test_bicubic_restores_a_ramp_that_the_sensor_saw(shift: tuple[float, float]) -> None:
    truth = ramp(np.arange(64) + 0.5, np.arange(48) + 0.5)
    seen = aggregation(Aggregation(factor=RATIO, mtf_nyquist=0.25), 64, 48, shift).apply(
        truth[None]
    )
    restored = upsample(seen, np.array(shift), (64, 48), cubic_matrix)[0]
    assert restored[INSIDE, INSIDE] == pytest.approx(truth[INSIDE, INSIDE], abs=1e-5)
    # The other sign of the shift is far off: this test can tell.
    wrong = upsample(seen, -np.array(shift), (64, 48), cubic_matrix)[0]
    if any(shift):
        assert np.abs(wrong - truth)[INSIDE, INSIDE].mean() > 0.01


def test_nearest_takes_the_pixel_whose_centre_is_nearest() -> None:
    image, shift = noise(1, 6, 5), (0.3, -0.45)
    restored = upsample(image, np.array(shift), (24, 20), nearest_matrix)[0]
    for row, column in np.ndindex(restored.shape):
        nearest = tuple(
            int(np.argmin(np.abs((np.arange(n) + 0.5 + by) * RATIO - (at + 0.5))))
            for n, by, at in zip(image.shape[1:], shift, (row, column), strict=True)
        )
        assert restored[row, column] == np.float32(image[0][nearest])


@pytest.mark.parametrize("shift", [0.0, 0.5, -0.5, 0.21])
def test_bicubic_is_the_hermite_spline_with_central_slopes(shift: float) -> None:
    line = noise(9)
    padded = np.pad(line, 4, mode="edge")
    centres = (np.arange(-3, 12) + 0.5 + shift) * RATIO
    slopes = (padded[2:] - padded[:-2]) / (2 * RATIO)
    spline = CubicHermiteSpline(centres, padded[1:-1], slopes)
    assert cubic_matrix(9, 36, shift) @ line == pytest.approx(spline(np.arange(36) + 0.5))


def test_bicubic_without_shift_is_that_of_torch() -> None:
    image = noise(3, 12, 10).astype(np.float32)
    # With anti-aliasing, which changes nothing when enlarging, torch too takes a = -1/2.
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None], scale_factor=RATIO, mode="bicubic", antialias=True
    )[0].numpy()
    restored = upsample(image, np.zeros(2), (48, 40), cubic_matrix)
    assert restored[:, INSIDE, INSIDE] == pytest.approx(expected[:, INSIDE, INSIDE], abs=1e-5)


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_a_ratio_that_is_no_whole_number_keeps_places(shift: float) -> None:
    """A line sampled at the centres of 15 pixels, read at those of 24 over the same extent."""
    centres = (np.arange(15) + 0.5 + shift) * 1.6
    restored = cubic_matrix(15, 24, shift) @ centres
    assert restored[4:-4] == pytest.approx((np.arange(24) + 0.5)[4:-4])


def test_lanczos_is_the_windowed_sinc_at_every_distance() -> None:
    shift, n_in = 0.3, 20
    matrix = lanczos_matrix(n_in, RATIO * n_in, shift)
    for row in (37, 38, 39, 40):  # far from the edges
        distance = (row + 0.5) / RATIO - 0.5 - shift - np.arange(n_in)
        window = np.where(np.abs(distance) < 3, np.sinc(distance / 3), 0)
        expected = np.sinc(distance) * window
        assert matrix[row] == pytest.approx(expected / expected.sum(), abs=1e-12)


def test_lanczos_keeps_a_slow_wave_better_than_bicubic() -> None:
    def wave(at: Array) -> Array:
        return np.cos(2 * np.pi * 0.3 * at)  # cycles a pixel of the observation

    fine = (np.arange(4 * 40) + 0.5) / RATIO - 0.5
    errors = [
        np.abs(weights(40, 160, 0.0) @ wave(np.arange(40)) - wave(fine))[INSIDE].max()
        for weights in (cubic_matrix, lanczos_matrix)
    ]
    assert errors[1] < 0.5 * errors[0]
