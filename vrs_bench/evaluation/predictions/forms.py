"""The forms in which predictions come, each opened as rows that are read one at a time.

Nothing here judges shapes or values (that is :mod:`vrs_bench.evaluation.predictions.checking`),
and no form is ever unpickled.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vrs_bench.columns import row_name
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.expected import Expected
from vrs_bench.evaluation.predictions.files import length_of, listed, open_plain
from vrs_bench.evaluation.predictions.keys import PredictionRow, as_key, named_key
from vrs_bench.evaluation.predictions.npy import not_npy, read_array
from vrs_bench.evaluation.predictions.stacks import require_stack, stack_rows
from vrs_bench.evaluation.predictions.tables import dataset_rows, parquet_rows
from vrs_bench.evaluation.predictions.tars import tar_rows
from vrs_bench.evaluation.predictions.zips import zip_rows
from vrs_bench.paths import named, shown
from vrs_bench.types import Array


@dataclass(frozen=True)
class Source:
    """Predictions as they were given."""

    name: str
    """What messages call them: the path, or ``predictions``."""
    rows: Iterable[PredictionRow]
    one_pass: bool = False
    """Whether a row can be read only until the next one is asked for."""


@contextmanager
def opened(predictions: object, expected: Expected) -> Iterator[Source]:
    """Open predictions of any form.

    Args:
        predictions: a path, mapping, iterable of pairs, array, or ``datasets.Dataset``.
        expected: what the split asks for.

    Raises:
        BenchError: none of the forms, nothing there, or a file that can't be read.
    """
    datasets = sys.modules.get("datasets")  # nobody has a Dataset who has not imported it
    if isinstance(predictions, (str, os.PathLike)):
        with _opened_path(named(Path(predictions)), expected) as source:
            yield source
    elif isinstance(predictions, Mapping):
        yield Source("predictions", _mapping_rows(predictions))
    elif datasets is not None and isinstance(predictions, datasets.Dataset):
        yield Source("predictions", dataset_rows(predictions))
    elif hasattr(predictions, "__array__"):
        array = as_array(predictions)
        yield Source("predictions", _stack_rows(array, "predictions", expected))
    elif isinstance(predictions, Iterable):
        yield Source("predictions", _pair_rows(predictions), one_pass=True)
    else:
        raise BenchError(
            f"predictions: got {type(predictions).__name__}; expected one of:\n{expected.forms}"
        )


@contextmanager
def _opened_path(path: Path, expected: Expected) -> Iterator[Source]:
    kind, name = path.suffix.lower(), shown(path)
    if path.is_dir():
        found = listed(path, (".npy", ".parquet", ".tar"), expected.most_rows)
        if len(found) > 1:
            raise BenchError(f"{name}: holds {' and '.join(found)} files; keep one kind")
        if not found:
            raise BenchError(
                f"{name}: no .npy or .parquet files in this folder; expected files such as "
                f"{row_name(expected.keys[0])}.npy, named scene_step, or .parquet or .tar files"
            )
        [(kind, files)] = found.items()
        if kind == ".npy":
            yield Source(name, _folder_rows(files, expected))
            return
    elif not path.exists():
        raise BenchError(f"{name}: no such file or folder")
    else:
        files = [path]
    if kind == ".npz":
        with zip_rows(path, expected) as members:
            yield Source(name, members)
    elif kind == ".npy":
        rows, one_pass = stack_rows(path, expected)
        yield Source(name, rows, one_pass)
    elif kind == ".parquet":
        yield Source(name, parquet_rows(files, expected), one_pass=True)
    elif kind == ".tar":
        yield Source(name, tar_rows(files, expected.shape))
    else:
        raise BenchError(f"{name}: unknown kind of file; expected one of:\n{expected.forms}")


def as_array(value: Any) -> Array:
    """Return a NumPy view or copy of an array, a tensor in CPU memory, or nested lists.

    Raises:
        BenchError: the value is none of these, or has masked values.
    """
    if np.ma.is_masked(value):
        raise BenchError("masked values in an array; fill them")
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # torch: device, gradient, bfloat16
        hint = "; give .detach().float().cpu()" if hasattr(value, "detach") else ""
        raise BenchError(f"{type(value).__name__} is no array ({error}){hint}") from error


def _mapping_rows(mapping: Mapping[Any, Any]) -> Iterator[PredictionRow]:
    for key in mapping:
        yield as_key(key), partial(_mapping_value, mapping, key)


def _mapping_value(mapping: Mapping[Any, Any], key: object) -> Array:
    return as_array(mapping[key])


def _pair_rows(pairs: Iterable[Any]) -> Iterator[PredictionRow]:
    for number, pair in enumerate(pairs):
        if isinstance(pair, (tuple, list)) and len(pair) == 2:
            yield as_key(pair[0]), partial(as_array, pair[1])
        else:
            fault = f"item {number}: expected ((scene, time_step), array), got "
            yield fault + type(pair).__name__, partial(as_array, pair)


def _stack_rows(array: Array, name: str, expected: Expected) -> Iterator[PredictionRow]:
    require_stack(array.shape, name, expected)
    for index, key in enumerate(expected.keys):
        yield key, partial(_stack_row, array, index)


def _stack_row(array: Array, index: int) -> Array:
    return np.asarray(array[index])


# NumPy files


def _folder_rows(files: list[Path], expected: Expected) -> Iterator[PredictionRow]:
    for file in files:
        yield named_key(file.stem), partial(_row_file, file, expected.shape)


def _row_file(path: Path, shape: tuple[int, ...]) -> Array:
    with open_plain(path) as file:
        try:
            return read_array(file, length_of(file), shape)
        except Exception as error:  # of damaged bytes, the parsers raise almost anything
            raise not_npy(shown(path), error) from error
