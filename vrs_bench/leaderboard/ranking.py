"""Ranking: entries of one board by the headline metric, each between a best and a worst place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, compare
from vrs_bench.evaluation.paired import holm
from vrs_bench.evaluation.statistics import RESAMPLES
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.tasks import TASKS

SIGNIFICANCE = 0.05

SIGNS_A_PAIR = 100
"""Choices of signs that a board tries for each of its pairs, so that its least adjusted p-value,
2 / 100, is below the significance."""


@dataclass(frozen=True)
class Rank:
    """Between which places an entry stands, as far as its scenes tell."""

    best: int
    """1 + entries that beat it."""
    worst: int
    """All entries - those that it beats."""

    def __str__(self) -> str:
        """Return one place, or the first and the last."""
        return f"{self.best}" if self.best == self.worst else f"{self.best}–{self.worst}"


@dataclass(frozen=True)
class Board:
    """Entries that can be compared: same task, same split of the same data."""

    task: str
    recipe: str
    split: str
    dataset_digest: str
    ranked: tuple[tuple[Rank, Submission], ...]
    """(rank, entry) of those whose predictions were scored again, best mean first."""
    claimed: tuple[Submission, ...] = ()
    """Entries that stand on the word of their authors, by name: they have no rank."""


def boards(entries: Iterable[Submission]) -> list[Board]:
    """Sort entries into boards, in the order of the tasks and then of the data.

    Of each board those are ranked whose predictions were scored again; the others stand apart.
    """
    groups: dict[tuple[int, str, str, str], list[Submission]] = {}
    order = list(TASKS)
    for entry in entries:
        result = entry.result
        key = (order.index(result.task), result.recipe, result.split, result.dataset_digest)
        groups.setdefault(key, []).append(entry)
    for group in groups.values():
        _check_scenes(group)
    return [_board(groups[key]) for key in sorted(groups)]


def _board(entries: list[Submission]) -> Board:
    """Return the board of entries of the same data: the verified ones ranked, the others apart."""
    verified = [entry for entry in entries if entry.state != "claimed"]
    claimed = [entry for entry in entries if entry.state == "claimed"]
    of = entries[0].result
    return Board(
        of.task,
        of.recipe,
        of.split,
        of.dataset_digest,
        tuple(rank(verified)) if verified else (),
        tuple(sorted(claimed, key=lambda entry: entry.slug)),
    )


def _check_scenes(entries: list[Submission]) -> None:
    """Check that the entries of a board are of the same scenes, as their data is the same."""
    headline = TASKS[entries[0].result.task].headline
    first, *others = entries
    for entry in others:
        if _skills(entry.result) != _skills(first.result):
            raise BenchError(
                f"the skills of '{first.name}' and '{entry.name}' are made of other scores "
                f"({', '.join(sorted(_skills(entry.result) ^ _skills(first.result)))}); score them "
                f"again, by the same readers and groups"
            )
        if entry.result.scores[headline].per_scene.keys() != (
            first.result.scores[headline].per_scene.keys()
        ):
            raise BenchError(
                f"the entries '{first.name}' and '{entry.name}' of {first.result.task} say that "
                f"they are of the same data, yet their scenes differ; score them again"
            )


def _skills(result: Result) -> set[str]:
    """Return what the skill of an entry is made of."""
    return {name for name in result.scores if METRICS[name].in_skill}


def rank(entries: list[Submission]) -> list[tuple[Rank, Submission]]:
    """Rank the entries of one board by the headline metric of their task.

    Every pair is compared by a sign-flip test over scenes, see
    :func:`vrs_bench.evaluation.paired.paired_test`. An entry beats another if it is better and
    the p-value, Holm-adjusted for all tested pairs of the board, is at most
    :data:`SIGNIFICANCE`: then 1 in 20 boards of equal entries has one that beats another. Entries
    with flags stand below all that have none, without a test. On a private split, see
    :func:`_p_value`.

    Returns:
        (rank, entry) pairs, best mean first; equal means in the order of their file names.
    """
    headline = TASKS[entries[0].result.task].headline
    higher = entries[0].result.scores[headline].higher_is_better

    def order(entry: Submission) -> tuple[bool, float, str]:
        mean = entry.result.scores[headline].mean
        return (bool(entry.result.flags), -mean if higher else mean, entry.slug)

    ordered = sorted(entries, key=order)
    n = len(ordered)
    pairs = tested_pairs(ordered)
    signs = max(RESAMPLES, SIGNS_A_PAIR * len(pairs))
    adjusted = holm(
        [_p_value(ordered[a].result, ordered[b].result, headline, signs) for a, b in pairs]
    )
    beaten_by, beats = [0] * n, [0] * n
    for better, worse in combinations(range(n), 2):
        if bool(ordered[better].result.flags) != bool(ordered[worse].result.flags):
            beats[better] += 1
            beaten_by[worse] += 1
    for (better, worse), p_value in zip(pairs, adjusted, strict=True):
        if p_value <= SIGNIFICANCE:
            beats[better] += 1
            beaten_by[worse] += 1
    return [
        (Rank(1 + lost, n - won), entry)
        for entry, lost, won in zip(ordered, beaten_by, beats, strict=True)
    ]


def tested_pairs(entries: Sequence[Submission]) -> list[tuple[int, int]]:
    """Return the pairs of entries that are compared by a test: a flag decides without one."""
    return [
        (a, b)
        for a, b in combinations(range(len(entries)), 2)
        if bool(entries[a].result.flags) == bool(entries[b].result.flags)
    ]


def _p_value(first: Result, second: Result, metric: str, signs: int) -> float:
    """Return how likely a difference is by chance.

    Of a private split no scores by scene are published, so nothing can be paired: entries are told
    apart (0) if their intervals have nothing in common, else not (1). That is strict: of equal
    entries with intervals as long as each other, fewer than 1 in 100 pairs are told apart.
    """
    if first.split != "private":
        return compare(first, second, metric, signs).p_value
    a, b = first.scores[metric], second.scores[metric]
    if None in (a.ci_low, a.ci_high, b.ci_low, b.ci_high):  # of one scene
        return 1.0
    return float(a.ci_low <= b.ci_high and b.ci_low <= a.ci_high)  # type: ignore[operator]
