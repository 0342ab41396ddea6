"""A submission: a scored set of predictions with who, what and how."""

from __future__ import annotations

import datetime
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.result import Result
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.paths import named, write_text
from vrs_bench.references import packaged_references
from vrs_bench.settings import Settings
from vrs_bench.tasks import get_task

MAX_BYTES = 4_000_000
"""An entry of 1,500 test scenes and thirty metrics has 1.5 MB; anything much larger is no entry."""
_ROUNDING = 1e-6

# Without control characters, line separators, and marks that turn the direction of what follows.
Line = Annotated[
    str, Field(max_length=200, pattern=r"^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$")
]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
Link = Annotated[str, Field(max_length=500, pattern=r"^(https?://[^\s\p{Cc}<>\"'`()\[\]\\|]+)?$")]


class About(Settings):
    """Who, what and how: what an entry says besides its scores."""

    name: Annotated[Line, Field(min_length=1, max_length=80)]
    """Name of the method."""
    authors: Line = ""
    url: Link = ""
    """Paper or project page."""
    code: Link = ""
    """Source code."""
    notes: Text = ""


class Submission(About):
    """One entry of the leaderboard, as it lies in ``submissions/<task>/<slug>.json``."""

    format: Literal[2] = 2
    date: datetime.date
    result: Result

    @property
    def slug(self) -> str:
        """File name of the entry, without its ending."""
        return slug(self.name)


def slug(name: str) -> str:
    """Return a name as lower-case ASCII words joined by hyphens.

    Raises:
        BenchError: nothing is left of the name.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    if not words:
        raise BenchError(f"name: expected at least one letter or digit (a-z, 0-9), got {name!r}")
    return "-".join(words)[:80].rstrip("-")


def check_entry(
    task: str, name: str, folder: str | Path, replace: bool = False, **about: str
) -> None:
    """Check what can be known of an entry before minutes are spent on scoring it.

    Args:
        task: name of the task.
        name: name of the method.
        folder: of submissions.
        replace: whether an entry of that name may be there already.
        **about: ``authors``, ``url``, ``code``, ``notes``.

    Raises:
        BenchError: a field is too long, is no link, or holds control characters; or an entry of
            that name is there.
    """
    _about({**about, "name": name})
    _place(folder, task, name, replace)


def make_submission(result: Result, name: str, **about: str) -> Submission:
    """Put a result and its description together.

    Args:
        result: what :func:`vrs_bench.evaluate` returned.
        name: name of the method.
        **about: ``authors``, ``url``, ``code``, ``notes``.

    Raises:
        BenchError: a field is too long, is no link, or holds control characters; or the result
            is not one that is ranked.
    """
    described = _about({**about, "name": name})
    today = datetime.datetime.now(datetime.UTC).date()
    _check_scores("the submission", result.published())
    return Submission(**described.model_dump(), date=today, result=result.published())


def write_submission(entry: Submission, folder: str | Path, replace: bool = False) -> Path:
    """Write an entry to ``folder/<task>/<slug>.json``.

    Raises:
        BenchError: an entry of that name is there and is not to be replaced.
    """
    path = _place(folder, entry.result.task, entry.name, replace)
    write_text(path, entry.model_dump_json(indent=1) + "\n")
    return path


def _about(fields: dict[str, str]) -> About:
    try:
        about = About.model_validate(fields)
    except ValidationError as error:
        faults = [_fault(f["loc"], f["msg"], f["type"]) for f in error.errors()]
        raise BenchError("the submission is not valid:\n" + "\n".join(faults)) from error
    slug(about.name)
    return about


def _place(folder: str | Path, task: str, name: str, replace: bool) -> Path:
    """Return where an entry lies."""
    path = Path(folder) / get_task(task).name / f"{slug(name)}.json"
    if path.exists() and not replace:
        raise BenchError(f"{path}: there is an entry of that name; choose another or --replace it")
    return path


def _fault(loc: tuple[int | str, ...], message: str, kind: str) -> str:
    """Say in one line what is wrong with a field."""
    field = ".".join(map(str, loc)) or "file"
    if kind == "string_pattern_mismatch":
        if field in ("url", "code"):
            message = "expected a link such as https://example.org/paper, or nothing"
        else:
            message = "holds control characters or line breaks"
    return f"{field}: {message}"


def read_submission(path: str | Path) -> Submission:
    """Read and check an entry that anybody may have written.

    Raises:
        BenchError: too large, not JSON, not an entry, or not where an entry of its task and name
            belongs.
    """
    path = Path(path)
    if path.stat().st_size > MAX_BYTES:
        raise BenchError(f"{path}: larger than {MAX_BYTES} bytes, which no entry is")
    try:
        entry = Submission.model_validate_json(path.read_bytes())
    except ValidationError as error:
        faults = [_fault(f["loc"], f["msg"], f["type"]) for f in error.errors()[:10]]
        raise BenchError(f"{path}: not a submission:\n  " + "\n  ".join(faults)) from error
    _check_scores(path, entry.result)
    belongs = f"{get_task(entry.result.task).name}/{entry.slug}.json"
    if f"{path.parent.name}/{path.name}" != belongs:
        raise BenchError(f"{path}: this entry belongs in {belongs}")
    return entry


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
        for scene, value in [("the split", score.mean), *score.per_scene.items()]:
            if not metric.low - _ROUNDING <= value <= metric.high + _ROUNDING:
                raise BenchError(
                    f"{path}: '{name}' is {value:g} for {scene}; it lies between {metric.low:g} "
                    f"and {metric.high:g}"
                )


def read_submissions(folder: str | Path) -> list[Submission]:
    """Read all entries below a folder, in the order of their paths.

    Raises:
        BenchError: no such folder, or faulty entries: all of them are named.
    """
    folder = named(folder)
    if not folder.is_dir():
        raise BenchError(
            f"{folder}: no folder of submissions; make an entry with: vrs-bench submit"
        )
    entries, faults = [], []
    for path in sorted(folder.glob("*/*.json")):
        try:
            entries.append(read_submission(path))
        except (BenchError, OSError) as error:
            faults.append(str(error) if str(error).startswith(str(path)) else f"{path}: {error}")
    if faults:
        raise BenchError("\n".join(faults))
    return entries
