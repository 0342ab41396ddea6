"""A submission: a scored set of predictions with who, what and how."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.result import Result
from vrs_bench.leaderboard.facts import data_faults
from vrs_bench.leaderboard.provenance import Provenance, Verification, digest_without
from vrs_bench.leaderboard.robustness import Answer
from vrs_bench.leaderboard.texts import Line, Link, Name, Text, slug
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.definition import Composed
from vrs_bench.references import packaged_references
from vrs_bench.settings import Settings
from vrs_bench.tasks import get_task

_ROUNDING = 1e-6

M = TypeVar("M", bound=Settings)


class About(Settings):
    """Who, what and how: what an entry says besides its scores."""

    name: Name
    """Name of the method."""
    authors: Line = ""
    url: Link = ""
    """Paper or project page."""
    code: Link = ""
    """Source code."""
    notes: Text = ""


class Submission(About):
    """One entry of the leaderboard, as it lies in ``submissions/<task>/<recipe>/<slug>.json``."""

    format: Literal[3] = 3
    date: datetime.date
    provenance: Provenance = Field(default_factory=Provenance)
    result: Result
    verification: Verification | None = None
    robustness: tuple[Answer, ...] = ()
    """Of the method, by knob; each with a stamp of its own."""

    @model_validator(mode="after")
    def _answers_are_of_this(self) -> Submission:
        knobs = [answer.knob for answer in self.robustness]
        if len(set(knobs)) < len(knobs):
            raise ValueError("robustness: a knob stands there twice")
        if any(answer.size != self.result.recipe for answer in self.robustness):
            raise ValueError(f"robustness: expected sweeps at size {self.result.recipe}")
        return self

    @property
    def slug(self) -> str:
        """File name of the entry, without its ending."""
        return slug(self.name)

    @property
    def key(self) -> str:
        """What tells it from all other entries: ``task/recipe/slug``, where its file lies."""
        return f"{self.result.task}/{self.result.recipe}/{self.slug}"

    @property
    def state(self) -> Literal["claimed", "verified", "private"]:
        """``claimed`` until someone else has scored the predictions; ``private`` if on a split
        whose truth was held back."""
        if self.verification is None:
            return "claimed"
        return "private" if self.result.split == "private" else "verified"

    def content_digest(self) -> str:
        """Return the SHA-256 of all but stamps and what has its own, in a canonical form."""
        return digest_without(self, "verification", "robustness")


def make_provenance(task: str, **fields: object) -> Provenance:
    """Check what is said of how predictions were made.

    Args:
        task: name of the task.
        **fields: of :class:`vrs_bench.leaderboard.provenance.Provenance`.

    Raises:
        BenchError: a field is not as it should be, or the task has no such input.
    """
    provenance = valid(Provenance, fields)
    check_inputs("the submission", task, provenance)
    return provenance


def make_submission(
    result: Result, name: str, provenance: Provenance | None = None, **about: str
) -> Submission:
    """Put a result and its description together: an entry that is claimed, not verified.

    Args:
        result: what :func:`vrs_bench.evaluate` returned.
        name: name of the method.
        provenance: how the predictions were made, from :func:`make_provenance`.
        **about: ``authors``, ``url``, ``code``, ``notes``.

    Raises:
        BenchError: a field is too long, is no link, or holds what nobody can see; or the result
            is not one that is ranked.
    """
    described = valid(About, {**about, "name": name})
    slug(name)
    today = datetime.datetime.now(datetime.UTC).date()
    result = result.published()
    check_result("the submission", result)
    return Submission(
        **described.model_dump(),
        date=today,
        provenance=provenance or Provenance(),
        result=result,
    )


def valid(model: type[M], fields: Mapping[str, object]) -> M:
    """Return the checked part of an entry.

    Raises:
        BenchError: all that is wrong with it.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise BenchError("the submission is not valid:\n" + "\n".join(faults_of(error))) from error


