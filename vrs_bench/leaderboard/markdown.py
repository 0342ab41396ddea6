"""Leaderboard tables in Markdown, kept between markers of a page that people write."""

from __future__ import annotations

import html
import re
from pathlib import Path

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.result import Score
from vrs_bench.leaderboard.ranking import Board
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import VERSION, Metric
from vrs_bench.paths import write_text
from vrs_bench.tasks import TASKS

BESIDE = (
    "psnr",
    "ssim",
    "sam",
    "feature_distance",
    "segmentation_ratio",
    "cell_accuracy",
    "through_sensor_rmse",
    "hallucination",
)
"""Metrics that stand beside the headline."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")


def escape(text: str) -> str:
    """Return text that Markdown and HTML show as it stands, on one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def board_table(board: Board) -> str:
    """Return a board as a Markdown table: the headline with interval, then what stands beside it.

    Columns are those of :data:`BESIDE` that any entry has; the entries' files hold all scores.
    """
    headline = TASKS[board.task].headline
    entries = [entry for _, entry in board.ranked]
    beside = [m for m in BESIDE if any(m in entry.result.scores for entry in entries)]
    columns = [headline, *(metric for metric in beside if metric != headline)]
    heads = [_heading(METRICS[metric]) for metric in columns]
    head = ["rank", "method", heads[0], "trivial 0 … truth 1", *heads[1:], "date"]
    lines = [_line(head), _line(["---"] * len(head))]
    for place, entry in board.ranked:
        scores, between = entry.result.scores, entry.result.normalised(headline)
        cells = [_cell(scores.get(metric), metric == headline) for metric in columns]
        cells.insert(1, "–" if between is None else f"{between[0]:.3f}")
        name = escape(entry.name)
        if entry.url or entry.code:
            name = f"[{name}]({entry.url or entry.code})"
        lines.append(_line([str(place), name, *cells, entry.date.isoformat()]))
    result = entries[0].result
    return "\n".join(
        [
            f"Size {escape(board.recipe)}, split {escape(board.split)}: {result.n_scenes} scenes, "
            f"{result.n_rows} rows, data `{board.dataset_digest[:12]}`. Equal rank: not told apart "
            f"from the leader of that rank by a paired bootstrap over scenes (p ≥ 0.05).",
            "",
            *lines,
        ]
    )


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(metric: Metric) -> str:
    arrow = "↑" if metric.higher_is_better else "↓"
    unit = f" ({escape(metric.unit)})" if metric.unit else ""
    return f"{escape(metric.label)}{unit} {arrow}"


def _cell(score: Score | None, with_interval: bool) -> str:
    if score is None:
        return "–"
    if with_interval and score.ci_low is not None and score.ci_high is not None:
        return f"**{score.mean:.4g}** [{score.ci_low:.4g}, {score.ci_high:.4g}]"
    return f"{score.mean:.4g}"


def definitions_table() -> str:
    """Return what every metric is, in words, as a Markdown table."""
    lines = [_line(["metric", "group", "unit", "better", "definition"]), _line(["---"] * 5)]
    for metric in METRICS.values():
        better = "higher" if metric.higher_is_better else "lower"
        words = metric.definition.replace("|", "\\|")
        name = f"**{metric.label}** `{metric.name}`"
        lines.append(_line([name, metric.group, metric.unit, better, words]))
    return "\n".join([f"Definitions, version {VERSION}.", "", *lines])


def update_page(path: str | Path, boards: list[Board]) -> None:
    """Write the tables of all boards, and the definitions, between their markers in a page.

    The markers are ``<!-- leaderboard:TASK -->`` and ``<!-- /leaderboard:TASK -->``, and the same
    with ``metrics``. What has no markers gets a section at the end; a missing page is made. All
    else in the page stays as it is.

    Raises:
        BenchError: an opening marker has no closing one after it.
    """
    path = Path(path)
    try:
        page = path.read_bytes().decode("utf-8") if path.exists() else "# Leaderboard\n"
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: is not UTF-8 text ({error}); give another --page") from error
    for task in dict.fromkeys(board.task for board in boards):
        tables = "\n\n".join(board_table(board) for board in boards if board.task == task)
        page = _with_section(path, page, f"leaderboard:{task}", TASKS[task].title, tables)
    page = _with_section(path, page, "metrics", "Metrics", definitions_table())
    write_text(path, page)


def _with_section(path: Path, page: str, marker: str, title: str, content: str) -> str:
    """Return the page with the content between the markers of that name."""
    start, stop = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    if start not in page:
        page = f"{page.rstrip()}\n\n## {title}\n\n{start}\n{stop}\n"
    before, _, rest = page.partition(start)
    inside, found, after = rest.partition(stop)
    if not found or start in inside:
        raise BenchError(f"{path}: '{start}' is not followed by '{stop}'")
    return f"{before}{start}\n{content}\n{stop}{after}"
