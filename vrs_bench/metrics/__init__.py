"""Scores of a prediction against the truth: functions on arrays, and one object for each metric.

The functions are pure, and every definition is fixed: range, window, units, reduction, edge rules.
A :class:`~vrs_bench.metrics.definition.Metric` holds all that the package knows of one metric. To
add one, write its function, put its object into the ``METRICS`` of the same module (and a new
module into the list in :mod:`vrs_bench.metrics.catalogue`): scores, tables, pictures, bounds,
pages and the checks of entries follow. To change what a metric gives, change its ``version`` too.
"""
