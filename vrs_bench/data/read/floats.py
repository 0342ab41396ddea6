"""Rows as float32 images in [0, 1]: formats that `datasets` applies when rows are read.

The formats of `datasets` itself widen every integer to int64, or put one type on all columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from datasets.formatting import TensorFormatter, _register_formatter

from vrs_bench.columns import SCALE
from vrs_bench.errors import BenchError
from vrs_bench.types import Array


class FormatName(str):
    """Name of a format here. Its pickle imports this module, so that a worker process which is
    handed a dataset knows the format too."""

    __slots__ = ()


class FloatNumpyFormatter(TensorFormatter):  # type: ignore[misc]
    """NumPy: uint16 images and masks ÷ 10000 as float32, all else in the type it is stored in."""

    def format_batch(self, table: pa.Table) -> dict[str, Any]:
        """Return the columns of some rows, each with a first axis of rows."""
        return {name: self.wrap(_values(table[name])) for name in table.column_names}

    def format_row(self, table: pa.Table) -> dict[str, Any]:
        """Return the values of one row."""
        return {name: values[0] for name, values in self.format_batch(table).items()}

    def format_column(self, table: pa.Table) -> Any:
        """Return one column, with a first axis of rows."""
        return self.wrap(_values(table.column(0)))

    def recursive_tensorize(self, data_struct: Mapping[str, Any]) -> Mapping[str, Any]:
        """Pass on rows that are formatted already; refuse such as have lost their types."""
        if any(isinstance(value, list) for value in data_struct.values()):
            raise BenchError(
                "to_float: these rows are Python lists, which have lost their types (by map or "
                "filter on a stream?); call to_float first: to_float(stream).filter(…)"
            )
        return data_struct

    def wrap(self, values: Array) -> Any:
        """Return an array in the library of this format."""
        return values


class FloatTorchFormatter(FloatNumpyFormatter):
    """The same as torch tensors."""

    def wrap(self, values: Array) -> Any:
        """Return a tensor that shares the memory of the array."""
        import torch

        return torch.from_numpy(values)


def _values(column: pa.ChunkedArray) -> Array:
    """Return a column as a new array (rows, *shape)."""
    kind = column.type
    if isinstance(kind, pa.ExtensionType):  # a fixed-shape array of `datasets`
        shape, leaf = tuple(kind.shape), np.dtype(kind.value_type)
    elif isinstance(kind, pa.FixedSizeListType):
        shape, leaf = (kind.list_size,), np.dtype(kind.value_type.to_pandas_dtype())
    else:
        shape, leaf = (), np.dtype(kind.to_pandas_dtype())
    scaled = len(shape) > 1 and leaf == np.uint16
    values = np.empty((len(column), *shape), np.float32 if scaled else leaf)
    start = 0
    for chunk in column.chunks:
        flat = chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk
        for _ in shape:
            flat = flat.flatten()
        stored = flat.to_numpy(zero_copy_only=False).reshape(-1, *shape)
        part = values[start : start + len(chunk)]
        if scaled:
            np.divide(stored, np.float32(SCALE), out=part)
        else:
            part[...] = stored
        start += len(chunk)
    return values


FORMATS = {"torch": FormatName("vrs-float-torch"), "numpy": FormatName("vrs-float-numpy")}
_register_formatter(FloatTorchFormatter, FORMATS["torch"])
_register_formatter(FloatNumpyFormatter, FORMATS["numpy"])
