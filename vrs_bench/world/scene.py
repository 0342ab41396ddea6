"""What determines the scenes of a world, and how a scene comes from it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from vrs_bench.settings import Settings
from vrs_bench.types import Doubles, Labels
from vrs_bench.world.cells import CellSettings, by_frequency, class_quantiles, draw_sites
from vrs_bench.world.landscape import VALUES, draw_landscape
from vrs_bench.world.latent import Scene
from vrs_bench.world.partition import draw_partition, middles
from vrs_bench.world.rasters.scene import read_scene
from vrs_bench.world.series import AnySource, RasterSettings, SeriesSource
from vrs_bench.world.series.phenology import PhenologySettings
from vrs_bench.world.series_scene import draw_series_scene
from vrs_bench.world.streams import stream
from vrs_bench.world.texture import RBF, ExpSineSquared, RationalQuadratic, TextureSettings

Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=8, le=8192)]
Horizon = Annotated[int, Field(ge=1, le=10_000)]

_MOST_PIXELS = 2**29  # of all bands of a frame together: 2 GB of texture
_MOST_MIXED = 2**24  # pixels of which edges are mixed: about 2 GB while they are looked for
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
    """Settings by latent product of a source of series; what is left out has the source's own."""

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
    def _series_have_plain_cells(self) -> WorldRecipe:
        if isinstance(self.series, SeriesSource):
            for key in ("parcels", "lines"):
                if getattr(self.cells, key) is not None:
                    raise ValueError(
                        f"cells.{key}: only the source 'phenology' has these; leave it out"
                    )
        return self

    @model_validator(mode="after")
    def _texture_follows_what_is_there(self) -> WorldRecipe:
        if isinstance(self.series, PhenologySettings) and self.products:
            raise ValueError(
                "products: in the source 'phenology' texture follows what grows on a cell, and "
                "strips between cells have a season of their own; leave it out"
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
        bands, cells = self.series.bands(), self.cells.most
        total = sum(map(len, bands.values()))
        if self.height * self.width * total > _MOST_PIXELS:
            raise ValueError(
                f"height, width: {self.height} × {self.width} pixels of {total} bands are more "
                f"than a scene may have; pixels × bands may be {_MOST_PIXELS:,}"
            )
        if isinstance(self.series, RasterSettings):
            return self
        if self.cells.n > self.height * self.width:
            raise ValueError(
                f"cells.n: {self.cells.n} cells are more than the {self.height} × {self.width} "
                f"pixels"
            )
        if cells * self.height > _MOST_CROSSINGS:
            raise ValueError(
                f"cells.n: {cells} cells on {self.height} rows are more than a scene may have; "
                f"cells × rows may be {_MOST_CROSSINGS:,}"
            )
        drawn = VALUES if isinstance(self.series, PhenologySettings) else total
        if cells * self.horizon * drawn > _MOST_VALUES:
            raise ValueError(
                f"horizon: {self.horizon} time steps of {cells} cells with {drawn} values are more "
                f"than a scene may have; their product may be {_MOST_VALUES:,}"
            )
        if isinstance(self.series, PhenologySettings):
            if self.height * self.width > _MOST_MIXED:
                raise ValueError(
                    f"height, width: {self.height} × {self.width} pixels are more than a scene of "
                    f"the source 'phenology' may have, {_MOST_MIXED:,}"
                )
            return self
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
        """Return the settings of a latent product of a source of series."""
        assert isinstance(self.series, SeriesSource)  # noqa: S101  # all others have none
        return self.products.get(name) or ProductSettings(background=self.series.background(name))

    @property
    def frequencies(self) -> tuple[float, ...]:
        """Relative frequency of each class, in the order of the source's classes."""
        return self.class_prior or (1.0,) * (len(self.series.classes()) - 1)


def _draw_classes(recipe: WorldRecipe, number: int, centres: Doubles) -> Labels:
    """Draw each cell's class from the prior, on a stream of its own: labels tell no position."""
    prior = recipe.frequencies
    rng = stream(recipe.seed, number, "labels")
    draws = class_quantiles(recipe.cells, rng, centres)
    # Neighbouring quantiles fall on neighbouring classes: their order is the scene's own.
    order = rng.permutation(len(prior)) if recipe.cells.class_patch_px else np.arange(len(prior))
    return (order[by_frequency(draws, np.asarray(prior)[order])] + 1).astype(np.int16)


def make_scene(recipe: WorldRecipe, number: int) -> Scene:
    """Make a scene of a world: draw it, or read it from the rasters of its source.

    Args:
        recipe: the world.
        number: scene number; each is its own place, drawn from its own streams or read from its
            own tile.

    Raises:
        BenchError: the source's archive or rasters can't be read or do not fit the recipe.
    """
    source, size = recipe.series, (recipe.height, recipe.width)
    if isinstance(source, RasterSettings):
        return read_scene(recipe, source, number)
    if isinstance(source, SeriesSource):
        sites = draw_sites(recipe.cells, stream(recipe.seed, number, "cells"), *size)
        return draw_series_scene(
            recipe, source, number, sites, _draw_classes(recipe, number, sites)
        )
    assert isinstance(source, PhenologySettings)  # noqa: S101  # there are no others
    partition = draw_partition(recipe.cells, recipe.seed, number, *size)
    # Where cells lie matters to patches of like classes alone.
    patches = recipe.cells.class_patch_px > 0
    centres = middles(partition) if patches else np.zeros((partition.n_cells, 2))
    labels = _draw_classes(recipe, number, centres)
    return draw_landscape(recipe, source, number, partition, labels, recipe.frequencies)
