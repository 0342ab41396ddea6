"""All metrics: the one list that the judge, tables, pictures, bounds and pages iterate over."""

from __future__ import annotations

import copyreg

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.metrics import (
    agreement,
    complex_wavelet,
    correctness,
    frames,
    gradients,
    haar,
    land_cover,
    multi_scale,
    net_improvement,
    original_definitions,
    skill,
    sliced,
    through_sensor,
)
from vrs_bench.metrics.definition import Group, Metric, Place

GROUPS: tuple[Group, ...] = ("distortion", "perceptual", "downstream", "consistency")
"""The groups of metrics, in the order in which they are shown."""

_MODULES = (
    skill,
    sliced,
    multi_scale,
    gradients,
    haar,
    complex_wavelet,
    frames,
    agreement,
    land_cover,
    through_sensor,
    net_improvement,
    correctness,
    original_definitions,
)

METRICS: dict[str, Metric] = {
    metric.name: metric for module in _MODULES for metric in module.METRICS
}
"""Name → metric, in the order of the groups."""


def get_metric(name: str) -> Metric:
    """Return a metric by name.

    Raises:
        BenchError: no such metric in this process.
    """
    if name not in METRICS:
        raise BenchError(f"unknown metric '{name}'{did_you_mean(name, METRICS)}")
    return METRICS[name]


# By name they get to other processes; the functions that they hold would not.
copyreg.pickle(Metric, lambda metric: (get_metric, (metric.name,)))


def shown_in(place: Place) -> list[Metric]:
    """Return the metrics that are shown in a place, in the order of the groups."""
    return [metric for metric in METRICS.values() if place in metric.shown]
