"""Leaderboard tables in Markdown, kept between markers of a page that people write."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, Score
from vrs_bench.leaderboard.ranking import SIGNIFICANCE, Board, tested_pairs
from vrs_bench.leaderboard.robustness import Answers, compared, is_repeated, mean_of
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.markdown import markdown_table
from vrs_bench.metrics.catalogue import METRICS, shown_in
from vrs_bench.metrics.definition import Composed, Metric
from vrs_bench.metrics.description import definitions_table
from vrs_bench.paths import write_text
from vrs_bench.tasks import TASKS

ENOUGH_SCENES = 30
"""Boards of fewer scenes say that their ranks are indicative."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")


def escape(text: str) -> str:
    """Return text that Markdown and HTML show as it stands, on one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def board_table(board: Board) -> str:
    """Return a board as a Markdown table: the headline with interval, then what stands beside it.

    Beside it stand those metrics that are shown on boards and that any entry has, as they are
    defined now: a score that an entry lacks, or has by an older definition, is a dash. Behind the
    name of an entry that is worse than doing the obvious it says so. The entries' files hold all
    scores. Claimed entries are listed below, without a rank.
    """
    headline = TASKS[board.task].headline
    entries = [entry for _, entry in board.ranked]
    beside = [
        metric
        for metric in shown_in("board")
        if metric.name != headline and any(current(entry.result, metric) for entry in entries)
    ]
    columns = [METRICS[headline], *beside]
    heads = [_heading(metric) for metric in columns]
    # Skill itself says where a method stands between the two.
    scaled = not isinstance(METRICS[headline].computed, Composed)
    if scaled:
        heads.insert(1, "trivial 0 … truth 1")
    knobs, answers = compared(entries)
    robust = ["robustness ↑"] if knobs else []
    head = ["rank", "method", *heads, *robust, "parameters", "hours", "date"]
    rows = []
    for place, entry in board.ranked:
        cells = [_cell(current(entry.result, m), m.name == headline) for m in columns]
        if scaled:
            between = entry.result.normalised(headline)
            cells.insert(1, "–" if between is None else f"{between[0]:.3f}")
        name = _linked_name(entry) + _flagged(entry)
        made = entry.provenance
        parameters = "–" if made.parameters is None else f"{made.parameters:,}"
        hours = "–" if made.hours is None else f"{made.hours:.2g}"
        cells += [_robustness(answers.get(entry.key))] if knobs else []
        rows.append([str(place), name, *cells, parameters, hours, entry.date.isoformat()])
    result = (*entries, *board.claimed)[0].result
    return "\n".join(
        [
            f"Size {escape(board.recipe)}, split {escape(board.split)}: {result.n_scenes} scenes, "
            f"{result.n_rows} rows, data `{board.dataset_digest[:12]}`. Rank: 1 + the entries that "
            f"beat it – all entries less those that it beats, by sign-flip tests of every pair "
            f"over scenes (Holm-adjusted p ≤ {SIGNIFICANCE}).{caution(board)}",
            "",
            markdown_table(head, rows) if rows else "No entry is verified yet.",
            *(["", robustness_note(knobs)] if knobs else []),
            *_claims(board),
        ]
    )


def robustness_note(knobs: Sequence[str]) -> str:
    """Say what the column of robustness is."""
    return (
        f"Robustness: skill, mean over the doses of a knob and over the knobs "
        f"{', '.join(knobs)}; floor and truth are measured again at every dose. In brackets: not "
        f"swept again by others. A dash: not swept, or over other doses or scenes."
    )


def _robustness(answers: Answers | None) -> str:
    if answers is None:
        return "–"
    text = f"{round(mean_of(answers), 3) + 0.0:.3f}"  # no minus before a zero
    return text if is_repeated(answers) else f"({text})"


def caution(board: Board) -> str:
    """Say what few scenes can tell, and what not."""
    entries = len(board.ranked)
    scenes = board.ranked[0][1].result.n_scenes if entries else ENOUGH_SCENES
    if scenes >= ENOUGH_SCENES:
        return ""
    caution = f" Ranks are indicative: fewer than {ENOUGH_SCENES} scenes"
    pairs = len(tested_pairs([entry for _, entry in board.ranked]))
    if pairs * 2 / 2**scenes > SIGNIFICANCE:  # the least p-value of a pair, adjusted
        caution += f"; {scenes} can't tell any two of {entries} entries apart"
    return f"{caution}."


def _linked_name(entry: Submission) -> str:
    """Return the name of an entry, with the link that it has."""
    name, link = escape(entry.name), entry.url or entry.code
    return f"[{name}]({link})" if link else name


def _flagged(entry: Submission) -> str:
    """Say after a name why the entry stands below all others."""
    flags = "; ".join(map(escape, entry.result.flags))
    return f" (**flagged**: {flags})" if flags else ""


def _claims(board: Board) -> list[str]:
    """Return the lines that list the claimed entries; none where there are none."""
    if not board.claimed:
        return []
    headline = METRICS[TASKS[board.task].headline]
    lines = [
        f"- {_linked_name(entry)}{_flagged(entry)}: {escape(headline.label)} "
        f"{entry.result.scores[headline.name].mean:.4g}, {entry.date.isoformat()}"
        for entry in board.claimed
    ]
    words = "Claimed by their authors and not scored again from the predictions, so without a rank:"
    return ["", words, "", *lines]


def _heading(metric: Metric) -> str:
    arrow = "↑" if metric.higher_is_better else "↓"
    unit = f" ({escape(metric.unit)})" if metric.unit else ""
    return f"{escape(metric.label)}{unit} {arrow}"


def current(result: Result, metric: Metric) -> Score | None:
    """Return the score of a metric if the result has it as it is defined now."""
    score = result.scores.get(metric.name)
    return score if score is not None and score.version == metric.version else None


def _cell(score: Score | None, with_interval: bool) -> str:
    if score is None:
        return "–"
    if with_interval and score.ci_low is not None and score.ci_high is not None:
        return f"**{score.mean:.4g}** [{score.ci_low:.4g}, {score.ci_high:.4g}]"
    return f"{score.mean:.4g}"


def update_page(path: str | Path, boards: list[Board]) -> None:
    """Write the tables of all boards, and the definitions, between their markers in a page.

    The markers are ``leaderboard:TASK`` and ``metrics``, see :func:`update_sections`.
    """
    sections = []
    for task in dict.fromkeys(board.task for board in boards):
        tables = "\n\n".join(board_table(board) for board in boards if board.task == task)
        sections.append((f"leaderboard:{task}", TASKS[task].title, tables))
    update_sections(path, [*sections, ("metrics", "Metrics", definitions_table(METRICS.values()))])


def update_sections(path: str | Path, sections: Iterable[tuple[str, str, str]]) -> None:
    """Write texts between their markers in a page.

    The markers are ``<!-- MARKER -->`` and ``<!-- /MARKER -->``. What has none gets a section at
    the end; a missing page is made. All else in the page stays as it is.

    Args:
        path: the page.
        sections: (marker, title of a new section, text).

    Raises:
        BenchError: an opening marker has no closing one after it, or the page is no text.
    """
    path = Path(path)
    try:
        page = path.read_bytes().decode("utf-8") if path.exists() else "# Leaderboard\n"
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: is not UTF-8 text ({error}); give another --page") from error
    for marker, title, text in sections:
        page = _with_section(path, page, marker, title, text)
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