def check_inputs(path: str | Path, task: str, provenance: Provenance) -> None:
    """Check that the inputs that a method looks at are inputs of its task.

    Raises:
        BenchError: one of them is not; ``path`` names the entry in messages.
    """
    known = get_task(task).sensors
    for name in provenance.inputs:
        if name not in known:
            raise BenchError(f"{path}: {task} has no input '{name}'{did_you_mean(name, known)}")


def faults_of(error: ValidationError) -> list[str]:
    """Say in a line each what is wrong with the fields of an entry, the first ten of them."""
    faults = []
    for fault in error.errors()[:10]:
        field, message = ".".join(map(str, fault["loc"])) or "file", fault["msg"]
        if fault["type"] == "string_pattern_mismatch" and field in ("url", "code"):
            message = (
                "expected a link such as https://example.org/paper, without user name, or nothing"
            )
        elif fault["type"] == "string_pattern_mismatch" and field.endswith((".knob", ".size")):
            message = "expected the name of a knob, or of a size, such as read_noise and small"
        elif fault["type"] == "string_pattern_mismatch" and "sha256" not in field:
            message = "holds line breaks or characters that nobody can see"
        faults.append(f"{field}: {message.removeprefix('Value error, ')}")
    return faults


def check_result(path: str | Path, result: Result) -> None:
    """Check that a result can be ranked, and agrees with what is known of its data.

    Raises:
        BenchError: it can't, or does not; ``path`` names the entry in messages.
    """
    _check_scores(path, result)
    faults = data_faults(result)
    if faults:
        raise BenchError(f"{path}: " + "\n  ".join(faults))


def _check_scores(path: str | Path, result: Result) -> None:
    """Check that a result can be ranked: the headline, and metrics as they are defined here."""
    headline = get_task(result.task).headline
    if result.profile != "standard":
        raise BenchError(f"{path}: scored by the definitions of profile '{result.profile}'")
    if result != result.published():
        raise BenchError(
            f"{path}: holds more of a private split than means, which would tell of its truth: "
            f"leave out per_scene, slices and confusion"
        )
    if headline not in result.scores:
        raise BenchError(f"{path}: has no score '{headline}', by which {result.task} is ranked")
    strange = set(result.references.values()) - packaged_references()
    if strange:
        names = [name for name, digest in result.references.items() if digest in strange]
        raise BenchError(
            f"{path}: its {' and '.join(names)} is not the packaged one: such scores can't be "
            f"ranked; evaluate again with this version"
        )
    for name, score in result.scores.items():
        metric = METRICS.get(name)
        if metric is None:
            raise BenchError(f"{path}: unknown metric '{name}'{did_you_mean(name, METRICS)}")
        # A score by another definition than today's stays in the entry, and is a dash in tables.
        if score.version != metric.version:
            if name == headline:
                raise BenchError(
                    f"{path}: '{name}' is by definition {score.version!r}; entries are ranked by "
                    f"definition {metric.version!r}: evaluate again with this version"
                )
            continue
        stated = (score.metric, score.unit, score.higher_is_better)
        if stated != (metric.name, metric.unit, metric.higher_is_better):
            raise BenchError(
                f"{path}: '{name}' has another unit or direction than it is defined with"
            )
        if not score.per_scene and metric.scope != "split" and result.split != "private":
            raise BenchError(f"{path}: '{name}' has no values by scene")
        # A skill is cut below in the mean alone: a scene on which much is lost counts.
        lowest = -math.inf if isinstance(metric.computed, Composed) else metric.low
        for place, value, low in [
            ("the split", score.mean, metric.low),
            *((str(scene), value, lowest) for scene, value in score.per_scene.items()),
        ]:
            if not low - _ROUNDING <= value <= metric.high + _ROUNDING:
                raise BenchError(
                    f"{path}: '{name}' is {value:g} for {place}; it lies between {low:g} and "
                    f"{metric.high:g}"
                )
