"""Evaluation: predictions in, checked scores with confidence intervals out."""

from vrs_bench.evaluation.expected import expected_input_format
from vrs_bench.evaluation.result import Comparison, Result, Score, compare
from vrs_bench.evaluation.scoring import evaluate

__all__ = ["Comparison", "Result", "Score", "compare", "evaluate", "expected_input_format"]
