"""What every metric is, in words, for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from vrs_bench.markdown import markdown_table
from vrs_bench.metrics.definition import Metric

_HEADS = ("metric", "version", "group", "per", "unit", "better", "needs", "definition")


def definitions_table(metrics: Iterable[Metric]) -> str:
    """Return what metrics are, as a Markdown table."""
    rows = []
    for metric in metrics:
        needs = sorted(metric.needs) + [f"band {band}" for band in sorted(metric.bands)]
        rows.append(
            [
                f"**{metric.label}** `{metric.name}`",
                metric.version,
                metric.group,
                metric.scope,
                metric.unit,
                "higher" if metric.higher_is_better else "lower",
                ", ".join(needs),
                metric.definition.replace("|", "\\|"),
            ]
        )
    return markdown_table(_HEADS, rows)


def described(metric: Metric) -> dict[str, Any]:
    """Return what a metric is as a plain dict; a limit that there is not is None."""
    return {
        "name": metric.name,
        "label": metric.label,
        "version": metric.version,
        "group": metric.group,
        "per": metric.scope,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "low": _limit(metric.low),
        "high": _limit(metric.high),
        "scale_end": _limit(metric.scale_end),
        "needs": sorted(metric.needs),
        "bands": sorted(metric.bands),
        "ratios": sorted(metric.ratios),
        "definition": metric.definition,
    }


def _limit(value: float) -> float | None:
    return value if math.isfinite(value) else None
