"""How an entry's predictions were made, and who scored them again."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field

from vrs_bench.evaluation.result import Digest
from vrs_bench.leaderboard.texts import Line, Text
from vrs_bench.settings import Settings

TOLERANCE = 1e-5
"""Relative deviation of a score up to which an entry counts as verified."""

NOISE_TOLERANCE = 0.05
"""The same of scores that are read through noise, of predictions that were made again: where these
differ in their last bits, the noise is another one. On `tiny`, means then move by up to 0.02;
distances between sets move by a tenth and are not compared. It can't be used to claim more: a
stamp brings the scores as found."""


def digest_without(content: Settings, *left_out: str) -> str:
    """Return the SHA-256 of all fields but some, in a canonical form."""
    kept = content.model_dump(mode="json", exclude=set(left_out))
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


class Provenance(Settings):
    """How predictions were made. What is not stated is None or empty."""

    parameters: Annotated[int, Field(ge=0)] | None = None
    """Trained numbers; 0 of a method that is not trained."""
    training_data: Text = ""
    """What was trained on, pre-training included."""
    inputs: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Input columns of the task that the method looks at."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=100)] = ()
    hours: Annotated[float, Field(ge=0)] | None = None
    """Of training, by the clock."""
    hardware: Line = ""
    """What ``hours`` were spent on."""
    licence: Line = ""
    """Of code and weights."""
    predictions: Line = ""
    """Where the predictions are (a link, or a path in a repository), or the command that makes
    them again. For people: nothing that stands here is ever opened or run."""


class Verification(Settings):
    """The stamp of who scored the predictions again.

    It is a record, not a proof: whoever can write the file can write a stamp. What it is worth is
    the word of who runs the board. It does show an edit that was made after it.
    """

    date: datetime.date
    package: Line
    """Version of the package that scored again."""
    machine: Line
    python: Line
    numpy: Line
    kind: Literal["submitted", "regenerated"]
    """``submitted``: the very predictions, by their SHA-256. ``regenerated``: made again, so that
    they may differ in the last bit."""
    largest_deviation: Annotated[float, Field(ge=0, le=NOISE_TOLERANCE)]
    """Of a score from what was claimed, relative."""
    deviating_score: Line
    """Which score that was; empty where none deviated."""
    content_sha256: Digest
    """Of the entry without the stamp, as :meth:`Submission.content_digest` tells it."""
