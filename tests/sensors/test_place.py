"""A place: its days by the calendar of its world, and the streams that go by the day."""

import numpy as np

from vrs_bench.sensors.sensor import Place, SensorRecipe, view
from vrs_bench.sensors.stages.noise import Noise
from vrs_bench.world.scene import WorldRecipe

SENSOR = SensorRecipe(name="x", product="optical", stages=(Noise(read_noise=0.1),))


def _place(**series):
    return Place.of(WorldRecipe.model_validate({"seed": 5, "horizon": 40, "series": series}), 2)


def _draws(place, step):
    (draws,) = view(SENSOR, place, step).draws
    return draws


def test_the_days_of_a_place_are_those_of_its_world_and_run_on_over_the_years():
    place = _place(start_day=20, step_days=12)
    assert (place.seed, place.scene, place.height, place.width) == (5, 2, 256, 256)
    assert [place.day(step) for step in (0, 1, 39)] == [20, 32, 20 + 39 * 12]
    assert _draws(place, 39).day == 488


def test_without_a_calendar_every_time_step_is_a_day():
    assert [Place(5, 2, 64, 64).day(step) for step in (0, 1, 400)] == [0, 1, 400]


def test_what_a_day_brings_is_the_same_whatever_the_revisit():
    often, seldom = _place(start_day=4, step_days=6), _place(start_day=10, step_days=30)
    assert often.day(6) == seldom.day(1)
    by_day = [_draws(often, 6).of_day("noise").random(), _draws(seldom, 1).of_day("noise").random()]
    assert by_day[0] == by_day[1]
    assert by_day[0] != _draws(seldom, 2).of_day("noise").random()


def test_a_day_and_a_time_step_of_the_same_number_share_no_draws():
    draws = _draws(Place(5, 2, 64, 64), 7)
    assert not np.isclose(draws.of_day("noise").random(), draws.of_frame("noise").random())
