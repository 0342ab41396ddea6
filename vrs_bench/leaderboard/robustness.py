"""How the skill of an entry's method answers when one cause of the data is turned."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from vrs_bench.evaluation.result import Digest
from vrs_bench.leaderboard.provenance import digest_without
from vrs_bench.leaderboard.texts import Line
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import RECIPE_NAME
from vrs_bench.settings import Settings

if TYPE_CHECKING:
    from vrs_bench.leaderboard.submission import Submission

DEVIATION = 1e-3
"""Of a skill from what was claimed, up to which it counts as found again: a method that is fitted
again may differ in its last bits, and readers look through noise."""

Skill = Annotated[float, Field(ge=-1, le=1)]


class Repeated(Settings):
    """The stamp of who swept again; worth what the stamp of scores is."""

    date: datetime.date
    package: Line
    machine: Line
    largest_deviation: Annotated[float, Field(ge=0, le=DEVIATION)]
    content_sha256: Digest
    """Of the answer without the stamp."""


class Answer(Settings):
    """Skill by dose of one knob, floor and ceiling measured again at every dose."""

    method: Annotated[Line, Field(min_length=1)]
    """What the sweep calls the method: a name, or the last part of a path."""
    knob: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    size: Annotated[str, Field(pattern=RECIPE_NAME)]
    """Of the scenes that were drawn."""
    scenes: Annotated[int, Field(ge=1, le=100_000)]
    version: Line
    """Of the definition of skill."""
    default: float
    """The recipe's own dose."""
    doses: Annotated[tuple[float, ...], Field(min_length=2, max_length=20)]
    """Rising; the default is among them."""
    skills: Annotated[tuple[Skill, ...], Field(min_length=2, max_length=20)]
    """Mean over scenes at each dose."""
    stamp: Repeated | None = None

    @model_validator(mode="after")
    def _fits(self) -> Answer:
        if len(self.doses) != len(self.skills):
            raise ValueError(f"{len(self.doses)} doses and {len(self.skills)} skills")
        if any(a >= b for a, b in pairwise(self.doses)) or self.default not in self.doses:
            raise ValueError("doses: expected them rising, with the default among them")
        if self.stamp is not None and self.stamp.content_sha256 != self.content_digest():
            raise ValueError(f"{self.knob}: was changed after it was repeated; repeat it again")
        return self

    @property
    def mean(self) -> float:
        """Mean over the doses, each of the same weight."""
        return sum(self.skills) / len(self.skills)

    @property
    def at_default(self) -> float:
        """Skill where nothing is turned."""
        return self.skills[self.doses.index(self.default)]

    @property
    def measured(self) -> tuple[object, ...]:
        """Of what it is: answers are compared where this is the same."""
        return self.knob, self.size, self.scenes, self.version, self.doses

    def content_digest(self) -> str:
        """Return the SHA-256 of all but the stamp, in a canonical form."""
        return digest_without(self, "stamp")


def compared(
    ranked: Sequence[Submission], claimed: Sequence[Submission] = ()
) -> tuple[tuple[str, ...], dict[str, Answers]]:
    """Return what most of the ranked entries were asked, and what each entry answers to that.

    Answers by an older definition of skill don't count.

    Returns:
        names of knobs; and key of an entry → its answers to them, of those that have them all, of
        the same doses and scenes.
    """
    asked = Counter(
        frozenset(answer.measured for answer in answers)
        for entry in ranked
        if (answers := _of_today(entry))
    )
    if not asked:
        return (), {}
    [(most, _)] = asked.most_common(1)
    found = {}
    for entry in (*ranked, *claimed):
        known = {answer.measured: answer for answer in _of_today(entry)}
        if most <= known.keys():
            found[entry.key] = tuple(known[of] for of in sorted(most, key=str))
    return tuple(sorted(str(of[0]) for of in most)), found


def _of_today(entry: Submission) -> list[Answer]:
    return [of for of in entry.robustness if of.version == METRICS["skill"].version]


Answers = tuple[Answer, ...]
"""Of one entry."""


def mean_of(answers: Answers) -> float:
    """Return the mean over knobs of the mean over doses."""
    return sum(answer.mean for answer in answers) / len(answers)


def is_repeated(answers: Answers) -> bool:
    """Say whether somebody has swept all of them again."""
    return all(answer.stamp is not None for answer in answers)
