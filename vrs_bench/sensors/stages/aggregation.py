"""Point spread function and sampling on the sensor's coarser grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import scipy
from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from vrs_bench.columns import Column
from vrs_bench.errors import BenchError
from vrs_bench.sensors import masks
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.sensors.stage import Draws, Observed, Stage
from vrs_bench.settings import Settings
from vrs_bench.types import Array, Doubles, Labels


class Size(Settings):
    """Size of an image in pixels."""

    width: Annotated[int, Field(ge=1, le=8192)]
    height: Annotated[int, Field(ge=1, le=8192)]


Sigma = Annotated[float, Field(ge=0.001, le=200)]
"""Standard deviation of a PSF, pixels; a smaller one could not be told from none."""


class Aggregation(Stage):
    """Gaussian point spread function, then sampling once per ground resolution cell."""

    moves: ClassVar[bool] = True
    stage: Literal["aggregation"] = "aggregation"
    factor: Annotated[int, Field(ge=1, le=64)] | None = None
    """Ratio of the sensor's ground sampling distance to that of what it looks at, or …"""
    target_size: Size | None = None
    """… the size of the sampled image; any ratio of sizes is sampled exactly."""
    mtf_nyquist: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Modulation transfer function at the sensor's Nyquist frequency (Sentinel-2: 0.15 to 0.3),
    or …"""
    sigma_px: Sigma | None = None
    """… the standard deviation of the PSF in pixels of what it looks at."""
    max_shift: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Sub-pixel registration shift, drawn anew for every frame and published as ``phase``: uniform
    in ± this, in pixels of the sensor, along rows and along columns. 0: none, and no ``phase``."""
    untold_shift: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Error of the registration besides, drawn in the same way, that nobody is told of."""

    @model_serializer(mode="wrap")
    def _as_before_there_was_an_error(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out an error that is none: digests of recipes stay what they were."""
        settings: dict[str, Any] = dump(self)
        if not settings.get("untold_shift"):
            settings.pop("untold_shift", None)
        return settings

    @model_validator(mode="after")
    def _one_of_each(self) -> Aggregation:
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

    def draw(self, draws: Draws, height: int, width: int) -> tuple[float, ...]:
        """Draw the registration shift (rows, columns), pixels of the sensor.

        Where there is an error that nobody is told of, it follows: (rows, columns, rows, columns).
        """
        told = _drawn_shift(self.max_shift, draws, "phase")
        untold = _drawn_shift(self.untold_shift, draws, "phase/untold")
        return (*told, *untold) if self.untold_shift else told

    def operator(self, height: int, width: int, cause: tuple[float, ...]) -> SeparableOperator:
        """Return PSF and sampling at a registration shift, its error included."""
        rows, columns, *untold = cause
        error = untold or (0.0, 0.0)
        return aggregation(self, height, width, (rows + error[0], columns + error[1]))

    def labels(self, mask: Labels) -> Labels:
        """Return the commonest label of each pixel; the registration shift is left out."""
        return masks.majority(mask, *self.output_size(*mask.shape))

    def columns(self, observed: Observed) -> tuple[Column, ...]:
        """The registration shift, which a method may know."""
        if self.max_shift == 0:
            return ()
        name, target = observed.input, observed.target
        text = (
            f"Registration shift (rows, columns) of `{name}` against the grid of `{target}`, in "
            f"`{name}` pixels: `{name}` pixel i is centred at (i + 0.5 + shift) · "
            f"{observed.ratio:g} of `{target}`."
        )
        return (Column("phase", "vector", "float32", text, (2,), visible=True),)

    def published(self, cause: tuple[float, ...], height: int, width: int) -> Mapping[str, Array]:
        """The registration shift as float32, without an error that nobody is told of."""
        return {"phase": np.array(cause[:2], np.float32)} if self.max_shift else {}

    def explain(self, cause: tuple[float, ...]) -> str:
        """PSF and shift."""
        if self.mtf_nyquist is not None:
            psf = f"MTF {self.mtf_nyquist:g} at Nyquist"
        else:
            psf = f"PSF σ {self.sigma_px:g} px"
        return f"{psf}, shift {cause[0]:+.2f}, {cause[1]:+.2f} px" if self.max_shift else psf


def _drawn_shift(largest: float, draws: Draws, name: str) -> tuple[float, float]:
    if largest == 0:
        return 0.0, 0.0
    drawn = ((2 * draws.of_frame(name).random(2) - 1) * largest).astype(np.float32)
    return float(drawn[0]), float(drawn[1])  # as published: float32


def psf_sigma(mtf_nyquist: float) -> float:
    """Return the standard deviation of the Gaussian PSF in pixels of the sensor.

    The MTF of a Gaussian is ``exp(-2 π² σ² f²)``; at Nyquist f = 1/2 cycle a pixel.

    >>> round(psf_sigma(0.25), 3)  # Sentinel-2's bands have 0.15 to 0.3
    0.53
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
    weights = np.diff(scipy.special.erf(edges), axis=1)
    weights[(pixel < 0) | (pixel >= n_in)] = 0
    matrix = np.zeros((n_out, n_in))
    np.add.at(matrix, (np.arange(n_out)[:, None], np.clip(pixel, 0, n_in - 1)), weights)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def aggregation(
    settings: Aggregation, height: int, width: int, shift: tuple[float, float] = (0.0, 0.0)
) -> SeparableOperator:
    """Return the operator of the stage for a frame of the given size.

    Args:
        settings: PSF and size.
        height, width: size of the frame.
        shift: registration shift (rows, columns) in pixels of the sensor.

    Raises:
        BenchError: the sizes don't fit, see :meth:`Aggregation.output_size`.
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
