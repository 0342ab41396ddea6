"""Scenes of series: every cell lives by one of its own, under a texture that stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from vrs_bench.types import Array, Doubles, Floats, Labels
from vrs_bench.world.cells import polygons, rasterise
from vrs_bench.world.latent import Scene
from vrs_bench.world.series.source import SeriesSource
from vrs_bench.world.streams import stream
from vrs_bench.world.texture import draw_texture

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from vrs_bench.world.scene import WorldRecipe


@dataclass(frozen=True)
class SeriesScene(Scene):
    """A virtual place whose cells live by series, from an archive for example."""

    sites: Doubles
    """Voronoi sites (n_cells, 2): x, y in pixels."""
    series: Mapping[str, Floats]
    """Per product, (n_steps, bands, n_cells + 1): values by cell number, background first."""
    texture: Mapping[str, Floats]
    """Per product, (bands, height, width): static, already scaled by class."""

    @cached_property
    def land_cover(self) -> Labels:
        """Class mask (height, width): label from 1, 0 between cells."""
        return _with_background(self.classes).take(self.cell)

    @cached_property
    def polygons(self) -> list[Polygon | MultiPolygon]:
        """Voronoi polygon of each cell in pixel coordinates, in the order of the cell numbers."""
        return [*polygons(self.sites, self.recipe.height, self.recipe.width)]

    @cached_property
    def _gather(self) -> Array:
        """The instance mask in the type that indexes without conversion."""
        return self.cell.astype(np.intp)

    def frame(self, product: str, step: int) -> Floats:
        """Render the latent frame of one product at one time step.

        Returns:
            float32 (bands, height, width) in [0, 1]: the cell's series plus the texture, clipped.
        """
        values = self.series[product][step]
        image = np.empty(self.texture[product].shape, dtype=np.float32)
        for band, by_cell in enumerate(values):
            by_cell.take(self._gather, out=image[band], mode="wrap")
        image += self.texture[product]
        return np.clip(image, 0, 1, out=image)


def _with_background(values: Array, background: float = 0) -> Array:
    """Put the background's value in front of the cells' along the first axis."""
    return np.concatenate([np.full_like(values[:1], background), values])


def draw_series_scene(
    recipe: WorldRecipe, source: SeriesSource, number: int, sites: Doubles, labels: Labels
) -> SeriesScene:
    """Draw a scene: series and texture of all products.

    Args:
        recipe: the world, whose source is ``source``.
        source: where the series come from.
        number: scene number.
        sites: of the cells, (n_cells, 2), pixels.
        labels: class of each cell, from 1.

    Raises:
        BenchError: the source has no such series: its archive can't be read or does not fit.
    """
    cell = rasterise(sites, recipe.height, recipe.width, recipe.cells.border_px)
    series, textures = {}, {}
    for product, by_cell in source.draw(labels, recipe.horizon, recipe.seed, number).items():
        settings = recipe.product(product)
        background = np.asarray(settings.background, np.float32)
        first = np.broadcast_to(background, (1, *by_cell.shape[1:]))
        series[product] = np.ascontiguousarray(np.concatenate([first, by_cell]).transpose(1, 2, 0))
        rng = stream(recipe.seed, number, f"texture/{source.stream_name(product)}")
        unit = draw_texture(settings.texture, rng, len(background), cell, len(sites))
        if settings.texture.amplitude is None:
            by_class = np.array(source.texture_amplitudes(product), np.float32)
        else:
            by_class = np.full(len(source.classes()), settings.texture.amplitude)
        amplitude = _with_background(by_class[labels].astype(np.float32)).take(cell)
        textures[product] = unit * amplitude
    return SeriesScene(recipe, number, cell, labels, sites, series, textures)
