"""The physical model against closed forms and against what is known of these surfaces."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrs_bench.world.arithmetic import settle
from vrs_bench.world.landcover import LAND_COVER, class_names
from vrs_bench.world.series.optics import optics
from vrs_bench.world.series.phenology import PhenologySettings
from vrs_bench.world.series.radar import backscatter_db, scale_db
from vrs_bench.world.series.rain import draw_rain, soil_moisture
from vrs_bench.world.series.seasons import (
    YEAR,
    State,
    draw_state,
    leaf_area,
    logistic,
    yearly_spell,
    yearly_step,
)
from vrs_bench.world.streams import stream

LABEL = {name: label for label, name in enumerate(class_names())}
DAYS = np.arange(365)


def _daily(spread=0.0, per_class=1, rain_probability=0.3, seed=0):
    settings = PhenologySettings(
        start_day=0, step_days=1, spread=spread, rain_probability=rain_probability
    )
    classes = np.repeat(np.arange(1, 9), per_class)
    return draw_state(settings, classes, 365, seed, 0)


def _state(label, lai, moisture=0.2, senescent=0.0, bloom=0.0):
    """One cell at one time step in a chosen state."""

    def field(x):
        return np.array([[float(x)]])

    return State(
        classes=np.array([label]),
        lai=field(lai),
        senescent=field(senescent),
        bloom=field(bloom),
        moisture=field(moisture),
        ground_gain=field(1),
        canopy_gain=field(1),
        roughness_db=field(0),
    )


def reflectance(state):
    return optics(state).reflectance


def _ndvi(state):
    red, nir = reflectance(state)[..., 2], reflectance(state)[..., 3]
    return (nir - red) / (nir + red)


def _levels(before, peak, after):
    return tuple(np.array([[x]], float) for x in (before, peak, after))


def test_within_its_season_leaf_area_is_the_double_logistic_of_beck_2006():
    t = np.linspace(60, 320, 50)[None]
    dates, rates = _levels(0, 150.0, 240.0), (np.array([[0.2]]), np.array([[0.15]]))
    got = leaf_area(t, _levels(0.5, 5.0, 0.5), dates, rates)
    beck = 0.5 + 4.5 * (1 / (1 + np.exp(-0.2 * (t - 150))) + 1 / (1 + np.exp(0.15 * (t - 240))) - 1)
    np.testing.assert_allclose(got, beck, rtol=0, atol=1e-9)


def test_a_crop_of_autumn_stands_over_new_year_at_the_level_before_its_season():
    days = np.array([[0.0, 100, 150, 200, 250, 300, 364]])
    rates = (np.array([[0.5]]), np.array([[0.5]]))
    got = leaf_area(days, _levels(1.0, 5.0, 0.2), _levels(275.0, 100.0, 200.0), rates)
    sown = 0.8 * logistic(0.06 * np.array([-25, 25]))  # on either side of emergence
    expected = [1.0, 3.0, 5.0, 2.6, 0.2 + sown[0], 0.2 + sown[1], 1.0]
    np.testing.assert_allclose(got[0], expected, atol=0.011)


@given(when=st.floats(-60, 420), rate=st.floats(0.03, 0.5), day=st.floats(0, 365))
def test_a_yearly_step_rises_by_one_from_year_to_year(when, rate, day):
    first, last = yearly_step(np.array([0.0, YEAR]), when, rate)
    assert last - first == pytest.approx(1, abs=2e-3 if rate > 0.05 else 0.02)
    exact = sum(logistic(np.array(rate * (day - when - YEAR * k))) - (k < 0) for k in range(-6, 7))
    assert yearly_step(np.array(day), when, rate) == pytest.approx(float(exact), abs=0.02)


def test_a_yearly_spell_goes_on_over_new_year():
    day = np.array([0.0, 50, 100, 200, 320, 364])
    np.testing.assert_allclose(yearly_spell(day, 300, 420, 0.5), [1, 0.92, 0, 0, 1, 1], atol=0.01)


def test_the_year_closes_without_a_jump_in_any_cell():
    """The last day of a year meets the first as any day meets the next."""
    state = _daily(spread=1.0, per_class=40)
    for values in (state.lai, state.senescent, state.bloom):
        steps = np.abs(np.diff(values, axis=1))
        at_new_year = np.abs(values[:, 0] - values[:, -1])
        assert (at_new_year <= 1.2 * steps[:, -5:].max(axis=1) + 0.02 * values.max()).all()


def test_winter_has_no_second_spring():
    """Leaves of forest fall once a year: leaf area never rises between October and March."""
    lai = _daily().lai[LABEL["forest"] - 1]
    winter = np.concatenate([lai[300:], lai[:60]])
    assert (np.diff(winter) < 1e-3).all()


def test_meadows_are_mown_and_grow_again():
    state = _daily(spread=1.0, per_class=40)
    of_grass = state.lai[40 * (LABEL["grassland"] - 1) : 40 * LABEL["grassland"]]
    falls = (np.diff(of_grass[:, 120:290], axis=1) < -0.5).sum(axis=1)
    assert (falls == 3).mean() > 0.55  # three quarters of them, three times
    assert (falls == 0).mean() > 0.1
    before, cut = of_grass[:, 120:290], np.diff(of_grass[:, 120:290], axis=1)
    cell, day = np.nonzero(cut < -0.5)
    share = before[cell, day + 1] / before[cell, day]
    np.testing.assert_allclose(share.mean(), 0.4, atol=0.05)


def test_some_fields_grow_a_second_crop_and_some_are_ploughed():
    state = _daily(spread=1.0, per_class=60)
    of = {n: slice(60 * (LABEL[n] - 1), 60 * LABEL[n]) for n in ("winter cereal", "maize", "water")}
    autumn = state.lai[of["winter cereal"]][:, 240:290].max(axis=1)
    assert 0.15 < (autumn > 1.0).mean() < 0.45
    gain = state.ground_gain / state.ground_gain.max(axis=1, keepdims=True)
    assert 0.5 < (gain[of["maize"]].min(axis=1) < 0.95).mean() < 0.9
    assert (gain[of["water"]] == 1).all()


@pytest.mark.parametrize("answer", ["shade", "growth", "soil"])
def test_answers_are_the_derivatives_of_reflectance(answer):
    """Against differences of the model itself."""
    state = _state(LABEL["grassland"], lai=1.7, moisture=0.15, senescent=0.2)
    cover, h = LAND_COVER[LABEL["grassland"] - 1], 1e-4
    moved, size = {
        "shade": ("canopy_gain", cover.texture[0] * np.array([1.2, 1.2, 1.2, 1])),
        "growth": ("lai", 0.15),
        "soil": ("ground_gain", cover.texture[1]),
    }[answer]
    up, down = (
        reflectance(replace(state, **{moved: getattr(state, moved) * factor}))
        for factor in (1 + h, 1 - h)
    )
    expected = (up - down) / (2 * h) * size
    np.testing.assert_allclose(getattr(optics(state), answer), expected, rtol=1e-4, atol=1e-9)


def test_logistic_has_no_overflow():
    np.testing.assert_allclose(logistic(np.array([-1e4, 0, 1e4])), [0, 0.5, 1])


def test_soil_dries_down_exponentially_after_a_pulse():
    tau = np.array([5.0, 10.0])
    moisture = soil_moisture(np.array([9, 10, 15, 30]), np.array([10]), np.array([15.0]), tau)
    wetness = -np.log(1 - (moisture - 0.06) / 0.36)
    expected = 0.5 * np.exp(-np.array([[0, 5, 20]]) / tau[:, None])
    np.testing.assert_allclose(wetness[:, 0], 0, atol=1e-12)  # the day before the rain
    np.testing.assert_allclose(wetness[:, 1:], expected)


def test_soil_moisture_stays_between_residual_and_saturated():
    rng = np.random.default_rng(0)
    moisture = soil_moisture(
        np.arange(300), np.arange(300), rng.exponential(30, 300), np.array([1.0, 40.0])
    )
    assert moisture.min() >= 0.06
    assert moisture.max() <= 0.42


def test_rain_has_its_frequency_and_mean_depth():
    days, depth = draw_rain(stream(3, 0, "rain"), 0, 20_000, 0.3, 6.0)
    assert days.min() < 0
    assert len(days) / 20_060 == pytest.approx(0.3, abs=0.01)
    assert depth.mean() == pytest.approx(6.0, rel=0.04)
    assert np.quantile(depth, 0.5) == pytest.approx(6 * np.log(2), rel=0.05)  # exponential


def test_rain_is_shared_by_the_cells_of_a_scene():
    moisture = _daily(spread=1.0, per_class=4).moisture
    rise = np.diff(moisture, axis=1)
    downpour = rise[0] > 0.02  # a drizzle may not outweigh the day's drainage everywhere
    assert 10 < downpour.sum() < 110
    assert (rise[:, downpour] > 0).all()


def test_the_mixture_is_ground_without_leaves_and_canopy_under_many():
    maize = LAND_COVER[LABEL["maize"] - 1]
    dry = reflectance(_state(LABEL["maize"], lai=0, moisture=0.06))[0, 0]
    np.testing.assert_allclose(dry, maize.ground_dry, atol=1e-6)
    closed = reflectance(_state(LABEL["maize"], lai=60))[0, 0]
    np.testing.assert_allclose(closed, maize.canopy, atol=1e-6)
    half = -np.log(0.5) / 0.62  # the LAI that covers half of the ground in the red
    mixed = reflectance(_state(LABEL["maize"], lai=half, moisture=0.06))[0, 0]
    assert mixed[2] == pytest.approx((maize.ground_dry[2] + maize.canopy[2]) / 2, abs=1e-6)


def test_the_water_cloud_is_ground_without_leaves_and_canopy_under_many():
    maize = LAND_COVER[LABEL["maize"] - 1]
    bare = backscatter_db(_state(LABEL["maize"], lai=0, moisture=0.2))[0, 0]
    expected = np.array(maize.ground_db) + 0.2 * np.array(maize.moisture_db)
    np.testing.assert_allclose(bare, expected)
    closed = backscatter_db(_state(LABEL["maize"], lai=60))[0, 0]
    canopy = np.array(maize.canopy_sigma) * np.cos(np.radians(38))
    np.testing.assert_allclose(closed, 10 * np.log10(canopy))


def test_backscatter_rises_with_moisture_and_less_under_leaves():
    def rise(lai):
        wet, dry = (backscatter_db(_state(LABEL["maize"], lai, m)) for m in (0.35, 0.10))
        return (wet - dry)[0, 0]

    assert (rise(0) > 4).all()
    assert (rise(3) < rise(0) / 2).all()
    assert (rise(3) > 0).all()


def test_wet_soil_is_darker_and_keeps_to_the_soil_line():
    red, nir = np.array(
        [
            reflectance(_state(LABEL["bare soil"], 0, moisture))[0, 0, 2:]
            for moisture in (0.06, 0.12, 0.2, 0.3, 0.4)
        ]
    ).T
    assert (np.diff(red) < 0).all()
    slope, intercept = np.polyfit(red, nir, 1)
    assert 1.0 < slope < 1.4  # Richardson & Wiegand 1977 and later: about 1.1 to 1.3
    assert 0 < intercept < 0.06
    np.testing.assert_allclose(nir, slope * red + intercept, atol=2e-3)


def test_vh_over_vv_rises_with_the_leaves_of_a_broadleaved_crop():
    ratio = [np.ptp(backscatter_db(_state(LABEL["maize"], lai, 0.2))[0, 0]) for lai in (0, 1, 2, 4)]
    assert (np.diff(ratio) < 0).all()  # VV - VH shrinks


def test_seasons_are_those_of_their_classes():
    state = _daily()
    ndvi = dict(zip(class_names()[1:], _ndvi(state), strict=True))
    assert (ndvi["water"] < 0).all()
    assert (ndvi["built-up"] < 0.4).all()
    assert (ndvi["bare soil"] < 0.5).all()  # some weeds
    assert ndvi["forest"].max() > 0.8
    assert 0.3 < ndvi["grassland"].min() < 0.5 < 0.7 < ndvi["grassland"].max()
    for name, first, last in (("winter cereal", 110, 165), ("maize", 180, 250)):
        assert 0.8 < ndvi[name].max() < 0.95, name
        assert first <= ndvi[name].argmax() <= last, name
        assert ndvi[name][[330, 360]].max() < 0.5, name
    bloom = ndvi["rapeseed"][115:130].min()
    assert bloom < ndvi["rapeseed"][[100, 148]].min() - 0.1  # yellow flowers lower NDVI


def test_backscatter_keeps_to_observed_ranges():
    db = backscatter_db(_daily(spread=1.0, per_class=20))
    ranges = {
        "water": ((-27, -12), (-34, -19)),
        "built-up": ((-7, -1), (-14, -8)),
        "forest": ((-11, -7), (-17, -12)),
        "winter cereal": ((-19, -4), (-25, -13)),
    }
    for name, bounds in ranges.items():
        of_class = db[20 * (LABEL[name] - 1) : 20 * LABEL[name]]
        for band, (low, high) in enumerate(bounds):
            assert low < of_class[..., band].min(), (name, band)
            assert of_class[..., band].max() < high, (name, band)
    land = db[20:]
    assert (land[..., 1] < land[..., 0]).all()  # cross-polarised is weaker


def test_values_are_on_the_published_scale():
    state = _daily(spread=1.5, per_class=10)
    assert 0 < reflectance(state).min() <= reflectance(state).max() < 1
    backscatter = settle(scale_db(backscatter_db(state)))
    assert backscatter.dtype == np.float32
    assert 0 <= backscatter.min() <= backscatter.max() <= 1
    np.testing.assert_allclose(scale_db(np.array([-40, -30, -15, 0, 3])), [0, 0, 0.5, 1, 1])


def test_without_spread_cells_of_a_class_are_alike_and_with_it_they_differ():
    alike, apart = (reflectance(_daily(spread=s, per_class=2)) for s in (0.0, 1.0))
    np.testing.assert_array_equal(alike[::2], alike[1::2])
    assert (np.abs(apart[::2] - apart[1::2]).max(axis=(1, 2)) > 1e-3).all()
