"""Statistics of images against fields whose figures are known."""

import numpy as np
import pytest
from texture_statistics import (
    autocorrelation,
    cell_means,
    correlation_by_gap,
    covariance,
    deviation_from_lines,
    deviations,
    inside,
    power_slopes,
    relative_gradient,
)


def blocks(side, rows, columns):
    """Return a mask of square cells, numbered from 1 but for one number that is left out."""
    numbers = np.arange(1, rows * columns + 1).reshape(rows, columns)
    numbers[numbers > 1] += 1
    return np.kron(numbers, np.ones((side, side), int))


def field(amplitude, size, n, seed=0):
    """Return n fields (n, size, size) whose spectrum is a function of frequency, on a torus."""
    frequency = np.fft.fftfreq(size)
    shape = amplitude(np.hypot(frequency[:, None], frequency))
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal((n, size, size)))
    return np.fft.ifft2(noise * shape).real


def test_inside_leaves_out_edges_of_cells_and_small_cells():
    cell = np.zeros((20, 30), int)
    cell[:, :12], cell[:, 13:24], cell[:9, 24:] = 1, 2, 4
    kept = inside(cell, margin=2, least=60)
    expected = np.zeros_like(cell)
    expected[:, :10] = 1  # not at the edge of the image: what is beyond is not seen
    expected[:, 15:22] = 2
    np.testing.assert_array_equal(kept, expected)  # of cell 4, 7 × 4 pixels were left
    assert (inside(cell, margin=2, least=28) == 4).sum() == 28


def test_deviations_are_from_the_mean_of_the_own_cell():
    cell = blocks(4, 2, 3)
    cell[0, :4] = 0
    pattern = np.random.default_rng(0).standard_normal((2, *cell.shape))
    for number in np.unique(cell):
        pattern[:, cell == number] -= pattern[:, cell == number].mean(axis=1, keepdims=True)
    pattern[:, cell == 0] = 0
    level = np.array([9.0, 0.5, 0.0, -3.0, 0.25, 7.0, 1.0, 8.0])
    images = pattern + np.stack([level[cell], 2 * level[cell]])
    np.testing.assert_allclose(deviations(images, cell), pattern, atol=1e-14)
    means = level[np.unique(cell[cell > 0])]
    np.testing.assert_allclose(cell_means(images, cell), [means, 2 * means], atol=1e-14)


def test_covariance_is_the_unbiased_one_pooled_over_cells():
    cell = blocks(2, 5, 5)
    red, nir = np.random.default_rng(1).standard_normal((2, 3, *cell.shape))
    nir = 0.4 * red + 8 * nir
    found = covariance(deviations(red, cell), deviations(nir, cell), cell)
    of_each = [
        np.cov(red[image][cell == number], nir[image][cell == number])[0, 1]
        for image in range(3)
        for number in np.unique(cell)
    ]
    assert found == pytest.approx(np.mean(of_each), rel=1e-12)
    none = np.zeros_like(cell)
    assert np.isnan(covariance(deviations(red, none), deviations(nir, none), none))


def test_deviations_of_two_bands_have_the_ratio_that_they_were_made_with():
    cell = blocks(16, 3, 4)
    texture = np.random.default_rng(2).standard_normal((5, *cell.shape))
    red, nir = (deviations(cell + gain * texture, cell) for gain in (0.004, 0.032))
    assert covariance(red, red, cell) ** 0.5 == pytest.approx(0.004, rel=0.01)
    assert covariance(nir, nir, cell) / covariance(red, red, cell) == pytest.approx(64, rel=1e-9)


def test_autocorrelation_pairs_pixels_of_the_same_cell_only():
    cell = blocks(8, 4, 4)
    sign = np.random.default_rng(3).choice([-1.0, 1.0], cell.max() + 1)
    rows, columns = np.indices(cell.shape)
    chess = sign[cell] * (-1.0) ** (rows + columns)
    found = autocorrelation(chess[None], cell, (1, 2, 3, 7, 8))
    np.testing.assert_allclose(found, [-1, 1, -1, -1, np.nan], atol=1e-12)


