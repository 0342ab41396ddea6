"""A scene: one virtual place over one horizon, and its rendering as the latent product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from vrs_bench.settings import Settings
from vrs_bench.types import Array, Doubles, Floats, Labels
from vrs_bench.world.cells import CellSettings, class_quantiles, draw_sites, polygons, rasterise
from vrs_bench.world.latent import Scene
from vrs_bench.world.rasters.scene import read_scene
from vrs_bench.world.series import AnySource, RasterSettings, SeriesSource
from vrs_bench.world.series.phenology import PhenologySettings
from vrs_bench.world.streams import stream
from vrs_bench.world.texture import (
    RBF,
    ExpSineSquared,
    RationalQuadratic,
    TextureSettings,
    draw_texture,
)

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=8, le=8192)]
Horizon = Annotated[int, Field(ge=1, le=10_000)]

_MOST_PIXELS = 2**29  # of all bands of a frame together: 2 GB of texture
_MOST_CROSSINGS = 2**24  # of cells and rows when they are painted: about 20 seconds
_MOST_VALUES = 2**25  # of the series of all cells: about 1 GB while they are drawn
_MOST_ROWS = 2**14  # processes of crop rows: about 0.5 GB


class ProductSettings(Settings):
    """What one latent product shows besides the series of its cells."""

    texture: TextureSettings = TextureSettings()
    background: tuple[Share, ...]
    """Value of each band between cells."""


class WorldRecipe(Settings):
    """All that determines the scenes of a world. Same recipe and scene number, same bytes."""

    seed: Annotated[int, Field(ge=0)]
    height: Side = 256
    """Rows of a latent frame."""
    width: Side = 256
    """Columns of a latent frame."""
    gsd: Annotated[float, Field(gt=0, le=100_000)] = 10.0
    """Ground sampling distance of the latent product, metres."""
    horizon: Horizon = 30
    """Number of time steps."""
    cells: CellSettings = CellSettings()
    class_prior: tuple[Annotated[float, Field(ge=0, le=1e6)], ...] = ()
    """Relative frequency of each class, in the order of the source's classes; empty: equal."""
    series: AnySource = PhenologySettings()
    """Where the images come from: series of the cells, or rasters of the user's own."""
    products: dict[str, ProductSettings] = Field(default_factory=dict)
    """Settings by latent product; what is left out has the source's own."""

    @model_validator(mode="after")
    def _parts_fit_the_source(self) -> WorldRecipe:
        n_classes = len(self.series.classes()) - 1
        if self.class_prior and (len(self.class_prior) != n_classes or not sum(self.class_prior)):
            raise ValueError(
                f"class_prior: expected {n_classes} frequencies, at least one above 0; "
                f"got {list(self.class_prior)}"
            )
        bands = self.series.bands()
        for name, product in self.products.items():
            if name not in bands:
                raise ValueError(f"products: no product '{name}', only {', '.join(bands)}")
            if len(product.background) != len(bands[name]):
                raise ValueError(
                    f"products.{name}.background: expected {len(bands[name])} values, one for "
                    f"each of {', '.join(bands[name])}; got {list(product.background)}"
                )
        return self

    @model_validator(mode="after")
    def _nothing_is_drawn_beside_rasters(self) -> WorldRecipe:
        if isinstance(self.series, RasterSettings):
            drawn = {"cells": CellSettings(), "class_prior": (), "products": {}}
            for key, default in drawn.items():
                if getattr(self, key) != default:
                    raise ValueError(
                        f"{key}: of the source 'raster' nothing is drawn; leave it out"
                    )
        return self

    @model_validator(mode="after")
    def _pins_are_of_the_horizon(self) -> WorldRecipe:
        if isinstance(self.series, RasterSettings) and self.series.pinned is not None:
            for product in self.series.bands():
                images = self.series.pins.images(product)
                if len(images) != self.horizon:
                    raise ValueError(
                        f"series.pinned.{product}: expected an image for each of {self.horizon} "
                        f"time steps, got {len(images)}; remove 'pinned' to look again"
                    )
        return self

    @model_validator(mode="after")
    def _cost_is_bounded(self) -> WorldRecipe:
        """Refuse what would take a machine's memory, or hours, for one scene."""
        bands, cells = self.series.bands(), self.cells.n
        total = sum(map(len, bands.values()))
        if self.height * self.width * total > _MOST_PIXELS:
            raise ValueError(
                f"height, width: {self.height} × {self.width} pixels of {total} bands are more "
                f"than a scene may have; pixels × bands may be {_MOST_PIXELS:,}"
            )
        if isinstance(self.series, RasterSettings):
            return self
        if cells > self.height * self.width:
            raise ValueError(
                f"cells.n: {cells} cells are more than the {self.height} × {self.width} pixels"
            )
        if cells * self.height > _MOST_CROSSINGS:
            raise ValueError(
                f"cells.n: {cells} cells on {self.height} rows are more than a scene may have; "
                f"cells × rows may be {_MOST_CROSSINGS:,}"
            )
        if cells * self.horizon * total > _MOST_VALUES:
            raise ValueError(
                f"horizon: {self.horizon} time steps of {cells} cells in {total} bands are more "
                f"than a scene may have; their product may be {_MOST_VALUES:,}"
            )
        for name, names in bands.items():
            kernel = self.product(name).texture.kernel
            longest = max(self.height, self.width) / 4
            if isinstance(kernel, RBF | RationalQuadratic) and kernel.length_scale > longest:
                raise ValueError(
                    f"products.{name}.texture.kernel.length_scale: {kernel.length_scale:g} pixels "
                    f"are more than a quarter of the longer side, {longest:g}; choose 'constant' "
                    f"for one offset over the whole image"
                )
            if isinstance(kernel, ExpSineSquared) and cells * (len(names) + 1) > _MOST_ROWS:
                raise ValueError(
                    f"products.{name}.texture.kernel: crop rows of {cells} cells in {len(names)} "
                    f"bands are too many; cells × (bands + 1) may be {_MOST_ROWS:,}"
                )
        return self

    def product(self, name: str) -> ProductSettings:
        """Return the settings of a latent product."""
        return self.products.get(name) or ProductSettings(background=self.series.background(name))


