"""Predictions of a whole split as one array in a .npy file.

It is read row by row, and not mapped into memory: a mapped file that becomes shorter would end the
process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.expected import Expected
from vrs_bench.evaluation.predictions.files import length_of, open_plain
from vrs_bench.evaluation.predictions.keys import PredictionRow, Unlike
from vrs_bench.evaluation.predictions.npy import (
    HEADER,
    Header,
    not_npy,
    read_header,
    require_right,
)
from vrs_bench.paths import shown
from vrs_bench.types import Array

_TOGETHER = 1 << 26
"""Bytes of rows that are gathered at once where their values lie scattered."""
_BLOCK = 1 << 20
"""Bytes that are read at once for that."""


def stack_rows(path: Path, expected: Expected) -> tuple[Iterator[PredictionRow], bool]:
    """Return the rows of an array in a file, and whether each can be read only once.

    Raises:
        BenchError: the file is damaged, or its array has not one row for each of the split.
    """
    with open_plain(path) as file:
        length = length_of(file)
        try:
            header = read_header(file.read(HEADER))
            require_right(header, expected.stack_shape, length)
        except Unlike as other:
            if length != header.size + header.nbytes:
                raise not_npy(shown(path), ValueError(f"{length} bytes")) from other
            require_stack(other.shape, shown(path), expected)
            return _unlike_rows(other, expected), False
        except Exception as error:  # of damaged bytes, the parsers raise almost anything
            raise not_npy(shown(path), error) from error
    if header.fortran:
        return _scattered_rows(path, header, expected), True
    return _whole_rows(path, header, expected), False


def require_stack(shape: tuple[int, ...], name: str, expected: Expected) -> None:
    """Raise BenchError where an array has not one row for each of the split."""
    if shape != expected.stack_shape:
        raise BenchError(
            f"{name}: expected shape {expected.stack_shape}, which is (row, band, height, width) "
            f"in the order of the split's rows; got {shape}"
        )


def _unlike_rows(other: Unlike, expected: Expected) -> Iterator[PredictionRow]:
    def refuse() -> Array:
        raise Unlike(expected.shape, other.dtype)

    for key in expected.keys:
        yield key, refuse


def _whole_rows(path: Path, header: Header, expected: Expected) -> Iterator[PredictionRow]:
    for index, key in enumerate(expected.keys):
        yield key, partial(_whole_row, path, header, index)


def _whole_row(path: Path, header: Header, index: int) -> Array:
    shape = header.shape[1:]
    size = math.prod(shape) * header.dtype.itemsize
    with open_plain(path) as file:
        file.seek(header.size + index * size)
        return np.frombuffer(_exactly(file, size, path), header.dtype).reshape(shape)


def _scattered_rows(path: Path, header: Header, expected: Expected) -> Iterator[PredictionRow]:
    """Yield rows where the first axis is the fastest: every block of the file holds some of all."""
    size = math.prod(expected.shape) * header.dtype.itemsize
    step = max(1, _TOGETHER // size)
    for begin in range(0, len(expected.keys), step):
        keys = expected.keys[begin : begin + step]
        columns = _columns(path, header, begin, len(keys))
        for index, key in enumerate(keys):
            yield key, partial(_column, columns, index, expected.shape)


def _columns(path: Path, header: Header, begin: int, count: int) -> Array:
    """Return the values of some rows, (value, row)."""
    rows, values = header.shape[0], math.prod(header.shape[1:])
    step = max(1, _BLOCK // (rows * header.dtype.itemsize))
    columns = np.empty((values, count), header.dtype)
    with open_plain(path) as file:
        file.seek(header.size)
        for at in range(0, values, step):
            part = columns[at : at + step]
            block = _exactly(file, len(part) * rows * header.dtype.itemsize, path)
            part[...] = np.frombuffer(block, header.dtype).reshape(-1, rows)[
                :, begin : begin + count
            ]
    return columns


def _column(columns: Array, index: int, shape: tuple[int, ...]) -> Array:
    return columns[:, index].reshape(shape, order="F")


def _exactly(file: BinaryIO, size: int, path: Path) -> bytes:
    content = file.read(size)
    if len(content) != size:
        raise BenchError(f"{shown(path)}: truncated")
    return content
