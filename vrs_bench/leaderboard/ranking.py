"""Ranking: entries of one board in the order of the headline metric, with statistical ties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vrs_bench.errors import BenchError
from vrs_bench.evaluation import compare
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
    """(rank, entry) of those whose predictions were scored again, best first; entries not told
    apart from their leader share its rank."""
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
    rank, which is its place in the list.

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
        if leader is None or (
            compare(leader.result, entry.result, headline).p_value < SIGNIFICANCE
        ):
            leader, shared = entry, place
        ranked.append((shared, entry))
    return ranked
