"""Scores as tables for people."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

from vrs_bench.evaluation.scores import Bound, PartScore, Score, placed
from vrs_bench.metrics.catalogue import METRICS, shown_in
from vrs_bench.metrics.definition import Composed

Slices = Mapping[str, Mapping[str, Mapping[str, PartScore]]]
"""Kind of part → part → metric → score."""


def report(
    head: str,
    flags: Sequence[str],
    warnings: Sequence[str],
    scores: Mapping[str, Score],
    bounds: Mapping[str, Bound],
    slices: Slices,
    left_out: Mapping[str, str],
    confidence: float,
) -> str:
    """Return flags, warnings, then tables: scores by group, what does not apply, by part.

    Args:
        head: what was scored, in a line.
        flags: in what the predictions are worse than doing the obvious, a line each.
        warnings: a line each.
        scores, bounds: by metric.
        slices: scores by part; the metrics that are shown by part are in the tables.
        left_out: metric → why it has no score.
        confidence: of the intervals.
    """
    return "\n\n".join(
        [
            head,
            *_flags(flags),
            *_warnings(warnings),
            _scores(scores, bounds, confidence),
            *_left_out(left_out),
            *_by_part(slices),
        ]
    )


def _flags(flags: Sequence[str]) -> Iterable[str]:
    if flags:
        why = "stands below all entries that are not flagged, whatever its skill"
        yield "\n".join([*(f"FLAGGED: {flag}" for flag in flags), f"  {why}"])


def _warnings(warnings: Sequence[str]) -> Iterable[str]:
    if warnings:
        yield "\n".join(["Warnings:", *(f"  {warning}" for warning in warnings)])


def _scores(scores: Mapping[str, Score], bounds: Mapping[str, Bound], confidence: float) -> str:
    heads = ["metric", "mean", f"{confidence:.0%} interval", "unit", "better"]
    if bounds:
        heads += ["trivial", "truth", "between"]
    rows = []
    known = [name for name in METRICS if name in scores]
    for name in [*known, *(name for name in scores if name not in METRICS)]:
        score = scores[name]
        better = "↑ higher" if score.higher_is_better else "↓ lower"
        row = [name, _number(name, score.mean), _interval(score), score.unit, better]
        if name in bounds:
            bound, place = bounds[name], placed(score, bounds[name])
            row += [
                f"{bound.floor:.4g}",
                f"{bound.ceiling:.4g}",
                f"{place[0]:.3f}" if place else "–",
            ]
        rows.append(row)
    groups = [METRICS[name].group for name in known]
    ends = [i for i, group in enumerate(groups) if groups[i + 1 : i + 2] not in ([group], [])]
    return _table(heads, rows, left=(0, 3, 4), ends=ends)


def _left_out(left_out: Mapping[str, str]) -> Iterable[str]:
    """Say once for each reason which metrics do not apply."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(reason, []).append(name)
    lines = [f"  {', '.join(names)}: {reason}" for reason, names in by_reason.items()]
    if lines:
        yield "\n".join(["Not for this task:", *lines])


def _by_part(slices: Slices) -> Iterable[str]:
    for kind, parts in slices.items():
        names = [metric.name for metric in shown_in("parts")]
        shown = [name for name in names if any(name in of for of in parts.values())]
        rows = []
        for part, of in parts.items():
            scenes = max(score.n_scenes for score in of.values())
            cells = [_number(m, of[m].mean) if m in of else "–" for m in shown]
            rows.append([part, *cells, f"{scenes}"])
        yield _table([kind.replace("_", " "), *shown, "scenes"], rows, left=(0,))


def _interval(score: Score) -> str:
    if score.ci_low is None or score.ci_high is None:
        return "–"
    return " to ".join(_number(score.metric, end) for end in (score.ci_low, score.ci_high))


def _number(metric: str, value: float) -> str:
    """Return a value in four digits; of a skill, as many as tell it from 0 and from 1."""
    if metric in METRICS and isinstance(METRICS[metric].computed, Composed):
        return f"{value:.3f}"
    return f"{value:.4g}"


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    left: Sequence[int],
    ends: Sequence[int] = (),
) -> str:
    """Return a plain-text table; a rule follows the rows of ``ends``."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    for index, heading in enumerate(heads):
        table.add_column(heading, justify="left" if index in left else "right", no_wrap=True)
    for index, row in enumerate(rows):
        table.add_row(*row, end_section=index in ends)
    text = io.StringIO()
    Console(file=text, width=200, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())
