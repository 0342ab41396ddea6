"""Files from people whom nobody vouches for: opened without waiting, named without harm."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vrs_bench.errors import BenchError
from vrs_bench.paths import shown


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file, or a link to one, to read it.

    A pipe would be waited for without end, and a device gives bytes without end.

    Raises:
        BenchError: it is something else, or can't be opened.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # the caller closes
    except OSError as error:
        raise BenchError(f"{shown(path)}: can't be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise BenchError(f"{shown(path)}: a pipe or device; expected a plain file")
    return file


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; of a pipe, don't wait until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def length_of(file: BinaryIO) -> int:
    """Return how many bytes an open file holds now."""
    return os.fstat(file.fileno()).st_size


def listed(folder: Path, endings: tuple[str, ...], most: int) -> dict[str, list[Path]]:
    """Return the files of a folder by their ending, in order, without hidden ones.

    Args:
        folder: where to look; its sub-folders are left alone.
        endings: of the names that count.
        most: files of one kind that are put up with.

    Raises:
        BenchError: there are more, or the folder can't be read.
    """
    found: dict[str, list[Path]] = {ending: [] for ending in endings}
    try:
        for name in _names(folder):
            ending = os.path.splitext(name)[1]  # noqa: PTH122  # a Path for every name is slow
            if ending in found and not name.startswith("."):
                found[ending].append(folder / name)
                if len(found[ending]) > most:
                    raise BenchError(
                        f"{shown(folder)}: more than {most} {ending} files, far more than the "
                        f"split has rows; give the folder that holds its predictions alone"
                    )
    except OSError as error:
        raise BenchError(f"{shown(folder)}: can't be read ({error.strerror})") from error
    return {ending: sorted(paths) for ending, paths in found.items() if paths}


def _names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name
