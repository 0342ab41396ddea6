"""Ranking: entries of one board in the order of the headline metric, with statistical ties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, compare
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.tasks import TASKS

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Board:
    """Entries that can be compared: same task, same split of the same data."""

    task: str
    recipe: str
    split: str
    dataset_digest: str
    ranked: tuple[tuple[int, Submission], ...]
    """(rank, entry), best first; entries not told apart from their leader share its rank."""


def boards(entries: Iterable[Submission]) -> list[Board]:
    """Sort entries into boards and rank each, in the order of the tasks and then of the data."""
    groups: dict[tuple[int, str, str, str], list[Submission]] = {}
    order = list(TASKS)
    for entry in entries:
        result = entry.result
        key = (order.index(result.task), result.recipe, result.split, result.dataset_digest)
        groups.setdefault(key, []).append(entry)
    for group in groups.values():
        _check_scenes(group)
    return [
        Board(order[task], recipe, split, digest, tuple(rank(groups[task, recipe, split, digest])))
        for task, recipe, split, digest in sorted(groups)
    ]


def _check_scenes(entries: list[Submission]) -> None:
    """Check that the entries of a board are of the same scenes, as their data is the same."""
    headline = TASKS[entries[0].result.task].headline
    first, *others = entries
    for entry in others:
        if entry.result.scores[headline].per_scene.keys() != (
            first.result.scores[headline].per_scene.keys()
        ):
            raise BenchError(
                f"the entries '{first.name}' and '{entry.name}' of {first.result.task} say that "
                f"they are of the same data, yet their scenes differ; score them again"
            )


def rank(entries: list[Submission]) -> list[tuple[int, Submission]]:
    """Rank the entries of one board by the headline metric of their task.

    The best mean leads. An entry shares the rank of the leader above it unless the leader is
    better in a paired bootstrap over scenes (p < 0.05); the first that is worse leads the next
    rank, which is its place in the list. On a private split, see :func:`_p_value`.

    Returns:
        (rank, entry) pairs, best mean first; ranks start at 1.
    """
    headline = TASKS[entries[0].result.task].headline
    higher = entries[0].result.scores[headline].higher_is_better

    def order(entry: Submission) -> tuple[float, str]:
        mean = entry.result.scores[headline].mean
        return (-mean if higher else mean, entry.slug)

    ranked: list[tuple[int, Submission]] = []
    leader = None
    for place, entry in enumerate(sorted(entries, key=order), start=1):
        if leader is None or _p_value(leader.result, entry.result, headline) < SIGNIFICANCE:
            leader, shared = entry, place
        ranked.append((shared, entry))
    return ranked


def _p_value(first: Result, second: Result, metric: str) -> float:
    """Return how likely a difference is by chance.

    Of a private split no scores by scene are published, so nothing can be paired: entries are told
    apart (0) if their intervals have nothing in common, else not (1). That is strict: of equal
    entries with intervals as long as each other, fewer than 1 in 100 pairs are told apart.
    """
    if first.split != "private":
        return compare(first, second, metric).p_value
    a, b = first.scores[metric], second.scores[metric]
    if None in (a.ci_low, a.ci_high, b.ci_low, b.ci_high):  # of one scene
        return 1.0
    return float(a.ci_low <= b.ci_high and b.ci_low <= a.ci_high)  # type: ignore[operator]
