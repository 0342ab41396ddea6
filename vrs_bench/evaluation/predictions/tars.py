"""Predictions in tar files, such as the shards that `webdataset` writes.

Members are named ``900000_007.npy`` or ``900000_007.prediction.npy`` (scene_step). Nothing is
extracted: a row is read from its place in the file. Only plain files count; links, devices and
names with folders are no rows. The headers are walked one by one here, because the library that
follows their extensions believes what they claim about sizes and offsets.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.files import length_of, open_plain
from vrs_bench.evaluation.predictions.keys import PredictionRow, named_key
from vrs_bench.evaluation.predictions.npy import not_npy, read_array
from vrs_bench.paths import shown
from vrs_bench.types import Array

_METADATA = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
"""Headers about the next member: its date and owner, or a name too long to be that of a row."""
_FILE = (tarfile.REGTYPE, tarfile.AREGTYPE)


def tar_rows(files: Iterable[Path], shape: tuple[int, ...]) -> Iterator[PredictionRow]:
    """Yield the rows of tar files, by their headers alone.

    Args:
        files: uncompressed tar files.
        shape: (band, height, width) of one prediction.

    Raises:
        BenchError: a file is damaged, truncated or compressed.
    """
    for path in files:
        for member, offset in _members(path):
            yield _key(member), partial(_array, path, member, offset, shape)


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """Yield the members of a tar file, and where the content of each begins."""
    position = 0
    with open_plain(path) as file:
        length = length_of(file)
        while block := file.read(tarfile.BLOCKSIZE):
            if not any(block):
                return  # the mark of the end
            try:
                member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except Exception as error:  # of damaged bytes, the parsers raise almost anything
                raise BenchError(
                    f"{shown(path)}: truncated, or not an uncompressed tar file ({error})"
                ) from error
            offset = position + tarfile.BLOCKSIZE
            if not 0 <= member.size <= length - offset:
                raise BenchError(
                    f"{shown(path)}: truncated, or not a tar file ({member.name!r:.60} claims "
                    f"{member.size} bytes, {length - offset} are left)"
                )
            # `tar -C folder .` begins with the folder itself
            if member.type not in _METADATA and not (member.isdir() and member.name == "."):
                yield member, offset
            blocks = -(-member.size // tarfile.BLOCKSIZE)
            position = file.seek(offset + blocks * tarfile.BLOCKSIZE)
    if not length:
        raise BenchError(f"{shown(path)}: truncated, or not a tar file (it is empty)")


def _key(member: tarfile.TarInfo) -> tuple[int, int] | str:
    if member.type not in _FILE:
        return f"{member.name!r:.60}: a link, folder or device; expected plain files"
    name = member.name.removeprefix("./")
    for ending in (".prediction.npy", ".npy"):
        if name.endswith(ending):
            return named_key(name.removesuffix(ending))
    return named_key(name)


def _array(path: Path, member: tarfile.TarInfo, offset: int, shape: tuple[int, ...]) -> Array:
    with open_plain(path) as file:
        try:
            file.seek(offset)
            return read_array(file, member.size, shape)
        except Exception as error:  # of damaged bytes, the parsers raise almost anything
            raise not_npy(f"{shown(path)}: {member.name}", error) from error
