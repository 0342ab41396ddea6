"""What the pages of boards show: entries in their places, and where their pages are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vrs_bench.evaluation.scores import Score
from vrs_bench.leaderboard.markdown import current
from vrs_bench.leaderboard.ranking import Board, Rank
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.site.charts import Bar, bar
from vrs_bench.tasks import TASKS


@dataclass(frozen=True)
class Row:
    """One entry in a table."""

    place: int
    """In the order of the board, from 0."""
    rank: Rank | None
    """None of a claimed entry."""
    entry: Submission
    path: str
    """Of its page."""
    scores: dict[str, Score]
    """Those that are by today's definitions."""
    bars: dict[str, Bar]
    """Of the skills."""


@dataclass(frozen=True)
class View:
    """A board, and where its pages are."""

    board: Board
    folder: str
    ranked: tuple[Row, ...]
    claimed: tuple[Row, ...]

    @property
    def title(self) -> str:
        """The task and the size, and the split where it is not the usual one."""
        split = "" if self.board.split == "test" else f", split {self.board.split}"
        return f"{TASKS[self.board.task].title}, size {self.board.recipe}{split}"


def entry_path(entry: Submission) -> str:
    """Return the path of an entry's page."""
    return f"entries/{entry.key}.html"


def views(boards: Sequence[Board]) -> list[View]:
    """Give every board a folder: its task and size, and what else tells it from others."""
    names = [f"{b.task}-{b.recipe}" + ("" if b.split == "test" else f"-{b.split}") for b in boards]
    return [
        View(
            board,
            f"boards/{name if names.count(name) == 1 else f'{name}-{board.dataset_digest[:8]}'}",
            tuple(_row(n, rank, entry) for n, (rank, entry) in enumerate(board.ranked)),
            tuple(_row(n, None, entry) for n, entry in enumerate(board.claimed)),
        )
        for board, name in zip(boards, names, strict=True)
    ]


def _row(place: int, rank: Rank | None, entry: Submission) -> Row:
    scores = {
        name: score
        for name, metric in METRICS.items()
        if (score := current(entry.result, metric)) is not None
    }
    bars = {
        name: bar(score.mean, score.ci_low, score.ci_high)
        for name, score in scores.items()
        if METRICS[name].group == "skill"
    }
    return Row(place, rank, entry, entry_path(entry), scores, bars)
