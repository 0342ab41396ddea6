"""A drawn place: fields in their seasons, mixed at the edges, with what differs within them.

A frame is a table by surface (cells, and what lies between them), gathered by pixel: reflectance,
and its answers to light and shade, to leaf area and to soil, each times a field. Pixels at edges
take the weighted means of the tables of what they see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from vrs_bench.types import Array, Doubles, Floats, Labels
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.cells import by_frequency
from vrs_bench.world.fields import Fields, draw_fields
from vrs_bench.world.landcover import OPTICAL_BANDS, SAR_BANDS
from vrs_bench.world.latent import Scene
from vrs_bench.world.lines import LINEAR_FEATURES
from vrs_bench.world.mixed_pixels import SCALE, MixedPixels, mix
from vrs_bench.world.partition import Partition, polygons, surfaces
from vrs_bench.world.series.optics import Optics, optics
from vrs_bench.world.series.phenology import MixtureSettings, PhenologySettings
from vrs_bench.world.series.radar import backscatter_db, scale_db
from vrs_bench.world.series.seasons import State, by_class, draw_state
from vrs_bench.world.settlement import settle_down
from vrs_bench.world.streams import stream
from vrs_bench.world.strips import STRIPS

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from vrs_bench.world.scene import WorldRecipe

_BANDS = len(OPTICAL_BANDS)
VALUES = 4 * _BANDS + len(SAR_BANDS)
"""Values of a surface at a time step: reflectance, its three answers, backscatter."""
_SHARED = 0.45  # correlation of radar texture with light and shade of the canopy, before speckle
_LEAST_SHARE = 0.06  # of a second class, at most, in cells that are not mixed
_PATCHY = 0.08  # of the difference to the second class, for one standard deviation of fertility


@dataclass(frozen=True)
class Landscape(Scene):
    """A virtual place."""

    partition: Partition
    second: Labels
    """Class of what is mixed into each cell, (n_cells,)."""
    share: Doubles
    """And how much of it, (n_cells,)."""
    state: State
    """Of the cells, then of what is mixed into them, then of the strips between."""
    tables: Floats
    """(n_steps, VALUES, n_surfaces): by surface number, strips first."""
    roughness: Floats
    """Standard deviation of backscatter from pixel to pixel, (n_surfaces,)."""
    pixels: MixedPixels
    fields: Fields

    @cached_property
    def land_cover(self) -> Labels:
        """Class mask (height, width): label from 1, 0 between cells."""
        return np.concatenate([[0], self.classes]).astype(np.int16).take(self.cell)

    @cached_property
    def polygons(self) -> list[Polygon | MultiPolygon]:
        """Outline of each cell in pixel coordinates, to the middle of the strips around it."""
        return [*polygons(self.partition)]

    @cached_property
    def _rows(self) -> Floats:
        """The tables by surface: (n_steps, n_surfaces, VALUES)."""
        return np.ascontiguousarray(self.tables.transpose(0, 2, 1))

    @cached_property
    def _radar_texture(self) -> tuple[Floats, Floats]:
        """What texture in the canopy and of its own adds to backscatter at each pixel."""
        amplitude = self.roughness.take(self.pixels.pure)
        amplitude[self.pixels.mixed] = self._mixed(self.roughness[:, None])[:, 0]
        own = np.float32(np.sqrt(1 - _SHARED**2)) * self.fields.scatter.ravel()
        return np.float32(_SHARED) * amplitude, own * amplitude

    def _mixed(self, rows: Floats) -> Floats:
        """Return the values of mixed pixels, (n, values), from those by surface."""
        n = len(self.pixels.mixed)
        total = np.zeros((n, rows.shape[1]), np.float32)
        for part in self.pixels.parts:
            seen = part.weights * rows.take(part.surfaces, axis=0)
            if len(part.pixels) == n:
                total += seen
            else:
                total[part.pixels] += seen
        return total

    def frame(self, product: str, step: int) -> Floats:
        """Render the latent frame of one product at one time step.

        Returns:
            float32 (bands, height, width) in [0, 1].
        """
        light = self.fields.canopy(step).ravel()
        image = self._optical(step, light) if product == "optical" else self._radar(step, light)
        np.clip(image, 0, 1, out=image)
        return image.reshape(-1, *self.cell.shape)

    def _optical(self, step: int, light: Floats) -> Floats:
        """Return reflectance (band, pixel)."""
        table, rows = self.tables[step], self._rows[step, :, : 4 * _BANDS]
        answers = (light, self.fields.growth(step).ravel(), self.fields.soil.ravel())
        image = _gathered(table[:_BANDS], self.pixels.pure)
        at_edges = self._mixed(rows)
        edges = at_edges[:, :_BANDS].copy()
        for first, field in zip(range(_BANDS, 4 * _BANDS, _BANDS), answers, strict=True):
            of = slice(first, first + _BANDS)
            answer = _gathered(table[of], self.pixels.pure)
            answer *= field
            image += answer
            edges += at_edges[:, of] * field[self.pixels.mixed][:, None]
        image[:, self.pixels.mixed] = edges.T
        return image

    def _radar(self, step: int, light: Floats) -> Floats:
        """Return backscatter (band, pixel)."""
        image = _gathered(self.tables[step, 4 * _BANDS :], self.pixels.pure)
        image[:, self.pixels.mixed] = self._mixed(self._rows[step, :, 4 * _BANDS :]).T
        shared, own = self._radar_texture
        image += shared * light + own
        return image


def _gathered(table: Floats, surface: Array) -> Floats:
    """Return values (n, n_pixels) from a table (n, n_surfaces)."""
    image = np.empty((len(table), len(surface)), np.float32)
    for values, by_surface in zip(image, table, strict=True):
        by_surface.take(surface, out=values, mode="wrap")
    return image


def draw_landscape(
    recipe: WorldRecipe,
    source: PhenologySettings,
    number: int,
    partition: Partition,
    labels: Labels,
    second_of: Sequence[float],
) -> Landscape:
    """Draw a place.

    Args:
        recipe: the world, whose source is ``source``.
        source: calendar, weather, and how classes differ within.
        number: scene number.
        partition: its cells.
        labels: class of each cell, from 1.
        second_of: frequencies of the classes of which something is mixed into cells.
    """
    seed = recipe.seed
    second, share = _draw_mixture(source.mixture, labels, second_of, seed, number)
    strips = np.array([strip.label for strip in STRIPS.values()], labels.dtype)
    classes = np.concatenate([labels, second, strips])
    state = draw_state(source, classes, recipe.horizon, seed, number)
    by_radar, later = state, source.radar_delay_days
    if later:
        by_radar = draw_state(source, classes, recipe.horizon, seed, number, later)
    tables, roughness = _tables(state, by_radar, share)

    fine = surfaces(partition, SCALE)
    middle = SCALE // 2
    cell = np.maximum(fine[middle::SCALE, middle::SCALE] - (len(LINEAR_FEATURES) - 1), 0)
    cell = np.ascontiguousarray(cell)
    days = np.array([source.day(step) for step in range(recipe.horizon)])
    fields = draw_fields(seed, number, recipe.height, recipe.width, days)
    fields = settle_down(fields, cell, labels, seed, number)
    return Landscape(
        recipe, number, cell, labels, partition, second, share, state, tables, roughness,
        mix(fine), fields,
    )  # fmt: skip


def _draw_mixture(
    settings: MixtureSettings, labels: Labels, frequencies: Sequence[float], seed: int, scene: int
) -> tuple[Labels, Doubles]:
    """Draw the class of what is mixed into each cell, and how much of it."""
    chance = stream(seed, scene, "cells/mixture").random((len(labels), 3))
    second = by_frequency(chance[:, 0], frequencies) + 1
    most = np.where(chance[:, 1] < settings.probability, settings.largest, _LEAST_SHARE)
    share = np.minimum(most, settings.largest) * chance[:, 2]
    return second.astype(labels.dtype), np.asarray(share)


def _tables(state: State, by_radar: State, share: Doubles) -> tuple[Floats, Floats]:
    """Return values and radar texture of all surfaces, see :class:`Landscape`.

    Args:
        state: what reflects light.
        by_radar: what radar sees: the same, or the same some days later.
        share: of what is mixed into each cell.
    """
    n, paved = len(share), np.array([strip.paved for strip in STRIPS.values()])
    first, second = slice(0, n), slice(n, 2 * n)
    seen = optics(state)
    weight, cover = share[:, None, None], 1 - paved[:, None, None]

    def of_surfaces(values: Doubles) -> Doubles:
        mixed = (1 - weight) * values[first] + weight * values[second]
        return np.concatenate([cover * values[2 * n :], mixed])

    difference = seen.reflectance[second] - seen.reflectance[first]
    patchy = _PATCHY * np.minimum(4 * weight, 1) * difference
    answers = Optics(
        *(of_surfaces(v) for v in (seen.reflectance, seen.shade, seen.growth, seen.soil))
    )
    answers.reflectance[: len(STRIPS)] += (paved[:, None] * _of_strips("pavement"))[:, None]
    answers.growth[len(STRIPS) :] += patchy
    power = of_surfaces(10 ** (backscatter_db(by_radar) / 10))
    power[: len(STRIPS)] += (paved[:, None] * 10 ** (_of_strips("pavement_db") / 10))[:, None]
    values = np.concatenate(
        [
            settle(answers.reflectance),
            settle(answers.shade),
            settle(answers.growth),
            settle(answers.soil),
            settle(scale_db(10 * np.log10(power))),
        ],
        axis=-1,
    )
    roughness = by_class(state.classes, "sar_texture")[:, None, None]
    return (
        np.ascontiguousarray(values.transpose(1, 2, 0)),
        settle(of_surfaces(roughness)[:, 0, 0]),
    )


def _of_strips(attribute: str) -> Doubles:
    """Return an attribute of each kind of strip, (kinds, values)."""
    return np.array([getattr(strip, attribute) for strip in STRIPS.values()])
