"""Predictions in Arrow tables: Parquet files and ``datasets.Dataset``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as arrow_types

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.expected import Expected
from vrs_bench.evaluation.predictions.files import length_of, open_plain
from vrs_bench.evaluation.predictions.keys import PredictionRow, as_key
from vrs_bench.evaluation.predictions.pages import Chunk, require_rows, row_groups
from vrs_bench.paths import shown
from vrs_bench.types import Array

COLUMNS = ("scene", "time_step", "prediction")
_LISTS = (arrow_types.is_list, arrow_types.is_large_list, arrow_types.is_fixed_size_list)
_PARQUET_ROWS = 4
"""Rows of a Parquet file that are decoded at once."""
_LARGER = 4
"""How much larger than expected a row may be, to be decoded all the same and told its shape."""
_FOOTER, _FOOTER_ROW = 1 << 17, 1 << 9
"""Bytes of the description of a file, and of those for a row; unpacked it takes a hundredfold."""


def parquet_rows(files: Iterable[Path], expected: Expected) -> Iterator[PredictionRow]:
    """Yield the rows of Parquet files, a few of which are in memory at a time.

    Raises:
        BenchError: a file is damaged, lacks one of :data:`COLUMNS`, or holds far larger rows than
            the split has.
    """
    for path in files:
        for batch in _batches(path, expected):
            keys = zip(*(batch[column].to_pylist() for column in COLUMNS[:2]), strict=True)
            for index, key in enumerate(keys):
                yield as_key(key), partial(_image, batch["prediction"], index)


def _batches(path: Path, expected: Expected) -> Iterator[pa.RecordBatch]:
    with open_plain(path) as plain:
        try:
            groups = _described(plain, expected)
            with pq.ParquetFile(
                plain,
                pre_buffer=False,
                buffer_size=1 << 20,
                thrift_container_size_limit=max(10_000, 4 * expected.most_rows),
            ) as file:
                _require_columns(shown(path), file.schema_arrow)
                kind = file.schema_arrow.field("prediction").type
                _require_sizes(shown(path), kind, _LARGER * math.prod(expected.shape))
                for index, group in enumerate(groups):
                    _require_group(plain, file.schema, group, expected)
                    yield from file.iter_batches(_PARQUET_ROWS, [index], list(COLUMNS))
        except BenchError:
            raise
        except Exception as error:  # of damaged bytes, the parser raises almost anything
            text = f"{shown(path)}: truncated, or not a Parquet file ({error})"
            raise BenchError(text) from error


def _described(file: BinaryIO, expected: Expected) -> list[tuple[int, list[Chunk]]]:
    """Return the rows and columns of the row groups, by the description at the end of a file.

    Raises:
        ValueError: it is far too long to be one.
    """
    length = length_of(file)
    file.seek(max(0, length - 8))
    claimed = int.from_bytes(file.read(4), "little")
    most = _FOOTER + _FOOTER_ROW * expected.most_rows
    if claimed > most:
        raise ValueError(f"its description claims {claimed} bytes, expected at most {most}")
    file.seek(max(0, length - 8 - claimed))
    groups = row_groups(file.read(claimed))
    file.seek(0)
    return groups


def _require_group(
    file: BinaryIO, schema: pq.ParquetSchema, group: tuple[int, list[Chunk]], expected: Expected
) -> None:
    """Raise ValueError where there are far more rows than needed, or far larger ones."""
    rows, chunks = group
    if rows > expected.most_rows:
        raise ValueError(
            f"a row group of {rows} rows, far more than the {len(expected.keys)} of the split"
        )
    for index, chunk in enumerate(chunks):
        column = schema.column(index)
        name, levels = column.path.split(".")[0], column.max_repetition_level
        if name in COLUMNS:
            most = _LARGER * math.prod(expected.shape) if levels else 1
            try:
                require_rows(file, chunk, rows, levels, most)
            except Exception as error:  # of damaged bytes, the parser raises almost anything
                raise ValueError(f"column '{name}': {error}") from error


def dataset_rows(dataset: Any) -> Iterator[PredictionRow]:
    """Yield the rows of a ``datasets.Dataset``, whatever its format.

    Raises:
        BenchError: it lacks one of :data:`COLUMNS`.
    """
    _require_columns("predictions", dataset.features.arrow_schema)
    table = dataset.select_columns(list(COLUMNS)).with_format("arrow")
    keys = table.select_columns(list(COLUMNS[:2]))[:]
    pairs = zip(keys["scene"].to_pylist(), keys["time_step"].to_pylist(), strict=True)
    for index, key in enumerate(pairs):
        yield as_key(key), partial(_dataset_image, table, index)


def _dataset_image(table: Any, index: int) -> Array:
    return _image(table[index]["prediction"].combine_chunks(), 0)


def _require_columns(name: str, schema: pa.Schema) -> None:
    """Raise BenchError where columns are missing, twice there, or of other types."""
    names = list(schema.names)
    missing = [column for column in COLUMNS if names.count(column) != 1]
    if missing:
        raise BenchError(
            f"{name}: expected the columns {', '.join(COLUMNS)}; missing, or there twice: "
            f"{', '.join(missing)} among {', '.join(map(repr, names)):.1000}"
        )
    for column in COLUMNS[:2]:
        kind = schema.field(column).type
        if not arrow_types.is_integer(kind):
            raise BenchError(f"{name}: column '{column}': expected integers, got {kind!s:.60}")
    kind = _leaf(schema.field("prediction").type)
    if not (arrow_types.is_floating(kind) or arrow_types.is_integer(kind)):
        raise BenchError(
            f"{name}: column 'prediction': expected nested lists of floats or uint16, got "
            f"{schema.field('prediction').type!s:.200}"
        )


def _require_sizes(name: str, kind: pa.DataType, most: int) -> None:
    """Raise BenchError where lists of a fixed size would take more room than the values need.

    A null among them is one value of the file and as many of the array as the list is long. The
    size comes from a remark in the file, not from its values.
    """
    size, variable = 1, False
    for each in _lists(kind):
        if not arrow_types.is_fixed_size_list(each):
            variable = True
            continue
        size *= each.list_size
        if variable or size > most:
            raise BenchError(
                f"{name}: column 'prediction': lists of a fixed size {each.list_size}, larger than "
                f"expected or inside of lists of any size; write plain lists"
            )


def _leaf(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values of nested lists."""
    for each in _lists(kind):
        kind = each.value_type
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _lists(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield the types of nested lists from the outermost."""
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        if not any(is_list(kind) for is_list in _LISTS):
            return
        yield kind
        kind = kind.value_type


def _image(column: pa.Array, index: int) -> Array:
    """Return one value of a column of nested lists, of any depth and type, as an array."""
    values = column.slice(index, 1)
    shape: list[int] = []
    while True:
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        if not arrow_types.is_nested(values.type):
            break
        lengths = pc.min_max(values.value_lengths()).as_py()
        if values.null_count or lengths["min"] != lengths["max"]:
            raise BenchError("expected nested lists of equal lengths, without nulls")
        shape.append(lengths["max"] or 0)
        values = values.flatten()
    if values.null_count:
        raise BenchError(f"{values.null_count} null values")
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(shape)
