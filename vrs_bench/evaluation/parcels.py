"""Parcels: values with large arrays on their way to another process of this machine.

The arrays go through a file, which the other process maps into its memory: through a pipe, they
would be copied three times more. The file lies where temporary files do, because shared memory is
64 MB small in many containers, where a process that writes beyond is killed without a word.

A process that is killed can't remove its files. Its folder is known by its name and by its lock,
which nobody holds any more: whoever makes parcels next removes it.
"""

from __future__ import annotations

import mmap
import pickle
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrs_bench.errors import BenchError
from vrs_bench.paths import writing_alone

_ALIGNED = 64
"""Arrays begin at multiples of so many bytes, as vector units like it."""

_PREFIX = "vrs-bench-parcels-"
_AGE = 600
"""Seconds since the last change of a folder after which it may be one that was left behind: a new
one has no lock for a moment, and some file systems have no locks."""


@dataclass(frozen=True)
class Parcel:
    """A value that was packed; small."""

    path: Path
    """The file that holds its arrays."""
    body: bytes
    """All but the arrays, pickled."""
    places: tuple[slice, ...]
    """Where in the file each array lies."""


@contextmanager
def parcel_folder() -> Iterator[Path]:
    """Give a folder for parcels among the temporary files, and remove it at the end.

    Those of processes that were killed are removed first.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, writing_alone(Path(name)):
        yield Path(name)


def _remove_abandoned(among: Path) -> None:
    """Remove the folders of parcels whose makers are gone."""
    for folder in among.glob(f"{_PREFIX}*"):
        # Folders of other users can't be opened, and those in use are held.
        with suppress(OSError, BenchError):
            if not folder.is_symlink() and time.time() - folder.stat().st_mtime > _AGE:
                with writing_alone(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def pack(value: object, folder: Path) -> Parcel:
    """Write the arrays of a value into a file of a folder.

    Raises:
        BenchError: there is no room for them.
    """
    arrays: list[pickle.PickleBuffer] = []
    body = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
    places = []
    try:
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            for array in arrays:
                begin = file.seek(-(-file.tell() // _ALIGNED) * _ALIGNED)
                file.write(array.raw())
                places.append(slice(begin, file.tell()))
    except OSError as error:
        raise BenchError(
            f"no room in {folder} for scenes on their way to workers ({error}); set TMPDIR to a "
            f"folder with more, or use fewer workers"
        ) from error
    return Parcel(Path(file.name), body, tuple(places))


def unpack(parcel: Parcel) -> Any:
    """Return the value of a parcel; its arrays are its own, and may be written to."""
    with parcel.path.open("rb") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    return pickle.loads(parcel.body, buffers=[memory[place] for place in parcel.places])  # noqa: S301  # our own
