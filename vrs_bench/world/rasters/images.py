"""Images of a product from rasters: stored values on the scale of the latent product."""

from __future__ import annotations

from typing import Any

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.paths import shown
from vrs_bench.types import Array, Doubles
from vrs_bench.world.rasters.files import read_values
from vrs_bench.world.series.radar import DB_FLOOR
from vrs_bench.world.series.raster import ImageFiles

UNITS = {"optical": "reflectance of 0 to 1", "sar": f"backscatter of {DB_FLOOR:g} to 0 dB"}
"""Product → what the scaled values are, and the range of the latent product."""


def bands_of(images: ImageFiles, names: tuple[str, ...], first_band: int) -> list[int]:
    """Return the bands of a file that are those of a date, in the product's order."""
    return [first_band - 1 + images.bands[name] for name in names]


def read_image(
    raster: Any, images: ImageFiles, product: str, bands: list[int], window: Array
) -> tuple[Doubles, Array]:
    """Read a window on the scale of the latent product, not clipped to it.

    Args:
        raster: open.
        images: scale, offset and nodata.
        product: ``optical`` or ``sar``.
        bands: of the file.
        window: first row, first column, rows, columns.

    Returns:
        (band, height, width) float64, where 0 to 1 is the range of the product; and whether each
        pixel has a value in all bands.
    """
    values, valid = read_values(raster, bands, window, images.nodata)
    scale, offset = scaling_of(raster, images, bands)
    with np.errstate(over="ignore", invalid="ignore"):  # of a scale that can't be meant
        values = values * scale[:, None, None] + offset[:, None, None]
    return ((values - DB_FLOOR) / -DB_FLOOR if product == "sar" else values), valid


def scaling_of(raster: Any, images: ImageFiles, bands: list[int]) -> tuple[Doubles, Doubles]:
    """Return scale and offset of some bands: those of the recipe, else the file's own."""
    own = np.array([[of[band - 1] for band in bands] for of in (raster.scales, raster.offsets)])
    given = (images.scale, images.offset)
    scale, offset = (
        found if word is None else np.full(len(bands), word)
        for word, found in zip(given, own, strict=True)
    )
    return scale, offset


def require_bands(raster: Any, bands: list[int], path: str, key: str) -> None:
    """Check that a file has some bands, of real numbers.

    Raises:
        BenchError: it has not.
    """
    if max(bands) > raster.count:
        raise BenchError(
            f"{key}: {shown(path)} has {raster.count} bands, but band {max(bands)} is to be read; "
            f"see to 'bands', and to 'dates' if it holds several"
        )
    kinds = {np.dtype(raster.dtypes[band - 1]).kind for band in bands}
    if not kinds <= set("iuf"):
        raise BenchError(f"{key}: {shown(path)} holds complex numbers; expected real ones")
