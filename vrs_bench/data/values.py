"""The digest of a shard's values, which says nothing of the file that holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vrs_bench.columns import Column
from vrs_bench.data.arrow import arrow_schema, from_arrow

_ROWS = 10  # read at a time


class ValuesDigest:
    """SHA-256 over the values of some rows, whatever container they are stored in.

    For each column, in the order of the schema, one SHA-256 is fed with

    1. the line ``name dtype shape`` in UTF-8, ended by a line feed: one space between the three,
       the dtype by NumPy's name (``uint16``), the shape of one value as sizes with ``,`` between
       them (``4,128,128``; nothing for a scalar);
    2. the values of all rows, row after row, each in C order, little-endian.

    The digest is the SHA-256 of the columns' digests (32 bytes each), one after the other. So it
    depends on names, types, shapes, values and their order, but not on Parquet, its version, its
    compression or its row groups; and nothing but the hashes' states is kept while rows come.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Begin with no rows of some columns."""
        self._columns = tuple(columns)
        self._hashes = [hashlib.sha256() for _ in self._columns]
        for column, sha256 in zip(self._columns, self._hashes, strict=True):
            shape = ",".join(map(str, column.shape))
            sha256.update(f"{column.name} {column.dtype} {shape}\n".encode())

    def add(self, arrays: Sequence[pa.Array]) -> None:
        """Take the next rows: one Arrow array a column, as `to_arrow` makes them."""
        for column, sha256, array in zip(self._columns, self._hashes, arrays, strict=True):
            values = from_arrow(column, array)
            little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
            sha256.update(little.data)

    def hexdigest(self) -> str:
        """Return the digest of the rows so far, 64 hexadecimal digits."""
        return hashlib.sha256(b"".join(sha256.digest() for sha256 in self._hashes)).hexdigest()


def values_digest(path: Path, columns: Sequence[Column]) -> str | None:
    """Return the digest of the values of a Parquet file, or None where it can't be read as such.

    Args:
        path: the file.
        columns: those that it must have, in this order; another schema counts as unreadable.
    """
    digest = ValuesDigest(columns)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if _fields(file.schema_arrow) != _fields(arrow_schema(columns)):
                return None
            for batch in file.iter_batches(_ROWS):
                digest.add(batch.columns)
    except (pa.ArrowException, ValueError, OSError):
        return None
    return digest.hexdigest()


def _fields(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Return names and storage types: once `datasets` is imported, arrays have types of its own."""
    return [(f.name, getattr(f.type, "storage_type", f.type)) for f in schema]
