"""Distances between what an encoder sees in images: pair by pair, or set against set.

Pure functions on features, whichever encoder they come from; the benchmark's own is
:mod:`vrs_bench.references.encoder`. ``torch`` is imported only to draw subsets of large sets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles

KERNEL_ROWS = 2048
"""Most rows of a set that the kernel distance compares all with all."""

_FLOOR = 1e-10  # least length that a feature vector is divided by


def feature_distance(prediction: Sequence[Array], truth: Sequence[Array]) -> Doubles:
    """Return the distance of every row in the features of several layers.

    Source: Zhang, Isola, Efros, Shechtman & Wang 2018, *The unreasonable effectiveness of deep
    features as a perceptual metric* (LPIPS), equation 1 with all weights 1: features are scaled
    to unit length across channels at each position; squared difference, sum over channels, mean
    over positions; then the mean (not the sum) over layers. A vector of zeros stays zero: against
    another of zeros it counts 0, against any other 1.

    Args:
        prediction: per layer, ``(row, channel, height, width)`` float32 or float64.
        truth: the same shapes.

    Returns:
        ``(row,)`` float64, 0 (best) to 4, to 2 where features are not negative.

    Raises:
        BenchError: no layer, shapes that differ, or features that are not finite.
    """
    if not truth or len(prediction) != len(truth):
        raise BenchError(
            f"features: expected as many layers of both, at least one; got {len(prediction)} of "
            f"the prediction and {len(truth)} of the truth"
        )
    distances = [
        _layer_distance(x, y, number)
        for number, (x, y) in enumerate(zip(prediction, truth, strict=True))
    ]
    return np.asarray(np.mean(distances, axis=0), np.float64)


def frechet_distance(prediction: Array, truth: Array) -> float:
    """Return the Fréchet distance between two sets of feature vectors, each taken as Gaussian.

    Source: Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter 2017, *GANs trained by a two
    time-scale update rule converge to a local Nash equilibrium* (FID), with other features:

        |mx - my|² + trace(Sx + Sy - 2 (Sx Sy)^½),

    sample covariances, in float64; the trace of the root is the sum of the roots of the
    eigenvalues. As torchmetrics has it. The estimate is too high for small
    sets, the more so the more features there are, and with fewer rows than features the
    covariances are singular: compare only values of the same number of rows.

    Args:
        prediction: ``(row, feature)`` float32 or float64.
        truth: ``(row, feature)``; the number of rows may differ.

    Returns:
        from 0 (best), in squared units of the features.

    Raises:
        BenchError: other shapes, fewer than two rows, or features that are not finite.
    """
    _require_sets(prediction, truth)
    x, y = prediction.astype(np.float64), truth.astype(np.float64)
    # With more threads, linear algebra adds in another order.
    with threadpool_limits(1, user_api="blas"):
        of_x, of_y = (np.atleast_2d(np.cov(of, rowvar=False)) for of in (x, y))
        roots = np.sqrt(np.linalg.eigvals(of_x @ of_y).astype(complex)).real
    gap = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    # Rounding can push the distance of equal sets below 0.
    return max(float(gap + np.trace(of_x) + np.trace(of_y) - 2 * roots.sum()), 0.0)


def kernel_distance(prediction: Array, truth: Array, seed: int = 0) -> float:
    """Return the kernel distance between two sets of feature vectors.

    Source: Bińkowski, Sutherland, Arbel & Gretton 2018, *Demystifying MMD GANs* (KID), with other
    features: the unbiased estimate of the squared maximum mean discrepancy under the kernel
    (x·y / D + 1)³, with D the number of features, in float64, as torchmetrics has it. Sets of up
    to :data:`KERNEL_ROWS` rows are compared whole; larger ones in n / :data:`KERNEL_ROWS` random
    subsets of that size, and the mean is returned.

    Args:
        prediction: ``(row, feature)`` float32 or float64.
        truth: the same shape.
        seed: of the random subsets. Global random state is left as it was.

    Returns:
        near 0 (best), and it can be negative. The estimate is unbiased for independent sets; a
        prediction is no independent sample, it shows the scenes of its truth. That lowers the
        value by an amount that shrinks as 1 / n: equal sets score below 0. Compare only values of
        the same number of rows.

    Raises:
        BenchError: other shapes, fewer than two rows, or features that are not finite.
    """
    _require_sets(prediction, truth)
    rows = len(truth)
    if len(prediction) != rows:
        raise BenchError(
            f"features: expected as many rows of both, got {len(prediction)} of the prediction "
            f"and {rows} of the truth"
        )
    x, y = prediction.astype(np.float64), truth.astype(np.float64)
    with threadpool_limits(1, user_api="blas"):
        if rows <= KERNEL_ROWS:
            return _discrepancy(x, y)
        return float(np.mean([_discrepancy(x[i], y[j]) for i, j in _subsets(rows, seed)]))


def _discrepancy(x: Doubles, y: Doubles) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy of two sets."""
    n = len(x)
    within = sum(kernel.sum() - np.trace(kernel) for kernel in (_kernel(x, x), _kernel(y, y)))
    return float(within / (n * (n - 1)) - 2 * _kernel(x, y).sum() / n**2)


