"""Entries as files, ``<folder>/<task>/<recipe>/<slug>.json``: written once, read with distrust."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.facts import is_to_come
from vrs_bench.leaderboard.submission import (
    About,
    Submission,
    check_inputs,
    check_result,
    faults_of,
    valid,
)
from vrs_bench.leaderboard.texts import letters, skeleton, slug
from vrs_bench.paths import named, write_text
from vrs_bench.tasks import get_task

MAX_BYTES = 4_000_000
"""An entry of 1,500 test scenes and thirty metrics has 1.5 MB; anything much larger is no entry."""


def check_entry(
    task: str, recipe: str, name: str, folder: str | Path, replace: bool = False, **about: str
) -> None:
    """Check what can be known of an entry before minutes are spent on scoring it.

    Args:
        task: name of the task.
        recipe: name of the recipe of its data, such as ``small``.
        name: name of the method.
        folder: of submissions.
        replace: whether an entry of that name may be there already.
        **about: ``authors``, ``url``, ``code``, ``notes``.

    Raises:
        BenchError: a field is too long, is no link, or holds what nobody can see; or an entry of
            that name, or of one that looks like it, is there.
    """
    valid(About, {**about, "name": name})
    _place(folder, task, recipe, name, replace)


def write_submission(entry: Submission, folder: str | Path, replace: bool = False) -> Path:
    """Write an entry to ``folder/<task>/<recipe>/<slug>.json``.

    Raises:
        BenchError: an entry of that name is there and is not to be replaced.
    """
    path = _place(folder, entry.result.task, entry.result.recipe, entry.name, replace)
    write_text(path, entry.model_dump_json(indent=1) + "\n")
    return path


def _place(folder: str | Path, task: str, recipe: str, name: str, replace: bool) -> Path:
    """Return where an entry lies, if no other one is in its way."""
    path = Path(folder) / get_task(task).name / recipe / f"{slug(name)}.json"
    for other in path.parent.glob("*.json"):
        if other != path and skeleton(other.stem) == skeleton(path.stem):
            raise BenchError(f"{path}: looks like {other.name}; choose another name")
    if not path.exists():
        return path
    if not replace:
        raise BenchError(f"{path}: there is an entry of that name; choose another or --replace it")
    there = _name_in(path)
    if there is not None and letters(there) != letters(name):
        raise BenchError(f"{path}: is of '{there}', which '{name}' only looks like; choose another")
    return path


def _name_in(path: Path) -> str | None:
    """Return the name in an entry that may be of an older format; None where there is none."""
    try:
        name = json.loads(path.read_bytes())["name"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None


def read_submission(path: str | Path) -> Submission:
    """Read and check an entry that anybody may have written.

    Raises:
        BenchError: too large, not JSON, not an entry, in contradiction to the packaged data, of
            the future, not where an entry of its task and name belongs, or changed after it was
            verified.
    """
    entry = read_as_claimed(path)
    stamp = entry.verification
    if stamp is not None and stamp.content_sha256 != entry.content_digest():
        raise BenchError(
            f"{path}: was changed after it was verified; verify it again with: "
            f"vrs-bench verify-entry {path}"
        )
    return entry


def read_as_claimed(path: str | Path) -> Submission:
    """Read and check an entry, whatever its stamp says; who verifies it makes a new one.

    Raises:
        BenchError: as :func:`read_submission`.
    """
    path = Path(path)
    if not path.is_file():
        raise BenchError(f"{path}: is no file")
    if path.stat().st_size > MAX_BYTES:
        raise BenchError(f"{path}: larger than {MAX_BYTES} bytes, which no entry is")
    content = path.read_bytes()
    try:
        entry = Submission.model_validate_json(content)
        json.loads(content, object_pairs_hook=_each_once)
    except ValidationError as error:
        raise BenchError(
            f"{path}: not a submission:\n  " + "\n  ".join(faults_of(error))
        ) from error
    except BenchError as error:
        raise BenchError(f"{path}: not a submission:\n  {error}") from error
    check_result(path, entry.result)
    dates = [entry.date] + ([entry.verification.date] if entry.verification else [])
    for date in dates:
        if is_to_come(date):
            raise BenchError(f"{path}: {date} lies in the future")
    check_inputs(path, entry.result.task, entry.provenance)
    if "/".join(path.absolute().parts[-3:]) != f"{entry.key}.json":
        raise BenchError(f"{path}: this entry belongs in {entry.key}.json")
    return entry


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
    entries: list[Submission] = []
    faults = []
    seen: dict[tuple[Path, str], Path] = {}
    strays = sorted(folder.glob("*/*.json"))
    faults += [f"{path}: entries lie one folder deeper, by the size of the data" for path in strays]
    for path in sorted(folder.glob("*/*/*.json")):
        other = seen.setdefault((path.parent, skeleton(path.stem)), path)
        if other != path:
            faults.append(f"{path}: looks like {other.name}; one of the two needs another name")
        try:
            entries.append(read_submission(path))
        except (BenchError, OSError) as error:
            faults.append(str(error) if str(error).startswith(str(path)) else f"{path}: {error}")
    if faults:
        raise BenchError("\n".join(faults))
    return entries


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, none of whose keys stands twice: of two, readers see different ones."""
    seen: set[str | int] = set()
    for key, _ in pairs:
        same: str | int = key
        with suppress(ValueError, OverflowError):
            same = int(float(key))  # scenes are numbers, which can be written in several ways
        if same in seen:
            raise BenchError(f"the key '{key[:60]}' stands there twice")
        seen.add(same)
    return dict(pairs)
