"""Tangential scale distortion: pixels that shrink on the ground towards the edges of the swath."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from vrs_bench.errors import BenchError
from vrs_bench.sensors import masks
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.sensors.stage import Stage
from vrs_bench.types import Doubles, Labels


class Deformation(Stage):
    """Distortion along one axis, x → L · sigmoid(r (x - L/2))."""

    moves: ClassVar[bool] = True
    stage: Literal["deformation"] = "deformation"
    axis: Literal["rows", "columns"] = "columns"
    """Along which axis positions move."""
    growth_rate: Annotated[float, Field(gt=0)] | None = None
    """r per pixel, at most 4/L; None: 4/L, which keeps the scale at the centre."""

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of the map's image, after cropping."""
        length = self._length(height, width)
        length = distorted_length(length, growth_rate(self, length))
        return (height, length) if self.axis == "columns" else (length, width)

    def operator(self, height: int, width: int, cause: None) -> SeparableOperator:
        """Return the linear interpolation at the source positions."""
        length = self._length(height, width)
        moved = resampling_matrix(length, growth_rate(self, length))
        if self.axis == "columns":
            return SeparableOperator(np.eye(height), moved)
        return SeparableOperator(moved, np.eye(width))

    def labels(self, mask: Labels) -> Labels:
        """Take the label nearest to each source position."""
        length = self._length(*mask.shape)
        positions = source_positions(length, growth_rate(self, length))
        if self.axis == "columns":
            return masks.move(mask, None, positions)
        return masks.move(mask, positions, None)

    def explain(self, cause: None) -> str:
        """The axis."""
        return f"along {self.axis}"

    def _length(self, height: int, width: int) -> int:
        """Return the pixels along the axis."""
        return width if self.axis == "columns" else height


def _sigmoid(x: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-x)))


def growth_rate(settings: Deformation, length: int) -> float:
    """Return r for an axis of a given length in pixels.

    Raises:
        BenchError: r is above 4/L, where the map would magnify the centre.
    """
    bound = 4 / length
    if settings.growth_rate is None:
        return bound
    if settings.growth_rate > bound * (1 + 1e-9):
        raise BenchError(
            f"deformation.growth_rate: {settings.growth_rate:g} is above its bound 4 / {length} px "
            f"= {bound:g}; choose a smaller rate or leave it empty for the bound"
        )
    return settings.growth_rate


def distorted_length(length: int, rate: float) -> int:
    """Return how many pixels the image of the map holds: what is left after cropping.

    Raises:
        BenchError: the rate is so small that nothing is left.
    """
    first, last = _bounds(length, rate)
    if last <= first:
        raise BenchError(
            f"deformation.growth_rate: {rate:g} shrinks {length} pixels to none; the nearer it is "
            f"to 4 / {length} = {4 / length:g}, the more are left"
        )
    return last - first


def _bounds(length: int, rate: float) -> tuple[int, int]:
    """Return the columns of the map's image, whole pixels, as the original crops them."""
    ends = length * _sigmoid(np.array([-0.5, 0.5]) * length * rate)
    return int(ends[0]), int(ends[1])


def source_positions(length: int, rate: float) -> Doubles:
    """Return where each output pixel looks in the input, in pixels (0 is the first centre).

    The inverse of the map: output position u lies at ``L/2 + ln(u / (L - u)) / r``.
    Positions beyond the first and last pixel are held there.

    Returns:
        float64 (distorted_length,).
    """
    first, last = _bounds(length, rate)
    u = np.arange(first, last, dtype=np.float64)
    u = np.clip(u, 1e-9 * length, length * (1 - 1e-9))
    return np.clip(length / 2 + np.log(u / (length - u)) / rate, 0, length - 1)


def resampling_matrix(length: int, rate: float) -> Doubles:
    """Return the linear interpolation at :func:`source_positions`, float64 (out, length)."""
    position = source_positions(length, rate)
    left = np.minimum(position.astype(np.int64), length - 2)
    weight = position - left
    matrix = np.zeros((len(position), length))
    row = np.arange(len(position))
    matrix[row, left] = 1 - weight
    matrix[row, left + 1] = weight
    return matrix
