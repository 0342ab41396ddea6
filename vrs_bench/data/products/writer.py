"""Writing a product: resumable, whole or not at all, and flushed to disk once.

While it grows, a product lies beside its place, in ``.<name>.partial``. Its files get their names
when they are whole, but are not flushed one by one: a killed process leaves whole files, a machine
that lost its power may not. So what is found there is used again only if the machine has not
started anew since, and if it opens. All is flushed before the product moves to its place.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from vrs_bench.data.products.layout import INDEX, Features, FramePaths, ProductIndex
from vrs_bench.errors import BenchError
from vrs_bench.paths import flush, whole_file, write_text
from vrs_bench.types import Array, Floats, Labels

STAMP = "recipe.sha256"
"""File of a product that identifies what it was made of."""

_BLOCK = 1 << 20  # bytes that are brought into the order of the file at a time


def partial_folder(path: Path) -> Path:
    """Return where a product is written until it is complete."""
    absolute = path.absolute()
    return absolute.parent / f".{absolute.name}.partial"


class ProductWriter:
    """Writes a product frame by frame; it appears in its place when it is closed complete."""

    def __init__(self, path: str | Path, features: Features, origin: str, astype: str) -> None:
        """Start a product, or go on with one of the same origin that was interrupted.

        Args:
            path: folder of the product; it must not hold anything yet.
            features: what is written; ``nframes`` is counted.
            origin: identity of what is written.
            astype: ``h5`` or ``jpg`` (frames as RGB JPEG, three bands).

        Raises:
            BenchError: the folder holds something already.
        """
        self.path = Path(path)
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise BenchError(f"{self.path}: is there already; choose another --o or remove it")
        self.partial = partial_folder(self.path)
        self.features, self.astype = features, astype
        self._stamp, self._boot = self.partial / STAMP, self.partial / "boot"
        boot = _boot()
        if _text(self._stamp) != _stamp(origin) or _text(self._boot) != boot:
            shutil.rmtree(self.partial, ignore_errors=True)
            write_text(self._boot, boot)
            write_text(self._stamp, _stamp(origin))
        self._files: dict[str, FramePaths | None] = {}
        self._annotation: tuple[Labels, memoryview] | None = None

    def has(self, step: int) -> bool:
        """Say whether an interrupted writer has already written a time step."""
        paths = self._paths(step)
        size = (self.features.height, self.features.width)
        return _holds(self.partial / paths.annotation, (*size, 2)) and _holds(
            self.partial / paths.frame, (*size, self.features.nbands)
        )

    def keep(self, step: int) -> None:
        """Take over a time step for which :meth:`has` is true."""
        self._files[str(step)] = self._paths(step)

    def skip(self, step: int) -> None:
        """Note that a time step is not observed."""
        self._files[str(step)] = None

    def write(self, step: int, frame: Floats, annotation: Labels) -> None:
        """Write a time step.

        Args:
            step: its number.
            frame: float32 (band, height, width).
            annotation: int16 (2, height, width): instance, class. Cells don't move: give the same
                array for every step, and it is compressed only once.
        """
        paths = self._paths(step)
        if self._annotation is None or self._annotation[0] is not annotation:
            values = np.ascontiguousarray(annotation.transpose(1, 2, 0))
            self._annotation = annotation, _hdf5(values, compression="gzip")[0]
        with whole_file(self.partial / paths.annotation, flushed=False) as temporary:
            temporary.write_bytes(self._annotation[1])
        with whole_file(self.partial / paths.frame, flushed=False) as temporary:
            if self.astype == "jpg":
                _write_jpeg(temporary, frame)
            else:
                _write_hdf5(temporary, frame)
        self.keep(step)

    def close(self) -> None:
        """Write the index, flush everything and move the product to its place."""
        written = [paths for paths in self._files.values() if paths is not None]
        features = self.features.model_copy(update={"nframes": len(written)})
        index = ProductIndex(features=features, files=self._files)
        write_text(self.partial / INDEX, json.dumps(index.model_dump(), indent=1) + "\n")
        self._boot.unlink()
        names = [name for paths in written for name in (paths.frame, paths.annotation)]
        folders = {(self.partial / name).parent for name in names}
        flush([*(self.partial / name for name in names), *folders, self.partial])
        if self.path.exists():
            self.path.rmdir()
        self.partial.rename(self.path)
        flush([self.path.parent])

    def _paths(self, step: int) -> FramePaths:
        ending = "jpg" if self.astype == "jpg" else "h5"
        return FramePaths(
            frame=f"frames/frame_{step}.{ending}", annotation=f"annotations/annotation_{step}.h5"
        )


def is_made(path: str | Path, origin: str) -> bool:
    """Say whether a folder holds a complete product of this origin, written by us."""
    path = Path(path)
    return (path / INDEX).is_file() and _text(path / STAMP) == _stamp(origin)


def _stamp(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest() + "\n"


def _text(path: Path) -> str | None:
    """Return the content of a small text file, or None where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _boot() -> str:
    """Return what changes when the machine starts anew; nothing where the system does not tell."""
    return _text(Path("/proc/sys/kernel/random/boot_id")) or ""


def _holds(path: Path, shape: tuple[int, ...]) -> bool:
    """Say whether a file is there, opens and has a shape; HDF5 itself refuses one that is cut."""
    if not path.is_file():
        return False
    try:
        if path.suffix == ".jpg":
            from PIL import Image

            with Image.open(path) as image:
                image.load()
                return image.size == (shape[1], shape[0])
        with h5py.File(path) as file:
            return bool(file["data"].shape == shape)
    except (OSError, KeyError):
        return False


def _write_jpeg(path: Path, frame: Floats) -> None:
    from PIL import Image  # only where it is asked for: most products are HDF5

    rgb = np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(rgb).save(path, format="JPEG", quality=95)


def _write_hdf5(path: Path, frame: Floats) -> None:
    """Write a frame (band, height, width) as float32 dataset ``data`` (height, width, band).

    All frames of a size differ in their values alone, which lie in one piece: HDF5 makes the rest
    once, and each file is put together without it. It is quicker, and a full disk is an OSError,
    where HDF5 itself can crash.
    """
    bands, height, width = frame.shape
    before, after = _envelope((height, width, bands))
    rows = min(max(_BLOCK // (4 * width * bands), 1), height)
    block = np.empty((rows, width, bands), np.float32)
    with path.open("wb") as file:
        file.write(before)
        for first in range(0, height, rows):
            part = frame[:, first : first + rows]
            for band, values in enumerate(part):  # much quicker than copying a transposed array
                block[: len(values), :, band] = values
            file.write(block[: part.shape[1]].data)
        file.write(after)


@lru_cache(maxsize=8)
def _envelope(shape: tuple[int, ...]) -> tuple[bytes, bytes]:
    """Return what HDF5 writes before and behind the values of a float32 dataset ``data``."""
    values = np.zeros(shape, np.float32)
    content, start = _hdf5(values)
    return bytes(content[:start]), bytes(content[start + values.nbytes :])


def _hdf5(values: Array, **options: Any) -> tuple[memoryview, int]:
    """Return the HDF5 file of an array as dataset ``data``, made in memory.

    Returns:
        its bytes, and where the values start in them if they lie in one piece.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        start = file.create_dataset("data", data=values, **options).id.get_offset()
    return buffer.getbuffer(), start or 0
