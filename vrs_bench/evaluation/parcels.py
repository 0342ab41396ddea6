"""Parcels: values with large arrays on their way to another process of this machine.

The arrays go through a file, which the other process maps into its memory: through a pipe, they
would be copied three times more. The file lies where temporary files do, because shared memory is
64 MB small in many containers, where a process that writes beyond is killed without a word.
"""

from __future__ import annotations

import mmap
import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrs_bench.errors import BenchError

_ALIGNED = 64
"""Arrays begin at multiples of so many bytes, as vector units like it."""


@dataclass(frozen=True)
class Parcel:
    """A value that was packed; small."""

    path: Path
    """The file that holds its arrays."""
    body: bytes
    """All but the arrays, pickled."""
    places: tuple[slice, ...]
    """Where in the file each array lies."""


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
