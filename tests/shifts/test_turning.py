"""Turning a knob turns its cause, and draws nothing else anew."""

from __future__ import annotations

from functools import cache
from typing import get_args

import numpy as np
import pytest

from vrs_bench.columns import restore
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.drawn import columns_of
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, digest, load_recipe
from vrs_bench.sensors.sensor import view
from vrs_bench.sensors.stage import Draws
from vrs_bench.shifts.knobs import KNOBS, UNSEEN, Knob, Turns, get_knob, parse_knob
from vrs_bench.shifts.turning import default_dose, dosed, shifted_recipe
from vrs_bench.tasks import TASKS, BoundTask, bind
from vrs_bench.types import Array
from vrs_bench.world.landcover import class_names
from vrs_bench.world.scene import make_scene
from vrs_bench.world.series.seasons import draw_state

SCENE = 900_003
EVERY = get_args(Turns)
CASES = [(knob.name, task) for knob in KNOBS.values() for task in knob.tasks]


@cache
def recipe() -> BenchmarkRecipe:
    plain = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    plain["world"] |= {"height": 64, "width": 64, "horizon": 6}
    return check_recipe(BenchmarkRecipe, plain, "test")


def turned(task: str, turns: tuple[Turns, ...] = EVERY, **doses: float) -> BoundTask:
    return bind(task, shifted_recipe(recipe(), task, dosed(doses), turns))


@cache
def columns(task: str, doses: tuple[tuple[str, float], ...] = ()) -> dict[str, Array]:
    return columns_of(turned(task, **dict(doses)), SCENE)


def of(task: str, **doses: float) -> dict[str, Array]:
    return columns(task, dosed(doses))


def differing(one: dict[str, Array], other: dict[str, Array]) -> set[str]:
    return {name for name in one if not np.array_equal(one[name], other[name])}


# What is declared


def test_a_knob_is_of_the_tasks_that_have_its_setting() -> None:
    for knob in KNOBS.values():
        having = set()
        for task in TASKS:
            try:
                default_dose(knob, bind(task, recipe()))
            except BenchError:
                continue
            having.add(task)
        if knob.settings[0].path.startswith("world."):
            assert set(knob.tasks) <= having
        else:
            assert set(knob.tasks) == having, knob.name


@pytest.mark.parametrize("size", ["tiny", "small", "toy"])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_every_dose_can_be_had(name: str, task: str, size: str) -> None:
    knob, whole = KNOBS[name], load_recipe(BenchmarkRecipe, size)
    assert list(knob.doses) == sorted(set(knob.doses))
    assert knob.text.endswith(".")
    for dose in knob.doses:
        changed = shifted_recipe(whole, task, ((name, dose),), EVERY)
        if knob.turns != "training":  # whose dose is a share of what the recipe has
            assert default_dose(knob, bind(task, changed)) == pytest.approx(dose)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_default_dose_changes_nothing(name: str, task: str) -> None:
    default = default_dose(KNOBS[name], bind(task, recipe()))
    assert shifted_recipe(recipe(), task, ((name, default),), EVERY) is recipe()


def test_settings_that_came_with_the_knobs_are_left_out_of_digests() -> None:
    """So that data and readers of before stay what they are."""
    bound = bind("super_res", recipe())
    said = bound.world.model_dump_json() + bound.main_sensor.model_dump_json()
    for name in ("season_shift_days", "radar_delay_days", "untold_shift"):
        assert name not in said
    changed = turned("super_res", registration_untold=0.25, season_shift=10)
    said = changed.world.model_dump_json() + changed.main_sensor.model_dump_json()
    assert '"season_shift_days":10' in said
    assert '"untold_shift":0.25' in said
    assert digest(changed.main_sensor) != digest(bound.main_sensor)


def test_what_is_no_knob_or_no_dose_is_refused() -> None:
    for text, message in (
        ("mft", "unknown knob 'mft'; did you mean 'mtf'?"),
        ("looks", "super_res has no knob 'looks', only mtf, "),
        ("mtf=0.1,a", "mtf: expected numbers with commas between, such as mtf=0.05,0.1,"),
    ):
        with pytest.raises(BenchError) as caught:
            parse_knob(text, "super_res")
        assert message in str(caught.value)
    with pytest.raises(BenchError, match=r"mtf = 2: .*mtf_nyquist"):
        turned("super_res", mtf=2)
    with pytest.raises(BenchError, match=r"whole number of blocks, got 2\.5"):
        turned("super_res", fields=2.5)
    bare = recipe().model_dump(mode="json")
    bare["world"]["cells"] = {"n": 4}
    with pytest.raises(BenchError, match=r"strip_width: the recipe has no world.cells.parcels"):
        shifted_recipe(
            check_recipe(BenchmarkRecipe, bare, "bare"), "super_res", (("strip_width", 8.0),)
        )
    assert parse_knob("mtf=0.5, 0.1,0.5", "super_res") == (KNOBS["mtf"], (0.1, 0.5))
    assert parse_knob("mtf", "super_res")[1] == get_knob("mtf", "super_res").doses


