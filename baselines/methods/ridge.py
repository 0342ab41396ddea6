"""Ridge regression of many channels at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vrs_bench.types import Doubles, Floats


@dataclass(frozen=True, eq=False)
class Ridge:
    """A linear map."""

    weights: Floats
    """(feature, channel)"""
    bias: Floats
    """(channel,)"""

    def predict(self, features: Floats) -> Floats:
        """Return float32 (row, channel) of features (row, feature)."""
        found: Floats = features @ self.weights + self.bias
        return found


def solve_ridge(features: Floats, wanted: Floats, penalty: float) -> Ridge:
    """Return the least squares fit to centred features of unit variance, with penalised weights.

    Source: Hoerl and Kennard 1970, *Ridge regression*.

    Args:
        features: (row, feature).
        wanted: (row, channel).
        penalty: of the squares of the weights, as a share of the number of rows.
    """
    x, y = features.astype(np.float64), wanted.astype(np.float64)
    centre, spread, mean = x.mean(axis=0), x.std(axis=0) + 1e-9, y.mean(axis=0)
    x = (x - centre) / spread
    matrix = x.T @ x / len(x) + penalty * np.eye(x.shape[1])
    weights: Doubles = np.linalg.solve(matrix, x.T @ (y - mean) / len(x)) / spread[:, None]
    return Ridge(weights.astype(np.float32), (mean - centre @ weights).astype(np.float32))


def fit_ridge(
    train: tuple[Floats, Floats], validation: tuple[Floats, Floats], penalties: Sequence[float]
) -> Ridge:
    """Fit on train rows, with the penalty of least squared error on validation rows."""
    x, y = validation
    fits = [solve_ridge(*train, penalty) for penalty in penalties]
    errors = [np.square(fit.predict(x) - y).mean(dtype=np.float64) for fit in fits]
    return fits[int(np.argmin(errors))]
