"""The original project's definitions, against slow transcriptions of them and scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.signal import convolve
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vrs_bench.errors import BenchError
from vrs_bench.metrics.original_definitions import original_scores
from vrs_bench.types import Array, Doubles

NAMES = ["psnr", "ssim", "sam", "cw_ssim"]


def pair(seed: int, shape: tuple[int, ...] = (2, 3, 24, 31)) -> tuple[Doubles, Doubles]:
    """Return a prediction with some negative values, and a truth."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=shape), (0, 0, 2, 2))
    truth = np.clip(0.2 + smooth, 0, 1)
    return truth + 0.05 * rng.normal(size=shape), truth


def ricker(samples: int, width: int) -> list[float]:
    """Return the wavelet sample by sample."""
    middle = (samples - 1) / 2
    return [
        2 / (math.sqrt(3 * width) * math.pi**0.25)
        * (1 - ((i - middle) / width) ** 2)
        * math.exp(-((i - middle) ** 2) / (2 * width**2))
        for i in range(samples)
    ]  # fmt: skip


def slow_cw_ssim(x: Array, y: Array) -> float:
    """Both fractions of the original, of 30 convolutions of each flattened band."""
    x, y = x.ravel(), y.ravel()
    wavelets = [ricker(min(10 * width, x.size), width) for width in range(1, 31)]
    cx, cy = (
        np.stack([convolve(of, wavelet, mode="same", method="direct") for wavelet in wavelets])
        for of in (x, y)
    )
    k = 0.01
    first = (2 * (abs(cx) * abs(cy)).sum(0) + k) / ((cx**2).sum(0) + (cy**2).sum(0) + k)
    second = (2 * abs((cx * cy).sum(0)) + k) / (2 * abs(cx * cy).sum(0) + k)
    return float((first * second).mean())


def slow_sam(x: Array, y: Array) -> float:
    angles = []
    for i, j in np.ndindex(x.shape[1:]):
        a, b = x[:, i, j].tolist(), y[:, i, j].tolist()
        floor = float(np.finfo(np.float16).eps)
        norms = [max(sum(v * v for v in spectrum), floor) for spectrum in (a, b)]
        inner = sum(u * v for u, v in zip(a, b, strict=True))
        angles.append(math.acos(min(max(inner / math.sqrt(norms[0] * norms[1]), -1), 1)) / math.pi)
    return sum(angles) / len(angles)


def slow_scores(x: Array, y: Array) -> dict[str, float]:
    x, y = x.clip(min=0), y.clip(min=0)
    by_band = []
    for a, b in zip(x, y, strict=True):
        joint = max(a.max(), b.max())
        a, b = a / joint, b / joint
        ssim = structural_similarity(b, a, data_range=2)
        by_band.append((peak_signal_noise_ratio(b, a, data_range=1), ssim, slow_cw_ssim(a, b)))
    psnr, ssim, cw_ssim = np.mean(by_band, axis=0)
    return {"psnr": psnr, "ssim": ssim, "sam": slow_sam(x, y), "cw_ssim": cw_ssim}


@pytest.mark.parametrize("shape", [(2, 3, 24, 31), (1, 1, 64, 60), (1, 4, 7, 7), (1, 2, 11, 40)])
def test_scores_are_their_slow_transcription(shape: tuple[int, ...]) -> None:
    """Also where the longest wavelet is longer than the image, and where many blocks join."""
    prediction, truth = pair(1, shape)
    scores = original_scores(prediction, truth)
    assert list(scores) == NAMES
    for row, images in enumerate(zip(prediction, truth, strict=True)):
        for name, expected in slow_scores(*images).items():
            tolerance = {"cw_ssim": 1e-6}.get(name, 1e-10)
            assert scores[name][row] == pytest.approx(expected, abs=tolerance), name


def test_wavelets_of_unlike_bands_are_close_to_their_slow_transcription() -> None:
    """White noise holds the finest wavelets, and unlike bands the signs of the products."""
    rng = np.random.default_rng(2)
    prediction, truth = rng.uniform(size=(2, 1, 80, 80))
    peak = max(prediction.max(), truth.max())
    expected = slow_cw_ssim(prediction[0] / peak, truth[0] / peak)
    assert expected < 0.9
    assert original_scores(prediction, truth)["cw_ssim"] == pytest.approx(expected, abs=2e-6)


def test_the_truth_scores_perfectly_and_psnr_stays_finite() -> None:
    _, truth = pair(3)
    truth += 0.1  # above the floor of SAM
    scores = original_scores(truth, truth)
    assert scores["psnr"].tolist() == [80, 80]
    for name, best in (("ssim", 1), ("sam", 0), ("cw_ssim", 1)):
        np.testing.assert_allclose(scores[name], best, atol=1e-7)


def test_dark_spectra_are_apart_however_alike() -> None:
    black = np.zeros((2, 8, 8))
    assert original_scores(black, black)["sam"] == pytest.approx(0.5)
    dark = np.full((2, 8, 8), 0.01)  # squared norm 2e-4 against a floor of 2^-10
    expected = math.acos(2e-4 * 2**10) / math.pi
    assert original_scores(dark, dark)["sam"] == pytest.approx(expected)


def test_negative_values_count_as_zero_and_black_bands_have_scores() -> None:
    prediction, truth = pair(4)
    truth[:, 0] = 0
    prediction[:, 0] = -0.2
    scores = original_scores(prediction, truth)
    clamped = original_scores(prediction.clip(min=0), truth)
    for name in NAMES:
        assert np.isfinite(scores[name]).all()
        assert np.array_equal(scores[name], clamped[name])


def test_a_gain_of_a_band_in_both_images_changes_nothing_but_the_angle() -> None:
    prediction, truth = pair(5)
    gain = np.array([0.3, 1, 0.7])[:, None, None]
    before, after = original_scores(prediction, truth), original_scores(
        gain * prediction, gain * truth
    )  # fmt: skip
    for name in ("psnr", "ssim", "cw_ssim"):
        np.testing.assert_allclose(before[name], after[name], atol=2e-6)
    assert abs(before["sam"] - after["sam"]).min() > 1e-3


def test_leading_axes_are_kept_and_rows_are_independent() -> None:
    prediction, truth = pair(6, (6, 2, 16, 16))
    together = original_scores(prediction.reshape(2, 3, 2, 16, 16), truth.reshape(2, 3, 2, 16, 16))
    for name, values in together.items():
        assert (values.shape, values.dtype) == ((2, 3), np.float64)
        assert values[1, 0] == original_scores(prediction[3], truth[3])[name]


def test_images_smaller_than_the_window_are_refused() -> None:
    small = np.zeros((3, 6, 30))
    with pytest.raises(BenchError, match="at least one band of 7 x 7"):
        original_scores(small, small)
