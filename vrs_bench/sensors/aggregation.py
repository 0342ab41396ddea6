"""Point spread function and sampling on the sensor's coarser grid."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.special import erf

from vrs_bench.errors import BenchError
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.settings import Settings
from vrs_bench.types import Doubles


class AggregationSettings(Settings):
    """Gaussian point spread function, then sampling once per ground resolution cell."""

    factor: Annotated[int, Field(ge=1, le=64)] = 4
    """Ratio of the sensor's ground sampling distance to that of the latent product."""
    mtf_nyquist: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Modulation transfer function at the sensor's Nyquist frequency (Sentinel-2: 0.15 to 0.3)."""


class PhaseSettings(Settings):
    """Sub-pixel registration shift, drawn anew for every frame."""

    max_shift: Annotated[float, Field(ge=0, le=0.5)] = 0.5
    """Shifts are uniform in ± this, in pixels of the sensor, along rows and along columns."""


def psf_sigma(mtf_nyquist: float) -> float:
    """Return the standard deviation of the Gaussian PSF in pixels of the sensor.

    The MTF of a Gaussian is ``exp(-2 π² σ² f²)``; at Nyquist f = 1/2 cycle a pixel.
    """
    return math.sqrt(-2 * math.log(mtf_nyquist)) / math.pi


def sampling_matrix(n_in: int, n_out: int, sigma: float, shift: float = 0.0) -> Doubles:
    """Return the weights of each input pixel in each output sample along one axis.

    Output sample i looks at position ``(i + 1/2 + shift) · n_in / n_out`` of the input through a
    Gaussian, integrated exactly over each input pixel. What would fall outside of the input is
    given back to the pixels inside: every row sums to one, so a constant stays that constant.

    Args:
        n_in, n_out: pixels along the axis.
        sigma: standard deviation of the PSF, in output pixels.
        shift: registration shift, in output pixels.

    Returns:
        float64 (n_out, n_in), non-negative, rows summing to 1.
    """
    ratio = n_in / n_out
    centres = (np.arange(n_out) + 0.5 + shift) * ratio
    edges = (np.arange(n_in + 1) - centres[:, None]) / (sigma * ratio * math.sqrt(2))
    weights = np.diff(0.5 * erf(edges), axis=1)
    weights[weights < 1e-9] = 0  # keeps the far tail, which is nothing, out of the products
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@lru_cache(maxsize=128)
def aggregation(
    settings: AggregationSettings, height: int, width: int, shift: tuple[float, float] = (0.0, 0.0)
) -> SeparableOperator:
    """Return the operator of the stage for a latent frame of the given size.

    Args:
        settings: PSF and factor.
        height, width: size of the latent frame, multiples of the factor.
        shift: registration shift (rows, columns) in pixels of the sensor.

    Raises:
        BenchError: the factor does not divide the frame.
    """
    factor = settings.factor
    if height % factor or width % factor:
        raise BenchError(
            f"aggregation.factor: {factor} does not divide the {height} × {width} frame; "
            f"choose a factor that divides both sides"
        )
    sigma = psf_sigma(settings.mtf_nyquist)
    return SeparableOperator(
        sampling_matrix(height, height // factor, sigma, shift[0]),
        sampling_matrix(width, width // factor, sigma, shift[1]),
    )
