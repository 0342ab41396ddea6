"""How a task's columns are stored: Hugging Face features and the Arrow types beneath them.

The features are written out here as the plain data that `datasets` reads, so that a building
worker need not import it; tests compare them with what `datasets` itself makes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from vrs_bench.columns import Column
from vrs_bench.types import Array

_ARROW = {
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "float32": pa.float32(),
}


def _array_type(column: Column) -> str:
    """Return the name of the fixed-shape array type of `datasets` for an image or a mask."""
    return f"Array{len(column.shape)}D"


def feature(column: Column) -> dict[str, Any]:
    """Return a column's feature in the JSON form of `datasets`."""
    if column.kind in ("image", "mask"):
        return {
            "shape": list(column.shape),
            "dtype": column.dtype,
            "_type": _array_type(column),
        }
    value = {"dtype": column.dtype, "_type": "Value"}
    if column.kind == "vector":
        return {"feature": value, "length": column.shape[0], "_type": "List"}
    return value


def card_feature(column: Column) -> dict[str, Any]:
    """Return a column's feature in the YAML form of a dataset card's ``dataset_info``."""
    if column.kind in ("image", "mask"):
        kind = f"array{len(column.shape)}_d"
        return {
            "name": column.name,
            "dtype": {kind: {"shape": list(column.shape), "dtype": column.dtype}},
        }
    if column.kind == "vector":
        return {"name": column.name, "list": column.dtype, "length": column.shape[0]}
    return {"name": column.name, "dtype": column.dtype}


def _arrow_type(column: Column) -> pa.DataType:
    leaf = _ARROW[column.dtype]
    if column.kind == "vector":
        return pa.list_(leaf, column.shape[0])
    for _ in column.shape:
        leaf = pa.list_(leaf)
    return leaf


def _extension(column: Column) -> dict[str, str] | None:
    """Return the field metadata by which `datasets` knows its fixed-shape array type again."""
    if column.kind not in ("image", "mask"):
        return None
    return {
        "ARROW:extension:name": f"datasets.features.features.{_array_type(column)}ExtensionType",
        "ARROW:extension:metadata": json.dumps([column.shape, column.dtype]),
    }


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """Return the Arrow schema of a shard, with the features in its metadata."""
    columns = tuple(columns)
    features = {column.name: feature(column) for column in columns}
    return pa.schema(
        [
            pa.field(column.name, _arrow_type(column), metadata=_extension(column))
            for column in columns
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )


def to_arrow(column: Column, values: Sequence[Array]) -> pa.Array:
    """Store the values of some rows as one Arrow array.

    Args:
        column: what they are.
        values: one array of ``column.shape`` a row.
    """
    stacked = np.ascontiguousarray(np.stack(values), dtype=column.dtype)
    if stacked.shape[1:] != column.shape:
        raise ValueError(f"column {column.name}: expected {column.shape}, got {stacked.shape[1:]}")
    array = pa.array(stacked.reshape(-1))
    if column.kind == "vector":
        return pa.FixedSizeListArray.from_arrays(array, column.shape[0])
    for axis in range(stacked.ndim - 1, 0, -1):
        length = stacked.shape[axis]
        offsets = np.arange(0, len(array) + 1, length, dtype=np.int32)
        array = pa.ListArray.from_arrays(pa.array(offsets), array)
    return array


def from_arrow(column: Column, array: pa.Array) -> Array:
    """Return the values of some rows as one NumPy array (rows, *shape); no copy is made."""
    if isinstance(array, pa.ExtensionArray):  # where `datasets` has been imported
        array = array.storage
    for _ in column.shape:
        array = array.flatten()
    return np.asarray(array.to_numpy(zero_copy_only=True)).reshape(-1, *column.shape)


def column_encodings(columns: Iterable[Column]) -> dict[str, str]:
    """Return the Parquet encoding of each image leaf: differences of neighbours pack best."""
    return {
        column.name + ".list.element" * len(column.shape): "DELTA_BINARY_PACKED"
        for column in columns
        if column.kind in ("image", "mask")
    }
