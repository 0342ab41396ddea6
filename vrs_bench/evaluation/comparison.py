"""Paired comparison of two results over the same scenes."""

from __future__ import annotations

from dataclasses import dataclass

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.paired import paired_test
from vrs_bench.evaluation.result import Result
from vrs_bench.evaluation.statistics import RESAMPLES


@dataclass(frozen=True)
class Comparison:
    """The difference of two results in one metric, over the same scenes."""

    metric: str
    difference: float
    """Mean of the first minus mean of the second."""
    ci_low: float | None
    """Lower end of the interval of the difference, which leaves out 0 just where the p-value is at
    most 0.05; None where there are fewer than six scenes, which can show nothing at that level."""
    ci_high: float | None
    p_value: float
    """Two-sided, of no difference; 1 where there is one scene."""
    effect_size: float | None
    """Cohen's d of the paired differences; None where their spread is 0 or unknown."""
    n_scenes: int

    def __str__(self) -> str:
        """Return a line for people."""
        text = f"{self.metric}: difference {self.difference:+.4g}"
        if self.ci_low is not None and self.ci_high is not None:
            text += f", interval {self.ci_low:+.4g} to {self.ci_high:+.4g}"
        if self.effect_size is not None:
            text += f", effect size {self.effect_size:+.2f}"
        return f"{text}, p = {self.p_value:.2g}, {self.n_scenes} scenes"


def compare(first: Result, second: Result, metric: str, resamples: int = RESAMPLES) -> Comparison:
    """Compare two results by a sign-flip test over scenes.

    See :func:`vrs_bench.evaluation.paired.paired_test`.

    Args:
        first, second: results of the same split of the same data.
        metric: key of a score that both have. The first is better where the difference is
            positive and higher is better, or negative and lower is better.
        resamples: choices of signs that are tried where there are more than that.

    Returns:
        first minus second, with the package's own seed and confidence of 0.95, whatever those
        of the results are.

    Raises:
        BenchError: results of another task, split, profile or data, or a metric that one of them
            lacks or defines differently, or that has no values by scene.
    """
    for name in ("task", "split", "profile", "dataset_digest"):
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            label = name.replace("_", " ")
            raise BenchError(f"these results can't be compared: {label} {one!r} and {other!r}")
    for result in (first, second):
        if metric not in result.scores:
            raise BenchError(f"no score '{metric}'{did_you_mean(metric, result.scores)}")
    a, b = first.scores[metric], second.scores[metric]
    if not (a.per_scene and b.per_scene):
        raise BenchError(f"{metric} is one number for a whole split: there is nothing to pair")
    if a.version != b.version:
        raise BenchError(f"{metric} is of definition {a.version!r} and {b.version!r}; score again")
    if a.per_scene.keys() != b.per_scene.keys():
        raise BenchError(f"{metric}: the two results are of different scenes")
    scenes = sorted(a.per_scene)
    ours, theirs = ([of.per_scene[scene] for scene in scenes] for of in (a, b))
    paired = paired_test(ours, theirs, resamples)
    low, high = paired.interval or (None, None)
    return Comparison(
        metric=metric,
        difference=paired.difference,
        ci_low=low,
        ci_high=high,
        p_value=paired.p_value,
        effect_size=paired.effect_size,
        n_scenes=len(a.per_scene),
    )
