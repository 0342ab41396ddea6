"""Bytes that do not hang on the last bit of a function, nor on the processor's order of sums."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy

from vrs_bench.sensors import cloud_fields
from vrs_bench.world.texture import (
    RBF,
    ExpSineSquared,
    RationalQuadratic,
    covariance,
    root_of_spectrum,
)

COMPARE = Path(__file__).parents[2] / "benchmarks" / "same_bytes.py"


def test_errors_in_the_last_place_change_no_published_value():
    """Every FFT, product, sum and transcendental function errs by one unit, at random.

    Fields were settled too near to the rounding of their spectrum once: this found some hundred
    values in as many scenes.
    """
    run = subprocess.run([sys.executable, COMPARE, "--json"], capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr
    found = json.loads(run.stdout)
    assert {size: differing for size, (_, differing) in found["values"].items()} == dict.fromkeys(
        ("tiny", "small", "toy", "large", "parts"), 0
    )
    assert all(compared > 10_000_000 for compared, _ in found["values"].values())
    moved = {"fft2", "exp", "log10", "tanh", "cos", "ndtr", "inv_cdf", "gammaincinv", "erf"}
    assert moved | {"matmul", "cholesky", "pow", "sum", "std"} <= found["calls"].keys()


@pytest.mark.parametrize(
    "kernel",
    [
        RBF(length_scale=2.5),
        RBF(length_scale=16.0),
        RationalQuadratic(name="rational_quadratic", length_scale=4.0),
        ExpSineSquared(name="sin_squared", periodicity=512.0),
    ],
    ids=["rbf", "long-rbf", "rational-quadratic", "rows"],
)
def test_theroot_of_spectrum_of_a_spectrum_is_the_same_to_the_bit(kernel):
    distance = np.minimum(np.arange(1024.0), 1024 - np.arange(1024.0))
    exact = np.fft.fft(covariance(kernel, distance)).real
    error = np.random.default_rng(1).choice([-1, 1], 1024) * np.spacing(exact.max())
    root = root_of_spectrum(exact)
    np.testing.assert_array_equal(root_of_spectrum(exact + error), root)
    assert (root == 0).mean() > 0.1  # what the transform left there is rounding
    assert np.square(root).sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(np.square(root), np.maximum(exact, 0) / exact.sum(), atol=1e-6)


def test_a_small_power_does_not_make_opacity_of_rounding(monkeypatch):
    """At half cover the field's 0 lies on the margin: a share of 1e-16 to the power .2 is 6e-4."""
    exact = cloud_fields._opacity_table(1.0, 0.2, 0.5)
    normal = scipy.special.ndtr
    monkeypatch.setattr(scipy.special, "ndtr", lambda x: normal(x) * (1 + 2**-52))
    np.testing.assert_array_equal(cloud_fields._opacity_table.__wrapped__(1.0, 0.2, 0.5), exact)
