"""Skill: 0 at the floor, 1 at the truth, and made of nothing but its members."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrs_bench.columns import quantise
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation import Bound, Result, evaluate
from vrs_bench.evaluation.skill import between, flags, skills
from vrs_bench.metrics.catalogue import GROUPS, METRICS
from vrs_bench.metrics.skill import SKILL_GROUPS
from vrs_bench.tasks import TASKS
from vrs_bench.types import Floats

Made = Callable[[str, str], Floats]

MEMBERS = [metric for metric in METRICS.values() if metric.in_skill]
BOUNDS = {m.name: Bound(0.2, 0.8) if m.higher_is_better else Bound(0.9, 0.1) for m in MEMBERS}
BOUNDS["through_sensor_rmse"] = Bound(0.9, 0.1)  # flags, and is no member
NOISY = {"skill", "skill_downstream"}
"""Made of what looks through noise, which is another over every set of predictions."""
SKILLS = {"skill", *(f"skill_{group}" for group in SKILL_GROUPS)}


def standing(places: dict[str, list[float]] | float, n: int = 3) -> dict[str, dict[int, float]]:
    """Return values by scene of members that stand there between floor (0) and ceiling (1)."""
    if not isinstance(places, dict):
        places = {metric.name: [places] * n for metric in MEMBERS}
    return {
        name: {
            scene: BOUNDS[name].floor + place * (BOUNDS[name].ceiling - BOUNDS[name].floor)
            for scene, place in enumerate(of)
        }
        for name, of in places.items()
    }


# Of numbers


@pytest.mark.parametrize("place", [-1.0, -0.3, 0.0, 0.25, 1.0])
def test_members_that_stand_alike_make_that_skill(place: float) -> None:
    made = skills(standing(place), BOUNDS, MEMBERS)
    assert made.keys() == SKILLS
    for of in made.values():
        assert of == pytest.approx(dict.fromkeys(range(3), place))


def test_a_group_is_the_mean_over_its_members_and_skill_that_over_groups() -> None:
    """So groups of three members and of two weigh the same."""
    rng = np.random.default_rng(0)
    places = {metric.name: rng.uniform(-1, 1, 4).tolist() for metric in MEMBERS}
    made = skills(standing(places), BOUNDS, MEMBERS)
    of_groups = []
    for group in GROUPS:
        names = [metric.name for metric in MEMBERS if metric.group == group]
        of_groups.append(np.mean([places[name] for name in names], axis=0))
        assert list(made[f"skill_{group}"].values()) == pytest.approx(of_groups[-1])
    assert list(made["skill"].values()) == pytest.approx(np.mean(of_groups, axis=0))


def test_values_beyond_the_truth_are_cut_scene_by_scene() -> None:
    places = {metric.name: [-3.0, 5.0, 0.5] for metric in MEMBERS}
    for of in skills(standing(places), BOUNDS, MEMBERS).values():
        assert list(of.values()) == pytest.approx([-3, 1, 0.5])


def test_the_floor_stands_at_nought_whatever_its_scenes_are_like() -> None:
    places = {metric.name: [-4.0, 0.9, 0.9, 0.7, 0.9, 0.6] for metric in MEMBERS}
    for of in skills(standing(places), BOUNDS, MEMBERS).values():
        assert np.mean(list(of.values())) == pytest.approx(0)


def test_a_member_far_below_counts_minus_one_and_keeps_its_order() -> None:
    places = {metric.name: [0.0, -6.0, -12.0] for metric in MEMBERS}
    for of in skills(standing(places), BOUNDS, MEMBERS).values():
        assert list(of.values()) == pytest.approx([0, -1, -2])


@given(
    st.sampled_from(MEMBERS),
    st.floats(0, 100),
    st.floats(0, 100),
    st.lists(st.floats(-1000, 1000), min_size=1, max_size=9),
)
def test_whatever_the_values_they_lie_between_and_better_is_never_less(
    metric: object, floor: float, ceiling: float, values: list[float]
) -> None:
    found = between(metric, dict(enumerate(values)), Bound(floor, ceiling))  # type: ignore[arg-type]
    sign = 1 if metric.higher_is_better else -1  # type: ignore[attr-defined]
    if sign * (ceiling - floor) < 1e-6:
        assert found == {}
        return
    placed = [found[scene] for scene in np.argsort(sign * np.array(values), kind="stable")]
    assert placed == sorted(placed)
    assert placed[-1] <= 1
    assert np.mean(placed) >= -1 - 1e-9


@pytest.mark.parametrize("name", ["rmse", "haarpsi", "net_improvement"])
def test_a_member_below_the_floor_lowers_skill(name: str) -> None:
    places = {metric.name: [0.5] for metric in MEMBERS}
    before = skills(standing(places), BOUNDS, MEMBERS)
    after = skills(standing({**places, name: [-0.1]}), BOUNDS, MEMBERS)
    group = f"skill_{METRICS[name].group}"
    for changed in ("skill", group):
        assert after[changed][0] < before[changed][0]
    assert {n: of for n, of in after.items() if n not in ("skill", group)} == {
        n: of for n, of in before.items() if n not in ("skill", group)
    }


@pytest.mark.parametrize("lacking", ["values", "bounds"])
@pytest.mark.parametrize("name", ["sam", "gmsd", "through_sensor_excess"])
def test_without_a_member_there_is_no_skill_of_its_group_and_no_headline(
    lacking: str, name: str
) -> None:
    values, bounds = standing(0.5), dict(BOUNDS)
    del {"values": values, "bounds": bounds}[lacking][name]
    made = skills(values, bounds, MEMBERS)
    assert made.keys() == SKILLS - {"skill", f"skill_{METRICS[name].group}"}


def test_what_does_not_apply_to_the_task_is_no_member() -> None:
    """The others make the skill: of their group, and of all."""
    places = {m.name: [0.2 if m.group == "consistency" else 0.6] for m in MEMBERS}
    fewer = [metric for metric in MEMBERS if metric.group != "downstream"]
    made = skills(standing(places), BOUNDS, fewer)
    assert made.keys() == SKILLS - {"skill_downstream"}
    assert made["skill"][0] == pytest.approx((0.6 + 0.6 + 0.2) / 3)
    alone = [metric for metric in MEMBERS if metric.name != "through_sensor_excess"]
    assert skills(standing(places), BOUNDS, alone)["skill"][0] == pytest.approx((0.6 * 3 + 0.2) / 4)


@pytest.mark.parametrize("floor", [0.1, 0.1 + 1e-9, 0.05])
def test_a_member_whose_floor_is_as_good_as_the_truth_has_no_part(floor: float) -> None:
    """Nothing could be placed between, and rounding would be as much as the best method."""
    bounds = {**BOUNDS, "through_sensor_excess": Bound(floor, 0.1)}
    values = {**standing(0.4), "through_sensor_excess": {0: 0.7, 1: 0.0, 2: 0.1}}
    made = skills(values, bounds, MEMBERS)
    assert made["skill_consistency"] == pytest.approx(dict.fromkeys(range(3), 0.4))


def test_flags_name_what_is_worse_than_the_floor() -> None:
    at_floor = {name: bound.floor for name, bound in BOUNDS.items()}
    assert flags(at_floor, BOUNDS) == []
    # Floors that were rounded to be published are worse by less than that.
    assert flags({name: 1.0001 * value for name, value in at_floor.items()}, BOUNDS) == []
    assert flags({**at_floor, "rmse": 0.95}, BOUNDS) == ["RMSE 0.95 is worse than the floor's 0.9"]
    [said] = flags({**at_floor, "through_sensor_rmse": 0.91}, BOUNDS)
    assert said.startswith("through-sensor RMSE 0.91 is worse")
    # Honest noise costs SSIM and angles; it is no make-believe.
    assert flags({**at_floor, "ssim": -1.0, "sam": 90.0}, BOUNDS) == []
    assert flags({"rmse": 9.0}, {}) == []


# Of images


@pytest.fixture(scope="module")
def at_floor(folder: DatasetFolder, made: Made) -> Result:
    return evaluate(made("super_res", "floor"), "super_res", folder)


@pytest.fixture(scope="module")
def halfway(folder: DatasetFolder, made: Made) -> Result:
    """Return the result of images halfway between floor and truth."""
    images = (made("super_res", "floor") + made("super_res", "truth")) / 2
    return evaluate(images, "super_res", folder)


def test_the_floor_has_no_skill_on_average(at_floor: Result) -> None:
    """But for the noise that readers look through, exactly."""
    for name in SKILLS:
        near = 0.025 if name in NOISY else 1e-9
        assert at_floor.scores[name].mean == pytest.approx(0, abs=near), name
    assert at_floor.flags == []


def test_the_floor_as_it_is_published_is_not_flagged(folder: DatasetFolder, made: Made) -> None:
    for task in ("super_res", "cloud_removal"):
        images = quantise(made(task, "floor"))
        result = evaluate(images, task, folder, groups=["distortion", "consistency"])
        assert result.flags == []
        assert result.scores["skill_distortion"].mean == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_the_truth_has_all_skill(task: str, folder: DatasetFolder, made: Made) -> None:
    result = evaluate(made(task, "truth"), task, folder)
    assert result.scores.keys() >= SKILLS
    # Where the floor is the truth, net improvement is 0: it is placed by what is left to improve.
    for name in SKILLS:
        assert result.scores[name].mean == pytest.approx(1, abs=1e-4), name
    assert result.flags == []


def test_skill_lies_between_and_is_in_tables_and_json(halfway: Result, tmp_path: Path) -> None:
    for name in SKILLS:
        assert 0.1 < halfway.scores[name].mean < 0.9, name
    text = str(halfway).splitlines()
    first = next(i for i, line in enumerate(text) if line.startswith(" ──")) + 1
    assert [line.split()[0] for line in text[first : first + 5]] == list(halfway.scores)[:5]
    assert f" {halfway.scores['skill'].mean:.3f} " in text[first]
    assert "FLAGGED" not in str(halfway)
    assert list(halfway.scores)[:5] == ["skill", *(f"skill_{group}" for group in SKILL_GROUPS)]
    assert not SKILLS & halfway.bounds.keys()
    halfway.to_json(tmp_path / "result.json")
    assert Result.from_json(tmp_path / "result.json") == halfway


def test_parts_have_the_skills_whose_members_are_known_there(halfway: Result) -> None:
    floors = halfway.slices["position"]
    for part in ("border", "interior"):
        found = floors[part]
        assert SKILLS & found.keys() == {"skill_distortion", "skill_downstream"}
        assert 0.1 < found["skill_distortion"].mean < 0.9
    assert all(
        SKILLS & of.keys() == {"skill_distortion"} for of in halfway.slices["time_step"].values()
    )


def test_skill_of_a_part_is_counted_from_the_floor_of_that_part(at_floor: Result) -> None:
    """Borders are harder than what lies inside; the floor has no skill on either."""
    of = at_floor.slices["position"]
    assert of["border"]["rmse"].mean > 1.5 * of["interior"]["rmse"].mean
    for part in ("border", "interior"):
        assert of[part]["skill_distortion"].mean == pytest.approx(0, abs=1e-9)
        assert of[part]["skill_downstream"].mean == pytest.approx(0, abs=0.03)


def test_parts_under_cloud_have_skill(folder: DatasetFolder, made: Made) -> None:
    truth, floor = made("cloud_removal", "truth"), made("cloud_removal", "floor")
    result = evaluate((truth + floor) / 2, "cloud_removal", folder)
    for part, of in result.slices["cloud"].items():
        assert 0 < of["skill_distortion"].mean < 1, part
    assert any("skill_downstream" in of for of in result.slices["cloud"].values())


def test_a_group_that_was_not_asked_for_leaves_no_headline(
    folder: DatasetFolder, made: Made
) -> None:
    groups = ["distortion", "consistency"]
    result = evaluate(made("super_res", "floor"), "super_res", folder, groups=groups)
    assert SKILLS & result.scores.keys() == {"skill_distortion", "skill_consistency"}
    without = evaluate(made("super_res", "floor"), "super_res", folder, groups=groups, bounds=False)
    assert not SKILLS & without.scores.keys()
    assert without.flags == []


def test_what_is_worse_than_the_floor_is_flagged(folder: DatasetFolder, made: Made) -> None:
    truth = made("super_res", "truth")
    noise = np.random.default_rng(0).normal(0, 0.1, truth.shape).astype(np.float32)
    groups = ["distortion", "consistency"]
    result = evaluate(np.clip(truth + noise, 0, 1), "super_res", folder, groups=groups)
    assert [flag.split(" is worse than the floor's ")[0] for flag in result.flags] == [
        f"{METRICS[name].label} {result.scores[name].mean:.4g}"
        for name in ("rmse", "through_sensor_rmse")
    ]
    assert f"FLAGGED: {result.flags[0]}" in str(result).splitlines()
    assert result.scores["skill_distortion"].mean < 0
    assert result.scores["skill_distortion"].ci_low is not None


def test_workers_find_the_same_skill(folder: DatasetFolder, made: Made, halfway: Result) -> None:
    """Noise is that of the images' digest, whoever draws it."""
    images = (made("super_res", "floor") + made("super_res", "truth")) / 2
    assert evaluate(images, "super_res", folder, workers=2) == halfway


def test_another_digest_is_another_noise_and_no_other_picture(
    folder: DatasetFolder, made: Made, halfway: Result
) -> None:
    images = (made("super_res", "floor") + made("super_res", "truth")) / 2
    images[:, 0, 0, 0] = np.nextafter(images[:, 0, 0, 0], np.float32(1))
    result = evaluate(images, "super_res", folder, groups=["downstream"])
    for name, apart in (("reader_agreement", 0.005), ("segmentation_agreement", 0.03)):
        ours, theirs = (of.scores[name].mean for of in (result, halfway))
        assert ours != theirs
        assert ours == pytest.approx(theirs, abs=apart)
