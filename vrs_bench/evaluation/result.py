"""Results: scores with intervals, what they were computed from, and their JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.report import report
from vrs_bench.evaluation.scores import STRICT, Bound, Count, PartScore, Score, placed
from vrs_bench.paths import write_text
from vrs_bench.recipes import RECIPE_NAME

RESULT_VERSION: Literal[3] = 3
"""Version of the JSON form; it changes when a field changes its name or meaning."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Result:
    """All scores of one set of predictions."""

    task: str
    split: Literal["train", "validation", "test", "private"]
    recipe: Annotated[str, Field(pattern=RECIPE_NAME)]
    """Name of the dataset's size."""
    recipe_digest: Digest
    """SHA-256 of the recipes that the data of the task were made from, as in the manifest."""
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
    """SHA-256 of what metrics looked through: ``encoder``, ``readers``."""
    scores: dict[str, Score]
    """Metric → score."""
    slices: dict[str, dict[str, dict[str, PartScore]]]
    """Kind of part (``land_cover``, ``position``, ``cloud``, ``time_step``) → part → metric →
    score. A part's values are those of its pixels in each row, meant over the rows and then over
    the scenes that have it."""
    confusion: dict[str, list[list[int]]]
    """Pixels inside cells by true land cover (row) and found one (column), both in the order of
    the table of classes, over the split: of the first reader on predictions
    (``reader``) and on the truth (``reader_truth``), and of the segmentation network on
    single images (``segmentation``, ``segmentation_truth``)."""
    bounds: dict[str, Bound]
    """Metric → floor and ceiling; empty where none were asked for."""
    profile: Literal["standard", "original"] = "standard"
    """Whose definitions: ours, or those of the original project."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Metric that was asked for → why it does not apply to the task."""
    flags: list[str] = field(default_factory=list)
    """In what the predictions are worse than the task's floor; who is flagged stands below all
    who are not."""
    warnings: list[str] = field(default_factory=list)
    """What looks like a mistake in the predictions, though they could be scored."""
    format: Literal[3] = RESULT_VERSION

    __pydantic_config__ = STRICT

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
        return placed(self.scores[metric], self.bounds.get(metric))

    def published(self) -> Result:
        """Return what may be seen of the result: of a private split, no more than means.

        Scores by scene would tell whoever sends in predictions again and again which scene of the
        held-back truth they came nearer to; so would parts, some of which one scene alone has. The
        confusion on the truth says how much of each land cover there is.
        """
        if self.split != "private":
            return self
        scores = {name: replace(score, per_scene={}) for name, score in self.scores.items()}
        return replace(self, scores=scores, slices={}, confusion={})

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, strings and numbers, as in the JSON: what may be published."""
        return asdict(self.published())

    def to_json(self, path: str | Path) -> None:
        """Write what may be published to a JSON file, whole or not at all."""
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
            if any(fault["loc"] == ("format",) for fault in error.errors()):
                faults.append(
                    f"it was written by another version of the package; this one reads format "
                    f"{RESULT_VERSION}: evaluate the predictions again"
                )
            raise BenchError(f"{path}: not a result:\n  " + "\n  ".join(faults)) from error

    def __str__(self) -> str:
        """Return tables for people."""
        head = (
            f"{self.task}, split {self.split} of '{self.recipe}', data {self.dataset_digest[:12]}: "
            f"{self.n_rows} rows, {self.n_scenes} scenes, {self.clipped_values} values clipped"
        )
        if self.profile == "original":
            head += "; definitions of the original project"
        return report(
            head,
            self.flags,
            self.warnings,
            self.scores,
            self.bounds,
            self.slices,
            self.left_out,
            self.confidence,
        )


@cache
def _adapter() -> TypeAdapter[Result]:
    return TypeAdapter(Result)
