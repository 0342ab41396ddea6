"""Streaming of Parquet that ends when it is told to.

`datasets` streams Parquet through Arrow's dataset scanner, whose threads read ahead from a Python
file. Where a stream is left early, those threads are still at it when the interpreter shuts
down; to read they need the interpreter's lock, which they never get: the process hangs or is
aborted (https://github.com/apache/arrow/issues/45214; seen with pyarrow 26.0 and datasets 5.2).
Closing the iterator stops no thread. Here the same batches are read by the plain Parquet reader,
which does nothing unless it is asked for the next batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import DownloadConfig
from datasets.packaged_modules.parquet.parquet import Parquet
from datasets.table import table_cast
from datasets.utils.file_utils import xopen

from vrs_bench.errors import BenchError

_DEFAULTS = {"filters": None, "fragment_scan_options": None, "on_bad_files": "error"}
"""Options of the scanner, which is not used here."""


def stream(builder: Any, split: Any) -> Any:
    """Return the IterableDataset of a split, or the IterableDatasetDict of all.

    Args:
        builder: what `datasets.load_dataset_builder` gives for a folder or a repository.
        split: name, or None for all.

    Raises:
        BenchError: options that only the scanner of `datasets` has.
    """
    if isinstance(builder, Parquet):
        for name, default in _DEFAULTS.items():
            if getattr(builder.config, name, default) != default:
                raise BenchError(
                    f"{name}: can't be had with streaming=True; filter the rows of the stream, "
                    "or load without streaming"
                )
        builder._generate_tables = partial(_tables, builder)
        builder.SLEEP_ON_THREADS_SHUTDOWNS = False  # there are no threads to wait for
    return builder.as_streaming_dataset(split)


def _tables(
    builder: Any, files: Sequence[str], row_groups_list: Sequence[Any] | None = None
) -> Iterator[tuple[tuple[int, int], pa.Table]]:
    """Yield the row groups of some files, or those named of each; the keys count files, batches."""
    download = DownloadConfig(token=builder.token, storage_options=builder.storage_options)
    schema = builder.info.features.arrow_schema
    selected = row_groups_list or [None] * len(files)
    for index, (path, groups) in enumerate(zip(files, selected, strict=True)):
        with xopen(path, "rb", download_config=download) as file:
            parquet = pq.ParquetFile(file)
            rows = builder.config.batch_size or parquet.metadata.row_group(0).num_rows
            batches = parquet.iter_batches(rows, row_groups=groups, columns=builder.config.columns)
            for number, batch in enumerate(batches):
                yield (index, number), table_cast(pa.Table.from_batches([batch]), schema)
