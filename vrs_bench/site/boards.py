"""The pages of one board: its table, scorecards, agreement of metrics, cost, and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vrs_bench.evaluation.scores import PartScore, Score
from vrs_bench.leaderboard.markdown import caution, robustness_note
from vrs_bench.leaderboard.ranking import SIGNIFICANCE
from vrs_bench.leaderboard.robustness import compared, is_repeated, mean_of
from vrs_bench.metrics.catalogue import METRICS, shown_in
from vrs_bench.metrics.definition import Metric
from vrs_bench.site.charts import Point, scatter
from vrs_bench.site.orders import ENOUGH, agreement
from vrs_bench.site.pages import Files, page
from vrs_bench.site.pairs import Compared, all_pairs, apart_by_intervals, apart_by_test
from vrs_bench.site.views import Row, View
from vrs_bench.tasks import TASKS

MOST = 30
"""Entries of a board whose pairs are compared, the best: pages grow with the square of it."""

KINDS = {
    "land_cover": "land cover",
    "position": "border or interior of fields",
    "cloud": "cloud transmittance",
    "time_step": "date (time step)",
}


def board_pages(view: View, curves: str | None, common: dict[str, Any]) -> Files:
    """Return the pages of a board.

    Args:
        view: the board.
        curves: path of the response curves of its task and size, if there are any.
        common: what every page shows, navigation above all.
    """
    rows = view.ranked[:MOST]
    results = [row.entry.result for row in rows]
    beside = [m for m in shown_in("board") if _anybody_has(m, (*view.ranked, *view.claimed))]
    parts = [m for m in shown_in("parts") if _anybody_has(m, rows)]
    compared = {m.name: all_pairs(results, m) for m in dict.fromkeys((*beside, *parts))}
    scorecards = {m: f"{view.folder}/scorecard-{m.name}.html" for m in parts if len(rows) > 1}
    shared = {
        **common,
        "view": view,
        "headline": METRICS[TASKS[view.board.task].headline],
        "scorecards": scorecards,
        "several": len(rows) > 1,
        "curves": curves,
    }
    files = {f"{view.folder}/index.html": _table(view, beside, shared)}
    for metric, path in scorecards.items():
        files[path] = _scorecard(path, view, rows, metric, compared[metric.name], shared)
    if len(rows) > 1:
        files[f"{view.folder}/metrics.html"] = _metrics(view, beside, shared)
        files[f"{view.folder}/cost.html"] = _cost(view, shared)
        files[f"{view.folder}/compare.html"] = _compare(view, rows, beside, compared, shared)
    return files


def _anybody_has(metric: Metric, rows: Sequence[Row]) -> bool:
    return any(metric.name in row.scores for row in rows)


def _table(view: View, beside: Sequence[Metric], shared: dict[str, Any]) -> bytes:
    rows = (*view.ranked, *view.claimed)
    knobs, answers = compared(*([row.entry for row in of] for of in (view.ranked, view.claimed)))
    inputs = sorted({name for row in rows for name in row.entry.provenance.inputs} if rows else ())
    return page(
        f"{view.folder}/index.html",
        "board",
        view.title,
        result=rows[0].entry.result,
        skills=[m for m in beside if m.group == "skill"],
        metrics=[m for m in beside if m.group != "skill"],
        groups=list(dict.fromkeys(m.group for m in beside if m.group != "skill")),
        inputs=inputs,
        caution=caution(view.board),
        knobs=knobs,
        answers={key: (mean_of(of), is_repeated(of)) for key, of in answers.items()},
        robustness_note=robustness_note(knobs),
        significance=SIGNIFICANCE,
        **shared,
    )


def _scorecard(
    path: str,
    view: View,
    rows: Sequence[Row],
    metric: Metric,
    compared: Compared,
    shared: dict[str, Any],
) -> bytes:
    """Return methods × parts by one metric, with what tells each cell from those above it."""
    n = len(rows)
    overall: dict[int, Score | PartScore] = {
        row.place: row.scores[metric.name] for row in rows if metric.name in row.scores
    }
    apart = apart_by_test(compared, n) if compared else apart_by_intervals(overall, n)
    tables = [("overall", [("all", overall, apart)])]
    for kind, title in KINDS.items():
        of_kind: dict[str, dict[int, Score | PartScore]] = {}
        for row in rows:
            if metric.name not in row.scores:
                continue
            for part, scores in row.entry.result.slices.get(kind, {}).items():
                if metric.name in scores:
                    of_kind.setdefault(part, {})[row.place] = scores[metric.name]
        if of_kind:
            columns = [(p, s, apart_by_intervals(s, n)) for p, s in of_kind.items()]
            tables.append((title, columns))
    return page(
        path,
        "scorecard",
        f"Scorecard: {view.title}, {metric.label}",
        rows=rows,
        metric=metric,
        tables=tables,
        tested=bool(compared),
        significance=SIGNIFICANCE,
        **shared,
    )


def _metrics(view: View, beside: Sequence[Metric], shared: dict[str, Any]) -> bytes:
    """Return how far metrics agree on the order of entries, and all scores to draw."""
    rows = view.ranked
    having = [m for m in METRICS.values() if _anybody_has(m, rows)]
    matrix = []
    for one in beside:
        line = []
        for other in beside:
            both = [r for r in rows if one.name in r.scores and other.name in r.scores]
            line.append(agreement(*([_upwards(r, m) for r in both] for m in (one, other))))
        matrix.append((one, line))
    y = METRICS[TASKS[view.board.task].headline]
    x = next((m for m in having if m.group != "skill" and m is not y), y)
    points = [
        Point(row.entry.name, row.scores[x.name].mean, row.scores[y.name].mean)
        for row in rows
        if x.name in row.scores and y.name in row.scores
    ]
    return page(
        f"{view.folder}/metrics.html",
        "agreement",
        f"Do the metrics agree? {view.title}",
        rows=rows,
        metrics=having,
        beside=beside,
        matrix=matrix,
        enough=ENOUGH,
        x=x,
        y=y,
        drawing=scatter(points, _axis(x), _axis(y)) if points else None,
        axis=_axis,
        **shared,
    )


def _upwards(row: Row, metric: Metric) -> float:
    mean = row.scores[metric.name].mean
    return mean if metric.higher_is_better else -mean


def _axis(metric: Metric) -> str:
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.label}{unit}, {'higher' if metric.higher_is_better else 'lower'} is better"


def _cost(view: View, shared: dict[str, Any]) -> bytes:
    """Return the headline against what a method took, of those entries that say it."""
    headline = METRICS[TASKS[view.board.task].headline]
    drawings = []
    for field, label in (
        ("parameters", "trained parameters, logarithmic"),
        ("hours", "hours of training, logarithmic; each on hardware of its own"),
    ):
        points = []
        for row in view.ranked:
            cost, score = getattr(row.entry.provenance, field), row.scores[headline.name]
            if cost is not None:
                points.append(
                    Point(row.entry.name, float(cost), score.mean, score.ci_low, score.ci_high)
                )
        drawing = scatter(points, label, headline.label, log_x=True) if points else None
        drawings.append((field, drawing, len(view.ranked) - len(points)))
    return page(
        f"{view.folder}/cost.html",
        "cost",
        f"Cost against {headline.label}: {view.title}",
        drawings=drawings,
        **shared,
    )


def _compare(
    view: View,
    rows: Sequence[Row],
    beside: Sequence[Metric],
    compared: dict[str, Compared],
    shared: dict[str, Any],
) -> bytes:
    """Return a page on which a reader chooses two entries; the numbers are in it."""
    tested = [m for m in beside if compared[m.name]]

    def short(value: float | None) -> float | None:
        return None if value is None else float(f"{value:.4g}")

    pairs = {
        f"{a},{b}": [
            [short(p.difference), short(p.ci_low), short(p.ci_high), short(p.p_value)]
            if (p := compared[m.name].get((a, b)))
            else None
            for m in tested
        ]
        for a in range(len(rows))
        for b in range(a + 1, len(rows))
    }
    data = {
        "means": [
            [short(row.scores[m.name].mean) if m.name in row.scores else None for m in tested]
            for row in rows
        ],
        "metrics": [[m.label, m.unit, m.higher_is_better] for m in tested],
        "pairs": pairs,
        "significance": SIGNIFICANCE,
    }
    return page(
        f"{view.folder}/compare.html",
        "compare",
        f"Compare two entries: {view.title}",
        rows=rows,
        most=MOST,
        data=data,
        **shared,
    )
