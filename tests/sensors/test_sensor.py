"""Whole sensors: noise, calibration, and the view that explains an observation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe, load_recipe
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.sensors.stages.brightness import Brightness
from vrs_bench.sensors.stages.noise import Noise, add_noise
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


SAR = {"name": "x", "product": "sar"}
PLACE = Place(WORLD.seed, 1, WORLD.height, WORLD.width)


@pytest.mark.parametrize("looks", [1.0, 4.0, 10.0])
def test_speckle_has_the_moments_of_a_gamma_in_linear_power(looks):
    flat = np.full((1, 500, 500), 0.5, np.float32)
    noisy = add_noise(Noise(speckle_looks=looks), flat, stream(0, 0, "noise"))
    factor = 10 ** (30 * (noisy - flat).astype(np.float64) / 10)
    assert factor.mean() == pytest.approx(1, abs=5 / np.sqrt(looks * factor.size) + 1e-4)
    assert factor.var() == pytest.approx(1 / looks, rel=0.02)
    sample = factor.ravel()[:5000]
    assert stats.kstest(sample, stats.gamma(looks, scale=1 / looks).cdf).pvalue > 1e-3


def test_read_noise_is_gaussian_of_the_size_that_is_asked():
    flat = np.full((4, 200, 200), 0.5, np.float32)
    noise = add_noise(Noise(read_noise=0.004), flat, stream(0, 0, "noise")) - flat
    assert noise.std() == pytest.approx(0.004, rel=0.02)
    assert stats.kstest(noise.ravel()[:5000] / 0.004, "norm").pvalue > 1e-3


def test_an_observation_is_its_view_plus_noise():
    scene, sensor = make_scene(WORLD, 1), load_recipe(SensorRecipe, "super_res")
    frame, seen = scene.frame("optical", 2), view(sensor, PLACE, 2)
    observed = observe(sensor, PLACE, 2, frame)
    assert observed.shape == (4, 16, 16)
    assert observed.dtype == np.float32
    left = observed - seen.apply(frame)
    assert left.std() == pytest.approx(sensor.stages[-1].read_noise, rel=0.1)
    assert abs(left.mean()) < 5 * left.std() / np.sqrt(left.size)


def test_calibration_stays_with_a_scene_and_registration_changes_with_the_frame():
    sensor = load_recipe(SensorRecipe, "super_res")
    views = [view(sensor, PLACE, step) for step in range(6)]
    calibrations, shifts = zip(*(v.causes[1:3] for v in views), strict=True)
    assert len(set(calibrations)) == 1
    assert len(set(shifts)) == 6
    assert max(abs(s) for shift in shifts for s in shift) <= 0.5
    other = view(sensor, replace(PLACE, scene=2), 0)
    assert other.causes[1][0] != calibrations[0][0]
    for v in [*views, other]:
        gain, bias = v.causes[1]
        assert 0.98 <= gain <= 1.02
        assert -0.004 <= bias <= 0.004
        assert v.published["gain"] == np.float32(gain)


def test_two_sensors_never_share_draws():
    sensor = load_recipe(SensorRecipe, "super_res")
    twin = sensor.model_copy(update={"name": "twin"})
    assert view(sensor, PLACE, 0).causes[1] != view(twin, PLACE, 0).causes[1]


def test_speckle_on_an_optical_product_is_refused():
    recipe = {"name": "x", "product": "optical", "stages": [{"stage": "noise", "speckle_looks": 4}]}
    with pytest.raises(BenchError, match="speckle is of radar, but the product is 'optical'"):
        check_recipe(SensorRecipe, recipe, "x.yaml")


def test_shot_noise_has_a_variance_in_proportion_to_the_signal():
    settings = Noise(shot_noise=0.05)
    for level in (0.1, 0.4):
        flat = np.full((1, 400, 400), level, np.float32)
        noise = add_noise(settings, flat, stream(0, 0, "noise")) - flat
        assert noise.std() == pytest.approx(0.05 * np.sqrt(level), rel=0.02)


@pytest.mark.parametrize("share", [0.08, 0.15])
def test_salt_and_pepper_replaces_a_share_of_the_pixels_by_the_arcsine_law(share):
    flat = np.full((3, 300, 300), 0.5, np.float32)
    settings = Noise(salt_pepper={"min": share, "max": share})
    noisy = add_noise(settings, flat, stream(0, 0, "noise"))
    hit = (noisy != flat).any(axis=0)
    assert hit.mean() == pytest.approx(share, abs=4 * np.sqrt(share / hit.size))
    np.testing.assert_array_equal(noisy[0], noisy[1])  # all bands of a pixel together
    assert stats.kstest(noisy[0][hit], stats.beta(0.5, 0.5).cdf).pvalue > 1e-3
    assert (flat == 0.5).all()


def test_a_share_is_drawn_for_every_frame():
    flat = np.full((1, 200, 200), 0.5, np.float32)
    settings = Noise(salt_pepper={"min": 0.02, "max": 0.3})
    shares = [(add_noise(settings, flat, stream(0, 0, "n", i)) != 0.5).mean() for i in range(40)]
    assert 0.01 < min(shares) < 0.08
    assert 0.24 < max(shares) < 0.31


def test_brightness_may_have_a_seed_of_its_own():
    def gain(world_seed, seed):
        settings = Brightness(mul=Interval(min=0.9, max=1.1), seed=seed)
        sensor = SensorRecipe(name="b", product="optical", stages=(settings,))
        return view(sensor, replace(PLACE, seed=world_seed), 0).causes[0][0]

    assert gain(1, 7) == gain(2, 7)
    assert gain(1, 7) != gain(1, 8)
    assert gain(1, 0) != gain(1, None) != gain(2, None)


def test_stages_that_do_not_fit_are_refused():
    with pytest.raises(BenchError, match="give either factor or target_size"):
        check_recipe(
            SensorRecipe,
            {**SAR, "stages": [{"stage": "aggregation", "mtf_nyquist": 0.2}]},
            "x.yaml",
        )


def test_a_target_larger_than_the_frame_is_refused():
    recipe = {
        "name": "x",
        "product": "sar",
        "stages": [
            {
                "stage": "aggregation",
                "target_size": {"width": 80, "height": 32},
                "sigma_px": 1.0,
            }
        ],
    }
    sensor = check_recipe(SensorRecipe, recipe, "x.yaml")
    with pytest.raises(BenchError, match="32 × 80 is larger than the 64 × 64 frame"):
        sensor.output_size(64, 64)
