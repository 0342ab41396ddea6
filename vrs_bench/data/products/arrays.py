"""Arrays out of files that nobody vouches for: looked at from outside before they are decoded.

An HDF5 file can name a dataset in another file, promise terabytes, or hold some bytes that unpack
to gigabytes; so can a JPEG. What a file says of itself is compared with what is expected of it
first, so that reading takes as much memory as the array, and no more.
"""

from __future__ import annotations

import math
import warnings
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.types import Array

_DEFLATE = h5py.h5z.FILTER_DEFLATE
_FILTERS = {_DEFLATE: "gzip", h5py.h5z.FILTER_SHUFFLE: "shuffle", h5py.h5z.FILTER_FLETCHER32: ""}
_MOST_CHUNKS = 1 << 16


def read_array(path: Path, shape: tuple[int, ...]) -> Array:
    """Return the array of a file: dataset ``data`` of an HDF5 file, or a JPEG in [0, 1].

    Args:
        path: the file; what ends in ``.jpg`` is a JPEG.
        shape: what it must have.

    Raises:
        BenchError: it can't be read, is of another kind or shape, or would unpack to more.
    """
    try:
        if not path.is_file():
            raise OSError("there is no such file")
        return _read_jpeg(path, shape) if path.suffix == ".jpg" else _read_h5(path, shape)
    except BenchError:
        raise
    # A damaged file can make both libraries raise almost anything.
    except Exception as error:
        raise BenchError(f"{path}: can't be read as a part of a product: {error}") from error


def _read_jpeg(path: Path, shape: tuple[int, ...]) -> Array:
    from PIL import Image  # only where it is asked for: most products are HDF5

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=["JPEG"]) as image:
            found = (image.height, image.width, len(image.getbands()))
            if found != shape:  # known from its header; nothing is decoded yet
                raise BenchError(f"{path}: expected shape {shape}, got {found}")
            return np.asarray(image, dtype=np.float32) / 255


def _read_h5(path: Path, shape: tuple[int, ...]) -> Array:
    with h5py.File(path, "r") as file:
        link = file.get("data", getlink=True)
        if not isinstance(link, h5py.HardLink):
            found = "nothing" if link is None else f"a {type(link).__name__}"
            raise BenchError(f"{path}: data: expected a dataset in this file, got {found}")
        data = file["data"]
        if not isinstance(data, h5py.Dataset):
            raise BenchError(f"{path}: data: expected a dataset, got a {type(data).__name__}")
        if data.is_virtual or data.external:
            raise BenchError(f"{path}: data: its values are in other files; copy them into this")
        if data.dtype.kind not in "fiu" or data.dtype.itemsize > 8:
            raise BenchError(f"{path}: data: expected numbers, got type {data.dtype}")
        if data.shape != shape:
            raise BenchError(f"{path}: expected shape {shape}, got {data.shape}")
        _require_whole(path, data)
        array: Array = data[()]
        return array


def _require_whole(path: Path, data: Any) -> None:
    """Refuse a dataset that lacks values, or unpacks to more than it says."""
    if data.chunks is None:
        if data.id.get_storage_size() != data.nbytes:
            raise BenchError(f"{path}: data: {data.id.get_storage_size()} of {data.nbytes} bytes")
        return
    expected = math.prod(-(-n // by) for n, by in zip(data.shape, data.chunks, strict=True))
    if any(by > n for n, by in zip(data.shape, data.chunks, strict=True)):
        raise BenchError(f"{path}: data: chunks {data.chunks} are larger than {data.shape}")
    if expected > _MOST_CHUNKS or data.id.get_num_chunks() != expected:
        raise BenchError(
            f"{path}: data: has {data.id.get_num_chunks()} chunks of the {expected} that its shape "
            f"needs, of which there may be {_MOST_CHUNKS:,}"
        )
    settings = data.id.get_create_plist()
    filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
    if not set(filters) <= set(_FILTERS) or filters.count(_DEFLATE) > 1:
        raise BenchError(f"{path}: data: packed in a way that is not read here; use gzip, or none")
    chunks: list[Any] = []
    data.id.chunk_iter(chunks.append)
    # A checksum of four bytes may follow the values.
    room = math.prod(data.chunks) * data.dtype.itemsize + 4
    for chunk in chunks:
        size = chunk.size
        if size > path.stat().st_size:
            raise BenchError(f"{path}: data: a chunk of {size} bytes is longer than the file")
        packed = _DEFLATE in filters and not chunk.filter_mask >> filters.index(_DEFLATE) & 1
        if packed:
            _, content = data.id.read_direct_chunk(chunk.chunk_offset)
            size = len(zlib.decompressobj().decompress(content, room + 1))
        if size > room:
            raise BenchError(f"{path}: data: a chunk unpacks to more than the {room} bytes it has")
