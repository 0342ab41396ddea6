"""Gradient boosting of small trees, one model a channel, its length tuned on validation scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from threadpoolctl import threadpool_limits

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Floats

TREES = 100
"""The most of a model."""
SETTINGS = {
    "learning_rate": 0.15,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 60,
    "l2_regularization": 1.0,
    "random_state": 0,
    "early_stopping": False,
}

Table = tuple[Floats, Floats]
"""Features (row, feature), and what is to be told from them (row, channel)."""


def fit_boosting(train: Table, validation: Table) -> Callable[[Floats], Floats]:
    """Fit trees to each channel (Friedman 2001, by scikit-learn's histograms).

    The number of trees is the one with the least squared error on the validation rows, if that is
    clearly fewer than all. Same tables, same trees.

    Returns:
        features (row, feature) → float32 (row, channel).

    Raises:
        BenchError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ModuleNotFoundError as error:
        raise BenchError(
            f"boosting needs {error.name}: pip install 'vrs-bench[methods]'"
        ) from error
    models = []
    (x, y), (x_unseen, y_unseen) = train, validation
    with threadpool_limits(1):  # sums in one order
        for channel in range(y.shape[1]):
            model = HistGradientBoostingRegressor(max_iter=TREES, **SETTINGS)
            model.fit(x, y[:, channel])
            errors = [
                np.square(found - y_unseen[:, channel]).mean()
                for found in model.staged_predict(x_unseen)
            ]
            trees = int(np.argmin(errors)) + 1
            if trees < 0.8 * TREES:
                model.set_params(max_iter=trees).fit(x, y[:, channel])
            models.append(model)

    def predict(features: Floats) -> Floats:
        if not len(features):
            return np.empty((0, len(models)), np.float32)
        found = [model.predict(features) for model in models]
        return np.stack(found, axis=1).astype(np.float32)

    return predict


def joined(tables: Iterable[Table]) -> Table:
    """Put tables one below the other."""
    features, wanted = zip(*tables, strict=True)
    return np.concatenate(features), np.concatenate(wanted)


def drawn(rng: np.random.Generator, count: int, among: Array) -> Array:
    """Draw at most so many of some numbers, each once; in ascending order."""
    if len(among) <= count:
        return among
    return np.sort(rng.choice(among, count, replace=False))
