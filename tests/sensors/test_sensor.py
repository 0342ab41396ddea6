"""Whole sensors: noise, calibration, and the view that explains an observation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe, load_recipe
from vrs_bench.sensors.noise import NoiseSettings, add_noise
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.streams import stream

WORLD = WorldRecipe.model_validate(
    {
        "seed": 5,
        "height": 64,
        "width": 64,
        "horizon": 6,
        "cells": {"n": 9},
        "series": {"step_days": 60},
    }
)


PLACE = Place(WORLD.seed, 1, WORLD.height, WORLD.width)


@pytest.mark.parametrize("looks", [1.0, 4.0, 10.0])
def test_speckle_has_the_moments_of_a_gamma_in_linear_power(looks):
    flat = np.full((1, 500, 500), 0.5, np.float32)
    noisy = add_noise(NoiseSettings(speckle_looks=looks), flat, stream(0, 0, "noise"))
    factor = 10 ** (30 * (noisy - flat).astype(np.float64) / 10)
    assert factor.mean() == pytest.approx(1, abs=5 / np.sqrt(looks * factor.size) + 1e-4)
    assert factor.var() == pytest.approx(1 / looks, rel=0.02)
    sample = factor.ravel()[:5000]
    assert stats.kstest(sample, stats.gamma(looks, scale=1 / looks).cdf).pvalue > 1e-3


def test_read_noise_is_gaussian_of_the_size_that_is_asked():
    flat = np.full((4, 200, 200), 0.5, np.float32)
    noise = add_noise(NoiseSettings(read_noise=0.004), flat, stream(0, 0, "noise")) - flat
    assert noise.std() == pytest.approx(0.004, rel=0.02)
    assert stats.kstest(noise.ravel()[:5000] / 0.004, "norm").pvalue > 1e-3


def test_an_observation_is_its_view_plus_noise():
    scene, sensor = make_scene(WORLD, 1), load_recipe(SensorRecipe, "super_res")
    frame, seen = scene.frame("optical", 2), view(sensor, PLACE, 2)
    observed = observe(sensor, PLACE, 2, frame)
    assert observed.shape == (4, 16, 16)
    assert observed.dtype == np.float32
    left = observed - seen.apply(frame)
    assert left.std() == pytest.approx(sensor.noise.read_noise, rel=0.1)
    assert abs(left.mean()) < 5 * left.std() / np.sqrt(left.size)


def test_calibration_stays_with_a_scene_and_registration_changes_with_the_frame():
    sensor = load_recipe(SensorRecipe, "super_res")
    views = [view(sensor, PLACE, step) for step in range(6)]
    assert len({(v.gain, v.bias) for v in views}) == 1
    assert len({v.shift for v in views}) == 6
    assert max(abs(s) for v in views for s in v.shift) <= 0.5
    other = view(sensor, replace(PLACE, scene=2), 0)
    assert other.gain != views[0].gain
    for v in [*views, other]:
        assert 0.98 <= v.gain <= 1.02
        assert -0.004 <= v.bias <= 0.004


def test_two_sensors_never_share_draws():
    sensor = load_recipe(SensorRecipe, "super_res")
    twin = sensor.model_copy(update={"name": "twin"})
    assert view(sensor, PLACE, 0).shift != view(twin, PLACE, 0).shift


def test_speckle_on_an_optical_product_is_refused():
    recipe = {"name": "x", "product": "optical", "noise": {"speckle_looks": 4}}
    with pytest.raises(BenchError, match="speckle is of radar, but the product is 'optical'"):
        check_recipe(SensorRecipe, recipe, "x.yaml")
