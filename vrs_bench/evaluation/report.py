"""A result as tables for people."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from vrs_bench.evaluation.result import PartScore, Result, Score
from vrs_bench.metrics.catalogue import GROUPS, METRICS

IN_SLICES = ("psnr", "ssim", "sam", "jaccard", "segmentation_miou")
"""Metrics that the tables by part show; the others are in the JSON."""


def report(result: Result) -> str:
    """Return the tables: scores by group, then by part."""
    head = (
        f"{result.task}, split {result.split} of '{result.recipe}', data "
        f"{result.dataset_digest[:12]}: {result.n_rows} rows, {result.n_scenes} scenes, "
        f"{result.clipped_values} values clipped"
    )
    if result.profile == "original":
        head += "; definitions of the original project"
    return "\n\n".join([head, _scores(result), *_slices(result)])


def _scores(result: Result) -> str:
    heads = ["metric", "mean", f"{result.confidence:.0%} interval", "unit", "better"]
    if result.bounds:
        heads += ["trivial", "truth", "between"]
    rows = []
    known = [name for name in METRICS if name in result.scores]
    for name in [*known, *(name for name in result.scores if name not in METRICS)]:
        score = result.scores[name]
        better = "↑ higher" if score.higher_is_better else "↓ lower"
        row = [name, f"{score.mean:.4g}", _interval(score), score.unit, better]
        if name in result.bounds:
            bound, place = result.bounds[name], result.normalised(name)
            row += [
                f"{bound.floor:.4g}",
                f"{bound.ceiling:.4g}",
                f"{place[0]:.3f}" if place else "–",
            ]
        rows.append(row)
    groups = [METRICS[name].group if name in METRICS else "" for name in known]
    ends = [i for i, group in enumerate(groups) if groups[i + 1 : i + 2] not in ([group], [])]
    return _table(heads, rows, left=(0, 3, 4), ends=ends if len(GROUPS) > 1 else [])


def _slices(result: Result) -> Iterable[str]:
    for kind, parts in result.slices.items():
        shown = [m for m in IN_SLICES if any(m in of for of in parts.values())]
        rows = []
        for part, of in parts.items():
            scenes = max(score.n_scenes for score in of.values())
            cells = [f"{of[m].mean:.4g}" if m in of else "–" for m in shown]
            rows.append([part, *cells, f"{scenes}"])
        yield _table([kind.replace("_", " "), *shown, "scenes"], rows, left=(0,))


def _interval(score: Score | PartScore) -> str:
    if score.ci_low is None or score.ci_high is None:
        return "–"
    return f"{score.ci_low:.4g} to {score.ci_high:.4g}"


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
    Console(file=text, width=120, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())
