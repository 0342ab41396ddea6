"""The atmosphere's residual: published causes, spectrum, days, and NDVI by error propagation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vrs_bench.columns import restore
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.sensors.stage import Draws
from vrs_bench.sensors.stages.aggregation import Aggregation
from vrs_bench.sensors.stages.atmosphere import WAVELENGTHS, Atmosphere
from vrs_bench.sensors.stages.brightness import Brightness
from vrs_bench.sensors.stages.clouds import Clouds
from vrs_bench.sensors.stages.noise import Noise
from vrs_bench.tasks import bind
from vrs_bench.world.scene import make_scene
from vrs_bench.world.streams import _normal_quantiles

PLACE = Place(seed=7, scene=1, height=24, width=32)
GROUND = np.random.default_rng(0).random((4, 24, 32), np.float32) * np.float32(0.5)
RED, NIR = 0.02, 0.33
"""Reflectance of a summer forest."""


def _sensor(*stages):
    return SensorRecipe(name="a", product="optical", stages=stages or (Atmosphere(),))


def _causes(n, **settings):
    """Return path reflectance and gain of n days, (day, band) each."""
    stage = Atmosphere.model_validate(settings)
    draws = (Draws(seed=7, scene=1, step=0, day=day, sensor="a") for day in range(n))
    causes = [stage.draw(d, 1, 1) for d in draws]
    return (np.array([getattr(c, name) for c in causes], np.float64) for name in ("path", "gain"))


# What is seen, and what is published of it


def test_the_published_causes_reproduce_the_image_to_the_bit():
    for step in range(5):
        seen = view(_sensor(), PLACE, step)
        path, gain = (seen.published[f"atmosphere_{name}"] for name in ("path", "gain"))
        assert path.dtype == gain.dtype == np.float32
        assert path.shape == gain.shape == (4,)
        expected = (1 + gain)[:, None, None] * GROUND + path[:, None, None]
        np.testing.assert_array_equal(seen.apply(GROUND), expected)
        observed = observe(_sensor(), PLACE, step, GROUND)
        np.testing.assert_array_equal(observed, expected.clip(0, 1))
        assert not np.array_equal(observed, GROUND)


def test_an_image_under_it_stays_as_it_is():
    before = GROUND.copy()
    observe(_sensor(), PLACE, 0, GROUND)
    np.testing.assert_array_equal(GROUND, before)


def test_with_settings_of_0_nothing_is_changed():
    none = Atmosphere(path=0, gain=0, band_gain=0)
    np.testing.assert_array_equal(observe(_sensor(none), PLACE, 2, GROUND), GROUND)
    (cause,) = view(_sensor(none), PLACE, 2).causes
    assert not none.shows(cause)
    assert not any(value.any() for value in view(_sensor(none), PLACE, 2).published.values())


@pytest.mark.parametrize("only", ["path", "gain", "band_gain"])
def test_each_setting_does_its_part_alone(only):
    settings = dict.fromkeys(("path", "gain", "band_gain"), 0.0) | {only: 0.05}
    (whole,) = view(_sensor(Atmosphere()), PLACE, 2).causes
    stage = Atmosphere(**settings)
    (cause,) = view(_sensor(stage), PLACE, 2).causes
    assert stage.shows(cause)
    assert cause.path.any() == (only == "path")
    assert cause.gain.any() == (only != "path")
    if only == "path":
        np.testing.assert_allclose(cause.path, whole.path * (0.05 / 0.006), rtol=1e-6)
    if only == "gain":
        assert (cause.gain == cause.gain[0]).all()


# Days


def test_the_atmosphere_of_a_day_is_the_same_whatever_the_revisit():
    often = replace(PLACE, days=tuple(range(0, 60, 5)))
    seldom = replace(PLACE, days=tuple(range(10, 60, 20)))
    for step in range(3):
        seen = observe(_sensor(), seldom, step, GROUND)
        again = observe(_sensor(), often, 2 + 4 * step, GROUND)
        np.testing.assert_array_equal(seen, again)
        assert not np.array_equal(seen, observe(_sensor(), often, step, GROUND))


def test_other_keys_have_other_atmospheres():
    twin = _sensor().model_copy(update={"name": "b"})
    keys = [
        (_sensor(), PLACE, 0),
        (_sensor(), PLACE, 1),
        (_sensor(), replace(PLACE, scene=2), 0),
        (_sensor(), replace(PLACE, seed=8), 0),
        (twin, PLACE, 0),
    ]
    values = {tuple(view(*key).published["atmosphere_path"].tolist()) for key in keys}
    assert len(values) == len(keys)
    first, second = view(_sensor(Atmosphere(), Atmosphere()), PLACE, 0).causes
    assert not np.array_equal(first.gain, second.gain)


def test_other_settings_and_stages_leave_its_draws_alone():
    (alone,) = view(_sensor(), PLACE, 3).causes
    _, _, beside = view(_sensor(Clouds(), Noise(read_noise=0.1), Atmosphere()), PLACE, 3).causes
    np.testing.assert_array_equal(alone.path, beside.path)
    (hazier,) = view(_sensor(Atmosphere(angstrom=Interval(min=2, max=3))), PLACE, 3).causes
    np.testing.assert_array_equal(alone.gain, hazier.gain)
    assert alone.path[0] == hazier.path[0]  # blue, to which the setting refers


# Statistics


def test_path_reflectance_is_gaussian_and_falls_as_the_power_that_is_asked():
    n = 4000
    path, gain = _causes(n, angstrom={"min": 1.3, "max": 1.3})
    assert path[:, 0].std() == pytest.approx(0.006, rel=4 / np.sqrt(2 * n))
    assert abs(path[:, 0].mean()) < 4 * 0.006 / np.sqrt(n)
    assert stats.kstest(path[:, 0] / 0.006, "norm").pvalue > 1e-3
    for band, wavelength in enumerate((490, 560, 665, 842)):
        expected = path[:, 0] * (wavelength / 490) ** -1.3
        np.testing.assert_allclose(path[:, band], expected, rtol=2e-6, atol=1e-12)
    assert abs(np.corrcoef(path[:, 0], gain.mean(axis=1))[0, 1]) < 4 / np.sqrt(n)


def test_the_exponent_is_uniform_within_its_interval():
    path, _ = _causes(3000)
    alpha = np.log(path[:, 0] / path[:, 3]) / np.log(WAVELENGTHS[3] / WAVELENGTHS[0])
    assert stats.kstest(alpha, stats.uniform(0.5, 1).cdf).pvalue > 1e-3


def test_gains_have_the_covariance_of_a_common_part_and_one_of_each_band():
    n = 4000
    _, gain = _causes(n, gain=0.03, band_gain=0.02)
    exact = 0.03**2 + 0.02**2 * np.eye(4)
    error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / n)  # of Wishart's
    assert (np.abs(np.cov(gain.T) - exact) < 4 * error).all()
    assert (np.abs(gain.mean(axis=0)) < 4 * np.sqrt(np.diag(exact) / n)).all()


def test_ndvi_of_a_summer_forest_deviates_from_date_to_date_as_real_series_do():
    """.026 in a Sentinel-2 series. By error propagation: a common gain leaves NDVI alone."""
    settings = Atmosphere()
    by_red, by_nir = -2 * NIR / (NIR + RED) ** 2, 2 * RED / (NIR + RED) ** 2  # ∂NDVI
    alpha = np.linspace(settings.angstrom.min, settings.angstrom.max, 2001)
    of_path = by_red * (490 / 665) ** alpha + by_nir * (490 / 842) ** alpha
    of_bands = np.hypot(by_red * RED, by_nir * NIR)
    closed = np.hypot(settings.path * np.sqrt((of_path**2).mean()), settings.band_gain * of_bands)
    assert 0.02 < closed < 0.03

    forest, n = np.array([0.015, 0.04, RED, NIR], np.float32)[:, None, None], 3000
    place = replace(PLACE, height=1, width=1)
    seen = np.array([view(_sensor(), place, day).apply(forest).ravel() for day in range(n)])
    red, nir = seen[:, 2].astype(np.float64), seen[:, 3].astype(np.float64)
    ndvi = (nir - red) / (nir + red)
    # The second order adds 1 % to the deviation, and shifts the mean.
    assert ndvi.std() == pytest.approx(closed, rel=4 / np.sqrt(2 * n) + 0.01)
    assert ndvi.mean() == pytest.approx((NIR - RED) / (NIR + RED), abs=0.002)
    published = observe(_sensor(), place, 0, forest)
    np.testing.assert_array_equal(published.ravel(), seen[0].clip(0, 1))


# In the order of the stages


def test_stages_act_in_their_order():
    gain = Brightness(mul=Interval(min=1.5, max=1.5), add=Interval(min=0.1, max=0.1))
    path, factor = (
        view(_sensor(), PLACE, 1).published[f"atmosphere_{name}"][:, None, None]
        for name in ("path", "gain")
    )
    after = view(_sensor(gain, Atmosphere()), PLACE, 1).apply(GROUND)
    before = view(_sensor(Atmosphere(), gain), PLACE, 1).apply(GROUND)
    np.testing.assert_allclose(after, (1.5 * GROUND + 0.1) * (1 + factor) + path, atol=1e-6)
    np.testing.assert_allclose(before, 1.5 * (GROUND * (1 + factor) + path) + 0.1, atol=1e-6)


def test_below_clouds_it_is_seen_where_they_let_light_through():
    place = replace(PLACE, height=64, width=64)
    sensor = _sensor(Atmosphere(path=0.05), Clouds(shadow=0.4))
    ground = np.full((4, 64, 64), 0.3, np.float32)
    seen = view(sensor, place, 1)
    _, clouds = seen.causes
    clear = view(_sensor(sensor.stages[1]), place, 1).apply(ground)
    difference = seen.apply(ground) - clear
    cause = seen.causes[0]
    through = (1 - clouds.opacity) * (1 - clouds.shadow)
    expected = (cause.path + cause.gain * np.float32(0.3))[:, None, None] * through
    assert through.min() == 0
    assert through.max() > 0
    np.testing.assert_allclose(difference, expected, atol=1e-6)


def test_sampling_may_come_before_or_after_it():
    """A point spread function has the sum 1: gain and path of a whole band pass through it."""
    sampling = Aggregation(factor=4, mtf_nyquist=0.25, max_shift=0.5)
    before, after = (
        view(_sensor(*stages), PLACE, 2).apply(GROUND)
        for stages in ((Atmosphere(), sampling), (sampling, Atmosphere()))
    )
    np.testing.assert_allclose(before, after, atol=2e-6)


# Bounds and faults


@given(
    st.floats(0, 0.1),
    st.floats(0, 0.15),
    st.floats(0, 0.05),
    st.tuples(st.floats(0, 4), st.floats(0, 4)).map(sorted),
    st.integers(0, 10**6),
)
def test_whatever_is_allowed_is_finite_and_keeps_gains_positive(path, gain, band_gain, alpha, day):
    settings = {"path": path, "gain": gain, "band_gain": band_gain}
    stage = Atmosphere(**settings, angstrom=Interval(min=alpha[0], max=alpha[1]))
    place = replace(PLACE, days=(day,))
    seen = view(_sensor(*16 * [stage]), place, 0)
    assert np.isfinite(seen.apply(np.ones((4, 2, 2), np.float32))).all()
    for cause in seen.causes:
        assert (1 + cause.gain > 0).all()
        assert (np.abs(cause.path) <= 4.5 * path).all()
        size = np.abs(cause.path)
        assert (np.diff(size) <= 0).all()  # led by blue
        assert cause.path.dtype == cause.gain.dtype == np.float32


def test_the_largest_gains_leave_light_at_the_ends_of_the_draws():
    least = _normal_quantiles().min()
    assert 1 + least * (0.15 + 0.05) > 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": 0.2}, "stages.0.path: .*less than or equal to 0.1"),
        ({"gain": -0.1}, "stages.0.gain: .*greater than or equal to 0"),
        ({"band_gain": 0.1}, "stages.0.band_gain: .*less than or equal to 0.05"),
        ({"angstrom": {"min": 1, "max": 5}}, "angstrom: expected 0 ≤ min ≤ max ≤ 4, got 1 to 5"),
        ({"angstrm": {"min": 1, "max": 2}}, "did you mean 'angstrom'"),
    ],
)
def test_faulty_settings_are_explained(settings, message):
    with pytest.raises(BenchError, match=message):
        check_recipe(SensorRecipe, _recipe("optical", **settings), "a.yaml")


def test_an_atmosphere_over_radar_is_refused():
    with pytest.raises(BenchError, match=r"atmosphere: radar sees through aerosol.*'sar'"):
        check_recipe(SensorRecipe, _recipe("sar"), "a.yaml")


@pytest.mark.parametrize("bands", [1, 2, 5])
def test_images_of_other_bands_are_refused(bands):
    with pytest.raises(BenchError, match=f"4 bands, blue, green, red, nir, got {bands}"):
        observe(_sensor(), PLACE, 0, np.zeros((bands, 24, 32), np.float32))


def _recipe(product, **settings):
    return {"name": "a", "product": product, "stages": [{"stage": "atmosphere", **settings}]}


# In recipes and data


def test_rows_hold_what_explains_their_images():
    recipe = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    sensors = {"cloud_removal": {"cloudy": _recipe("optical")}}
    bound = bind(
        "cloud_removal", check_recipe(BenchmarkRecipe, {**recipe, "sensors": sensors}, "a")
    )
    texts = {column.name: column.text for column in bound.columns}
    for name in ("atmosphere_path", "atmosphere_gain"):
        assert name in bound.configs["cloud_removal_latent"]
        assert name not in bound.visible
        assert "that the atmosphere's correction left in `cloudy`, by band" in texts[name]
    days = set()
    for row in bound.rows(make_scene(bound.world, 2)):
        path, gain = (
            row[f"atmosphere_{name}"].astype(np.float64)[:, None, None] for name in ("path", "gain")
        )
        seen = restore(row["clear"]) * (1 + gain) + path
        np.testing.assert_allclose(restore(row["cloudy"]), seen.clip(0, 1), atol=1.2e-4)
        days.add(tuple(row["atmosphere_gain"].tolist()))
    assert len(days) == bound.world.horizon


def test_it_is_said_in_words_over_its_picture():
    stage = Atmosphere()
    (cause,) = view(_sensor(), PLACE, 0).causes
    blue, nir, gain = cause.path[0], cause.path[3], 100 * cause.gain.mean()
    assert stage.shows(cause)
    assert stage.explain(cause) == (
        f"path {blue:+.4f} (blue) to {nir:+.4f} (nir), gain {gain:+.1f}%"
    )
