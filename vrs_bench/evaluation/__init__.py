"""Evaluation: predictions in, checked scores with confidence intervals out."""

from vrs_bench.evaluation.comparison import Comparison, compare
from vrs_bench.evaluation.predictions.expected import expected_input_format, expected_input_schema
from vrs_bench.evaluation.result import Result
from vrs_bench.evaluation.scores import Bound, PartScore, Score
from vrs_bench.evaluation.scoring import evaluate

__all__ = [
    "Bound",
    "Comparison",
    "PartScore",
    "Result",
    "Score",
    "compare",
    "evaluate",
    "expected_input_format",
    "expected_input_schema",
]
