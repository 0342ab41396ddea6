"""The physical model against closed forms and against what is known of these surfaces."""

import numpy as np
import pytest

from vrs_bench.world.landcover import LAND_COVER, class_names
from vrs_bench.world.series.phenology import (
    PhenologySettings,
    State,
    backscatter,
    backscatter_db,
    double_logistic,
    draw_state,
    logistic,
    reflectance,
    scale_db,
    soil_moisture,
)

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


def _ndvi(state):
    red, nir = reflectance(state)[..., 2], reflectance(state)[..., 3]
    return (nir - red) / (nir + red)


def test_double_logistic_is_beck_2006_where_before_equals_after():
    t = np.linspace(0, 365, 50)
    got = double_logistic(t, 0.5, 5.0, 0.5, 100.0, 280.0, (0.08, 0.05))
    beck = 0.5 + 4.5 * (
        1 / (1 + np.exp(-0.08 * (t - 100))) + 1 / (1 + np.exp(0.05 * (t - 280))) - 1
    )
    np.testing.assert_allclose(got, beck, rtol=0, atol=1e-12)


def test_double_logistic_passes_half_way_at_its_dates_and_ends_at_its_levels():
    course = double_logistic(np.array([0, 100, 190, 280, 400.0]), 1, 5, 0.2, 100, 280, (0.5, 0.5))
    np.testing.assert_allclose(course, [1, 3, 5, 2.6, 0.2], atol=1e-6)


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
    assert (ndvi["bare soil"] < 0.4).all()
    assert ndvi["forest"].max() > 0.8
    assert ndvi["grassland"].min() > 0.45
    for name, first, last in (("winter cereal", 110, 165), ("maize", 180, 250)):
        assert 0.8 < ndvi[name].max() < 0.95, name
        assert first <= ndvi[name].argmax() <= last, name
        assert ndvi[name][[330, 360]].max() < 0.45, name
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
    for values in (reflectance(state), backscatter(state)):
        assert values.dtype == np.float32
        assert 0 <= values.min() <= values.max() <= 1
    np.testing.assert_allclose(scale_db(np.array([-40, -30, -15, 0, 3])), [0, 0, 0.5, 1, 1])


def test_without_spread_cells_of_a_class_are_alike_and_with_it_they_differ():
    alike, apart = (reflectance(_daily(spread=s, per_class=2)) for s in (0.0, 1.0))
    np.testing.assert_array_equal(alike[::2], alike[1::2])
    assert (np.abs(apart[::2] - apart[1::2]).max(axis=(1, 2)) > 1e-3).all()