# Common random numbers

IMAGES = {"super_res": "lr", "cloud_removal": "cloudy"}


@pytest.mark.parametrize(
    ("task", "name", "dose", "changes"),
    [
        ("super_res", "mtf", 0.1, {"lr"}),
        ("super_res", "gain", 0.1, {"lr", "gain"}),
        ("super_res", "bias", 0.02, {"lr", "bias"}),
        ("super_res", "read_noise", 0.02, {"lr"}),
        ("super_res", "registration", 0.2, {"lr", "phase"}),
        ("super_res", "registration_untold", 0.5, {"lr"}),
        ("cloud_removal", "read_noise", 0.02, {"cloudy"}),
        ("cloud_removal", "looks", 1, {"sar"}),
        ("cloud_removal", "cover", 0.8, {"cloudy", "cloud", "shadow"}),
        ("cloud_removal", "spell", 15, {"cloudy", "cloud", "shadow"}),
        ("cloud_removal", "haze", 1, {"cloudy", "cloud"}),
        ("cloud_removal", "radar_delay", 24, {"sar"}),
        ("sar_to_optical", "radar_delay", 24, {"sar"}),
    ],
)
def test_a_knob_of_a_sensor_changes_no_scene(
    task: str, name: str, dose: float, changes: set[str]
) -> None:
    found = differing(of(task), of(task, **{name: dose}))
    assert found - {"backscatter"} == changes  # which is what radar sees without its noise
    assert ("backscatter" in found) == (name == "radar_delay")


@pytest.mark.parametrize(
    ("name", "dose"),
    [("fields", 30), ("class_overlap", 1), ("season_shift", 30), ("strip_width", 8)],
)
def test_a_knob_of_the_world_changes_no_sky_and_no_phase(name: str, dose: float) -> None:
    world = differing(of("cloud_removal"), of("cloud_removal", **{name: dose}))
    assert {"cloudy", "clear", "sar"} <= world
    assert not world & {"cloud", "shadow", "atmosphere_path", "atmosphere_gain", "day_of_year"}
    assert "phase" not in differing(of("super_res"), of("super_res", **{name: dose}))
    labels = world & {"land_cover", "cell"}
    assert labels == ({"land_cover", "cell"} if name in ("fields", "strip_width") else set())


def test_a_smaller_cover_lies_inside_a_larger_one() -> None:
    less, more = (of("cloud_removal", cover=dose)["cloud"] for dose in (0.3, 0.5))
    assert (less <= more).all()
    assert (less < more).mean() > 0.02


def test_longer_spells_bring_the_same_clouds_on_days_of_the_same_sky() -> None:
    tasks = [turned("cloud_removal", spell=dose) for dose in (15, 60, 240)]
    alike = 0
    for step in range(6):
        skies, clouds = [], []
        for task, dose in zip(tasks, (15, 60, 240), strict=True):
            seen = view(task.main_sensor, task.place(SCENE), step)
            weather = task.main_sensor.stages[1].weather  # type: ignore[attr-defined]
            skies.append(weather.sky(seen.draws[1]))
            clouds.append(of("cloud_removal", spell=dose)["cloud"][step])
        for one in (0, 1):
            if skies[one] == skies[one + 1]:
                alike += 1
                np.testing.assert_array_equal(clouds[one], clouds[one + 1])
    assert alike >= 4


def test_longer_spells_leave_as_many_fair_days() -> None:
    shares, changes = [], []
    for dose in (15, 60):
        task = turned("cloud_removal", spell=dose)
        weather = task.main_sensor.stages[1].weather  # type: ignore[attr-defined]
        fair = np.array(
            [
                [weather.is_fair(Draws(1, scene, 0, day, "cloudy")) for day in range(0, 2000, 5)]
                for scene in range(20)
            ]
        )
        shares.append(fair.mean())
        changes.append(np.diff(fair, axis=1).mean())
    np.testing.assert_allclose(shares, 75 / 135, atol=0.05)
    assert changes[0] > 2.5 * changes[1]


