"""Separable linear operators: every geometric stage of a sensor is one.

Aggregation, registration shifts and distortions along an axis act on rows and columns apart:
``Y = R X Cᵀ`` for each band, with one small matrix a side. They compose by matrix products and
their adjoint is ``Rᵀ Y C``, which iterative reconstruction and consistency scores need.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles, Floats

FEW_TAPS = 2
"""An axis whose outputs each mix at most so many inputs is gathered instead of multiplied."""


@dataclass(frozen=True, eq=False)
class SeparableOperator:
    """The map X → R X Cᵀ from (…, H, W) to (…, h, w)."""

    rows: Doubles
    """R, float64 (h, H)."""
    columns: Doubles
    """C, float64 (w, W)."""

    def apply(self, image: Array) -> Array:
        """Return R X Cᵀ.

        An axis that interpolates between two neighbours is gathered in the precision of the
        image, in a fixed order, so its bits are the same on every processor. Other axes are
        matrix products in float64, whose last bits may differ: settle them before they are
        stored.

        Returns:
            (…, h, w), float64 unless all axes are gathered.

        Raises:
            BenchError: the image does not have the (H, W) of the operator.
        """
        expected = (self.rows.shape[1], self.columns.shape[1])
        if image.shape[-2:] != expected:
            raise BenchError(
                f"this operator takes images of {expected[0]} × {expected[1]} pixels, "
                f"got {image.shape[-2]} × {image.shape[-1]}"
            )
        image = _along(image, self.columns, self._column_taps, -1)
        return _along(image, self.rows, self._row_taps, -2)

    @cached_property
    def _row_taps(self) -> Taps | None:
        return _taps(self.rows)

    @cached_property
    def _column_taps(self) -> Taps | None:
        return _taps(self.columns)

    @property
    def adjoint(self) -> SeparableOperator:
        """The operator A* with ⟨A x, y⟩ = ⟨x, A* y⟩ for all images x and y."""
        return SeparableOperator(self.rows.T, self.columns.T)

    def after(self, first: SeparableOperator) -> SeparableOperator:
        """Return the operator that applies ``first`` and then this one."""
        return SeparableOperator(self.rows @ first.rows, self.columns @ first.columns)


@dataclass(frozen=True)
class Taps:
    """A matrix with few non-zeros a row, as gathers: (n_taps, n_out) each."""

    index: Array
    weight: Floats

    def is_identity(self, length: int) -> bool:
        """Say whether the matrix is the identity of that size."""
        return (
            len(self.index) == 1
            and np.array_equal(self.index[0], np.arange(length))
            and bool((self.weight == 1).all())
        )


def _taps(matrix: Doubles) -> Taps | None:
    """Return the gathers of a matrix, or None where products are quicker."""
    count = np.count_nonzero(matrix, axis=1)
    if count.max(initial=0) > FEW_TAPS:
        return None
    index = np.argsort(matrix == 0, axis=1, kind="stable")[:, : max(count.max(initial=0), 1)]
    weight = np.take_along_axis(matrix, index, axis=1)
    return Taps(index.T.copy(), weight.T.astype(np.float32))


def _along(image: Array, matrix: Doubles, taps: Taps | None, axis: int) -> Array:
    """Apply a matrix along the last or the last but one axis."""
    if taps is None:
        wide = np.asarray(image, dtype=np.float64)
        return wide @ matrix.T if axis == -1 else matrix @ wide
    if taps.is_identity(image.shape[axis]):
        return image
    spread = (slice(None),) if axis == -1 else (slice(None), None)
    # All indices are inside; "wrap" is merely the mode that checks them quickest.
    result: Array = image.take(taps.index[0], axis=axis, mode="wrap")
    result *= taps.weight[0][spread].astype(image.dtype, copy=False)
    for index, weight in zip(taps.index[1:], taps.weight[1:], strict=True):
        part = image.take(index, axis=axis, mode="wrap")
        part *= weight[spread].astype(image.dtype, copy=False)
        result += part
    return result
