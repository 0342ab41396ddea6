"""Verification: the predictions of an entry are scored again, and the entry gets a stamp.

The stamp says who found the same scores, with what and when. It is worth the word of who runs the
board, who can make it again at any time; it is no cryptographic proof.
"""

from __future__ import annotations

import datetime
import math
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, evaluate
from vrs_bench.leaderboard.files import read_as_claimed, write_submission
from vrs_bench.leaderboard.provenance import NOISE_TOLERANCE, TOLERANCE, Verification
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import GROUPS, METRICS
from vrs_bench.metrics.definition import Composed, Metric
from vrs_bench.types import Report

SMALLEST = 1e-3
"""Scores that are nearer to zero deviate relative to this: rounding errors do not shrink with
them."""

NOISY_SMALLEST = 1.0
"""The same of scores that are read through noise, which moves a skill of 0 as much as one of 1."""

SHOWN = 20
"""Deviations in the table of an entry, at most."""

_OF_THE_DATA = ("recipe", "recipe_digest", "n_rows")
_EXACT = ("dataset_digest", "n_scenes", "confidence", "resamples", "seed", "flags")
_OF_THE_PREDICTIONS = ("predictions_sha256", "clipped_values")


@dataclass(frozen=True)
class Deviation:
    """One thing that an entry says otherwise than it was found."""

    what: str
    """``psnr mean``, ``predictions_sha256`` …"""
    claimed: object
    found: object
    relative: float
    """Of numbers that are measured; infinite of all else, which has to be equal."""
    allowed: float = TOLERANCE
    """Up to which it is no matter."""


@dataclass(frozen=True)
class Rescored:
    """An entry, and what came out when its predictions were scored again."""

    entry: Submission
    result: Result | None
    """None where the entry is of other data, which is found before anything is scored."""
    deviations: tuple[Deviation, ...]
    """All that are not zero, those first that are largest against what is allowed."""
    regenerated: bool

    @property
    def refused(self) -> tuple[Deviation, ...]:
        """Those deviations that an entry must not have."""
        return tuple(d for d in self.deviations if not d.relative <= d.allowed)

    @property
    def largest(self) -> Deviation | None:
        """The largest of all; None where there is none."""
        return self.deviations[0] if self.deviations else None

    def __str__(self) -> str:
        """Return what came out, for people: a table where the entry is refused."""
        if not self.refused:
            words = "no deviation"
            if self.largest is not None:
                words = f"largest deviation {self.largest.relative:.1e}, {self.largest.what}"
            return f"verified, {words}"
        rows = [
            (d.what, _short(d.claimed), _short(d.found), f"{d.relative:.1e}") for d in self.refused
        ]
        rows = [("", "claimed", "found", "relative"), *rows[:SHOWN]]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        rest = len(self.refused) - SHOWN
        more = [f"… and {rest} more"] if rest > 0 else []
        return "\n  ".join(["deviates from what it claims, not verified:", *lines, *more])

    def to_dict(self) -> dict[str, Any]:
        """Return the same for programs; a deviation that is no number is None."""
        return {
            "verified": not self.refused,
            "kind": _kind(self.regenerated),
            "deviations": [
                {**asdict(d), "relative": d.relative if math.isfinite(d.relative) else None}
                for d in self.deviations
            ],
        }


def _short(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)[:20]


def _kind(regenerated: bool) -> Literal["submitted", "regenerated"]:
    return "regenerated" if regenerated else "submitted"


def verify_file(
    path: str | Path,
    predictions: object,
    data: str | Path | DatasetFolder,
    regenerated: bool = False,
    progress: Report | None = None,
) -> Rescored:
    """Score the predictions of an entry again, and stamp its file if they are what it claims.

    An entry that deviates stays as it is.

    Args:
        path: the entry's file, ``submissions/<task>/<recipe>/<slug>.json``.
        predictions, data, regenerated, progress: as of :func:`score_again`.

    Raises:
        BenchError: no entry, or as :func:`score_again`.
    """
    rescored = score_again(read_as_claimed(path), predictions, data, regenerated, progress)
    if not rescored.refused:
        write_submission(verified(rescored), Path(path).parents[2], replace=True)
    return rescored


def is_of(path: str | Path, folder: DatasetFolder) -> bool:
    """Say whether an entry claims to be of the data of a folder.

    Raises:
        BenchError: no entry.
    """
    result, tasks = read_as_claimed(path).result, folder.manifest.tasks
    return (
        result.task in tasks
        and result.recipe_digest == tasks[result.task].digest
        and result.split in folder.manifest.splits(result.task)
    )


