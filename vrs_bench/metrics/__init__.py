"""Scores of a prediction against the truth: pure functions on arrays, one value a row.

Every definition is fixed (range, window, units, reduction, edge rules), carries a version, and is
written out in words in :mod:`vrs_bench.metrics.definition`.
"""
