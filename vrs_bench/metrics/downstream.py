"""What an image is good for: agreement of a land-cover map with the truth, by pixel and by cell.

Labels run from 1 to the number of classes. A pixel whose true label is 0 lies between cells: it
has no class, and counts in no metric.
"""

from __future__ import annotations

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles


def confusion_matrix(labels: Array, truth: Array, n_classes: int) -> Array:
    """Count the pixels of each true class that a map gives each label.

    Confusion matrices add up: that of many scenes is the sum of theirs.

    Args:
        labels: integers of any shape; 1 to ``n_classes`` where the truth is not 0.
        truth: the same shape, 0 to ``n_classes``; 0 is a border pixel and is left out.
        n_classes: K.

    Returns:
        (K, K) int64: row is the true class - 1, column the label - 1.

    Raises:
        BenchError: shapes that differ, no integers, or a label out of range.

    >>> confusion_matrix(np.array([1, 2, 2, 1]), np.array([1, 2, 1, 0]), n_classes=2)
    array([[1, 1],
           [0, 1]])
    """
    _require_integers(labels, truth, "truth")
    if truth.size and (truth.min() < 0 or truth.max() > n_classes):
        raise BenchError(f"truth: expected 0 to {n_classes}, got {truth.min()} to {truth.max()}")
    # Any label may stand between cells, where it does not count.
    too_high = min(n_classes + 1, np.iinfo(labels.dtype).max)
    pairs = np.clip(labels, 0, too_high).astype(np.int32)
    pairs += truth.astype(np.int32) * np.int32(n_classes + 2)
    counts = np.bincount(pairs.ravel(), minlength=(n_classes + 1) * (n_classes + 2))
    counts = counts.reshape(n_classes + 1, n_classes + 2)[1:]
    if counts[:, 0].any() or counts[:, -1].any():
        wrong = labels[truth != 0]
        raise BenchError(
            f"labels: expected 1 to {n_classes} inside cells, got {wrong.min()} to {wrong.max()}"
        )
    return counts[:, 1:-1].astype(np.int64)


def jaccard_micro(confusion: Array) -> Doubles:
    """Return the Jaccard index pooled over classes: Σ TP / Σ (TP + FP + FN).

    With c pixels of n labelled rightly it is c / (2n - c), stricter than their share c / n.

    Args:
        confusion: (..., K, K), see :func:`confusion_matrix`.

    Returns:
        (...) float64 from 0 to 1 (best); NaN where there are no pixels.

    Three of four pixels are right:

    >>> float(jaccard_micro(np.array([[2, 1], [0, 1]])))
    0.6
    """
    right = np.trace(confusion, axis1=-2, axis2=-1)
    return _share(right, 2 * confusion.sum(axis=(-2, -1)) - right)


def jaccard_per_class(confusion: Array) -> Doubles:
    """Return the Jaccard index of each class: TP / (TP + FP + FN).

    Args:
        confusion: (..., K, K), see :func:`confusion_matrix`.

    Returns:
        (..., K) float64 from 0 to 1 (best). A class that is in the map but not in the truth has
        0; one that is in neither has no index: NaN, to be written as null.

    >>> jaccard_per_class(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 0]]))
    array([0.75, 0.  ,  nan])
    """
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _share(right, confusion.sum(axis=-1) + confusion.sum(axis=-2) - right)


def cell_vote(labels: Array, cell: Array) -> Array:
    """Give all pixels of a cell the label that most of them have.

    Args:
        labels: integers from 0, of any shape.
        cell: the same shape: cell number from 1, or 0 between cells.

    Returns:
        the shape and dtype of ``labels``; 0 between cells. Of labels that are equally frequent
        the smallest wins.

    Raises:
        BenchError: shapes that differ, no integers, or negative numbers.

    >>> cell_vote(np.array([2, 2, 5, 3, 3, 1]), np.array([1, 1, 1, 0, 2, 2]))
    array([2, 2, 2, 0, 1, 1])
    """
    return _votes(labels, cell)[0].astype(labels.dtype).take(cell)


def cell_accuracy(labels: Array, truth: Array, cell: Array) -> float:
    """Return the share of cells whose :func:`cell_vote` is their true class.

    Every cell that has a pixel counts once, whatever its size.

    Args:
        labels: integers from 0, of any shape.
        truth: the same shape; one class a cell.
        cell: the same shape: cell number from 1, or 0 between cells.

    Returns:
        0 to 1 (best); NaN where there are no cells.

    Raises:
        BenchError: shapes that differ, no integers, or negative numbers.

    >>> cell_accuracy(np.array([2, 2, 5, 3]), np.array([2, 2, 2, 4]), np.array([1, 1, 1, 2]))
    0.5
    """
    voted, sizes = _votes(labels, cell)
    true, _ = _votes(truth, cell)
    return float(np.mean((voted == true)[sizes > 0])) if sizes.any() else float("nan")


def _votes(labels: Array, cell: Array) -> tuple[Array, Array]:
    """Return each cell's winning label and number of pixels, by cell number; 0 for number 0."""
    _require_integers(labels, cell, "cell")
    if not labels.size:
        return np.zeros(1, np.intp), np.zeros(1, np.intp)
    if min(labels.min(), cell.min()) < 0:
        raise BenchError("labels and cell: expected numbers from 0, got negative ones")
    n_labels = int(labels.max()) + 1
    pairs = cell.ravel().astype(np.intp) * n_labels + labels.ravel().astype(np.intp)
    ballots = np.bincount(pairs, minlength=(int(cell.max()) + 1) * n_labels)
    ballots = ballots.reshape(-1, n_labels)
    ballots[0] = 0
    return ballots.argmax(axis=1), ballots.sum(axis=1)


def _require_integers(labels: Array, other: Array, name: str) -> None:
    if labels.shape != other.shape:
        raise BenchError(
            f"labels and {name}: expected one shape, got {labels.shape} and {other.shape}"
        )
    if labels.dtype.kind not in "iu" or other.dtype.kind not in "iu":
        raise BenchError(
            f"labels and {name}: expected integers, got {labels.dtype} and {other.dtype}"
        )


def _share(part: Array, whole: Array) -> Doubles:
    """Divide counts; NaN where the whole is 0."""
    out = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=out, where=np.asarray(whole) > 0)
    return out