def test_autocorrelation_counts_rows_and_columns_and_no_pixel_outside():
    cell = np.ones((8, 6), int)
    stripes = np.tile((-1.0) ** np.arange(8), (6, 1)).T[None]
    outside = np.concatenate([cell, 0 * cell], axis=1)
    noisy = np.concatenate([stripes, np.zeros_like(stripes)], axis=2)
    for values, mask in ((stripes, cell), (noisy, outside)):
        # Along columns of the image -1 in 7 × 6 pairs, along its rows 1 in 8 × 5.
        assert autocorrelation(values, mask, (1,))[0] == pytest.approx((40 - 42) / 82)


def test_autocorrelation_of_a_gaussian_field_is_its_kernel():
    length, cell = 2.5, blocks(128, 2, 2)
    images = field(lambda f: np.exp(-np.square(np.pi * length * f)), 256, 8)
    lags = np.array([1, 2, 3, 5, 8])
    found = autocorrelation(deviations(images, cell), cell, lags)
    np.testing.assert_allclose(found, np.exp(-0.5 * np.square(lags / length)), atol=0.02)


def test_power_slopes_are_the_exponents_of_each_range():
    def amplitude(f):  # power falls by f⁻² up to 0.1, by f⁻⁴ beyond
        f = np.maximum(f, 1 / 512)
        return np.where(f <= 0.1, 0.1 / f, 0.01 / f**2)

    images = field(amplitude, 512, 12)[:, :200, :200]
    np.testing.assert_allclose(power_slopes(images, (0.02, 0.09, 0.45)), [-2, -4], atol=0.15)


def test_the_relative_gradient_is_the_median_of_its_length():
    y, x = np.indices((40, 40)).astype(float)
    slope = 3 * x + 4 * y
    per_deviation = 1 / np.sqrt((40**2 - 1) / 12)
    assert relative_gradient(np.stack([slope, 0.1 * slope])) == pytest.approx(per_deviation)
    assert relative_gradient((x < 20)[None].astype(float)) == 0  # a hard edge in a flat image


def test_textures_of_two_dates_are_as_alike_as_the_process_says():
    """Two orthogonal fields whose shares turn once a year: a cosine of the days between."""
    days = np.array([0, 10, 31, 62, 121, 183, 250])
    first, second = np.zeros((2, 4, 4))
    first[0], second[1] = [1, -1, 1, -1], [1, 1, -1, -1]
    turn = 2 * np.pi * days / 365
    gains = np.random.default_rng(4).uniform(0.1, 3, len(days))  # of no matter
    series = gains[:, None, None] * (np.multiply.outer(np.cos(turn), first))
    series += gains[:, None, None] * (np.multiply.outer(np.sin(turn), second))
    gaps = {(a, b): b - a for i, a in enumerate(days) for b in days[i + 1 :]}
    expected = [
        np.mean([np.cos(2 * np.pi * gap / 365) for gap in gaps.values() if low < gap <= high])
        for low, high in ((0, 31), (31, 90), (90, 183))
    ]
    found = correlation_by_gap(series, days, (0, 31, 90, 183, 300, 400))
    np.testing.assert_allclose(found[:3], expected, atol=1e-12)
    assert np.isfinite(found[3])
    assert np.isnan(found[4])


def test_deviation_from_lines_is_that_of_noise_about_any_course():
    days = np.array([150, 162, 174])
    values = np.array([[0.0, 5.0, 0.4], [0.3, 5.3, np.nan], [0.0, 5.6, 0.5]])
    # About a line, (0, e, 0) has squares of 2e²/3 and one degree of freedom, (5, 5.3, 5.6) none;
    # two dates say nothing.
    expected = np.sqrt(2 / 3 * 0.3**2 / 2)
    assert deviation_from_lines(values, days) == pytest.approx(expected)
    assert np.isnan(deviation_from_lines(values[:, 2:], days))

    rng = np.random.default_rng(5)
    days = np.sort(rng.uniform(150, 240, 7))
    courses = rng.normal(size=4000) + np.multiply.outer(days, rng.normal(size=4000) / 90)
    noise = 0.026 * rng.normal(size=courses.shape)
    assert deviation_from_lines(courses + noise, days) == pytest.approx(0.026, rel=0.03)
