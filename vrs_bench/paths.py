"""Where the parts of the distribution lie, and how a file is written whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from vrs_bench.errors import BenchError

TEMPORARY = ".partial"
"""Suffix of a file that is still being written."""


def bundled(name: str) -> Path:
    """Return the folder ``builders`` or ``baselines``.

    In an installed wheel they lie inside the package, in a checkout beside it.
    """
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


@contextmanager
def whole_file(path: Path, flushed: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block succeeds.

    After an error or a crash, ``path`` is what it was before. The file is flushed to disk before
    it is renamed; one that is not, for the caller flushes many at once, can be lost or cut when
    the machine fails, though not when the process does.
    """
    if path.is_dir():
        raise BenchError(f"{path}: is a folder; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{TEMPORARY}")
    try:
        yield temporary
        if flushed:
            _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def flush(paths: Iterable[Path]) -> None:
    """Flush files and folders to disk, many at a time: the disk then commits them together."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        list(pool.map(_flush, paths))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
