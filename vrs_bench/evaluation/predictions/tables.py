"""Predictions in Arrow tables: Parquet files and ``datasets.Dataset``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as arrow_types

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.keys import PredictionRow, as_key
from vrs_bench.types import Array

COLUMNS = ("scene", "time_step", "prediction")
_PARQUET_ROWS = 4
"""Rows of a Parquet file that are decoded at once."""


def parquet_rows(files: Iterable[Path]) -> Iterator[PredictionRow]:
    """Yield the rows of Parquet files, a few of which are in memory at a time.

    Raises:
        BenchError: a file is damaged, or lacks one of :data:`COLUMNS`.
    """
    for path in files:
        for batch in _batches(path):
            keys = zip(*(batch[column].to_pylist() for column in COLUMNS[:2]), strict=True)
            for index, key in enumerate(keys):
                yield as_key(key), partial(_image, batch["prediction"], index)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            _require_columns(str(path), file.schema_arrow.names)
            yield from file.iter_batches(_PARQUET_ROWS, columns=list(COLUMNS))
    except BenchError:
        raise
    except Exception as error:  # of damaged bytes, the parser raises almost anything
        raise BenchError(f"{path}: truncated, or not a Parquet file ({error})") from error


def dataset_rows(dataset: Any) -> Iterator[PredictionRow]:
    """Yield the rows of a ``datasets.Dataset``, whatever its format.

    Raises:
        BenchError: it lacks one of :data:`COLUMNS`.
    """
    _require_columns("predictions", dataset.column_names)
    table = dataset.select_columns(list(COLUMNS)).with_format("arrow")
    keys = table.select_columns(list(COLUMNS[:2]))[:]
    pairs = zip(keys["scene"].to_pylist(), keys["time_step"].to_pylist(), strict=True)
    for index, key in enumerate(pairs):
        yield as_key(key), partial(_dataset_image, table, index)


def _dataset_image(table: Any, index: int) -> Array:
    return _image(table[index]["prediction"].combine_chunks(), 0)


def _require_columns(name: str, columns: Iterable[str]) -> None:
    columns = list(columns)
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise BenchError(
            f"{name}: expected the columns {', '.join(COLUMNS)}; missing {', '.join(missing)} "
            f"among {', '.join(columns)}"
        )


def _image(column: pa.Array, index: int) -> Array:
    """Return one value of a column of nested lists, of any depth and type, as an array."""
    values = column.storage if isinstance(column, pa.ExtensionArray) else column
    values = values.slice(index, 1)
    shape: list[int] = []
    while arrow_types.is_nested(values.type):
        if not hasattr(values, "flatten") or not hasattr(values.type, "value_type"):
            raise BenchError(f"expected nested lists of numbers, got {values.type}")
        lengths = set(values.value_lengths().to_pylist())
        if len(lengths) != 1 or None in lengths:
            raise BenchError("expected nested lists of equal lengths, without nulls")
        shape += lengths
        values = values.flatten()
    if values.null_count:
        raise BenchError(f"{values.null_count} null values")
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(shape)
