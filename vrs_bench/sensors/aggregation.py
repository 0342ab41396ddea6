"""Point spread function and sampling on the sensor's coarser grid."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator
from scipy.special import erf

from vrs_bench.errors import BenchError
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.settings import Settings
from vrs_bench.types import Doubles


class Size(Settings):
    """Size of an image in pixels."""

    width: Annotated[int, Field(ge=1, le=8192)]
    height: Annotated[int, Field(ge=1, le=8192)]


class AggregationSettings(Settings):
    """Gaussian point spread function, then sampling once per ground resolution cell."""

    factor: Annotated[int, Field(ge=1, le=64)] | None = None
    """Ratio of the sensor's ground sampling distance to that of what it looks at, or …"""
    target_size: Size | None = None
    """… the size of the sampled image; any ratio of sizes is sampled exactly."""
    mtf_nyquist: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Modulation transfer function at the sensor's Nyquist frequency (Sentinel-2: 0.15 to 0.3),
    or …"""
    sigma_px: Annotated[float, Field(gt=0, le=200)] | None = None
    """… the standard deviation of the PSF in pixels of what it looks at."""

    @model_validator(mode="after")
    def _one_of_each(self) -> AggregationSettings:
        for one, other in (("factor", "target_size"), ("mtf_nyquist", "sigma_px")):
            if (getattr(self, one) is None) == (getattr(self, other) is None):
                raise ValueError(f"aggregation: give either {one} or {other}")
        return self

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of the sampled image.

        Raises:
            BenchError: the factor does not divide the frame, or the target is larger than it.
        """
        if self.target_size is not None:
            target = (self.target_size.height, self.target_size.width)
            if target[0] > height or target[1] > width:
                raise BenchError(
                    f"aggregation.target_size: {target[0]} × {target[1]} is larger than the "
                    f"{height} × {width} frame that is to be aggregated"
                )
            return target
        factor = self.factor or 1
        if height % factor or width % factor:
            raise BenchError(
                f"aggregation.factor: {factor} does not divide the {height} × {width} frame; "
                f"choose a factor that divides both sides, or give a target_size"
            )
        return height // factor, width // factor


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
    width = sigma * ratio
    centres = (np.arange(n_out) + 0.5 + shift) * ratio
    # Only pixels within six standard deviations count: beyond lies 2e-9 of the Gaussian.
    reach = math.ceil(6 * width) + 1
    pixel = np.floor(centres).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    edges = (np.arange(-reach, reach + 2) - (centres % 1)[:, None]) / (width * math.sqrt(2))
    weights = np.diff(erf(edges), axis=1)
    weights[(pixel < 0) | (pixel >= n_in)] = 0
    matrix = np.zeros((n_out, n_in))
    np.add.at(matrix, (np.arange(n_out)[:, None], np.clip(pixel, 0, n_in - 1)), weights)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def aggregation(
    settings: AggregationSettings, height: int, width: int, shift: tuple[float, float] = (0.0, 0.0)
) -> SeparableOperator:
    """Return the operator of the stage for a frame of the given size.

    Args:
        settings: PSF and size.
        height, width: size of the frame.
        shift: registration shift (rows, columns) in pixels of the sensor.

    Raises:
        BenchError: the sizes don't fit, see :meth:`AggregationSettings.output_size`.
    """
    matrices = []
    target = settings.output_size(height, width)
    for n_in, n_out, by in zip((height, width), target, shift, strict=True):
        if settings.mtf_nyquist is not None:
            sigma = psf_sigma(settings.mtf_nyquist)
        else:
            sigma = (settings.sigma_px or 1) * n_out / n_in
        matrices.append(sampling_matrix(n_in, n_out, sigma, by))
    return SeparableOperator(*matrices)
