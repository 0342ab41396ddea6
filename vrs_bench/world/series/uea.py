"""Series from multivariate ``.ts`` archives, in the UEA/UCR format (Bagnall et al. 2018).

A cell takes one series of its class, and of that a random window as long as the horizon. Values
are rescaled to [0, 1] per dimension over the whole archive.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vrs_bench.errors import BenchError
from vrs_bench.types import Array, Doubles, Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.series.source import SeriesSource
from vrs_bench.world.series.ts_file import read_ts
from vrs_bench.world.streams import stream

PathName = Annotated[str, Field(min_length=1, max_length=1000)]
Paths = Annotated[tuple[PathName, ...], Field(min_length=1, max_length=100)]
Dimensions = Annotated[int, Field(ge=1, le=4096)]
Classes = Annotated[int, Field(ge=1, le=4096)]


class UeaSettings(SeriesSource):
    """Which archive, and how much of it."""

    source: Literal["uea"]
    path: Paths
    """One or more .ts files that are read as one archive. ``sktime:/BasicMotions/…`` names a file
    that ships with sktime."""
    ndim: Dimensions
    """Dimensions to keep, the first ones; they become bands."""
    nclass: Classes
    """Number of classes: sorted labels are grouped into so many runs of equal size."""

    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """Return the one product, ``frames``: a band for each dimension."""
        return {"frames": tuple(f"dim {i}" for i in range(self.ndim))}

    def classes(self) -> tuple[str, ...]:
        """Return numbered classes."""
        return ("background", *(f"class {i}" for i in range(1, self.nclass + 1)))

    def draw(self, labels: Array, n_steps: int, seed: int, scene: int) -> Mapping[str, Floats]:
        """Draw a series of its class for every cell."""
        rng = stream(seed, scene, f"cells/{self.stream_name('frames')}")
        return {"frames": draw_series(self, labels, n_steps, rng)}

    def texture_amplitudes(self, product: str) -> tuple[float, ...]:
        """Return half of the range for every class."""
        return (0.0, *(0.5 for _ in range(self.nclass)))

    def stream_name(self, product: str) -> str:
        """Return the names of the files: two archives at one place share neither series nor
        texture, but cells and classes."""
        return "+".join(Path(path).name for path in self.path)


@dataclass(frozen=True)
class Archive:
    """A rescaled archive."""

    values: Doubles
    """(n_series, n_dims, length), in [0, 1]."""
    classes: Array
    """Class of each series, 1 to nclass."""


@lru_cache(maxsize=4)
def load_archive(settings: UeaSettings) -> Archive:
    """Read, cut, group and rescale the archive that the settings name.

    Raises:
        BenchError: a file that is not there or can't be read, fewer dimensions or classes than
            are asked, or series of different lengths between files.
    """
    parts = [_read(Path(path)) for path in settings.path]
    lengths = {values.shape[1:] for values, _ in parts}
    if len(lengths) > 1:
        raise BenchError(
            f"{', '.join(settings.path)}: series of different shape (dimensions, length): "
            f"{sorted(lengths)}; one archive needs one shape"
        )
    values = np.concatenate([values for values, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    where = settings.path[0]
    if settings.ndim > values.shape[1]:
        raise BenchError(
            f"ts.ndim: {settings.ndim} dimensions are asked, but {where} has {values.shape[1]}"
        )
    names = sorted(set(labels), key=_as_number)
    if settings.nclass > len(names):
        raise BenchError(
            f"ts.nclass: {settings.nclass} classes are asked, but {where} has {len(names)}: "
            f"{', '.join(map(str, names))}"
        )
    groups = np.array_split(np.arange(len(names)), settings.nclass)
    of_name = {names[i]: number for number, group in enumerate(groups, 1) for i in group}
    values = values[:, : settings.ndim]
    low = values.min(axis=(0, 2), keepdims=True)
    span = values.max(axis=(0, 2), keepdims=True) - low
    rescaled = (values - low) / np.where(span > 0, span, 1)
    return Archive(rescaled, np.array([of_name[label] for label in labels]))


def _as_number(label: str) -> tuple[float, str]:
    """Sort "10" after "9", and words after numbers."""
    try:
        return float(label), str(label)
    except ValueError:
        return np.inf, str(label)


def _read(path: Path) -> tuple[Doubles, Array]:
    """Read one .ts file: values (n, dims, length) and labels."""
    path = _located(path)
    if not path.is_file():
        raise BenchError(f"ts.path: {path} is not a file")
    return read_ts(path)


def _located(path: Path) -> Path:
    """Return where a file lies; sktime is searched for, not imported, since that takes seconds."""
    if path.parts[:1] != ("sktime:",):
        return path
    package = importlib.util.find_spec("sktime")
    if package is None or not package.submodule_search_locations:
        raise BenchError(
            f"ts.path: {path} ships with sktime, which is not installed: "
            f"pip install 'vrs-bench[uea]', or name a .ts file of your own"
        )
    return Path(package.submodule_search_locations[0], "datasets", "data", *path.parts[1:])


def draw_series(
    settings: UeaSettings, classes: Array, n_steps: int, rng: np.random.Generator
) -> Floats:
    """Draw a series for every cell.

    Args:
        settings: the archive.
        classes: (n_cells,) classes from 1 to nclass.
        n_steps: horizon.
        rng: the scene's own stream.

    Returns:
        float32 (n_cells, n_steps, ndim) in [0, 1].

    Raises:
        BenchError: the horizon is longer than the series of the archive.
    """
    archive = load_archive(settings)
    length = archive.values.shape[2]
    if n_steps > length:
        raise BenchError(
            f"product.horizon: {n_steps} time steps are asked, but the series of "
            f"{settings.path[0]} have {length}"
        )
    which, start = rng.random((2, len(classes)))
    first = (start * (length - n_steps + 1)).astype(np.int64)
    chosen = np.empty(len(classes), np.int64)
    for label in np.unique(classes):
        of_class = np.flatnonzero(archive.classes == label)
        cells = classes == label
        chosen[cells] = of_class[(which[cells] * len(of_class)).astype(np.int64)]
    steps = first[:, None] + np.arange(n_steps)
    return settle(archive.values[chosen[:, None], :, steps])