def score_again(
    entry: Submission,
    predictions: object,
    data: str | Path | DatasetFolder,
    regenerated: bool = False,
    progress: Report | None = None,
) -> Rescored:
    """Score predictions, and compare with what an entry claims of them.

    What it says of its data is compared with the data first. Then the scores, their intervals and
    values by scene, and the bounds are compared, as far as their metrics are defined as they were.
    Of predictions that were made again, those scores that are read through noise are compared by
    their means alone.

    Args:
        entry: the entry.
        predictions: as of :func:`vrs_bench.evaluate`.
        data: dataset folder.
        regenerated: whether the predictions were made again, so that their bits may differ.
        progress: called with (rows scored, rows in all).

    Raises:
        BenchError: the data have no such task or split, or the predictions can't be scored.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    stated, manifest = entry.result, folder.manifest
    rows = manifest.rows(stated.task, stated.split)
    facts = (manifest.recipe.name, manifest.tasks[stated.task].digest, rows)
    found = [
        Deviation(name, getattr(stated, name), fact, math.inf)
        for name, fact in zip(_OF_THE_DATA, facts, strict=True)
        if getattr(stated, name) != fact
    ]
    if found:
        return Rescored(entry, None, tuple(found), regenerated)
    result = evaluate(
        predictions,
        stated.task,
        folder,
        stated.split,
        groups=[g for g in GROUPS if any(METRICS[name].group == g for name in stated.scores)],
        bounds=bool(stated.bounds),
        progress=progress,
    ).published()
    exact = _EXACT if regenerated else (*_EXACT, *_OF_THE_PREDICTIONS)
    unequal = (
        Deviation(name, getattr(stated, name), getattr(result, name), math.inf)
        for name in exact
        if getattr(stated, name) != getattr(result, name)
    )
    deviations = [*unequal]
    again = _measured(result)
    for what, claimed in _measured(stated).items():
        metric = METRICS[what.split()[0]]
        noisy = regenerated and _reads_noise(metric)
        # Of few rows, distances between sets are the noise's as much as the images'.
        if noisy and (not what.endswith(" mean") or metric.scope == "split"):
            continue
        relative = _relative(claimed, again.get(what), NOISY_SMALLEST if noisy else SMALLEST)
        if relative > 0:
            allowed = NOISE_TOLERANCE if noisy else TOLERANCE
            deviations.append(Deviation(what, claimed, again.get(what), relative, allowed))
    deviations.sort(key=lambda deviation: -deviation.relative / deviation.allowed)
    return Rescored(entry, result, tuple(deviations), regenerated)


def _measured(result: Result) -> dict[str, float | None]:
    """Return the numbers of a result that boards show or rank by, as far as they are defined so.

    A score by an older definition is a dash there.
    """
    numbers: dict[str, float | None] = {}
    for name, score in result.scores.items():
        if score.version != METRICS[name].version:
            continue
        numbers |= {f"{name} {end}": getattr(score, end) for end in ("mean", "ci_low", "ci_high")}
        numbers |= {f"{name} scene {scene}": of for scene, of in score.per_scene.items()}
        if name in result.bounds:
            bound = result.bounds[name]
            numbers |= {f"{name} floor": bound.floor, f"{name} ceiling": bound.ceiling}
    return numbers


def _reads_noise(metric: Metric) -> bool:
    """Say whether values depend on the noise that is drawn from the digest of the predictions."""
    return isinstance(metric.computed, Composed) or bool(metric.needs & {"readers", "encoder"})


def _relative(one: float | None, other: float | None, smallest: float) -> float:
    """Return how far two numbers are apart; infinite where there is only one."""
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    return abs(one - other) / max(abs(one), abs(other), smallest)


def verified(rescored: Rescored) -> Submission:
    """Return an entry with a stamp, and with the scores as they were found.

    Raises:
        BenchError: it deviates too far.
    """
    if rescored.result is None or rescored.refused:
        raise BenchError(
            f"{rescored.entry.name}: not verified, {len(rescored.refused)} deviations from what "
            f"was claimed, the first of {rescored.refused[0].what}"
        )
    largest = rescored.largest
    found = rescored.result.published()
    entry = rescored.entry.model_copy(update={"result": found, "verification": None})
    stamp = Verification(
        date=datetime.datetime.now(datetime.UTC).date(),
        package=version("vrs-bench"),
        machine=machine(),
        python=platform.python_version(),
        numpy=version("numpy"),
        kind=_kind(rescored.regenerated),
        largest_deviation=largest.relative if largest else 0.0,
        deviating_score=largest.what if largest else "",
        content_sha256=entry.content_digest(),
    )
    return entry.model_copy(update={"verification": stamp})


def machine() -> str:
    """Return what this machine is, without its name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
