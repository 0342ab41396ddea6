"""Arrays in NumPy's file format from people whom nobody vouches for.

Nothing is ever unpickled, and what a header claims costs no memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array

Header = tuple[tuple[int, ...], np.dtype[Any]]


def mapped(path: Path) -> Array:
    """Open a .npy file without reading it.

    Raises:
        BenchError: it is none, or holds Python objects.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # of damaged bytes, the parsers raise almost anything
        raise not_npy(str(path), error) from error


def read_header(file: IO[bytes]) -> Header:
    """Return the shape and the dtype that the header of an array claims."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, dtype


def stand_in(header: Header, shape: tuple[int, ...]) -> Array | None:
    """Return an array as the header claims that takes no memory, where it can't be a prediction.

    Its shape and dtype are all that a message needs. Where the array may be one of ``shape``, or
    holds objects, there is no stand-in and it is to be read.
    """
    found, dtype = header
    if dtype.hasobject or (found == shape and dtype.kind in "uf"):
        return None
    return np.broadcast_to(np.empty((), dtype), found)


def not_npy(name: str, error: Exception) -> BenchError:
    """Return what to raise where an array can't be read."""
    if any(words in str(error) for words in ("Python objects", "Object arrays")):
        return BenchError(f"{name}: holds Python objects, which are never loaded; save numbers")
    return BenchError(f"{name}: truncated, or not a .npy file ({error})")
