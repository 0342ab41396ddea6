"""Products on disk in the original's layout: frames, annotations and an index.

``frames/frame_<t>.h5`` holds ``data`` (height, width, band), ``annotations/annotation_<t>.h5``
holds ``data`` (height, width, 2) int16: instance and class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import h5py
import numpy as np
from pydantic import Field, ValidationError

from vrs_bench.errors import BenchError
from vrs_bench.settings import Settings
from vrs_bench.types import Array, Floats, Labels

INDEX = "index.json"
Count = Annotated[int, Field(ge=0)]


class Features(Settings):
    """What the product is."""

    width: Count
    height: Count
    nbands: Count
    horizon: Count
    ndigit: Count
    """Number of cells."""
    nframes: Count


class FramePaths(Settings):
    """Where a time step lies inside the folder."""

    frame: str
    annotation: str


class ProductIndex(Settings):
    """The content of index.json."""

    features: Features
    files: dict[Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,5})$")], FramePaths | None]
    """By time step; null where the sensor did not pass."""


class Product:
    """A product folder, read lazily: ``product[t]`` is (frame, annotation) of time step t."""

    def __init__(self, path: str | Path) -> None:
        """Open a product.

        Raises:
            BenchError: there is no product, or its index is damaged or leaves the folder.
        """
        self.path = Path(path)
        index = self.path / INDEX
        if not index.is_file():
            raise BenchError(f"{self.path}: no product here ({INDEX} is missing)")
        try:
            self.index = ProductIndex.model_validate_json(index.read_bytes())
        except ValidationError as error:
            raise BenchError(f"{index}: not the index of a product: {error}") from error
        for paths in self.index.files.values():
            for name in (paths.frame, paths.annotation) if paths else ():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    raise BenchError(f"{index}: '{name}' leads out of the folder")
        self._last_content: bytes | None = None
        self._last_annotation: Labels

    def __len__(self) -> int:
        """Return the number of observed time steps."""
        return len(self.steps)

    @property
    def features(self) -> Features:
        """Size, bands, horizon."""
        return self.index.features

    @property
    def steps(self) -> list[int]:
        """Observed time steps, ascending."""
        return sorted(int(step) for step, paths in self.index.files.items() if paths)

    def __getitem__(self, step: int) -> tuple[Floats, Labels]:
        """Return frame (height, width, band) float32 and annotation (height, width, 2) int16.

        Raises:
            BenchError: no observation at that step, or a damaged file.
        """
        return self.frame(step), self.annotation(step)

    def frame(self, step: int) -> Floats:
        """Return the frame alone, see :meth:`__getitem__`."""
        path = self.path / self._paths(step).frame
        size = (self.features.height, self.features.width)
        frame = self._read(path, (*size, self.features.nbands))
        return frame.astype(np.float32, copy=False)

    def annotation(self, step: int) -> Labels:
        """Return the annotation alone, see :meth:`__getitem__`.

        Those of a product are mostly the same file many times over: one that holds what the last
        one held is not decoded again.
        """
        path = self.path / self._paths(step).annotation
        shape = (self.features.height, self.features.width, 2)
        content = _small_file(path, 2 * math.prod(shape))
        if content is not None and content == self._last_content:
            return self._last_annotation.copy()
        annotation = self._read(path, shape).astype(np.int16, copy=False)
        self._last_content, self._last_annotation = content, annotation.copy()
        return annotation

    def _paths(self, step: int) -> FramePaths:
        paths = self.index.files.get(str(step))
        if paths is None:
            raise BenchError(f"{self.path}: no observation at time step {step}")
        return paths

    def __iter__(self) -> Iterator[tuple[Floats, Labels]]:
        """Yield the observations in time order."""
        return (self[step] for step in self.steps)

    def _read(self, path: Path, shape: tuple[int, ...]) -> Array:
        try:
            if path.suffix == ".jpg":
                from PIL import Image  # only where it is asked for: most products are HDF5

                with Image.open(path) as image:
                    array = np.asarray(image, dtype=np.float32) / 255
            else:
                with h5py.File(path) as file:
                    array = file["data"][()]
        except (OSError, KeyError) as error:
            raise BenchError(f"{path}: can't be read as a part of a product: {error}") from error
        if array.shape != shape:
            raise BenchError(f"{path}: expected shape {shape}, got {array.shape}")
        return array


def _small_file(path: Path, most: int) -> bytes | None:
    """Return the content of a file of at most so many bytes; None: not there, or larger."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError:
        return None
    return content if len(content) <= most else None