@dataclass(frozen=True)
class DrawnScene(Scene):
    """A virtual place."""

    sites: Doubles
    """Voronoi sites (n_cells, 2): x, y in pixels."""
    state: Any
    """The physical state that animates the cells, where the source has one."""
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


def _draw_classes(recipe: WorldRecipe, number: int, sites: Doubles) -> Labels:
    """Draw each cell's class from the prior, on a stream of its own: labels tell no position."""
    prior = recipe.class_prior or (1.0,) * (len(recipe.series.classes()) - 1)
    rng = stream(recipe.seed, number, "labels")
    draws = class_quantiles(recipe.cells, rng, sites)
    # Neighbouring quantiles fall on neighbouring classes: their order is the scene's own.
    order = rng.permutation(len(prior)) if recipe.cells.class_patch_px else np.arange(len(prior))
    edges = np.cumsum(np.asarray(prior)[order]) / sum(prior)
    return (order[np.searchsorted(edges[:-1], draws, side="right")] + 1).astype(np.int16)


def make_scene(recipe: WorldRecipe, number: int) -> Scene:
    """Make a scene of a world: draw it, or read it from the rasters of its source.

    Args:
        recipe: the world.
        number: scene number; each is its own place, drawn from its own streams or read from its
            own tile.

    Raises:
        BenchError: the source's archive or rasters can't be read or do not fit the recipe.
    """
    if isinstance(recipe.series, RasterSettings):
        return read_scene(recipe, recipe.series, number)
    return draw_scene(recipe, number)


def draw_scene(recipe: WorldRecipe, number: int) -> DrawnScene:
    """Draw a scene: cells, classes, series and texture of all products; see :func:`make_scene`."""
    source = recipe.series
    assert isinstance(source, SeriesSource)  # noqa: S101  # all others are read
    seed, height, width = recipe.seed, recipe.height, recipe.width
    sites = draw_sites(recipe.cells, stream(seed, number, "cells"), height, width)
    cell = rasterise(sites, height, width, recipe.cells.border_px)
    labels = _draw_classes(recipe, number, sites)
    drawn = source.draw(labels, recipe.horizon, seed, number)

    series, textures = {}, {}
    for product, by_cell in drawn.products.items():
        settings = recipe.product(product)
        background = np.asarray(settings.background, np.float32)
        first = np.broadcast_to(background, (1, *by_cell.shape[1:]))
        series[product] = np.ascontiguousarray(np.concatenate([first, by_cell]).transpose(1, 2, 0))
        rng = stream(seed, number, f"texture/{source.stream_name(product)}")
        unit = draw_texture(settings.texture, rng, len(background), cell, len(sites))
        if settings.texture.amplitude is None:
            by_class = np.array(source.texture_amplitudes(product), np.float32)
        else:
            by_class = np.full(len(source.classes()), settings.texture.amplitude)
        amplitude = _with_background(by_class[labels].astype(np.float32)).take(cell)
        textures[product] = unit * amplitude
    return DrawnScene(recipe, number, cell, labels, sites, drawn.state, series, textures)
