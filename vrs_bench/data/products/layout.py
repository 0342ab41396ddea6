"""Products on disk in the original's layout: frames, annotations and an index.

``frames/frame_<t>.h5`` holds ``data`` (height, width, band), ``annotations/annotation_<t>.h5``
holds ``data`` (height, width, 2) int16: instance and class. A product is written beside its
place and moves there when it is complete; what an interrupted writer left is used again.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import h5py
import numpy as np
from PIL import Image
from pydantic import Field, ValidationError, model_validator

from vrs_bench.data.products.arrays import read_array
from vrs_bench.errors import BenchError
from vrs_bench.paths import whole_file, write_text
from vrs_bench.settings import Settings
from vrs_bench.types import Array, Floats, Labels

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
        self.path = Path(path)
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
        paths = self.index.files.get(str(step))
        if paths is None:
            raise BenchError(f"{self.path}: no observation at time step {step}")
        size = (self.features.height, self.features.width)
        frame = read_array(self.path / paths.frame, (*size, self.features.nbands))
        with np.errstate(over="ignore", invalid="ignore"):
            frame = frame.astype(np.float32, copy=False)
        if not np.isfinite(frame).all():
            raise BenchError(f"{self.path / paths.frame}: data: holds values that are not finite")
        found = read_array(self.path / paths.annotation, (*size, 2))
        with np.errstate(invalid="ignore"):
            annotation = found.astype(np.int16, copy=False)
        if annotation.min() < 0 or not np.array_equal(found, annotation):
            raise BenchError(
                f"{self.path / paths.annotation}: data: expected whole numbers from 0 to 32767, "
                f"got {found.min()} to {found.max()}"
            )
        return frame, annotation

    def __iter__(self) -> Iterator[tuple[Floats, Labels]]:
        """Yield the observations in time order."""
        return (self[step] for step in self.steps)


def partial_folder(path: Path) -> Path:
    """Return where a product is written until it is complete."""
    absolute = path.absolute()
    return absolute.parent / f".{absolute.name}.partial"


class ProductWriter:
    """Writes a product frame by frame; it appears in its place when it is closed complete."""

    def __init__(
        self, path: str | Path, features: Features, recipe_digest: str, astype: str
    ) -> None:
        """Start a product, or go on with one of the same recipe that was interrupted.

        Args:
            path: folder of the product; it must not hold anything yet.
            features: what is written; ``nframes`` is counted.
            recipe_digest: identity of what is written.
            astype: ``h5`` or ``jpg`` (frames as RGB JPEG, three bands).

        Raises:
            BenchError: the folder holds something already.
        """
        self.path = Path(path)
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise BenchError(f"{self.path}: is there already; choose another --o or remove it")
        self.partial = partial_folder(self.path)
        self.features, self.astype = features, astype
        stamp = self.partial / "recipe.sha256"
        if not stamp.is_file() or stamp.read_text() != recipe_digest:
            shutil.rmtree(self.partial, ignore_errors=True)
            write_text(stamp, recipe_digest)
        self._stamp = stamp
        self._files: dict[str, FramePaths | None] = {}
        self._last_annotation: Path | None = None

    def has(self, step: int) -> bool:
        """Say whether an interrupted writer has already written a time step."""
        paths = self._paths(step)
        return all((self.partial / name).is_file() for name in (paths.annotation, paths.frame))

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
            annotation: int16 (2, height, width): instance, class.
        """
        paths = self._paths(step)
        with whole_file(self.partial / paths.annotation) as temporary:
            if self._last_annotation is None:
                _write_h5(temporary, annotation.transpose(1, 2, 0), compression="gzip")
            else:  # cells don't move: all annotations are the same
                shutil.copyfile(self._last_annotation, temporary)
        self._last_annotation = self.partial / paths.annotation
        with whole_file(self.partial / paths.frame) as temporary:
            if self.astype == "jpg":
                rgb = np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
                Image.fromarray(rgb).save(temporary, format="JPEG", quality=95)
            else:
                _write_h5(temporary, frame.transpose(1, 2, 0))
        self.keep(step)

    def close(self) -> None:
        """Write the index and move the product to its place."""
        nframes = sum(paths is not None for paths in self._files.values())
        index = ProductIndex(
            features=self.features.model_copy(update={"nframes": nframes}), files=self._files
        )
        write_text(self.partial / INDEX, json.dumps(index.model_dump(), indent=1) + "\n")
        self._stamp.unlink()
        if self.path.exists():
            self.path.rmdir()
        self.partial.rename(self.path)

    def _paths(self, step: int) -> FramePaths:
        ending = "jpg" if self.astype == "jpg" else "h5"
        return FramePaths(
            frame=f"frames/frame_{step}.{ending}", annotation=f"annotations/annotation_{step}.h5"
        )


def _write_h5(path: Path, array: Array, **options: Any) -> None:
    """Write an array as dataset ``data``; made in memory, since HDF5 can crash on a full disk."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("data", data=np.ascontiguousarray(array), **options)
    path.write_bytes(buffer.getbuffer())
