"""Results: scores with intervals, what they were computed from, and their JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from math import isclose
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import write_text
from vrs_bench.recipes import RECIPE_NAME

RESULT_VERSION: Literal[2] = 2
"""Version of the JSON form; it changes when a field changes its name or meaning."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1)]
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Score:
    """One metric over a split."""

    metric: str
    """Its key, see :data:`vrs_bench.metrics.catalogue.METRICS`."""
    mean: float
    """Mean over scenes of the mean over the rows of a scene; for a metric that is one number for
    a whole split, that number."""
    ci_low: float | None
    """Lower end of the confidence interval of the mean; None where there is one scene, or one
    number for the split."""
    ci_high: float | None
    per_scene: dict[int, float]
    """Scene → mean over its rows, in the order of the split; empty where there is one number for
    the split."""
    unit: str
    higher_is_better: bool
    version: str
    """Version of the metric's definition."""

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Refuse a score that contradicts itself."""
        if (self.ci_low is None) != (self.ci_high is None):
            raise BenchError(f"{self.metric}: half of an interval")
        if not self.per_scene:
            return
        mean = sum(self.per_scene.values()) / len(self.per_scene)
        if not isclose(self.mean, mean, rel_tol=1e-9, abs_tol=1e-12):
            raise BenchError(
                f"{self.metric}: the mean is {self.mean:g}, that of the scenes {mean:g}"
            )


@dataclass(frozen=True)
class PartScore:
    """One metric over a part of a split: a land cover, the borders of fields, a time step."""

    mean: float
    """Mean over the scenes that have the part."""
    ci_low: float | None
    ci_high: float | None
    n_scenes: Count

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Bound:
    """Between what a score lies: the trivial baseline, and the truth itself as a prediction."""

    floor: float
    ceiling: float

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Result:
    """All scores of one set of predictions."""

    task: str
    split: Literal["train", "validation", "test", "private"]
    recipe: Annotated[str, Field(pattern=RECIPE_NAME)]
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
    references: dict[str, Digest]
    """SHA-256 of what metrics looked through: ``encoder``, ``classifier``."""
    scores: dict[str, Score]
    """Metric → score."""
    slices: dict[str, dict[str, dict[str, PartScore]]]
    """Kind of part (``land_cover``, ``position``, ``cloud``, ``time_step``) → part → metric →
    score. A part's values are those of its pixels in each row, meant over the rows and then over
    the scenes that have it."""
    confusion: dict[str, list[list[int]]]
    """Pixels by true land cover (row) and found one (column), classes 1 to 8 and last none, over
    the split: of the reference classifier on predictions (``classifier``) and on the truth
    (``classifier_truth``), and of the segmentation network (``segmentation``,
    ``segmentation_truth``)."""
    bounds: dict[str, Bound]
    """Metric → floor and ceiling; empty where none were asked for."""
    profile: Literal["standard", "original"] = "standard"
    """Whose definitions: ours, or those of the original project."""
    format: Literal[2] = RESULT_VERSION

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Refuse scores that are not of the same scenes."""
        scenes = {scene for score in self.scores.values() for scene in score.per_scene}
        for name, score in self.scores.items():
            if score.metric != name:
                raise BenchError(f"the score '{name}' says that it is '{score.metric}'")
            if score.per_scene and (
                score.per_scene.keys() != scenes or len(scenes) != self.n_scenes
            ):
                raise BenchError(f"{name}: its scenes are not the {self.n_scenes} of the result")

    def normalised(self, metric: str) -> tuple[float, float | None, float | None] | None:
        """Place a score between the trivial baseline (0) and the truth itself (1).

        Returns:
            the score and its interval on that scale, better always up; None where the result has
            no bounds of the metric, or where they are equal. Below 0: worse than doing nothing.

        Raises:
            BenchError: no such score.
        """
        if metric not in self.scores:
            raise BenchError(f"no score '{metric}'{did_you_mean(metric, self.scores)}")
        bound, score = self.bounds.get(metric), self.scores[metric]
        if bound is None or bound.floor == bound.ceiling:
            return None
        span = bound.ceiling - bound.floor
        mean, *ends = (
            None if value is None else (value - bound.floor) / span
            for value in (score.mean, score.ci_low, score.ci_high)
        )
        low, high = (None, None) if None in ends else sorted(end for end in ends if end is not None)
        return (float(mean or 0.0), low, high)

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
        """Return tables for people."""
        from vrs_bench.evaluation.report import report

        return report(self)


@cache
def _adapter() -> TypeAdapter[Result]:
    return TypeAdapter(Result)
