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
from vrs_bench.metrics.definition import DISTORTION
from vrs_bench.paths import write_text
from vrs_bench.settings import Settings
from vrs_bench.tasks import get_task

MAX_BYTES = 4_000_000
"""An entry of 1,500 test scenes and eight metrics has 0.5 MB; anything much larger is no entry."""

# Without control characters, line separators, and marks that turn the direction of what follows.
Line = Annotated[
    str, Field(max_length=200, pattern=r"^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$")
]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
Link = Annotated[str, Field(max_length=500, pattern=r"^(https?://[^\s\p{Cc}<>\"'`()\[\]\\|]+)?$")]


class Submission(Settings):
    """One entry of the leaderboard, as it lies in ``submissions/<task>/<slug>.json``."""

    format: Literal[1] = 1
    name: Annotated[Line, Field(min_length=1, max_length=80)]
    """Name of the method."""
    authors: Line = ""
    url: Link = ""
    """Paper or project page."""
    code: Link = ""
    """Source code."""
    notes: Text = ""
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


def make_submission(result: Result, name: str, **about: str) -> Submission:
    """Put a result and its description together.

    Args:
        result: what :func:`vrs_bench.evaluate` returned.
        name: name of the method.
        **about: ``authors``, ``url``, ``code``, ``notes``.

    Raises:
        BenchError: a field is too long, is no link, or holds control characters.
    """
    today = datetime.datetime.now(datetime.UTC).date()
    try:
        entry = Submission.model_validate({**about, "name": name, "date": today, "result": result})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors()]
        raise BenchError("the submission is not valid:\n" + "\n".join(faults)) from error
    slug(entry.name)
    return entry


def write_submission(entry: Submission, folder: str | Path, replace: bool = False) -> Path:
    """Write an entry to ``folder/<task>/<slug>.json``.

    Raises:
        BenchError: an entry of that name is there and is not to be replaced.
    """
    path = Path(folder) / get_task(entry.result.task).name / f"{entry.slug}.json"
    if path.exists() and not replace:
        raise BenchError(f"{path}: there is an entry of that name; choose another or --replace it")
    write_text(path, entry.model_dump_json(indent=1) + "\n")
    return path


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
        faults = [f"{'.'.join(map(str, f['loc'])) or 'file'}: {f['msg']}" for f in error.errors()]
        raise BenchError(f"{path}: not a submission:\n  " + "\n  ".join(faults[:10])) from error
    _check_scores(path, entry.result)
    belongs = f"{get_task(entry.result.task).name}/{entry.slug}.json"
    if f"{path.parent.name}/{path.name}" != belongs:
        raise BenchError(f"{path}: this entry belongs in {belongs}")
    return entry


def _check_scores(path: Path, result: Result) -> None:
    """Check that a result has the headline of its task, and metrics as they are defined here."""
    headline = get_task(result.task).headline
    if headline not in result.scores:
        raise BenchError(f"{path}: has no score '{headline}', by which {result.task} is ranked")
    for name, score in result.scores.items():
        metric = DISTORTION.get(name)
        if metric is None:
            raise BenchError(f"{path}: unknown metric '{name}'{did_you_mean(name, DISTORTION)}")
        stated = (score.metric, score.unit, score.higher_is_better, score.version)
        if stated != (metric.name, metric.unit, metric.higher_is_better, metric.version):
            raise BenchError(
                f"{path}: '{name}' has another unit, direction or version than it is defined with"
            )


def read_submissions(folder: str | Path) -> list[Submission]:
    """Read all entries below a folder, in the order of their paths.

    Raises:
        BenchError: no such folder, or faulty entries: all of them are named.
    """
    folder = Path(folder)
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