def test_noise_fields_are_equal_up_to_their_scale() -> None:
    task = turned("super_res")
    truth = restore(of("super_res")["hr"])
    noise = []
    for dose in (0.004, 0.008, 0.016):
        bound = turned("super_res", read_noise=dose)
        seen = view(bound.main_sensor, bound.place(SCENE), 2)
        noise.append((seen.apply(truth[2], noise=True) - seen.apply(truth[2])) / dose)
    np.testing.assert_allclose(noise[1], noise[0], atol=2e-4)
    np.testing.assert_allclose(noise[2], noise[0], atol=2e-4)
    assert noise[0].std() == pytest.approx(1, abs=0.05)
    assert task.main_sensor != bound.main_sensor


def test_speckle_of_fewer_looks_is_the_same_speckle_stronger() -> None:
    """The order of the pixels' speckle stays, its variance falls with the looks."""
    clean = restore(of("cloud_removal")["backscatter"])
    few, many = (restore(of("cloud_removal", looks=dose)["sar"]) for dose in (4, 16))
    inside = (few > 0.02) & (few < 0.98) & (many > 0.02) & (many < 0.98)
    one, other = (few - clean)[inside], (many - clean)[inside]
    order = np.argsort(one, kind="stable")
    assert np.diff(other[order]).min() > -3e-4  # of the published scale's rounding
    assert one.std() > 1.7 * other.std()


def test_haze_comes_to_more_days_and_leaves_none() -> None:
    less, more = (of("cloud_removal", haze=dose)["cloud"] for dose in (0.3, 1))
    assert (less <= more).all()


# What single knobs do


def test_an_untold_shift_moves_what_is_seen_and_is_not_published() -> None:
    bound = turned("super_res", registration_untold=1.0)
    told = turned("super_res", ("all",), registration_untold=1.0)
    assert told.main_sensor == turned("super_res").main_sensor
    seen = view(bound.main_sensor, bound.place(SCENE), 1)
    *_, cause, _ = seen.causes
    assert len(cause) == 4
    assert seen.published["phase"].tolist() == [np.float32(cause[0]), np.float32(cause[1])]
    operator = seen.operator()
    assert operator is not None
    ramp = np.tile(np.arange(64.0), (64, 1))
    moved = operator.apply(ramp)[8, 4:-4]
    expected = (np.arange(4, 12) + 0.5 + cause[1] + cause[3]) * 4 - 0.5
    np.testing.assert_allclose(moved, expected, atol=0.02)


def test_what_is_untold_is_not_told_and_what_is_fitted_on_is_not_scored_on() -> None:
    told = turned("super_res", ("all",), mtf_untold=0.1)
    data = turned("super_res", ("all", "data"), mtf_untold=0.1)
    assert told.main_sensor.stages[2].mtf_nyquist == 0.25  # type: ignore[attr-defined]
    assert data.main_sensor.stages[2].mtf_nyquist == 0.1  # type: ignore[attr-defined]
    rape = class_names().index(UNSEEN)
    scored = turned("super_res", ("all", "data"), unseen_class=0)
    taught = turned("super_res", unseen_class=0)
    assert scored.world == recipe().world
    labels = np.concatenate([make_scene(taught.world, n).classes for n in range(12)])
    assert rape not in labels
    assert rape in np.concatenate([make_scene(scored.world, n).classes for n in range(12)])


def test_a_season_that_comes_later_is_the_season_of_earlier_days() -> None:
    """By 45 days, the time between dates, it gives each date the leaves of the one before."""
    late = make_scene(turned("super_res", season_shift=45).world, SCENE)
    asis = make_scene(recipe().world, SCENE)
    np.testing.assert_allclose(late.state.lai[:, 1:], asis.state.lai[:, :-1], atol=1e-12)
    np.testing.assert_array_equal(late.state.moisture, asis.state.moisture)


def test_radar_that_comes_later_sees_the_state_of_that_day() -> None:
    """By the time between dates, it sees the next date: its leaves, and its rain."""
    series = recipe().world.series
    labels = np.arange(1, 9)
    now = draw_state(series, labels, 6, 1, SCENE)  # type: ignore[arg-type]
    later = draw_state(series, labels, 6, 1, SCENE, later=45)  # type: ignore[arg-type]
    np.testing.assert_allclose(later.lai[:, :-1], now.lai[:, 1:], atol=1e-12)
    np.testing.assert_allclose(later.moisture[:, :-1], now.moisture[:, 1:], atol=1e-12)


def test_every_knob_has_its_name_once() -> None:
    assert all(isinstance(knob, Knob) and name == knob.name for name, knob in KNOBS.items())
