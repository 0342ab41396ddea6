"""The pages of a Parquet file: how many values each row holds, before any is decoded.

A page of a few bytes may stand for any number of values, since runs of equal values and equal
levels are written as one. The decoder believes what pages claim and makes arrays of that length.
So the pages are walked here first: their headers, and the repetition levels that say where rows
begin (0) and where they go on. Thrift's compact protocol, page headers and levels are defined in
https://github.com/apache/parquet-format.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from vrs_bench.types import Array

Fields = dict[int, Any]
"""Of a struct in Thrift's notation: number → value."""

PAGE = 1 << 26
"""Bytes of a page, unpacked, that are put up with; writers make pages of a megabyte."""
_PAGE_HEADER = 1 << 16
"""Bytes in which the header of a page must lie; they take some hundred."""
_WIDEST = 16
"""Bytes that a value with its levels takes in a page at most."""
_SPARE = 1 << 16
"""Bytes of a page besides."""
_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3
_RLE = 3
"""Encoding of levels; the other one has not been written for ten years."""
_AT_ONCE = 1 << 16
"""Levels that are looked at together."""
_CODECS = {1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
"""Of the numbers of methods; 0 is none, the others are no longer written."""


@dataclass(frozen=True)
class Chunk:
    """The values of one column in one row group, as the description of the file claims them."""

    start: int
    """Place of the first page in the file."""
    length: int
    """Bytes of all pages."""
    values: int
    codec: int
    """Number of the method by which pages are packed."""


def row_groups(description: bytes) -> list[tuple[int, list[Chunk]]]:
    """Return the rows, and the columns, of the row groups of a file.

    The description is read here, since pyarrow ends the process over some that are damaged.
    """
    groups = Thrift(description).struct()[4]
    return [(group[3], [_chunk(column[3]) for column in group[1]]) for group in groups]


def _chunk(fields: Fields) -> Chunk:
    starts = (fields[9], fields.get(11, 0))  # of the values, of a dictionary
    return Chunk(min(start for start in starts if start), fields[7], fields[5], fields[4])


def require_rows(file: BinaryIO, chunk: Chunk, rows: int, levels: int, most: int) -> None:
    """Raise ValueError unless the pages hold the rows that are claimed, none of them too long.

    Args:
        file: the whole Parquet file.
        chunk: which part of it.
        rows: of the row group.
        levels: highest repetition level: how many lists are nested; 0 where a row is one value.
        most: values that a row may have.

    Raises:
        ValueError, or almost anything: they don't, or are damaged.
    """
    tally = _Tally(most)
    for header, content in _data_pages(file, chunk):
        count = _claims(header)[1]
        if levels:
            _count(_levels_of(content, header, chunk.codec), levels.bit_length(), count, tally)
        elif count:
            tally.run(0, count)
    if tally.rows != rows:
        raise ValueError(f"{tally.rows} rows, where the file's description says {rows}")


class _Tally:
    """Rows that have begun, and the length of the last one so far."""

    def __init__(self, most: int) -> None:
        """Start before the first row."""
        self._most = most
        self.rows = self._length = 0

    def run(self, level: int, count: int) -> None:
        """Add equal levels."""
        if level:
            self._length += count
        else:
            self.rows, self._length = self.rows + count, 1
        self._require(self._length)

    def begun(self, starts: Array, count: int) -> None:
        """Add levels of which rows begin at the given places."""
        self._require(self._length + int(starts[0]))
        self._require(int(np.diff(starts).max(initial=0)))
        self.rows += len(starts)
        self._length = count - int(starts[-1])
        self._require(self._length)

    def _require(self, length: int) -> None:
        if length > self._most:
            raise ValueError(f"a row of more than {self._most} values")


def _data_pages(file: BinaryIO, chunk: Chunk) -> Iterator[tuple[Fields, bytes]]:
    """Yield header and content of the pages of values, the sizes of which are right."""
    position, end = chunk.start, chunk.start + chunk.length
    seen = 0
    while seen < chunk.values:
        file.seek(position)
        reader = Thrift(file.read(min(_PAGE_HEADER, end - position)))
        header = reader.struct()
        kind, unpacked, packed, count = *(header[n] for n in (1, 2, 3)), _claims(header)[1]
        position += reader.at
        if not 0 <= packed <= end - position:
            raise ValueError(f"a page of {packed} bytes, where {end - position} are left")
        most = _SPARE + _WIDEST * (chunk.values if kind == _DICTIONARY else count)
        if not 0 <= unpacked <= min(PAGE, most):
            raise ValueError(f"a page of {unpacked} bytes, expected at most {min(PAGE, most)}")
        if kind == _DICTIONARY:
            if not 0 <= count <= unpacked:
                raise ValueError(f"{count} values in a dictionary of {unpacked} bytes")
        else:
            seen += count
            if count < 0 or seen > chunk.values:
                raise ValueError(f"pages of more than {chunk.values} values")
            file.seek(position)
            yield header, file.read(packed)
        position += packed


def _claims(header: Fields) -> Fields:
    """Return what a header says of its kind of page; the first field is the number of values."""
    fields: Fields = header[{_DATA: 5, _DICTIONARY: 7, _DATA_2: 8}[header[1]]]
    return fields


def _levels_of(content: bytes, header: Fields, codec: int) -> bytes:
    """Return the bytes of a page that hold its repetition levels."""
    if header[1] == _DATA_2:
        size = header[8][6]
        if not 0 <= size <= len(content):
            raise ValueError(f"levels of {size} bytes in a page of {len(content)}")
        return content[:size]
    if header[5][4] != _RLE:
        raise ValueError("levels in an encoding that is no longer written")
    if codec:
        content = pa.Codec(_CODECS[codec]).decompress(content, header[2], asbytes=True)
    size = int.from_bytes(content[:4], "little")
    if size > len(content) - 4:
        raise ValueError(f"levels of {size} bytes in a page of {len(content)}")
    return content[4 : 4 + size]


def _count(content: bytes, width: int, count: int, tally: _Tally) -> None:
    """Add the levels of a page: runs of one level, and levels of ``width`` bits side by side."""
    reader = Thrift(content)
    while count:
        head = reader.varint()
        if not head >> 1:
            raise ValueError("an empty run of levels")
        if not head & 1:
            run = min(head >> 1, count)
            tally.run(reader.take((width + 7) // 8)[0], run)
        else:
            run = min((head >> 1) * 8, count)
            for begin in range(0, run, _AT_ONCE):
                part = min(_AT_ONCE, run - begin)
                _count_packed(reader.take(-(-part // 8) * width), width, part, tally)
        count -= run


def _count_packed(packed: bytes, width: int, count: int, tally: _Tally) -> None:
    """Add some levels; nearly always no row begins among them, which is seen at a glance."""
    bits = int.from_bytes(packed, "little")
    lowest = ((1 << width * count) - 1) // ((1 << width) - 1)  # the lowest bit of each level
    if functools.reduce(operator.or_, (bits >> n for n in range(width))) & lowest == lowest:
        tally.run(1, count)
        return
    each = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little").reshape(-1, width)
    starts = np.flatnonzero(~each[:count].any(axis=1))
    tally.begun(starts, count)


class Thrift:
    """Bytes in Thrift's compact protocol."""

    def __init__(self, content: bytes) -> None:
        """Start at the first byte."""
        self._content, self.at = content, 0

    def take(self, size: int) -> bytes:
        """Return the next bytes; raise ValueError where there are fewer."""
        part = self._content[self.at : self.at + size]
        if len(part) != size:
            raise ValueError("ends early")
        self.at += size
        return part

    def varint(self) -> int:
        """Return an integer without sign, of as many bytes as it needs."""
        value = shift = 0
        while True:
            [byte] = self.take(1)
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("an integer of more than 64 bits")

    def value(self, kind: int) -> Any:
        """Return a value: int, bytes, list, or of a struct what :meth:`struct` says."""
        if kind in (1, 2):
            return kind == 1
        if kind in (3, 7):
            return self.take({3: 1, 7: 8}[kind])
        if kind in (4, 5, 6):
            value = self.varint()
            if kind < 6 and value >> 32:
                raise ValueError("an integer of more than 32 bits")
            return (value >> 1) ^ -(value & 1)
        if kind == 8:
            return self.take(self.varint())
        if kind == 9:
            head = self.take(1)[0]
            size = head >> 4 if head < 0xF0 else self.varint()
            return [self.value(head & 15) for _ in range(size)]
        if kind == 12:
            return self.struct()
        raise ValueError(f"a value of type {kind}")

    def struct(self) -> Fields:
        """Return the fields of a struct by their numbers, each of which may be there once."""
        fields: Fields = {}
        field = 0
        while head := self.take(1)[0]:
            field = field + (head >> 4) if head >> 4 else self.value(4)
            if field in fields:  # readers differ in which of them they believe
                raise ValueError(f"field {field} twice")
            fields[field] = self.value(head & 15)
        return fields
