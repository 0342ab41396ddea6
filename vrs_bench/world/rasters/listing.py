"""Which files hold which dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from vrs_bench.errors import BenchError
from vrs_bench.paths import named, shown

MOST_FILES = 10_000
"""Dates that a recipe may have, as its horizon."""

_FIELDS = {
    "%Y": r"(?P<Y>\d{4})",
    "%m": r"(?P<m>\d{2})",
    "%d": r"(?P<d>\d{2})",
    "%j": r"(?P<j>\d{3})",
}
_TOKEN = re.compile(r"%[A-Za-z%]|\*")


class Dated(NamedTuple):
    """Where the images of a date lie."""

    date: date
    file: str
    first_band: int
    """Band of the file, from 1, that is the first of the date."""


def dated_bands(files: str, dates: Sequence[date], n_bands: int, key: str) -> list[Dated]:
    """Return where every date lies, in order.

    Args:
        files: pattern of the files, one a date; or with ``dates`` the one file.
        dates: of the one file.
        n_bands: bands of a date, in the one file.
        key: of the recipe, for messages.

    Raises:
        BenchError: no file fits, a date stands twice, is none, or stands out of order.
    """
    if dates:
        found = [Dated(day, files, 1 + index * n_bands) for index, day in enumerate(dates)]
        if any(later.date <= earlier.date for earlier, later in pairwise(found)):
            raise BenchError(f"{key}.dates: expected dates in order, each once, as in the file")
        return found
    pattern, wildcard = _compiled(str(named(files)), key)
    found = sorted(
        Dated(_named_day(match, path, key), path, 1)
        for path in _candidates(wildcard)
        if (match := pattern.fullmatch(path))
    )
    if not found:
        raise BenchError(
            f"{key}.files: no file is named like {shown(files)}, seen from {shown(Path.cwd())}; "
            f"paths are relative to the folder in which the command runs"
        )
    for earlier, later in pairwise(found):
        if later.date == earlier.date:
            raise BenchError(
                f"{key}.files: {shown(earlier.file)} and {shown(later.file)} are both of "
                f"{later.date}; expected one file a date: give a pattern that only one fits"
            )
    if len(found) > MOST_FILES:
        raise BenchError(
            f"{key}.files: {len(found)} files are named like {shown(files)}; expected at most "
            f"{MOST_FILES:,}"
        )
    return found


def _compiled(files: str, key: str) -> tuple[re.Pattern[str], str]:
    """Return a pattern of files as regular expression, and as wildcard for a search."""
    expression, wildcard, end, seen = "", "", 0, set()
    for token in _TOKEN.finditer(files):
        literal, word = files[end : token.start()], token.group()
        expression += re.escape(literal)
        wildcard += _literal(literal)
        if word == "*":
            expression, wildcard = expression + r"[^/]*", wildcard + "*"
        elif word in _FIELDS and word not in seen:
            expression, wildcard = expression + _FIELDS[word], wildcard + "*"
            seen.add(word)
        elif word in _FIELDS:  # the folder of a year, and the year again in the name
            expression, wildcard = f"{expression}(?P={word[1]})", wildcard + "*"
        else:
            raise BenchError(
                f"{key}.files: {shown(files)} holds {word}; of a date, %Y, %m, %d and %j are known"
            )
        end = token.end()
    expression, wildcard = expression + re.escape(files[end:]), wildcard + _literal(files[end:])
    if seen not in ({"%Y", "%m", "%d"}, {"%Y", "%j"}):
        raise BenchError(
            f"{key}.files: {shown(files)} does not say where in the path the date stands; write it "
            f"as images/S2_%Y%m%d.tif, or name the dates of one file as 'dates'"
        )
    return re.compile(expression), re.sub(r"\*+", "*", wildcard)


def _literal(text: str) -> str:
    """Return a text in which a search sees no wildcard."""
    return re.sub(r"([?\[])", r"[\1]", text)


def _candidates(wildcard: str) -> list[str]:
    """Return the paths that fit a wildcard, which stays within one folder a part."""
    anchor = Path(wildcard).anchor
    base = Path(anchor or ".")
    parts = Path(wildcard).parts[1 if anchor else 0 :]
    return [str(path) for path in base.glob("/".join(parts))]


def _named_day(match: re.Match[str], path: str, key: str) -> date:
    """Return the date in the name of a file."""
    fields = match.groupdict()
    form = "%Y-%j" if "j" in fields else "%Y-%m-%d"
    text = "-".join(fields[word[1]] for word in form.split("-"))
    try:
        day = datetime.strptime(text, form).date()
    except ValueError as error:
        raise BenchError(f"{key}.files: {shown(path)}: names no date ({error})") from error
    if day.strftime("%Y") != fields["Y"]:  # day 366 of a year that has 365
        raise BenchError(f"{key}.files: {shown(path)}: names no date ({text})")
    return day