def _subsets(rows: int, seed: int) -> list[tuple[Array, Array]]:
    """Return which rows of the prediction and of the truth are compared, as torchmetrics draws."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = [
            [torch.randperm(rows)[:KERNEL_ROWS].numpy() for _ in range(2)]
            for _ in range(rows // KERNEL_ROWS)
        ]
    return [(predicted, true) for true, predicted in drawn]


def kernel_distances_without(groups: Sequence[tuple[Array, Array]]) -> Doubles:
    """Return the kernel distance between the sets without each of some groups of their rows.

    As :func:`kernel_distance` of all other rows, however many, from the sums of the kernel over
    every two groups: one pass instead of one a group.

    Args:
        groups: predicted and true features of each group, ``(row, feature)`` and as many rows of
            both; without any group there are at least two rows.

    Returns:
        ``(group,)`` float64.
    """
    rows = np.array([len(predicted) for predicted, _ in groups])
    predicted, true = (
        [half.astype(np.float64) for half in kind] for kind in zip(*groups, strict=True)
    )
    n = rows.sum() - rows
    value = np.zeros(len(groups))
    for x, y, weight in (
        (predicted, predicted, 1 / (n * (n - 1))),
        (true, true, 1 / (n * (n - 1))),
        (predicted, true, -2 / n**2),
    ):
        sums = np.array([[_kernel(a, b).sum() for b in y] for a in x])
        if x is y:  # no row is compared with itself
            sums[np.diag_indices_from(sums)] -= [np.trace(_kernel(a, a)) for a in x]
        value += weight * (sums.sum() - sums.sum(axis=0) - sums.sum(axis=1) + np.diag(sums))
    return value


def _kernel(x: Doubles, y: Doubles) -> Doubles:
    """Return the kernel of every two rows, see :func:`kernel_distance`."""
    kernel: Doubles = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _layer_distance(prediction: Array, truth: Array, number: int) -> Doubles:
    if prediction.shape != truth.shape or truth.ndim != 4:
        raise BenchError(
            f"features of layer {number}: expected one shape (row, channel, height, width), got "
            f"{prediction.shape} and {truth.shape}"
        )
    # Row by row: temporaries do not grow with the number of rows.
    distances = np.array(
        [
            np.square(_unit(x) - _unit(y)).sum(axis=0).mean(dtype=np.float64)
            for x, y in zip(prediction, truth, strict=True)
        ]
    )
    if not np.isfinite(distances).all():
        raise BenchError(f"features of layer {number}: expected finite values")
    return distances


def _unit(features: Array) -> Array:
    """Scale (channel, height, width) to unit length across channels."""
    length = np.sqrt(np.square(features).sum(axis=0))
    unit: Array = features / np.maximum(length, _FLOOR)
    return unit


def _require_sets(prediction: Array, truth: Array) -> None:
    for name, features in (("prediction", prediction), ("truth", truth)):
        if features.ndim != 2 or len(features) < 2 or features.shape[1] != truth.shape[-1]:
            raise BenchError(
                f"features of the {name}: expected shape (row, feature), at least two rows, as "
                f"many features of both; got {features.shape}"
            )
        if not np.isfinite(features).all():
            raise BenchError(f"features of the {name}: expected finite values")
