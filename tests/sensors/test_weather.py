"""Weather: spells and skies against their closed forms, the same whatever the revisit, haze."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, digest, load_recipe
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.sensors.stage import Draws
from vrs_bench.sensors.stages.clouds import Clouds, draw_haze
from vrs_bench.sensors.weather import Veil, Weather
from vrs_bench.tasks import bind
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.streams import stream

WEATHER = Weather()
COVER = {"min": 0.12, "max": 0.95}
SIZE = 64


def _draws(scene, day):
    return Draws(seed=7, scene=scene, step=0, day=day, sensor="w")


def _states(days, scenes, weather=WEATHER):
    """Return the states of the sky, (scene, day)."""
    return np.array([[weather.sky(_draws(s, d)).state for d in days] for s in range(scenes)])


def _stage(**settings):
    """Return clouds with weather; settings of the weather by keyword, others as ``stage_…``."""
    of_stage = {k.removeprefix("stage_"): settings.pop(k) for k in [*settings] if "stage_" in k}
    return Clouds.model_validate({"cover": COVER, "shadow": 0.4, **of_stage, "weather": settings})


def _sensor(**settings):
    return SensorRecipe(name="w", product="optical", stages=(_stage(**settings),))


def _layer(sensor, place, step):
    (layer,) = view(sensor, place, step).causes
    return layer


def _place(scene=0, size=SIZE, **series):
    world = {"seed": 7, "height": size, "width": size, "horizon": 73, "series": series}
    return Place.of(WorldRecipe.model_validate(world), scene)


# Spells and skies


def test_skies_have_the_shares_of_the_long_run():
    """44, 26 and 29 % of the dates of a real series are clear, partly clouded and overcast."""
    states = _states(range(6, 366, 12), scenes=400)
    fair = 75 / (75 + 60)
    exact = {
        "clear": fair * 0.75 + (1 - fair) * 0.03,
        "partly": fair * 0.23 + (1 - fair) * 0.30,
        "overcast": fair * 0.02 + (1 - fair) * 0.67,
    }
    for (state, share), real in zip(exact.items(), (0.44, 0.26, 0.29), strict=True):
        by_scene = (states == state).mean(axis=1)
        error = by_scene.std() / np.sqrt(len(by_scene))  # dates of a scene depend on each other
        assert by_scene.mean() == pytest.approx(share, abs=4 * error)
        assert share == pytest.approx(real, abs=0.025)


@pytest.mark.parametrize("day", [0, 1, 200])
def test_the_regime_is_stationary_from_the_first_day_on(day):
    fair = np.mean([WEATHER.is_fair(_draws(scene, day)) for scene in range(2000)])
    assert fair == pytest.approx(75 / 135, abs=4 * np.sqrt(0.25 / 2000))


def test_spells_last_geometrically_with_the_means_that_are_asked():
    weather, length = Weather(fair_days=8, foul_days=4), {True: [], False: []}
    for scene in range(40):
        fair = np.array([weather.is_fair(_draws(scene, day)) for day in range(400)])
        turns = np.flatnonzero(np.diff(fair)) + 1
        for first, end in pairwise(turns):  # whole spells only
            length[bool(fair[first])].append(end - first)
    for is_fair, mean in ((True, 8), (False, 4)):
        days = np.array(length[is_fair])
        assert days.mean() == pytest.approx(mean, rel=4 / np.sqrt(len(days)))
        for least in (1, 4, 12):
            exact = (1 - 1 / mean) ** least
            error = np.sqrt(exact * (1 - exact) / len(days))
            assert (days > least).mean() == pytest.approx(exact, abs=4 * error)


def _gap_distribution(revisit, n):
    """Return P(gap between clear views ≤ k revisits), k = 1..n, of the hidden Markov chain."""
    daily = np.array([[1 - 1 / 75, 1 / 75], [1 / 60, 1 - 1 / 60]])
    turn, clear = np.linalg.matrix_power(daily, revisit), np.array([0.75, 0.03])
    state, found = np.array([75, 60]) * clear, []
    state /= state.sum()
    for _ in range(n):
        state = state @ turn
        found.append(state @ clear)
        state = state * (1 - clear)
    return np.cumsum(found)


def test_gaps_between_clear_views_are_those_of_the_hidden_chain():
    states = _states(range(0, 3000, 12), scenes=40)
    gaps = np.concatenate([np.diff(np.flatnonzero(row == "clear")) for row in states])
    exact = _gap_distribution(12, 30)
    for k in (1, 2, 4, 8, 16):  # of up to 30, that long series rarely cut off
        assert (gaps <= k).mean() == pytest.approx(exact[k - 1], abs=0.02)
    independent = 1 - (1 - 0.43) ** 8
    assert exact[7] < independent - 0.03  # without spells there would hardly be long gaps


def test_gaps_are_like_those_of_a_real_series_of_the_same_length():
    """68 dates of Slovenia have 10, 50 and 100 days between clear views (p50, p90, p99)."""
    states = _states(range(0, 680, 10), scenes=150)
    clear = [10 * np.diff(np.flatnonzero(row == "clear")) for row in states]
    by_scene = [np.percentile(gaps, [50, 90, 99]) for gaps in clear if len(gaps) > 5]
    assert len(by_scene) > 140
    p50, p90, p99 = np.median(by_scene, axis=0)
    assert p50 == 10
    assert p90 == pytest.approx(50, abs=15)
    assert p99 == pytest.approx(100, abs=20)


def test_days_of_a_scene_come_in_any_order():
    days = [300, 5, 299, 0, 120]
    skies = {day: WEATHER.sky(_draws(3, day)) for day in days}
    assert skies == {day: WEATHER.sky(_draws(3, day)) for day in sorted(days)}
    others = (_draws(4, 0), replace(_draws(3, 0), seed=8), replace(_draws(3, 0), sensor="v"))
    for other in others:  # skies of other keys are others
        same = [WEATHER.sky(replace(other, day=d)) == skies[d] for d in days]
        assert not all(same)


# The same weather whatever the revisit


def test_the_weather_of_a_day_is_the_same_whatever_the_revisit():
    sensor = _sensor()
    ground = np.full((4, SIZE, SIZE), 0.1, np.float32)
    seen = 0
    for scene, step in [(scene, step) for scene in range(3) for step in (0, 4, 8, 12, 16)]:
        often = _place(scene, start_day=6, step_days=5)
        seldom, again = _place(scene, start_day=16, step_days=20), 2 + 4 * step
        assert often.day(again) == seldom.day(step)
        layers = _layer(sensor, seldom, step), _layer(sensor, often, again)
        assert (layers[0] is None) == (layers[1] is None)
        seen += layers[0] is not None
        np.testing.assert_array_equal(
            observe(sensor, seldom, step, ground), observe(sensor, often, again, ground)
        )
    assert 0 < seen < 15


# One knob turned, all else as it was


def _cases(n=40):
    return [(_place(scene, step_days=37), step) for scene in range(n // 5) for step in range(5)]


def test_with_a_larger_cover_the_smaller_cloud_lies_inside():
    small = _sensor(stage_cover={"min": 0.2, "max": 0.4})
    large = _sensor(stage_cover={"min": 0.5, "max": 0.7})
    grown = 0
    for place, step in _cases():
        less, more = _layer(small, place, step), _layer(large, place, step)
        assert (less is None) == (more is None)
        if less is not None:
            assert (less.opacity <= more.opacity).all()
            np.testing.assert_array_equal(less.brightness, more.brightness)
            grown += (less.opacity < more.opacity).any()
    assert grown > 5


def test_longer_fair_spells_make_no_day_foul_and_longer_foul_spells_none_fair():
    keys = [(scene, day) for scene in range(60) for day in range(0, 365, 20)]

    def fair(**settings):
        return np.array([Weather(**settings).is_fair(_draws(*key)) for key in keys])

    plain = fair()
    assert (plain <= fair(fair_days=150.0)).all()
    assert (plain >= fair(foul_days=120.0)).all()
    assert fair(fair_days=150.0).mean() > plain.mean() + 0.05


def test_more_clear_days_make_no_day_worse_and_haze_moves_no_state():
    days = range(0, 365, 10)
    rank = {"clear": 0, "partly": 1, "overcast": 2}
    worse = np.vectorize(rank.get)
    plain = _states(days, 20)
    better = _states(days, 20, Weather.model_validate({"fair": {"clear": 0.9, "partly": 0.1}}))
    assert (worse(better) <= worse(plain)).all()
    assert (better != plain).any()
    hazy = Weather.model_validate({"haze": {"probability": 1.0, "opacity": {"min": 0, "max": 1}}})
    np.testing.assert_array_equal(plain, _states(days, 20, hazy))


def test_days_with_haze_are_among_those_of_a_higher_probability():
    def hazy(probability):
        weather = Weather.model_validate({"haze": {"probability": probability}})
        return np.array([weather.sky(_draws(0, day)).veil is not None for day in range(1000)])

    some, more = hazy(0.3), hazy(0.6)
    assert some.mean() == pytest.approx(0.3, abs=0.06)
    assert (some <= more).all()
    assert not hazy(0.0).any()


# What is seen


def test_overcast_days_hide_all_the_ground_and_cast_no_shadow():
    sensor = _sensor(fair={"clear": 0, "partly": 0}, foul={"clear": 0, "partly": 0})
    layer = _layer(sensor, _place(), 1)
    assert (layer.opacity == 1).all()
    assert layer.shadow is None
    assert 0.02 < layer.brightness.std() < 0.1
    assert layer.brightness.mean() == pytest.approx(0.82, abs=0.03)
    ground = np.random.default_rng(0).random((4, SIZE, SIZE), np.float32) / np.float32(3)
    seen = view(sensor, _place(), 1).apply(ground)  # not even its last bit comes through
    np.testing.assert_array_equal(seen, np.broadcast_to(layer.brightness, seen.shape))
    assert sensor.stages[0].explain(layer) == "overcast"


def test_clear_days_leave_the_ground_as_it_is():
    sensor = _sensor(fair={"clear": 1, "partly": 0}, foul={"clear": 1, "partly": 0}, haze=_haze(0))
    ground = np.random.default_rng(0).random((4, SIZE, SIZE), np.float32)
    np.testing.assert_array_equal(observe(sensor, _place(), 3, ground), ground)
    assert _layer(sensor, _place(), 3) is None


def _haze(probability, **settings):
    return {"probability": probability, **settings}


PARTLY = {"fair": {"clear": 0, "partly": 1}, "foul": {"clear": 0, "partly": 1}}


def test_of_light_through_clouds_and_haze_the_shares_multiply():
    without, with_haze = _sensor(**PARTLY, haze=_haze(0)), _sensor(**PARTLY, haze=_haze(1))
    for place, step in _cases(20):
        clouds, both = _layer(without, place, step), _layer(with_haze, place, step)
        draws = view(with_haze, place, step).draws[0]
        veil = with_haze.stages[0].weather.sky(draws).veil
        haze = draw_haze(veil, draws.of_day("clouds/haze"), SIZE, SIZE)
        np.testing.assert_allclose(
            1 - both.opacity, (1 - clouds.opacity) * (1 - haze), rtol=0, atol=1e-6
        )
        np.testing.assert_array_equal(both.shadow, clouds.shadow)
        np.testing.assert_array_equal(both.brightness, clouds.brightness)
        assert (both.opacity[clouds.opacity == 1] == 1).all()


def test_the_published_opacity_and_shadow_are_what_was_applied():
    """Two grounds differ in the image by the light that came through, and by nothing else."""
    sensor, states = _sensor(haze=_haze(0.5)), set()
    low, high = (np.full((4, SIZE, SIZE), value, np.float32) for value in (0.1, 0.6))
    for place, step in _cases():
        seen = view(sensor, place, step)
        dark, light = (seen.apply(ground) for ground in (low, high))
        cloud, shadow = (seen.published[name] / 10_000 for name in ("cloud", "shadow"))
        assert 0 <= cloud.min() <= cloud.max() <= 1
        through = np.broadcast_to((1 - cloud) * (1 - shadow), dark.shape)
        np.testing.assert_allclose((light - dark) / 0.5, through, atol=1.1e-4)
        states.add((sensor.stages[0].weather.sky(seen.draws[0]).state, bool(cloud.any())))
    clear, hazy = ("clear", False), ("clear", True)
    assert states == {clear, hazy, ("partly", True), ("overcast", True)}


def test_haze_is_thin_smooth_and_without_edges():
    for number in range(12):
        rng = stream(0, 0, "haze", number)
        haze = draw_haze(Veil(0.3, 0.5), rng, 200, 256)
        assert haze.shape == (200, 256)
        assert 0 <= haze.min() <= haze.max() <= 0.31
        assert 0.2 < (haze > 0.001).mean() < 0.8
        assert max(np.abs(np.diff(haze, axis=axis)).max() for axis in (0, 1)) < 0.03
        near_edge = (haze > 0) & (haze < 0.01)
        slopes = np.hypot(*np.gradient(haze))
        assert slopes[near_edge].mean() < 0.5 * slopes[haze > 0.05].mean()


def test_haze_of_a_large_extent_leaves_no_ground_without():
    haze = draw_haze(Veil(0.4, 2.0), stream(0, 0, "haze", 1), 128, 128)
    assert haze.min() >= 0.4 * 0.25 - 1e-3  # (1 - 1/extent)², where it is thinnest
    assert haze.max() <= 0.41


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 300), (257, 31)])
def test_small_and_long_images_have_weather_too(height, width):
    place = replace(_place(), height=height, width=width)
    for settings in (
        PARTLY,
        {"fair": {"clear": 0, "partly": 0}, "foul": {"clear": 0, "partly": 0}},
    ):
        layer = _layer(_sensor(**settings, haze=_haze(1)), place, 2)
        assert layer.opacity.shape == layer.brightness.shape == (height, width)
        assert 0 <= layer.opacity.min() <= layer.opacity.max() <= 1


# In recipes and data


def test_rows_have_the_weather_of_their_days():
    sensor = {
        "name": "w",
        "product": "optical",
        "stages": [_stage().model_dump(mode="json")],
    }
    recipe = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    world = {**recipe["world"], "height": 32, "width": 32, "horizon": 24}
    world["series"] = {"start_day": 10, "step_days": 31}  # runs into a second year
    sensors = {"cloud_removal": {"cloudy": sensor}}
    recipe = check_recipe(BenchmarkRecipe, {**recipe, "world": world, "sensors": sensors}, "w")
    bound = bind("cloud_removal", recipe)
    for row in bound.rows(make_scene(recipe.world, 2)):
        day = 10 + 31 * int(row["time_step"])
        assert row["day_of_year"] == day % 365
        sky = WEATHER.sky(Draws(recipe.world.seed, 2, 0, day, "w"))
        assert (row["cloud"] == 10_000).all() == (sky.state == "overcast")
        assert row["cloud"].any() == (sky.state != "clear" or sky.veil is not None)


def test_a_recipe_without_weather_is_what_it_was():
    plain = Clouds()
    assert "weather" not in plain.model_dump(mode="json")
    weathered = SensorRecipe(name="w", product="optical", stages=(_stage(),))
    again = check_recipe(SensorRecipe, weathered.model_dump(mode="json"), "w")
    assert again == weathered
    assert digest(again) == digest(weathered) != digest(_sensor(fair_days=80))
    bare = {"name": "w", "product": "optical", "stages": [{"stage": "clouds", "weather": {}}]}
    (stage,) = check_recipe(SensorRecipe, bare, "w").stages
    assert stage.weather == WEATHER


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": 0.9, "weather": {}}, "probability: how often there are clouds is said by"),
        ({"weather": {"fair": {"clear": 0.8, "partly": 0.3}}}, r"0.8 \+ 0.3 is more than 1"),
        ({"weather": {"foul_days": 1.0}}, "weather.foul_days: .*greater than or equal to 2"),
        ({"weather": {"haze": {"opacity": {"min": 0.2, "max": 1.5}}}}, "expected 0 ≤ min ≤ max"),
        ({"weather": {"foul_dais": 30}}, "did you mean 'foul_days'"),
    ],
)
def test_faulty_settings_are_explained(settings, message):
    recipe = {"name": "w", "product": "optical", "stages": [{"stage": "clouds", **settings}]}
    with pytest.raises(BenchError, match=message):
        check_recipe(SensorRecipe, recipe, "w.yaml")
