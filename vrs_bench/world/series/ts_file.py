"""Reader of ``.ts`` text files, the format of the UEA/UCR archives.

After the line ``@data`` each line is one case: its dimensions, separated by ``:``, then its class
label; a dimension is numbers, separated by commas. Lines before are tags (``@classLabel true a
b``) and comments. What tags say about sizes is not used: the data say it themselves, and memory
grows only with the file.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles


def read_ts(path: Path) -> tuple[Doubles, Array]:
    """Read labelled series of equal length.

    Args:
        path: the file, UTF-8 text.

    Returns:
        values (n_cases, n_dimensions, length) and labels (n_cases,), in lower case.

    Raises:
        BenchError: it can't be read or is not of this format, or its series have time stamps, no
            labels, missing or infinite values, or different shapes; names the line.
    """
    lines = enumerate(io.StringIO(_text(path), newline=None), start=1)
    _read_header(path, lines)
    cases: list[Doubles] = []
    labels: list[str] = []
    for number, line in lines:
        line = line.strip().lower()
        if not line or line[0] in "#%":
            continue
        *dimensions, label = line.split(":")
        if not dimensions or not label.strip():
            raise _fault(path, number, "expected DIMENSION:…:LABEL, a dimension being numbers")
        case = _numbers(path, number, dimensions)
        if cases and case.shape != cases[0].shape:
            shapes = " and ".join(f"{n} × {length}" for n, length in (case.shape, cases[0].shape))
            differ = f"series of different shape than the first (dimensions × length): {shapes}"
            raise _fault(path, number, f"{differ}; one archive needs one shape")
        cases.append(case)
        labels.append(label.strip())
    if not cases:
        raise BenchError(f"ts.path: {path}: not a .ts archive, it has no series after @data")
    return np.stack(cases), np.array(labels)


def _text(path: Path) -> str:
    """Return the content of a file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"ts.path: {path} can't be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise _fault(path, number, "not UTF-8 text") from error


def _read_header(path: Path, lines: enumerate[str]) -> None:
    """Read up to ``@data``; make sure that what follows can be read."""
    labelled = False
    for number, line in lines:
        words = line.lower().split()
        match words:
            case ["@data"]:
                if not labelled:
                    raise _fault(path, number, "no '@classLabel true …' before @data")
                return
            case ["@timestamps", "true", *_]:
                raise _fault(path, number, "series with time stamps are not read; leave them out")
            case ["@classlabel" | "@targetlabel", flag, *_]:
                labelled = flag == "true"
    raise BenchError(f"ts.path: {path}: not a .ts archive, it has no line @data")


def _numbers(path: Path, line: int, dimensions: list[str]) -> Doubles:
    """Return the numbers of a case, (n_dimensions, length)."""
    try:
        series = [[float(word) for word in dimension.split(",")] for dimension in dimensions]
    except ValueError as error:
        if any(word.strip() == "?" for text in dimensions for word in text.split(",")):
            raise _fault(path, line, "a missing value ('?'); fill it or drop the case") from error
        raise _fault(path, line, str(error)) from error
    lengths = sorted({len(values) for values in series})
    if len(lengths) > 1:
        raise _fault(path, line, f"dimensions of {lengths} values; all must be equally long")
    case = np.array(series, dtype=np.float64)
    if not np.isfinite(case).all():
        raise _fault(path, line, "a missing or infinite value; fill it or drop the case")
    return case


def _fault(path: Path, line: int, what: str) -> BenchError:
    """Return an error that names the line."""
    return BenchError(f"ts.path: {path}, line {line}: {what}")
