"""Opening rasters and reading windows of them; nothing but the file itself is looked at."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.paths import named, shown
from vrs_bench.types import Array, Doubles

_DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",  # of more than 4 GB
    b"MM\0+": "GTiff",
    b"\0\0\0\x0c": "JP2OpenJPEG",
    b"\xffO\xffQ": "JP2OpenJPEG",
}
"""How files of the formats begin that are read. They hold all in one file, so that its digest
stands for all that is read; others lead to further files or addresses (VRT, ENVI), which a recipe
of unknown origin must not name."""

# No files beside the raster are read or written, and none of other folders.
_ALONE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO"}


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a raster lie."""

    height: int
    width: int
    crs: str | None
    """As ``EPSG:32633``, or WKT where no such code means it."""
    transform: tuple[float, ...]
    """From (column, row) to coordinates: a, b, c, d, e, f."""

    def difference(self, other: Grid) -> str:
        """Say in what another grid differs; ``""`` where it is the same."""
        mine, theirs = (self.height, self.width), (other.height, other.width)
        if mine != theirs:
            return f"{theirs[0]} × {theirs[1]} pixels instead of {mine[0]} × {mine[1]}"
        if self.crs != other.crs and not _same_crs(self.crs, other.crs):
            return f"the CRS {_brief(other.crs)} instead of {_brief(self.crs)}"
        size = max(abs(self.transform[0]), abs(self.transform[1]))
        if np.abs(np.subtract(self.transform, other.transform)).max() > 1e-3 * size:
            return f"the transform {other.transform} instead of {self.transform}"
        return ""


def _same_crs(one: str | None, other: str | None) -> bool:
    """Say whether two texts mean one coordinate reference system."""
    from rasterio.crs import CRS

    return None not in (one, other) and bool(CRS.from_string(one) == CRS.from_string(other))


def _brief(crs: str | None) -> str:
    return "none" if crs is None else crs[:60].replace("\n", " ")


@contextmanager
def opened(path: str, key: str) -> Iterator[Any]:
    """Yield a raster as `rasterio` opens it.

    Args:
        path: the file.
        key: of the recipe, for messages.

    Raises:
        BenchError: `rasterio` is not installed; there is no such file, or it is no raster of the
            formats that are read; or it can't be read whole.
    """
    rasterio = require_rasterio()
    with _plain_file(path, key) as file:
        driver = _DRIVERS.get(file.read(4))
    if driver is None:
        raise BenchError(f"{key}: {shown(path)} is neither a GeoTIFF nor JPEG 2000; convert it")
    try:
        # An absolute path is a file, whatever a word like that would mean to the library.
        with rasterio.Env(**_ALONE):
            with warnings.catch_warnings():
                # Pixels need no place on Earth.
                warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
                raster = rasterio.open(Path(path).absolute(), driver=driver)
            with raster:
                yield raster
    except rasterio.errors.RasterioError as error:
        raise BenchError(
            f"{key}: {shown(path)} can't be read as a raster ({error}); expected a whole GeoTIFF "
            f"or JPEG 2000"
        ) from error


def require_rasterio() -> Any:
    """Return the library that reads and writes rasters.

    Raises:
        BenchError: it is not installed.
    """
    try:
        import rasterio
    except ImportError as error:
        raise BenchError(
            f"rasters need pip install 'vrs-bench[geo]' (can't be imported: {error})"
        ) from error
    return rasterio


def grid_of(raster: Any) -> Grid:
    """Return the grid of an open raster."""
    crs = raster.crs.to_string() if raster.crs else None
    return Grid(raster.height, raster.width, crs, tuple(raster.transform)[:6])


def read_values(
    raster: Any, bands: Sequence[int], window: Array, nodata: float | None
) -> tuple[Doubles, Array]:
    """Read a window of some bands.

    Args:
        raster: open.
        bands: from 1.
        window: first row, first column, rows, columns.
        nodata: stored value that means nothing, besides what the file says.

    Returns:
        stored values (band, height, width) as float64, and whether each pixel has a value in all
        bands, (height, width) bool.
    """
    from rasterio.windows import Window

    row, column, height, width = (int(part) for part in window)
    part = Window(column, row, width, height)
    stored = raster.read(list(bands), window=part)
    valid = raster.read_masks(list(bands), window=part).all(axis=0)
    values = stored.astype(np.float64)
    valid &= np.isfinite(values).all(axis=0)
    if nodata is not None:
        # Rounded as the file rounds it: -3.4e38 of a recipe is not the float32 that is stored.
        meant = stored.dtype.type(nodata) if stored.dtype.kind == "f" else nodata
        valid &= (stored != meant).all(axis=0)
    return values, valid


def digest_of(path: str, key: str) -> str:
    """Return the SHA-256 of a file; one that stays as it is is read once.

    Raises:
        BenchError: there is no such file.
    """
    with _plain_file(path, key) as file:
        state = os.fstat(file.fileno())
        known = (path, state.st_size, state.st_mtime_ns, state.st_ino)
        if known not in _digests:
            _digests[known] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[known]


_digests: dict[tuple[str, int, int, int], str] = {}
"""Path, size, time of the last change and number of a file → its SHA-256."""


def _plain_file(path: str, key: str) -> BufferedReader:
    """Open a file that has an end: no folder, pipe or device.

    Raises:
        BenchError: there is none that can be read.
    """
    try:
        if stat.S_ISREG(named(path).stat().st_mode):
            return Path(path).open("rb")
        why = "not a plain file"
    except OSError as error:
        why = str(error.strerror)
    raise BenchError(
        f"{key}: {shown(path)} can't be read ({why}); it was looked for from {shown(Path.cwd())}, "
        f"the folder in which the command runs"
    )
