"""Clouds: cover, spectrum, blending, shadows, and opacity kept as truth."""

import numpy as np
import pytest

from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe
from vrs_bench.sensors.cloud_fields import _amplitude
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.sensors.stages.clouds import Clouds, draw_clouds
from vrs_bench.world.streams import stream


def _layers(n, size=96, **settings):
    chosen = Clouds(**settings)
    return [draw_clouds(chosen, stream(3, 0, "clouds", i), size, size) for i in range(n)]


@pytest.mark.parametrize("cover", [0.2, 0.5, 0.8])
def test_the_expected_cover_is_what_is_asked(cover):
    layers = _layers(300, cover=Interval(min=cover, max=cover))
    covered = np.array([(layer.opacity > 0).mean() for layer in layers])
    assert covered.mean() == pytest.approx(cover, abs=4 * covered.std() / np.sqrt(300))
    assert covered.std() > 0.05  # a frame is not the average


def test_some_frames_are_clear():
    layers = _layers(400, probability=0.7)
    clear = sum(layer is None for layer in layers) / 400
    assert clear == pytest.approx(0.3, abs=0.08)
    assert all(layer is None for layer in _layers(20, probability=0.0))


def test_clouds_are_fractal_with_the_exponent_that_is_asked():
    """The amplitude spectrum of the thickness falls as 1/f^a: fitted over a decade."""
    for exponent in (1.2, 2.0):
        amplitude = _amplitude(exponent, 128, 128)
        assert (amplitude**2).sum() == pytest.approx(1)
        f = np.arange(2, 40)
        slope = np.polyfit(np.log(f), np.log(amplitude[0, f]), 1)[0]
        assert slope == pytest.approx(-exponent, abs=1e-6)
    rough, smooth = (
        np.mean(
            [np.abs(np.diff(layer.opacity, axis=1)).mean() for layer in _layers(40, exponent=e)]
        )
        for e in (1.0, 2.2)
    )
    assert rough > 1.5 * smooth


def test_density_makes_opaque_and_sparsity_makes_thin():
    mean = {
        key: np.mean([layer.opacity.mean() for layer in _layers(40, **settings)])
        for key, settings in {
            "plain": {},
            "dense": {"density": 4.0},
            "sparse": {"sparsity": 3.0},
        }.items()
    }
    assert mean["dense"] > 1.2 * mean["plain"] > 1.2 * 1.2 * mean["sparse"]


def test_blending_is_convex_between_the_lit_ground_and_the_cloud():
    layer = _layers(1, shadow=0.5)[0]
    ground = np.random.default_rng(0).random((4, 96, 96)).astype(np.float32) * 0.4
    seen = layer.over(ground)
    lit = ground * (1 - layer.shadow)
    low, high = np.minimum(lit, layer.brightness), np.maximum(lit, layer.brightness)
    assert ((seen >= low - 1e-6) & (seen <= high + 1e-6)).all()
    opaque, clear = layer.opacity == 1, (layer.opacity == 0) & (layer.shadow == 0)
    assert opaque.any()
    assert clear.any()
    np.testing.assert_allclose(
        seen[:, opaque], np.broadcast_to(layer.brightness, seen.shape)[:, opaque]
    )
    np.testing.assert_array_equal(seen[:, clear], ground[:, clear])


def test_a_shadow_is_its_cloud_moved_along_the_azimuth():
    offset = Interval(min=10.0, max=10.0)
    layer = _layers(1, shadow=0.5, shadow_azimuth=0.0, shadow_offset=offset)[0]
    # Azimuth 0: shadows fall to the north, so a pixel is darkened by the cloud 10 rows south.
    np.testing.assert_allclose(layer.shadow[:-10], 0.5 * layer.opacity[10:])
    layer = _layers(1, shadow=0.5, shadow_azimuth=90.0, shadow_offset=offset)[0]
    np.testing.assert_allclose(layer.shadow[:, 10:], 0.5 * layer.opacity[:, :-10])


def test_without_shadow_none_is_cast():
    assert _layers(1)[0].shadow is None


def test_opacity_of_the_view_explains_the_observation():
    sensor = SensorRecipe(name="c", product="optical", stages=(Clouds(shadow=0.4),))
    place, ground = Place(1, 0, 64, 80), np.full((4, 64, 80), 0.1, np.float32)
    (clouds,) = view(sensor, place, 2).causes
    observed = observe(sensor, place, 2, ground)
    expected = ground * (1 - clouds.shadow) * (1 - clouds.opacity)
    expected += clouds.opacity * clouds.brightness
    np.testing.assert_allclose(observed, np.clip(expected, 0, 1), atol=1e-6)


def test_frames_have_clouds_of_their_own_and_draws_repeat():
    first, second = _layers(2)
    assert not np.array_equal(first.opacity, second.opacity)
    np.testing.assert_array_equal(first.opacity, _layers(1)[0].opacity)


def test_a_small_image_and_a_long_one_have_clouds_too():
    for height, width in ((8, 8), (16, 300), (257, 31)):
        layer = draw_clouds(Clouds(shadow=0.3), stream(0, 0, "c", 1), height, width)
        assert layer.opacity.shape == layer.shadow.shape == layer.brightness.shape
        assert layer.opacity.shape == (height, width)
        assert 0 <= layer.opacity.min() <= layer.opacity.max() <= 1


@pytest.mark.parametrize(
    ("clouds", "message"),
    [
        ({"cover": {"min": 0.0, "max": 0.5}}, "cover: expected 0 < min ≤ max ≤ 1"),
        ({"cover": {"min": 0.6, "max": 0.5}}, "min 0.6 is above max 0.5"),
        ({"probability": 1.5}, "stages.0.probability: .*less than or equal to 1"),
        ({"densty": 1.5}, "unknown key 'stages.0.densty'; did you mean 'density'"),
    ],
)
def test_faulty_settings_are_explained(clouds, message):
    with pytest.raises(BenchError, match=message):
        check_recipe(SensorRecipe, _over("optical", **clouds), "c.yaml")


def test_clouds_over_radar_are_refused():
    with pytest.raises(BenchError, match="radar sees through them"):
        check_recipe(SensorRecipe, _over("sar"), "c.yaml")


def _over(product, **settings):
    return {"name": "c", "product": product, "stages": [{"stage": "clouds", **settings}]}
