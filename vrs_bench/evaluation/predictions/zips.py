"""Predictions in an .npz file: a zip archive of arrays, as ``numpy.savez`` writes it.

A zip file of a few kilobytes may claim gigabytes, and unpack to them. Members are unpacked only as
far as the header of their array, and further only if it says that it is the one that is wanted.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.expected import Expected
from vrs_bench.evaluation.predictions.files import length_of, open_plain
from vrs_bench.evaluation.predictions.keys import PredictionRow, named_key
from vrs_bench.evaluation.predictions.npy import not_npy, read_array
from vrs_bench.paths import shown
from vrs_bench.types import Array

_LISTED = 300
"""Bytes of the list of members that one of them may take; NumPy's take 80."""
_LEAST = 1 << 17
"""Bytes that may be read at once in any case: in so many the end of the list is looked for."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How members may be packed: the unpackers of the other methods can't be stopped in time."""


@contextmanager
def zip_rows(path: Path, expected: Expected) -> Iterator[Iterator[PredictionRow]]:
    """Open an .npz file, to iterate over its rows.

    Args:
        path: of the file.
        expected: what the split asks for.

    Raises:
        BenchError: it is damaged, or lists far more members than the split has rows.
    """
    most = max(_LEAST, _LISTED * expected.most_rows, 2 * expected.row_bytes)
    with open_plain(path) as plain:
        try:
            archive = zipfile.ZipFile(_Sips(plain, most))
        except Exception as error:  # of damaged bytes, the parsers raise almost anything
            raise BenchError(f"{shown(path)}: truncated, or not an .npz file ({error})") from error
        with archive:
            yield _rows(path, archive, expected.shape)


class _Sips(io.RawIOBase):
    """A file of which no more is read at once than its reader needs.

    The zip library reads the list of members at once, however long the file says that it is.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        """Wrap a file."""
        self._file, self._most = file, most

    def read(self, size: int = -1) -> bytes:
        """Read that many bytes, or all that are left; raise ValueError where they are too many."""
        if size < 0:
            size = length_of(self._file) - self._file.tell()
        if size > self._most:
            raise ValueError(f"it claims a list or member of {size} bytes, of at most {self._most}")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Say that it can be sought in."""
        return True


def _rows(path: Path, archive: zipfile.ZipFile, shape: tuple[int, ...]) -> Iterator[PredictionRow]:
    for member in archive.infolist():
        key = named_key(member.filename.removesuffix(".npy"))
        yield key, partial(_array, path, archive, member, shape)


def _array(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, shape: tuple[int, ...]
) -> Array:
    try:
        if member.compress_type not in _METHODS:
            raise ValueError("packed by a method that NumPy does not use")
        with archive.open(member) as file:
            return read_array(file, member.file_size, shape)
    except Exception as error:  # of damaged bytes, the parsers raise almost anything
        raise not_npy(f"{shown(path)}: {member.filename}", error) from error
