"""Landscapes: what a pixel shows against the tables and fields behind it."""

import numpy as np
import pytest

from vrs_bench.world.landcover import class_names
from vrs_bench.world.mixed_pixels import SCALE
from vrs_bench.world.partition import LINEAR_FEATURES, surfaces
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.series.optics import optics
from vrs_bench.world.series.radar import backscatter_db
from vrs_bench.world.streams import stream
from vrs_bench.world.strips import STRIPS

LABEL = {name: label for label, name in enumerate(class_names())}
CELLS = {"n": 8, "parcels": {"share": 0.6, "width_px": 12}, "lines": {}}


def world(**changes):
    return WorldRecipe.model_validate(
        {
            "seed": 5,
            "height": 56,
            "width": 64,
            "horizon": 5,
            "cells": CELLS,
            "series": {"step_days": 70},
        }
        | changes
    )


def weights(scene):
    """Return how much of each surface each pixel sees, (surface, pixel)."""
    pixels, n = scene.pixels, scene.tables.shape[2]
    seen = np.zeros((n, scene.cell.size))
    seen[pixels.pure, np.arange(scene.cell.size)] = 1
    seen[:, pixels.mixed] = 0
    for part in pixels.parts:
        np.add.at(seen, (part.surfaces, pixels.mixed[part.pixels]), part.weights[:, 0])
    return seen


@pytest.mark.parametrize("number", [0, 3])
def test_a_frame_is_what_its_surfaces_answer_to_its_fields(number):
    """A second implementation: all weights by all tables, by matrix products."""
    scene = make_scene(world(), number)
    by_pixel = weights(scene)
    for step in (0, 4):
        seen = scene.tables[step].astype(float) @ by_pixel
        fields = scene.fields
        light, growth = fields.canopy(step).ravel(), fields.growth(step).ravel()
        optical = seen[:4] + seen[4:8] * light + seen[8:12] * growth
        optical += seen[12:16] * fields.soil.ravel()
        shape = (-1, *scene.cell.shape)
        expected = np.clip(optical, 0, 1).reshape(shape)
        np.testing.assert_allclose(scene.frame("optical", step), expected, atol=2e-6)
        own = np.sqrt(1 - 0.45**2) * fields.scatter.ravel()
        rough = (scene.roughness @ by_pixel) * (0.45 * light + own)
        expected = np.clip(seen[16:] + rough, 0, 1).reshape(shape)
        np.testing.assert_allclose(scene.frame("sar", step), expected, atol=2e-6)


def test_masks_hold_what_lies_at_the_centre_of_a_pixel():
    scene = make_scene(world(), 1)
    centre = surfaces(scene.partition, 1).astype(int) - (len(LINEAR_FEATURES) - 1)
    np.testing.assert_array_equal(scene.cell, np.maximum(centre, 0))
    inside = scene.cell > 0
    np.testing.assert_array_equal(scene.land_cover[inside], scene.classes[scene.cell[inside] - 1])
    assert (scene.land_cover[~inside] == 0).all()
    assert surfaces(scene.partition, SCALE).shape == (56 * SCALE, 64 * SCALE)


def test_without_mixture_a_cell_is_of_its_class_alone():
    pure = world(series={"step_days": 70, "mixture": {"probability": 1.0, "largest": 0.0}})
    scene = make_scene(pure, 2)
    assert (scene.share == 0).all()
    water = make_scene(pure.model_copy(update={"class_prior": (1.0, *[0.0] * 7)}), 2)
    inside = np.zeros(water.cell.size, bool)
    inside[np.setdiff1d(np.arange(water.cell.size), water.pixels.mixed)] = True
    inside &= water.cell.ravel() > 0
    nir, red = (water.frame("optical", 2)[band].ravel()[inside] for band in (3, 2))
    assert (nir < red).all()  # nothing grows on it


def test_a_mixed_cell_lies_between_its_classes():
    """In reflectance, and in linear power of backscatter: against states drawn for each alone."""
    scene = make_scene(world(), 4)
    strips, n = len(STRIPS), len(scene.share)
    seen, db = optics(scene.state).reflectance, backscatter_db(scene.state)
    share = scene.share[:, None, None]
    mean = (1 - share) * seen[:n] + share * seen[n : 2 * n]
    np.testing.assert_allclose(scene.tables[:, :4, strips:].transpose(2, 0, 1), mean, atol=1e-6)
    power = (1 - share) * 10 ** (db[:n] / 10) + share * 10 ** (db[n : 2 * n] / 10)
    scaled = np.clip(1 + np.log10(power) / 3, 0, 1)
    np.testing.assert_allclose(scene.tables[:, 16:, strips:].transpose(2, 0, 1), scaled, atol=1e-6)


def test_shares_of_a_second_class_are_those_of_the_settings():
    many = world(cells={"n": 500}, height=256, width=256)
    share = np.concatenate([make_scene(many, n).share for n in range(4)])
    assert (share > 0.06).mean() == pytest.approx(0.7 * (1 - 0.06 / 0.5), abs=0.03)
    assert share.max() <= 0.5


def test_strips_are_what_they_are_called():
    """Asphalt is darker in near infrared than hedges are, and streams darker than both."""
    scene = make_scene(world(horizon=10, series={"step_days": 36}), 0)
    summer = scene.tables[5]
    nir = dict(zip(STRIPS, summer[3, : len(STRIPS)], strict=True))
    assert nir["stream"] < 0.05 < nir["road"] < nir["track"] < nir["margin"]
    assert nir["hedge"] > 0.25
    red = dict(zip(STRIPS, summer[2, : len(STRIPS)], strict=True))
    assert red["hedge"] < red["road"] < red["track"]


def test_radar_sees_light_and_shade_of_the_canopy_before_speckle():
    """Correlation .3 to .5, so that texture can be inferred from radar, and not copied."""
    forest = world(class_prior=(0, 0, 0, 1.0, 0, 0, 0, 0), height=128, width=128, cells={"n": 1})
    found = []
    for number in range(12):
        scene = make_scene(forest, number)
        found.append(np.corrcoef(scene.frame("sar", 2)[0].ravel(), scene.fields.canopy(2).ravel()))
    assert 0.3 < np.mean(found, axis=0)[0, 1] < 0.5


def test_built_up_land_has_the_lattice_of_its_streets():
    """Folded by the distance between streets, its ground is dark where they run."""
    town = world(class_prior=(0, 1.0, 0, 0, 0, 0, 0, 0), height=128, width=128, cells={"n": 1})
    field = world(class_prior=(0, 0, 1.0, 0, 0, 0, 0, 0), height=128, width=128, cells={"n": 1})
    soil, bare = (make_scene(w, 0).fields.soil for w in (town, field))
    chance = stream(5, 0, "texture/settlement").random((2, 5))[1]
    angle, length = np.pi * chance[0], 9 + 7 * chance[1]
    y, x = np.mgrid[:128, :128] + 0.5
    along = (np.cos(angle) * x + np.sin(angle) * y) / length + 16 * chance[3]
    in_street = np.abs(along - np.rint(along)) * length < 0.5
    assert soil[in_street].mean() < soil[~in_street].mean() - 0.6
    assert abs(bare[in_street].mean() - bare[~in_street].mean()) < 0.2
    rough = [make_scene(w, 0).frame("optical", 2)[2].std() for w in (town, field)]
    assert rough[0] > 2 * rough[1]
