"""Registered interpolation of an observation on the grid of the target.

Values are taken at the centres of the target's pixels. With ``ratio`` pixels of the target, a
whole number or not, to a pixel of the observation, pixel i of the observation is centred at
``(i + 1/2 + shift) · ratio`` of the target's grid, so the centre ``j + 1/2`` of pixel j lies at
position ``(j + 1/2) / ratio - 1/2 - shift`` of the observation. Beyond its edges the observation
is continued by its outermost pixel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vrs_bench.types import Array, Doubles, Floats


def nearest_matrix(n_in: int, n_out: int, shift: float) -> Doubles:
    """Return the weights of each input pixel in each output pixel: one for the nearest.

    Args:
        n_in: input pixels along the axis.
        n_out: output pixels along the axis, over the same extent.
        shift: registration shift of the input along the axis, in input pixels.

    Returns:
        float64 (n_out, n_in), rows summing to 1.
    """
    position = _positions(n_in, n_out, shift)
    matrix = np.zeros((len(position), n_in))
    _add(matrix, np.floor(position + 0.5), np.ones_like(position))
    return matrix


def cubic_matrix(n_in: int, n_out: int, shift: float) -> Doubles:
    """Return the weights of cubic convolution with a = -1/2 (Catmull-Rom).

    Source: Keys 1981, *Cubic convolution interpolation for digital image processing*: exact for
    polynomials up to the second degree. Arguments and result as for :func:`nearest_matrix`.
    """
    position = _positions(n_in, n_out, shift)
    first = np.floor(position)
    matrix = np.zeros((len(position), n_in))
    for tap in (-1, 0, 1, 2):
        _add(matrix, first + tap, _cubic(position - first - tap))
    return matrix


def lanczos_matrix(n_in: int, n_out: int, shift: float) -> Doubles:
    """Return the weights of a sinc under the central lobe of one three times as wide.

    Source: Duchon 1979, *Lanczos filtering in one and two dimensions*; here with three lobes, and
    weights divided by their sum, so that a constant stays that constant. Arguments and result as
    for :func:`nearest_matrix`.
    """
    position = _positions(n_in, n_out, shift)
    first = np.floor(position)
    matrix = np.zeros((len(position), n_in))
    for tap in range(1 - _LOBES, _LOBES + 1):
        distance = position - first - tap
        near = np.abs(distance) < _LOBES
        _add(matrix, first + tap, near * np.sinc(distance) * np.sinc(distance / _LOBES))
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


_LOBES = 3

Weights = Callable[[int, int, float], Doubles]
"""Input and output pixels and shift along one axis → weights (n_out, n_in)."""


def upsample(image: Array, shift: Array, size: tuple[int, int], weights: Weights) -> Floats:
    """Interpolate an observation on the target's grid.

    Args:
        image: (band, h, w) on the [0, 1] scale.
        shift: registration shift (rows, columns) in pixels of the observation: column `phase`.
        size: height and width of the target's grid.
        weights: :func:`nearest_matrix` or :func:`cubic_matrix`.

    Returns:
        float32 (band, height, width), not clipped: cubic convolution overshoots at edges.
    """
    rows = weights(image.shape[-2], size[0], float(shift[0])).astype(np.float32)
    columns = weights(image.shape[-1], size[1], float(shift[1])).astype(np.float32)
    return np.asarray(rows @ (image.astype(np.float32) @ columns.T))


def _positions(n_in: int, n_out: int, shift: float) -> Doubles:
    """Return where the centres of the output pixels lie, in input pixels from a centre."""
    positions: Doubles = (np.arange(n_out, dtype=np.float64) + 0.5) * (n_in / n_out) - 0.5 - shift
    return positions


def _add(matrix: Doubles, pixel: Doubles, weight: Doubles) -> None:
    """Add one tap of every output pixel; taps beyond the edge go to the outermost pixel."""
    inside = np.clip(pixel, 0, matrix.shape[1] - 1).astype(np.intp)
    matrix[np.arange(len(matrix)), inside] += weight


def _cubic(distance: Doubles) -> Doubles:
    d = np.abs(distance)
    near = (1.5 * d - 2.5) * d**2 + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d < 1, near, np.where(d < 2, far, 0))
