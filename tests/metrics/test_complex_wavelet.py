"""CW-SSIM: the pyramid against closed forms, the index against a second way of computing it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter

from vrs_bench.errors import BenchError
from vrs_bench.metrics.complex_wavelet import LEVELS, ORIENTATIONS, cw_ssim, subbands
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.types import Array
from vrs_bench.world.scene import make_scene

PEAK = 2**5 * math.factorial(5) / math.sqrt(6 * math.factorial(10))
"""Gain of the real filter of one of six orientations, in its own direction."""


@pytest.fixture(scope="module")
def frame() -> Array:
    """Return a latent frame of the benchmark, (4, 128, 128)."""
    return make_scene(load_recipe(BenchmarkRecipe, "tiny").world, 0).frame("optical", 3)


def pyramid(images: Array, levels: Sequence[int] = LEVELS) -> list[Array]:
    """Return each level, (orientation, …, h, w)."""
    bands = list(subbands(images, levels))
    return [np.stack(bands[n : n + ORIENTATIONS]) for n in range(0, len(bands), ORIENTATIONS)]


def wave(side: int, cycles_y: float, cycles_x: float, amplitude: float, phase: float) -> Array:
    rows, columns = np.mgrid[:side, :side] * (2 * np.pi / side)
    return amplitude * np.cos(cycles_y * rows + cycles_x * columns + phase)


# The pyramid


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_wave_in_a_filters_direction_has_a_magnitude_and_a_phase(level: int) -> None:
    """At the level's peak, 2^(l + 1) pixels long: magnitude is that of the wave times the gain."""
    cycles = 64 // 2 ** (level + 1)
    (band,) = pyramid(wave(64, 0, cycles, 0.3, 1.1), [level])
    assert band.shape == (ORIENTATIONS, 64 >> (level - 1), 64 >> (level - 1))
    np.testing.assert_allclose(np.abs(band[0]), 0.3 * PEAK, rtol=1e-5)
    columns = np.arange(band.shape[-1]) * 2 ** (level - 1)
    expected = np.exp(1j * (2 * np.pi * cycles * columns / 64 + 1.1)) * 0.3 * PEAK
    np.testing.assert_allclose(band[0, 0], expected, atol=1e-6)
    # The direction across it is blind to it; its neighbours see it by a power of the cosine.
    np.testing.assert_allclose(np.abs(band[3]), 0, atol=1e-6)
    np.testing.assert_allclose(np.abs(band[1]), 0.3 * PEAK * np.cos(np.pi / 6) ** 5, rtol=1e-4)


def test_waves_an_octave_away_are_not_seen() -> None:
    for cycles in (4, 16):
        (band,) = pyramid(wave(64, 0, cycles, 0.3, 0.0), [2])
        np.testing.assert_allclose(band, 0, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(128, 128), (96, 131), (77, 64)])
