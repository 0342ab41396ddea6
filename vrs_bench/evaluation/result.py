"""Results: scores with intervals, what they were computed from, and their JSON."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from functools import cache
from math import isclose
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.statistics import paired_bootstrap
from vrs_bench.paths import write_text

RESULT_VERSION: Literal[1] = 1
"""Version of the JSON form; it changes when a field changes its name or meaning."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1)]
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Score:
    """One metric over a split."""

    metric: str
    """Its key, see :data:`vrs_bench.metrics.definition.DISTORTION`."""
    mean: float
    """Mean over scenes of the mean over the rows of a scene."""
    ci_low: float | None
    """Lower end of the confidence interval of the mean; None where there is one scene."""
    ci_high: float | None
    per_scene: dict[int, float]
    """Scene → mean over its rows, in the order of the split."""
    unit: str
    higher_is_better: bool
    version: str
    """Version of the metric's definition."""

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Refuse a score that contradicts itself."""
        if not self.per_scene:
            raise BenchError(f"{self.metric}: no scenes")
        mean = sum(self.per_scene.values()) / len(self.per_scene)
        if not isclose(self.mean, mean, rel_tol=1e-9, abs_tol=1e-12):
            raise BenchError(
                f"{self.metric}: the mean is {self.mean:g}, that of the scenes {mean:g}"
            )
        if (self.ci_low is None) != (self.ci_high is None):
            raise BenchError(f"{self.metric}: half of an interval")


@dataclass(frozen=True)
class Result:
    """All scores of one set of predictions."""

    task: str
    split: str
    recipe: str
    """Name of the dataset's size."""
    dataset_digest: Digest
    """SHA-256 of the settings of the task's sensors and of the split's keys and truth. It does
    not depend on how a dataset is cut into files, nor on its other splits and tasks."""
    package: str
    """Version of the package that scored."""
    n_scenes: Count
    n_rows: Count
    clipped_values: Annotated[int, Field(ge=0)]
    """How many predicted values lay outside of [0, 1]; they were clipped."""
    predictions_sha256: Digest
    """SHA-256 of the predictions, in whatever form they came: for each row in order, scene and
    time step as int64, then (band, height, width) as float32 on the scale [0, 1] before
    clipping; all little-endian."""
    confidence: Annotated[float, Field(gt=0, lt=1)]
    """Of all intervals."""
    resamples: Count
    """Bootstrap samples of scenes behind each interval."""
    seed: Annotated[int, Field(ge=0)]
    scores: dict[str, Score]
    """Metric → score."""
    format: Literal[1] = RESULT_VERSION

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Refuse scores that are not of the same scenes."""
        scenes = {scene for score in self.scores.values() for scene in score.per_scene}
        for name, score in self.scores.items():
            if score.metric != name:
                raise BenchError(f"the score '{name}' says that it is '{score.metric}'")
            if score.per_scene.keys() != scenes or len(scenes) != self.n_scenes:
                raise BenchError(f"{name}: its scenes are not the {self.n_scenes} of the result")

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, strings and numbers, as in the JSON."""
        return asdict(self)

    def to_json(self, path: str | Path) -> None:
        """Write a JSON file, whole or not at all."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)
        write_text(Path(path), text + "\n")

    @classmethod
    def from_json(cls, path: str | Path) -> Result:
        """Read and check a JSON file.

        Raises:
            BenchError: there is none, or it is not a result: unknown or missing keys, wrong
                types, numbers that are not finite, or scores that contradict each other.
        """
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            raise BenchError(f"{path}: can't be read ({error.strerror})") from error
        try:
            return _adapter().validate_json(text)
        except ValidationError as error:
            faults = [
                f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
                for fault in error.errors()[:10]
            ]
            raise BenchError(f"{path}: not a result:\n  " + "\n  ".join(faults)) from error

    def __str__(self) -> str:
        """Return a table for people."""
        from rich.box import SIMPLE
        from rich.console import Console
        from rich.table import Table

        table = Table(box=SIMPLE, pad_edge=False)
        for heading in ("metric", "mean", f"{self.confidence:.0%} interval"):
            table.add_column(heading, justify="left" if heading == "metric" else "right")
        table.add_column("unit")
        table.add_column("better")
        for score in self.scores.values():
            interval = "–"
            if score.ci_low is not None and score.ci_high is not None:
                interval = f"{score.ci_low:.4g} to {score.ci_high:.4g}"
            better = "↑ higher" if score.higher_is_better else "↓ lower"
            table.add_row(score.metric, f"{score.mean:.4g}", interval, score.unit, better)
        text = io.StringIO()
        Console(file=text, width=100, color_system=None).print(table)
        lines = [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]
        head = (
            f"{self.task}, split {self.split} of '{self.recipe}', data {self.dataset_digest[:12]}: "
            f"{self.n_rows} rows, {self.n_scenes} scenes, {self.clipped_values} values clipped"
        )
        return "\n".join([head, *lines])


@cache
def _adapter() -> TypeAdapter[Result]:
    return TypeAdapter(Result)


@dataclass(frozen=True)
class Comparison:
    """The difference of two results in one metric, over the same scenes."""

    metric: str
    difference: float
    """Mean of the first minus mean of the second."""
    ci_low: float | None
    """Lower end of the confidence interval of the difference; None where there is one scene."""
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


def compare(first: Result, second: Result, metric: str) -> Comparison:
    """Compare two results by a paired bootstrap over scenes.

    Args:
        first, second: results of the same split of the same data.
        metric: key of a score that both have. The first is better where the difference is
            positive and higher is better, or negative and lower is better.

    Returns:
        first minus second, with the package's own resamples, seed and confidence of 0.95,
        whatever those of the results are.

    Raises:
        BenchError: results of another task, split or data, or a metric that one of them lacks or
            defines differently.
    """
    for name in ("task", "split", "dataset_digest"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours != theirs:
            label = name.replace("_", " ")
            raise BenchError(f"these results can't be compared: {label} {ours!r} and {theirs!r}")
    for result in (first, second):
        if metric not in result.scores:
            raise BenchError(f"no score '{metric}'{did_you_mean(metric, result.scores)}")
    a, b = first.scores[metric], second.scores[metric]
    if a.version != b.version:
        raise BenchError(f"{metric} is of definition {a.version!r} and {b.version!r}; score again")
    if a.per_scene.keys() != b.per_scene.keys():
        raise BenchError(f"{metric}: the two results are of different scenes")
    scenes = sorted(a.per_scene)
    paired = paired_bootstrap([a.per_scene[s] for s in scenes], [b.per_scene[s] for s in scenes])
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
