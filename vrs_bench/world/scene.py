"""A scene: one virtual place over one horizon, and its rendering as the latent product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator
from shapely import Polygon

from vrs_bench.settings import Settings
from vrs_bench.types import Array, Doubles, Floats, Labels
from vrs_bench.world.cells import CellSettings, draw_sites, polygons, rasterise
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS, SAR_BANDS
from vrs_bench.world.series.phenology import (
    PhenologySettings,
    State,
    backscatter,
    draw_state,
    reflectance,
)
from vrs_bench.world.streams import stream
from vrs_bench.world.texture import TextureSettings, draw_texture

BANDS: dict[str, tuple[str, ...]] = {"optical": OPTICAL_BANDS, "sar": SAR_BANDS}
"""The latent products of a scene and their bands."""

_AMPLITUDE = np.array([(0.0, 0.0), *(cover.texture for cover in LAND_COVER)], np.float32)


class ProductSettings(Settings):
    """What one latent product shows besides the series of its cells."""

    texture: TextureSettings = TextureSettings()
    background: tuple[float, ...]
    """Value of each band between cells, in [0, 1]."""


class Products(Settings):
    """The latent products of a scene."""

    # Between fields: a gravel track with some grass.
    optical: ProductSettings = ProductSettings(background=(0.075, 0.100, 0.120, 0.200))
    sar: ProductSettings = ProductSettings(background=(0.47, 0.22))

    @model_validator(mode="after")
    def _one_background_a_band(self) -> Products:
        for product, bands in BANDS.items():
            values = getattr(self, product).background
            if len(values) != len(bands) or not all(0 <= value <= 1 for value in values):
                raise ValueError(
                    f"{product}.background: expected {len(bands)} values in [0, 1], one for each "
                    f"of {', '.join(bands)}; got {list(values)}"
                )
        return self


class WorldRecipe(Settings):
    """All that determines the scenes of a world. Same recipe and scene number, same bytes."""

    seed: Annotated[int, Field(ge=0)]
    height: Annotated[int, Field(ge=8, le=8192)] = 256
    """Rows of a latent frame."""
    width: Annotated[int, Field(ge=8, le=8192)] = 256
    """Columns of a latent frame."""
    gsd: Annotated[float, Field(gt=0)] = 10.0
    """Ground sampling distance of the latent product, metres."""
    horizon: Annotated[int, Field(ge=1, le=1000)] = 30
    """Number of time steps."""
    cells: CellSettings = CellSettings()
    class_prior: tuple[Annotated[float, Field(ge=0)], ...] = tuple(1.0 for _ in LAND_COVER)
    """Relative frequency of each land-cover class, in the order of the class list."""
    series: PhenologySettings = PhenologySettings()
    products: Products = Products()

    @model_validator(mode="after")
    def _prior_fits_the_classes(self) -> WorldRecipe:
        if len(self.class_prior) != len(LAND_COVER) or sum(self.class_prior) <= 0:
            raise ValueError(
                f"class_prior: expected {len(LAND_COVER)} frequencies, at least one above 0; "
                f"got {list(self.class_prior)}"
            )
        return self


@dataclass(frozen=True)
class Scene:
    """The truth about one place. Arrays are read-only in spirit: frames share them."""

    recipe: WorldRecipe
    number: int
    sites: Doubles
    """Voronoi sites (n_cells, 2): x, y in pixels."""
    classes: Labels
    """Land-cover label of each cell, (n_cells,), 1..8."""
    cell: Labels
    """Instance mask (height, width): cell number 1..n_cells, 0 between cells."""
    state: State
    """The physical state that animates the cells."""
    series: Mapping[str, Floats]
    """Per product, (n_steps, bands, n_cells + 1): values by cell number, background first."""
    texture: Mapping[str, Floats]
    """Per product, (bands, height, width): static, already scaled by class."""

    @property
    def id(self) -> str:
        """Six-digit name of the scene."""
        return f"{self.number:06d}"

    def bands(self, product: str) -> tuple[str, ...]:
        """Return the names of a product's bands."""
        return BANDS[product]

    @cached_property
    def land_cover(self) -> Labels:
        """Class mask (height, width): label 1..8, 0 between cells."""
        return _with_background(self.classes).take(self.cell)

    @cached_property
    def polygons(self) -> list[Polygon]:
        """Polygon of each cell in pixel coordinates, in the order of the cell numbers."""
        return polygons(self.sites, self.recipe.height, self.recipe.width)

    def frame(self, product: str, step: int) -> Floats:
        """Render the latent frame of one product at one time step.

        Returns:
            float32 (bands, height, width) in [0, 1]: the cell's series plus the texture, clipped.
        """
        values = self.series[product][step]
        image = np.empty(self.texture[product].shape, dtype=np.float32)
        for band, by_cell in enumerate(values):
            by_cell.take(self.cell, out=image[band], mode="clip")
        image += self.texture[product]
        return np.clip(image, 0, 1, out=image)


def _with_background(values: Array, background: float = 0) -> Array:
    """Put the background's value in front of the cells' along the first axis."""
    return np.concatenate([np.full_like(values[:1], background), values])


def _draw_classes(recipe: WorldRecipe, number: int) -> Labels:
    """Draw each cell's class from the prior, on a stream of its own: labels tell no position."""
    edges = np.cumsum(recipe.class_prior) / sum(recipe.class_prior)
    draws = stream(recipe.seed, number, "labels").random(recipe.cells.n)
    return (np.searchsorted(edges[:-1], draws, side="right") + 1).astype(np.int16)


def make_scene(recipe: WorldRecipe, number: int) -> Scene:
    """Draw a scene: cells, classes, series and texture of both products.

    Args:
        recipe: the world.
        number: scene number; each is its own place, drawn from its own streams.
    """
    seed, height, width = recipe.seed, recipe.height, recipe.width
    sites = draw_sites(stream(seed, number, "cells"), recipe.cells.n, height, width)
    cell = rasterise(sites, height, width, recipe.cells.border_px)
    classes = _draw_classes(recipe, number)
    state = draw_state(recipe.series, classes, recipe.horizon, seed, number)

    series, textures = {}, {}
    for index, (product, by_cell) in enumerate(
        {"optical": reflectance(state), "sar": backscatter(state)}.items()
    ):
        settings: ProductSettings = getattr(recipe.products, product)
        background = np.broadcast_to(
            np.asarray(settings.background, np.float32), (1, *by_cell.shape[1:])
        )
        series[product] = np.ascontiguousarray(
            np.concatenate([background, by_cell]).transpose(1, 2, 0)
        )
        unit = draw_texture(
            settings.texture,
            stream(seed, number, f"texture/{product}"),
            len(BANDS[product]),
            height,
            width,
        )
        amplitude = _with_background(_AMPLITUDE[classes, index]).take(cell)
        textures[product] = unit * amplitude
    return Scene(recipe, number, sites, classes, cell, state, series, textures)
