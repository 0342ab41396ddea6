"""Separable linear operators: every geometric stage of a sensor is one.

Aggregation, registration shifts and distortions along an axis act on rows and columns apart:
``Y = R X Cᵀ`` for each band, with one small matrix a side. They compose by matrix products and
their adjoint is ``Rᵀ Y C``, which iterative reconstruction and consistency scores need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles


@dataclass(frozen=True)
class SeparableOperator:
    """The map X → R X Cᵀ from (…, H, W) to (…, h, w)."""

    rows: Doubles
    """R, float64 (h, H)."""
    columns: Doubles
    """C, float64 (w, W)."""

    def apply(self, image: Array) -> Doubles:
        """Return R X Cᵀ, float64 (…, h, w).

        Raises:
            BenchError: the image does not have the (H, W) of the operator.
        """
        expected = (self.rows.shape[1], self.columns.shape[1])
        if image.shape[-2:] != expected:
            raise BenchError(
                f"this operator takes images of {expected[0]} × {expected[1]} pixels, "
                f"got {image.shape[-2]} × {image.shape[-1]}"
            )
        wide = np.asarray(image, dtype=np.float64) @ self.columns.T
        return np.asarray(self.rows @ wide)

    @property
    def adjoint(self) -> SeparableOperator:
        """The operator A* with ⟨A x, y⟩ = ⟨x, A* y⟩ for all images x and y."""
        return SeparableOperator(self.rows.T, self.columns.T)

    def after(self, first: SeparableOperator) -> SeparableOperator:
        """Return the operator that applies ``first`` and then this one."""
        return SeparableOperator(self.rows @ first.rows, self.columns @ first.columns)
