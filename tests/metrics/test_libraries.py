"""Golden values that libraries and we agree on, and the traps in which libraries differ.

The pair is in ``fixtures/opensr_test.npz``: a truth of super_res and its input enlarged by cubic
interpolation, 4 x 48 x 48 of the published uint16 values. The golden values are those of the
library named first, at the settings in the test (scikit-image 0.26.0, sewar 0.4.10).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import piq
import pytest
import sewar
import torch
import torchmetrics.functional.image as tm
from sewar.utils import Filter
from skimage import metrics as sk

from vrs_bench.errors import BenchError
from vrs_bench.metrics.distortion import ergas, psnr, rmse, sam
from vrs_bench.metrics.structural import ssim, uiqi
from vrs_bench.types import Array, Doubles

FIXTURE = Path(__file__).parent / "fixtures" / "opensr_test.npz"


@pytest.fixture(scope="module")
def counts() -> tuple[Array, Array]:
    """Return prediction and truth as they are published."""
    with np.load(FIXTURE, allow_pickle=False) as kept:
        names = kept["super_res_names"].tolist()
        return kept["super_res_predictions"][names.index("bicubic")], kept["hr"]


@pytest.fixture(scope="module")
def pair(counts: tuple[Array, Array]) -> tuple[Doubles, Doubles]:
    """Return prediction and truth, (band, height, width) float64 in [0, 1]."""
    prediction, truth = counts
    return prediction / 10_000, truth / 10_000


def last(image: Array) -> Array:
    return np.moveaxis(image, 0, -1)


def batch(image: Array) -> torch.Tensor:
    return torch.from_numpy(image)[None]


def test_rmse(pair: tuple[Doubles, Doubles]) -> None:
    x, y = pair
    for value in (sewar.rmse(last(y), last(x)), np.sqrt(sk.mean_squared_error(y, x)), rmse(x, y)):
        assert value == pytest.approx(0.023957126101830907, rel=1e-13)


def test_psnr(pair: tuple[Doubles, Doubles]) -> None:
    x, y = pair
    for value in (
        sk.peak_signal_noise_ratio(y, x),
        sewar.psnr(last(y), last(x)),
        psnr(x, y),
    ):
        assert value == pytest.approx(32.411305622963, abs=1e-10)
    in_float32 = float(tm.peak_signal_noise_ratio(batch(x), batch(y), data_range=1.0))
    assert in_float32 == pytest.approx(32.411305622963, abs=5e-6)
    steadied = -10 * np.log10(rmse(x, y) ** 2 + 1e-8)  # so does piq
    assert float(piq.psnr(batch(x), batch(y))) == pytest.approx(steadied, abs=1e-10)


def test_ssim_with_one_window_border_covariance_and_range(pair: tuple[Doubles, Doubles]) -> None:
    x, y = pair
    _, whole = tm.structural_similarity_index_measure(
        batch(x), batch(y), data_range=1.0, return_full_image=True
    )
    gaussian = {"fltr": Filter.GAUSSIAN, "sigma": 1.5, "ws": 11}
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    for value in (
        sk.structural_similarity(y, x, channel_axis=0, data_range=1, **window),
        sewar.ssim(last(y), last(x), fltr_specs=gaussian)[0],
        float(whole[..., 5:-5, 5:-5].mean()),
        float(piq.ssim(batch(x), batch(y))),
    ):
        assert value == pytest.approx(0.8623126057503198, abs=1e-9)
    assert ssim(x, y) == pytest.approx(0.8623126057503198, abs=5e-8)  # of float32


def test_ssim_by_the_defaults_of_others_is_another(pair: tuple[Doubles, Doubles]) -> None:
    x, y = pair
    values = [
        float(ssim(x, y)),
        sk.structural_similarity(y, x, channel_axis=0, data_range=1),
        sewar.ssim(last(y), last(x))[0],
        float(tm.structural_similarity_index_measure(batch(x), batch(y))),
        float(tm.structural_similarity_index_measure(batch(x), batch(y), data_range=1.0)),
    ]
    assert np.diff(np.sort(values)).min() > 1e-3


def test_sam(pair: tuple[Doubles, Doubles]) -> None:
    x, y = pair
    in_radians = (
        sewar.sam(last(y), last(x)),
        float(tm.spectral_angle_mapper(batch(x), batch(y))),
    )
    for value in (*np.degrees(in_radians), sam(x, y)):
        assert value == pytest.approx(3.408867374705, abs=1e-10)


def test_sam_of_a_pixel_without_data(pair: tuple[Doubles, Doubles]) -> None:
    """One pixel in 48² is 90° off here, poisons the image in torchmetrics, and is not in sewar."""
    x, y = pair
    x = x.copy()
    angle = sam(x[:, :1, :1], y[:, :1, :1])
    x[:, 0, 0] = 0
    pixels = 48**2
    assert sam(x, y) == pytest.approx(3.408867374705 + (90 - angle) / pixels, abs=1e-10)
    assert torch.isnan(tm.spectral_angle_mapper(batch(x), batch(y)))
    left_out = (3.408867374705 * pixels - angle) / (pixels - 1)
    assert np.degrees(sewar.sam(last(y), last(x))) == pytest.approx(left_out, abs=1e-10)


def test_ergas(pair: tuple[Doubles, Doubles]) -> None:
    x, y = pair
    ours_and_theirs = (
        sewar.ergas(last(y), last(x), r=1 / 4),
        float(tm.error_relative_global_dimensionless_synthesis(batch(x), batch(y), ratio=4)),
        ergas(x, y, ratio=4),
    )
    for value in ours_and_theirs:
        assert value == pytest.approx(4.557295866708524, rel=1e-13)


def test_uiqi_is_sewars_ssim_without_constants_and_not_its_uqi(
    pair: tuple[Doubles, Doubles],
) -> None:
    x, y = pair
    value = sewar.ssim(last(y), last(x), ws=8, K1=1e-9, K2=1e-9)[0]
    assert value == pytest.approx(0.45308265219639665, abs=1e-9)
    assert uiqi(x, y) == pytest.approx(value, abs=1e-9)
    assert sewar.uqi(last(y), last(x)) > 0.9  # products weigh 64 times too much


def test_published_integers_have_another_range(
    counts: tuple[Array, Array], pair: tuple[Doubles, Doubles]
) -> None:
    """Libraries take 65535 for 1 where 10000 is: 16.3 dB too much, with no warning."""
    x, y = counts
    surplus = 20 * np.log10(6.5535)
    for value in (sk.peak_signal_noise_ratio(y, x), sewar.psnr(last(y), last(x))):
        assert value == pytest.approx(psnr(*pair) + surplus, abs=1e-9)
    with pytest.raises(BenchError, match="expected float32 or float64"):
        psnr(x, y)
