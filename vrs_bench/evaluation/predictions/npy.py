"""Arrays in NumPy's file format from people whom nobody vouches for.

Nothing is ever unpickled or mapped into memory, what a header claims costs nothing, and the values
of an array are read only if the header says that it is the one that is wanted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Literal

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.keys import Unlike, is_right_dtype
from vrs_bench.types import Array

HEADER = 1024
"""Bytes in which the header of an array must lie; NumPy writes 128."""


@dataclass(frozen=True)
class Header:
    """What the header of an array claims."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    """Whether the first axis is the fastest."""
    size: int
    """Bytes of the header, after which the values begin."""

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(start: bytes) -> Header:
    """Return what the header at the start of a file claims.

    Args:
        start: first :data:`HEADER` bytes of the file, or all where there are fewer.

    Raises:
        ValueError, or almost anything: these are not the first bytes of an array.
    """
    file = BytesIO(start)
    version = np.lib.format.read_magic(file)
    known = {(1, 0): 2, (2, 0): 4, (3, 0): 4}  # version → bytes of the length of the header
    if version not in known:
        raise ValueError(f"version {version}, expected one of {', '.join(map(str, known))}")
    at = file.tell()
    size = at + known[version] + int.from_bytes(start[at : at + known[version]], "little")
    if size > HEADER:
        raise ValueError(f"its header claims {size} bytes, expected at most {HEADER}")
    # Version 3 differs from version 2 in names of fields only, and arrays with fields are refused.
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else _read_2_0
    shape, fortran, dtype = read(file)
    return Header(shape, dtype, fortran, size)


_read_2_0 = np.lib.format.read_array_header_2_0


def read_array(file: IO[bytes], length: int, shape: tuple[int, ...]) -> Array:
    """Read the one array of a file.

    Args:
        file: stands where the array begins.
        length: bytes that the file holds from there on, or claims to.
        shape: of the array that is wanted.

    Raises:
        Unlike: the header says that it is another array.
        ValueError, or almost anything: it is damaged, or holds more or less than that array.
    """
    start = file.read(min(length, HEADER))
    header = read_header(start)
    require_right(header, shape, length)
    values = start[header.size :]
    values += file.read(header.nbytes - len(values))
    if len(values) != header.nbytes:
        raise ValueError(f"{len(values)} bytes of values, expected {header.nbytes}")
    order: Literal["F", "C"] = "F" if header.fortran else "C"
    return np.frombuffer(values, header.dtype).reshape(shape, order=order)


def require_right(header: Header, shape: tuple[int, ...], length: int) -> None:
    """Require that a header, and the bytes of its file, are those of the array that is wanted.

    Raises:
        Unlike, ValueError: as :func:`read_array`.
        BenchError: it holds Python objects, or numbers in another byte order.
    """
    if header.dtype.hasobject:
        raise BenchError("holds Python objects, which are never loaded; save numbers")
    if header.shape != shape or not is_right_dtype(header.dtype):
        raise Unlike(header.shape, header.dtype)
    if not header.dtype.isnative:
        raise BenchError(
            f"{header.dtype} is in another byte order than this machine's; save it with "
            f".astype('{header.dtype.newbyteorder('=')}')"
        )
    if length != header.size + header.nbytes:
        raise ValueError(f"{length} bytes, expected {header.size + header.nbytes}")


def not_npy(name: str, error: Exception) -> Exception:
    """Return what to raise where an array can't be read: with the name of its file."""
    if isinstance(error, Unlike):
        return error
    if isinstance(error, BenchError):
        return BenchError(f"{name}: {error}")
    return BenchError(f"{name}: truncated, or not a .npy file ({error})")
