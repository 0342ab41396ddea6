"""Which entries of a board can be told apart, by every metric and by every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from vrs_bench.evaluation import Result, compare
from vrs_bench.evaluation.comparison import Comparison
from vrs_bench.evaluation.paired import holm
from vrs_bench.evaluation.scores import PartScore, Score
from vrs_bench.evaluation.statistics import RESAMPLES
from vrs_bench.leaderboard.markdown import current
from vrs_bench.leaderboard.ranking import SIGNIFICANCE, SIGNS_A_PAIR
from vrs_bench.metrics.definition import Metric

Compared = dict[tuple[int, int], Comparison]
"""Places of two entries, the first smaller → the first minus the second."""


def all_pairs(results: Sequence[Result], metric: Metric) -> Compared:
    """Compare all pairs of results that have scores by scene of a metric as it is defined now."""
    having = [
        place
        for place, result in enumerate(results)
        if (score := current(result, metric)) is not None and score.per_scene
    ]
    pairs = list(combinations(having, 2))
    signs = max(RESAMPLES, SIGNS_A_PAIR * len(pairs))
    return {(a, b): compare(results[a], results[b], metric.name, signs) for a, b in pairs}


def apart_by_test(compared: Compared, n: int) -> list[int]:
    """Return from which others each entry differs, by its place in ``n`` entries.

    Returns:
        a number an entry, whose bit of value 2 ** j is set if the Holm-adjusted p-value of the
        pair with entry j is at most :data:`SIGNIFICANCE`.
    """
    adjusted = holm([pair.p_value for pair in compared.values()])
    return _bits(n, [pair for pair, p in zip(compared, adjusted, strict=True) if p <= SIGNIFICANCE])


def apart_by_intervals(scores: Mapping[int, Score | PartScore], n: int) -> list[int]:
    """Return the same where there is nothing to pair: intervals have nothing in common.

    That is strict: of two means with intervals as long as each other it asks for 1.4 times the
    difference that a test of unpaired samples would, and of paired ones for more still.
    """
    found = []
    for (a, one), (b, other) in combinations(scores.items(), 2):
        if one.ci_low is None or one.ci_high is None:
            continue
        if other.ci_low is None or other.ci_high is None:
            continue
        if one.ci_high < other.ci_low or other.ci_high < one.ci_low:
            found.append((a, b))
    return _bits(n, found)


def _bits(n: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    bits = [0] * n
    for a, b in pairs:
        bits[a] |= 1 << b
        bits[b] |= 1 << a
    return bits
