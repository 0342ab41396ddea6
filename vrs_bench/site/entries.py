"""The page of one entry: what it is, its scores, confusion, and scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vrs_bench.evaluation.scores import placed
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.shifts.knobs import KNOBS
from vrs_bench.site.pages import page
from vrs_bench.site.strips import ERROR_SCALE, Strip
from vrs_bench.site.views import Row, View
from vrs_bench.world.landcover import class_names


def entry_page(view: View, row: Row, strips: Sequence[Strip], common: dict[str, Any]) -> bytes:
    """Return the page of an entry.

    Args:
        view: the board that it is on.
        row: the entry.
        strips: pictures of its scenes; empty where there are none.
        common: what every page shows.
    """
    result = row.entry.result
    scores = [
        (METRICS[name], score, bound, placed(score, bound))
        for name, score in row.scores.items()
        for bound in [result.bounds.get(name)]
    ]
    return page(
        row.path,
        "entry",
        row.entry.name,
        view=view,
        row=row,
        entry=row.entry,
        scores=scores,
        older=sorted(result.scores.keys() - row.scores.keys()),
        strips=strips,
        units={name: knob.unit for name, knob in KNOBS.items() if knob.unit},
        error_scale=ERROR_SCALE,
        classes=class_names()[1:],
        confusion=[_shares(source, counts) for source, counts in result.confusion.items()],
        **common,
    )


def _shares(
    source: str, counts: Sequence[Sequence[int]]
) -> tuple[str, int, list[tuple[str, list[float]]]]:
    """Return what a reader is called, the pixels in all, and by true class the shares found."""
    lines = [[n / max(1, sum(line)) for n in line] for line in counts]
    title = source.replace("_truth", ", on the truth").replace("_", " ")
    return title, sum(map(sum, counts)), list(zip(class_names()[1:], lines, strict=True))
