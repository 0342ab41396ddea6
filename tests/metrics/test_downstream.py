"""Confusion, Jaccard indices and the vote of cells: against scikit-learn and a loop over cells."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix as confusion_of_sklearn
from sklearn.metrics import jaccard_score

from vrs_bench.errors import BenchError
from vrs_bench.metrics.downstream import (
    cell_accuracy,
    cell_vote,
    confusion_matrix,
    jaccard_micro,
    jaccard_per_class,
)
from vrs_bench.types import Array

K = 5
SHAPE = (6, 7)
labels_1_to_k = arrays(np.uint8, SHAPE, elements=st.integers(1, K))
truths = arrays(np.int16, SHAPE, elements=st.integers(0, K))
cells = arrays(np.int16, SHAPE, elements=st.integers(0, 4))


# Confusion and Jaccard


@given(labels_1_to_k, truths)
def test_confusion_and_jaccard_are_those_of_scikit_learn(labels: Array, truth: Array) -> None:
    confusion = confusion_matrix(labels, truth, K)
    inside = truth.ravel() != 0
    true, given = truth.ravel()[inside], labels.ravel()[inside]
    if not len(true):
        assert not confusion.any()
        assert np.isnan(jaccard_micro(confusion))
        return
    classes = range(1, K + 1)
    expected = confusion_of_sklearn(true, given, labels=classes)
    np.testing.assert_array_equal(confusion, expected)
    micro = jaccard_score(true, given, labels=classes, average="micro")
    assert jaccard_micro(confusion) == pytest.approx(micro)
    seen = sorted({*true.tolist(), *given.tolist()})
    each = jaccard_score(true, given, labels=seen, average=None)
    found = jaccard_per_class(confusion)
    np.testing.assert_allclose(found[np.array(seen) - 1], each)
    assert np.isnan(found).sum() == K - len(seen)


def test_a_class_that_is_only_in_the_map_has_0_and_one_that_is_nowhere_has_none() -> None:
    confusion = confusion_matrix(np.array([1, 1, 2, 1]), np.array([1, 1, 1, 0]), 3)
    np.testing.assert_array_equal(confusion, [[2, 1, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(jaccard_per_class(confusion), [2 / 3, 0, np.nan])
    assert jaccard_micro(confusion) == 2 / 4  # 2 right; 1 missed, and 1 too many


def test_indices_of_a_stack_are_those_of_each_matrix() -> None:
    stack = np.random.default_rng(0).integers(0, 9, (2, 3, K, K))
    np.testing.assert_array_equal(jaccard_micro(stack)[1, 2], jaccard_micro(stack[1, 2]))
    np.testing.assert_array_equal(jaccard_per_class(stack)[1, 2], jaccard_per_class(stack[1, 2]))


def test_labels_of_border_pixels_do_not_matter() -> None:
    truth = np.array([[0, 1], [2, 0]])
    one = confusion_matrix(np.array([[0, 1], [2, 200]]), truth, 2)
    other = confusion_matrix(np.array([[2, 1], [2, 1]]), truth, 2)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("labels", "truth", "message"),
    [
        ([1, 2, 1], [1, 2], r"one shape, got \(3,\) and \(2,\)"),
        ([1.0, 2.0], [1, 2], "integers, got float64 and int64"),
        ([1, 2], [1, 3], "truth: expected 0 to 2, got 1 to 3"),
        ([1, 2], [-1, 2], "truth: expected 0 to 2, got -1 to 2"),
        ([1, 0], [1, 2], "labels: expected 1 to 2 inside cells, got 0 to 1"),
        ([1, 3], [1, 2], "labels: expected 1 to 2 inside cells, got 1 to 3"),
    ],
)
def test_what_is_no_pair_of_maps_is_refused(
    labels: list[float], truth: list[int], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        confusion_matrix(np.array(labels), np.array(truth), 2)


# Cells


def vote_in_a_loop(labels: Array, cell: Array) -> Array:
    out = np.zeros_like(labels)
    for number in set(cell.ravel().tolist()) - {0}:
        counts = Counter(labels[cell == number].tolist())
        most = max(counts.values())
        out[cell == number] = min(label for label, count in counts.items() if count == most)
    return out


@given(arrays(np.uint8, SHAPE, elements=st.integers(0, K)), cells)
def test_the_vote_is_that_of_a_loop_over_cells(labels: Array, cell: Array) -> None:
    voted = cell_vote(labels, cell)
    np.testing.assert_array_equal(voted, vote_in_a_loop(labels, cell))
    assert voted.dtype == labels.dtype
    np.testing.assert_array_equal(cell_vote(voted, cell), voted)


def test_the_smallest_of_equally_frequent_labels_wins() -> None:
    labels, cell = np.array([[3, 2, 3, 2, 9]]), np.array([[1, 1, 1, 1, 0]])
    assert cell_vote(labels, cell).tolist() == [[2, 2, 2, 2, 0]]


@given(labels_1_to_k, cells, st.permutations(range(1, K + 1)))
def test_cell_accuracy_is_the_share_of_cells_that_voted_rightly(
    labels: Array, cell: Array, classes: list[int]
) -> None:
    truth = np.array([0, *classes])[cell]  # cell n is of the n-th class
    numbers = sorted(set(cell.ravel().tolist()) - {0})
    voted = vote_in_a_loop(labels, cell)
    right = [bool((voted[cell == n] == truth[cell == n]).all()) for n in numbers]
    found = cell_accuracy(labels, truth, cell)
    if numbers:
        assert found == pytest.approx(np.mean(right))
        assert cell_accuracy(truth, truth, cell) == 1
    else:
        assert np.isnan(found)


def test_cells_count_alike_whatever_their_size_and_numbers_without_pixels_do_not() -> None:
    cell = np.array([[7, 7, 7, 7, 7, 7, 7, 2]])
    truth = np.where(cell == 7, 1, 2)
    assert cell_accuracy(np.full_like(cell, 1), truth, cell) == 0.5


def test_cells_of_another_shape_or_negative_labels_are_refused() -> None:
    with pytest.raises(BenchError, match="labels and cell: expected one shape"):
        cell_vote(np.ones((2, 2), int), np.ones((2, 3), int))
    with pytest.raises(BenchError, match="negative"):
        cell_vote(np.array([-1, 1]), np.array([1, 1]))
