"""Scenes of own imagery: tiles of rasters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.paths import shown
from vrs_bench.types import Array, Floats, Labels
from vrs_bench.world.landcover import class_names
from vrs_bench.world.latent import Scene
from vrs_bench.world.rasters.files import opened, read_values
from vrs_bench.world.rasters.images import bands_of, read_image, require_bands
from vrs_bench.world.rasters.outlines import outlines
from vrs_bench.world.rasters.pinning import pinned, scene_window
from vrs_bench.world.series.raster import RasterSettings

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from vrs_bench.world.scene import WorldRecipe

_MOST_CELLS = np.iinfo(np.int16).max


@dataclass(frozen=True)
class RasterScene(Scene):
    """A tile of rasters."""

    settings: RasterSettings
    window: Array
    """First row, first column, rows, columns."""
    mask: Labels
    """Land cover, see :attr:`land_cover`."""
    fields: Array
    """The number that each cell has in the raster of cells, (n_cells,)."""

    @property
    def land_cover(self) -> Labels:
        """Class mask (height, width): label from 1, 0 where there is none."""
        return self.mask

    @cached_property
    def polygons(self) -> list[Polygon | MultiPolygon]:
        """Outline of each cell's pixels in pixel coordinates, in the order of the cell numbers."""
        return outlines(self.cell)

    def frame(self, product: str, step: int) -> Floats:
        """Read the latent frame of one product at one time step.

        Returns:
            float32 (bands, height, width) in [0, 1].

        Raises:
            BenchError: the raster can't be read, or a pixel has no value.
        """
        of, key = self.settings.pins.images(product)[step], f"world.series.{product}"
        images = self.settings.images(product)
        bands = bands_of(images, self.bands(product), of.first_band)
        with opened(of.file, key) as raster:
            require_bands(raster, bands, of.file, key)
            values, valid = read_image(raster, images, product, bands, self.window)
        if not valid.all():
            raise BenchError(f"{key}: {shown(of.file)}: scene {self.id} has pixels without a value")
        return np.clip(values, 0, 1).astype(np.float32)


def read_scene(recipe: WorldRecipe, settings: RasterSettings, number: int) -> RasterScene:
    """Read masks of a scene; its frames are read when they are asked for.

    Args:
        recipe: the world, whose source is ``settings``.
        settings: which rasters.
        number: scene number.

    Raises:
        BenchError: as :func:`vrs_bench.world.rasters.pinning.pinned`, or there is no such scene.
    """
    size = (recipe.height, recipe.width)
    settings = pinned(settings, recipe.horizon, size, recipe.gsd)
    window = scene_window(settings, size, number)
    cell, fields = _cells(settings, window)
    land_cover = _land_cover(settings, window)
    recipe = recipe.model_copy(update={"series": settings})
    return RasterScene(
        recipe=recipe,
        number=number,
        cell=cell,
        classes=majority(land_cover, cell, len(fields)),
        settings=settings,
        window=window,
        mask=land_cover,
        fields=fields,
    )


def _cells(settings: RasterSettings, window: Array) -> tuple[Labels, Array]:
    """Return cell numbers from 1, and the number of each in the raster."""
    codes = _labels(settings.cells, window, "cells")
    fields = np.unique(codes[codes != 0])
    if len(fields) > _MOST_CELLS:
        raise BenchError(
            f"world.series.cells: {len(fields)} cells in one scene are more than {_MOST_CELLS:,}; "
            f"choose smaller scenes"
        )
    return np.where(codes == 0, 0, np.searchsorted(fields, codes) + 1).astype(np.int16), fields


def _land_cover(settings: RasterSettings, window: Array) -> Labels:
    """Return labels of the benchmark's classes, 0 where the code has none."""
    file = settings.land_cover
    codes = _labels(file.file if file else None, window, "land_cover")
    labels = np.zeros(codes.shape, np.int16)
    classes: Mapping[str, tuple[int, ...]] = file.classes if file else {}
    for name, meaning in classes.items():
        labels[np.isin(codes, meaning)] = class_names().index(name)
    return labels


def _labels(path: str | None, window: Array, name: str) -> Array:
    """Return the whole numbers of a window, 0 where there are none."""
    if path is None:
        return np.zeros(window[2:], np.int64)
    with opened(path, f"world.series.{name}") as raster:
        # float64 holds whole numbers to 2^53: more than there are fields on Earth.
        values, valid = read_values(raster, [1], window, None)
    return np.where(valid, values[0], 0).astype(np.int64)


def majority(land_cover: Labels, cell: Labels, n_cells: int) -> Labels:
    """Return the class that most pixels of each cell have, (n_cells,); of several the first."""
    n_classes = int(land_cover.max()) + 1
    pairs = cell.ravel().astype(np.intp) * n_classes + land_cover.ravel()
    counts = np.bincount(pairs, minlength=(n_cells + 1) * n_classes).reshape(-1, n_classes)
    classes: Labels = counts[1:].argmax(axis=1).astype(np.int16)
    return classes
