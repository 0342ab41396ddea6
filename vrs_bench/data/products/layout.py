"""Products on disk in the original's layout: frames, annotations and an index.

``frames/frame_<t>.h5`` holds ``data`` (height, width, band), ``annotations/annotation_<t>.h5``
holds ``data`` (height, width, 2) int16: instance and class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError, model_validator

from vrs_bench.data.products.arrays import read_array
from vrs_bench.errors import BenchError
from vrs_bench.paths import named
from vrs_bench.settings import Settings
from vrs_bench.types import Floats, Labels

INDEX = "index.json"
Side = Annotated[int, Field(ge=1, le=8192)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]

_MOST_VALUES = 2**29  # of a frame: 2 GB
_LONGEST_INDEX = 2**28  # bytes; a million time steps take half of it
_FAULTS = 5  # of an index that are told


class Features(Settings):
    """What the product is."""

    width: Side
    height: Side
    nbands: Annotated[int, Field(ge=1, le=4096)]
    horizon: Count
    ndigit: Count
    """Number of cells."""
    nframes: Count

    @model_validator(mode="after")
    def _a_frame_fits_in_memory(self) -> Features:
        if self.width * self.height * self.nbands > _MOST_VALUES:
            raise ValueError(
                f"{self.height} × {self.width} pixels of {self.nbands} bands are more than a "
                f"frame may have; pixels × bands may be {_MOST_VALUES:,}"
            )
        return self


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
        self.path = named(path)
        index = self.path / INDEX
        if not index.is_file():
            raise BenchError(f"{self.path}: no product here ({INDEX} is missing)")
        try:
            if index.stat().st_size > _LONGEST_INDEX:
                raise BenchError(f"{index}: too long for an index ({index.stat().st_size:,} bytes)")
            self.index = ProductIndex.model_validate_json(index.read_bytes())
        except ValidationError as error:
            told = [(".".join(map(str, f["loc"])), f["msg"]) for f in error.errors()[:_FAULTS]]
            faults = "; ".join(f"{key}: {text}" if key else text for key, text in told)
            raise BenchError(f"{index}: not the index of a product: {faults}") from error
        for paths in self.index.files.values():
            for name in (paths.frame, paths.annotation) if paths else ():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    raise BenchError(f"{index}: '{name}' leads out of the folder")
        self._last_content: tuple[str, bytes] | None = None
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
        features = self.features
        frame = read_array(path, (features.height, features.width, features.nbands))
        with np.errstate(over="ignore", invalid="ignore"):
            frame = frame.astype(np.float32, copy=False)
        if not np.isfinite(frame).all():
            raise BenchError(f"{path}: data: holds values that are not finite")
        return frame

    def annotation(self, step: int) -> Labels:
        """Return the annotation alone, see :meth:`__getitem__`.

        Those of a product are mostly the same file many times over: one that holds what the last
        one held is neither decoded nor checked again.
        """
        path = self.path / self._paths(step).annotation
        shape = (self.features.height, self.features.width, 2)
        content = _small_file(path, 2 * math.prod(shape))
        if content is not None and (path.suffix, content) == self._last_content:
            return self._last_annotation.copy()
        found = read_array(path, shape)
        with np.errstate(invalid="ignore"):
            annotation = found.astype(np.int16, copy=False)
        if annotation.min() < 0 or not np.array_equal(found, annotation):
            raise BenchError(
                f"{path}: data: expected whole numbers from 0 to 32767, "
                f"got {found.min()} to {found.max()}"
            )
        self._last_content = None if content is None else (path.suffix, content)
        self._last_annotation = annotation.copy()
        return annotation

    def _paths(self, step: int) -> FramePaths:
        """Return where a time step lies."""
        paths = self.index.files.get(str(step))
        if paths is None:
            raise BenchError(f"{self.path}: no observation at time step {step}")
        return paths

    def __iter__(self) -> Iterator[tuple[Floats, Labels]]:
        """Yield the observations in time order."""
        return (self[step] for step in self.steps)


def _small_file(path: Path, most: int) -> bytes | None:
    """Return the content of a file of at most so many bytes; None: no file, or larger."""
    try:
        if not path.is_file() or path.stat().st_size > most:
            return None
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError:
        return None
    return content if len(content) <= most else None