def test_the_pyramid_holds_the_energy_of_what_lies_between_its_peaks(
    height: int, width: int
) -> None:
    """A tight frame: with waves from pi/16 to pi/4 only, levels 2 to 4 hold all, nothing twice."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.fft2(rng.normal(size=(height, width)))
    frequency = (
        2 * np.pi * np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    )
    spectrum[(frequency < np.pi / 16) | (frequency > np.pi / 4)] = 0
    image = np.fft.ifft2(spectrum).real
    energy = sum(
        np.sum(np.abs(band) ** 2) * height * width / (band.shape[1] * band.shape[2])
        for band in pyramid(image, [2, 3, 4])
    )
    assert energy == pytest.approx(2 * np.sum(image**2), rel=1e-5)


def test_a_constant_adds_nothing() -> None:
    image = np.random.default_rng(1).normal(size=(64, 64))
    for band, same in zip(pyramid(image), pyramid(image + 0.5), strict=True):
        np.testing.assert_allclose(band, same, atol=1e-5)


# The index


def written_out(prediction: Array, truth: Array) -> float:
    """Filter at full resolution, sample, and take every window by itself, in float64."""
    fy, fx = (2 * np.pi * np.fft.fftfreq(n) for n in truth.shape[1:])
    radius = np.maximum(np.hypot(fy[:, None], fx), 1e-9)
    scores = []
    for level in (2, 3, 4):
        distance = np.log2(radius) - np.log2(np.pi / 2**level)
        radial = np.cos(np.pi / 2 * np.clip(distance, -1, 1))
        for k in range(6):
            across = (fx * np.cos(k * np.pi / 6) + fy[:, None] * np.sin(k * np.pi / 6)) / radius
            response = radial * 2 * PEAK * np.where(across > 0, across, 0) ** 5
            step = 2 ** (level - 1)
            x, y = (
                np.fft.ifft2(np.fft.fft2(image) * response)[:, ::step, ::step]
                for image in (prediction, truth)
            )
            cx, cy = (sliding_window_view(c, (7, 7), axis=(1, 2)) for c in (x, y))
            cross = np.abs((cx * cy.conj()).mean(axis=(-2, -1)))
            energy = (np.abs(cx) ** 2 + np.abs(cy) ** 2).mean(axis=(-2, -1))
            scores.append(np.mean((2 * cross + 1e-6) / (energy + 1e-6), axis=(1, 2)))
    return float(np.mean(scores))


def test_the_index_is_that_of_full_resolution_filters(frame: Array) -> None:
    rng = np.random.default_rng(2)
    for prediction in (
        np.roll(frame, 2, axis=2),
        frame + 0.01 * rng.normal(size=frame.shape).astype(np.float32),
        gaussian_filter(frame, (0, 2, 2)),
    ):
        expected = written_out(prediction.astype(np.float64), frame.astype(np.float64))
        assert cw_ssim(prediction, frame) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), mix=st.floats(0, 1))
def test_it_is_symmetric_and_from_0_to_1(seed: int, mix: float) -> None:
    rng = np.random.default_rng(seed)
    truth, other = rng.random((2, 1, 2, 49, 60))
    prediction = mix * truth + (1 - mix) * other
    score = cw_ssim(prediction, truth)
    assert score.shape == (1,)
    assert 0 <= score[0] <= 1
    assert cw_ssim(truth, prediction) == pytest.approx(score, abs=1e-6)
    assert cw_ssim(truth, truth) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("phase", [0.4, math.pi / 2, math.pi])
def test_a_shifted_wave_is_the_same_wave(phase: float) -> None:
    """Even turned by half a wave, where SSIM is near -1."""
    truth = wave(64, 4, 4, 0.3, 0.0)[None]
    assert cw_ssim(wave(64, 4, 4, 0.3, phase)[None], truth) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("gain", [0.5, 0.9, 1.1, 2.0])
def test_a_change_of_contrast_costs_what_the_formula_says(gain: float) -> None:
    truth = np.random.default_rng(3).normal(size=(2, 64, 64))
    expected = 2 * gain / (1 + gain**2)
    assert cw_ssim(gain * truth, truth) == pytest.approx(expected, abs=1e-4)


def test_flat_images_are_alike_whatever_their_brightness() -> None:
    """Without structure the constant decides: noise of rounding does not."""
    flat = np.full((4, 64, 64), 0.9, np.float32)
    assert cw_ssim(flat, np.full_like(flat, 0.1)) == pytest.approx(1, abs=1e-3)


def test_structure_where_there_is_none_scores_0() -> None:
    truth = np.zeros((1, 64, 64))
    noise = np.random.default_rng(4).normal(size=truth.shape)
    assert cw_ssim(noise, truth) == pytest.approx(0, abs=1e-3)


def test_small_shifts_and_brightness_hardly_count_but_blur_and_noise_do(frame: Array) -> None:
    for axis in (1, 2):
        assert cw_ssim(np.roll(frame, 1, axis=axis), frame) > 0.95
    assert cw_ssim(frame * np.float32(1.05), frame) > 0.99
    assert cw_ssim(frame + np.float32(0.02), frame) > 0.999
    noise = np.random.default_rng(5).normal(size=frame.shape)
    blurred = [cw_ssim(gaussian_filter(frame, (0, s, s)), frame).item() for s in (1, 2, 4, 8)]
    noisy = [cw_ssim(frame + s * noise, frame).item() for s in (0.01, 0.03, 0.1, 0.3)]
    for scores in (blurred, noisy):
        assert sorted(scores, reverse=True) == scores
        assert scores[0] < 0.99
        assert scores[-1] < 0.5


def test_rows_and_bands_are_averaged_as_ever(frame: Array) -> None:
    prediction = np.roll(frame, 3, axis=1)
    by_band = [cw_ssim(prediction[b : b + 1], frame[b : b + 1]).item() for b in range(4)]
    stack = cw_ssim(np.stack([[prediction, frame]]), np.stack([[frame, frame]]))
    assert stack.shape == (1, 2)
    assert stack.dtype == np.float64
    assert stack[0] == pytest.approx([np.mean(by_band), 1], abs=1e-6)


def test_images_that_are_too_small_or_not_finite_are_refused() -> None:
    image = np.zeros((1, 48, 64))
    with pytest.raises(BenchError, match="49 x 49 pixels"):
        cw_ssim(image, image)
    image = np.full((1, 64, 64), np.nan)
    with pytest.raises(BenchError, match="finite"):
        cw_ssim(image, image)


def test_an_inverted_image_is_alike_and_independent_noise_half_way(frame: Array) -> None:
    """As its definition warns."""
    assert cw_ssim(1 - frame, frame) == pytest.approx(1, abs=1e-5)
    noise, other = np.random.default_rng(6).random((2, 4, 256, 256))
    assert cw_ssim(noise, other) == pytest.approx(0.36, abs=0.01)
