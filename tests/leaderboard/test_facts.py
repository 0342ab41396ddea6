"""What an entry says of its data is held against what the package knows of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Bound, Result
from vrs_bench.evaluation.bounds import PACKAGED, bounds_key
from vrs_bench.evaluation.skill import skills
from vrs_bench.leaderboard.facts import data_faults, packaged_data
from vrs_bench.leaderboard.files import read_submission, write_submission
from vrs_bench.leaderboard.submission import make_submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import SIZES
from vrs_bench.tasks import TASKS

DIGEST = packaged_data("tiny", "super_res").digest
KNOWN = json.loads(PACKAGED.read_text(encoding="utf-8"))[bounds_key("super_res", "test", DIGEST)]
BOUNDS = {name: Bound(of["floor"], of["ceiling"]) for name, of in KNOWN["bounds"].items()}
PSNR = BOUNDS["psnr"]
MEMBERS = [metric for metric in METRICS.values() if metric.in_skill]
BETWEEN = (0.1, 0.2, 0.3, 0.4, 0.5, 0.3)
"""Where the members of skill stand between floor and truth in each of the six test scenes."""


@pytest.fixture
def honest(make_entry: Any) -> Result:
    """Return a result on the test split of the packaged size tiny."""
    return with_skill(make_entry, BETWEEN)


def with_skill(make_entry: Any, between: tuple[float, ...]) -> Result:
    """Return a result of which every member of skill stands there between floor and truth."""
    scores = {
        name: [bound.floor + share * (bound.ceiling - bound.floor) for share in between]
        for name, bound in BOUNDS.items()
        if METRICS[name].in_skill
    }
    values = {name: dict(enumerate(of, start=900_000)) for name, of in scores.items()}
    made = skills(values, BOUNDS, MEMBERS)
    scores |= {name: list(of.values()) for name, of in made.items()}
    bounds = {name: bound for name, bound in BOUNDS.items() if name in scores or name == "psnr"}
    changes = {"recipe": "tiny", "recipe_digest": DIGEST, "bounds": bounds, "scores": scores}
    result: Result = make_entry(psnr=[30.0, 31.0, 32.0, 33.0, 34.0, 35.0], **changes).result
    return result


def test_the_packaged_sizes_are_those_that_bounds_were_measured_on() -> None:
    known = json.loads(PACKAGED.read_text(encoding="utf-8"))
    of = {
        bounds_key(task, "test", packaged_data(size, task).digest): packaged_data(size, task)
        for size in SIZES
        for task in TASKS
    }
    assert known.keys() <= of.keys()
    for key, entry in known.items():
        assert entry["rows"] == of[key].scenes["test"] * of[key].horizon


def test_what_agrees_with_the_data_is_taken(honest: Result, little: Any) -> None:
    assert data_faults(honest) == []
    last_bit = Bound(PSNR.floor * (1 + 1e-9), PSNR.ceiling)
    assert data_faults(replace(honest, bounds={**honest.bounds, "psnr": last_bit})) == []
    digest = DatasetFolder(little).manifest.tasks["super_res"].digest
    assert data_faults(replace(honest, recipe="little", recipe_digest=digest)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_rows": 42}, "n_rows: 42, but the split 'test' of 'tiny' has 48"),
        ({"split": "train"}, "n_scenes: 6, but the split 'train' of 'tiny' has 28"),
        ({"recipe": "toy"}, "recipe_digest: the data are not those of the packaged 'toy'"),
        ({"recipe": "ours"}, "recipe: the data are those of 'tiny', not of 'ours'"),
        ({"recipe_digest": "c" * 64}, "the data are not those of the packaged 'tiny'"),
        ({"task": "cloud_removal"}, "recipe_digest: the data are not those of the packaged 'tiny'"),
        (
            {"bounds": {"psnr": replace(PSNR, floor=PSNR.floor - 1)}},
            f"bounds.psnr: the floor is {PSNR.floor - 1:g}, that of the data {PSNR.floor:g}",
        ),
        ({"bounds": {"psnr": replace(PSNR, ceiling=50.0)}}, "bounds.psnr: the ceiling is 50"),
    ],
)
def test_what_the_data_contradict_is_refused(
    changes: dict[str, Any], message: str, honest: Result
) -> None:
    bounds = {**honest.bounds, **changes.pop("bounds", {})}
    assert message in "\n".join(data_faults(replace(honest, bounds=bounds, **changes)))


def test_the_seed_of_a_private_split_is_secret_but_its_length_is_not(honest: Result) -> None:
    private = replace(honest, split="private", recipe_digest="c" * 64).published()
    assert data_faults(private) == []
    assert data_faults(replace(private, n_rows=96)) == [
        "n_rows: 96, but the split 'private' of 'tiny' has 48"
    ]


def raised(result: Result, name: str) -> Result:
    """Return a result whose score is better in every scene, and agrees with itself."""
    score = result.scores[name]
    per_scene = {scene: value + 0.01 for scene, value in score.per_scene.items()}
    better = replace(score, mean=score.mean + 0.01, per_scene=per_scene)
    return replace(result, scores={**result.scores, name: better})


def without(result: Result, *names: str) -> Result:
    """Return a result that lacks some scores and their bounds."""
    return replace(
        result,
        scores={name: of for name, of in result.scores.items() if name not in names},
        bounds={name: of for name, of in result.bounds.items() if name not in names},
    )


FORGED: dict[str, tuple[Callable[[Result], Result], str]] = {
    "skill": (lambda r: raised(r, "skill"), "skill: is not what the scores"),
    "a group": (
        lambda r: raised(r, "skill_perceptual"),
        "skill_perceptual: is not what the scores",
    ),
    "a member": (lambda r: raised(r, "ssim"), "skill_distortion: is not what the scores"),
    "a member left out": (lambda r: without(r, "sam"), "scores: skill needs sam too; score all"),
    "a bound left out": (
        lambda r: replace(r, bounds={n: of for n, of in r.bounds.items() if n != "rmse"}),
        "skill_distortion: is not what the scores",
    ),
    "a flag too many": (lambda r: replace(r, flags=["ugly"]), "flags: scores and bounds make []"),
}


@pytest.mark.parametrize("what", FORGED)
def test_skill_that_is_not_what_its_scores_make_is_refused(what: str, honest: Result) -> None:
    forge, message = FORGED[what]
    assert message in "\n".join(data_faults(forge(honest)))


def test_scores_of_some_groups_agree_with_themselves(honest: Result) -> None:
    """Of data of one's own, nobody has to score all groups; there is no headline then."""
    groups = ("distortion", "skill_distortion")
    others = [n for n in honest.scores if METRICS[n].group not in groups and n not in groups]
    some = without(replace(honest, recipe="ours", recipe_digest="c" * 64), *others)
    assert "skill" not in some.scores
    assert data_faults(replace(some, references={})) == []


def test_a_flag_is_not_to_be_hidden(make_entry: Any) -> None:
    worse = with_skill(make_entry, (-0.2,) * 6)
    [fault] = data_faults(worse)
    assert fault.startswith('flags: scores and bounds make ["RMSE')
    rmse = worse.scores["rmse"].mean
    said = [f"RMSE {rmse:.4g} is worse than the floor's {BOUNDS['rmse'].floor:.4g}"]
    assert data_faults(replace(worse, flags=said)) == []


def test_bounds_by_another_definition_are_not_compared(
    honest: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "psnr", replace(METRICS["psnr"], version="2"))
    forged = {**honest.bounds, "psnr": replace(PSNR, floor=PSNR.floor - 1)}
    assert data_faults(replace(honest, bounds=forged)) == []


def test_an_entry_that_contradicts_the_data_is_not_read(
    make_entry: Any, honest: Result, tmp_path: Any
) -> None:
    entry = make_entry().model_copy(update={"result": honest, "verification": None})
    assert read_submission(write_submission(entry, tmp_path)) == entry
    forged = replace(honest, bounds={**honest.bounds, "psnr": replace(PSNR, floor=20.0)})
    entry = entry.model_copy(update={"result": forged})
    path = write_submission(entry, tmp_path, replace=True)
    with pytest.raises(BenchError, match=r"bicubic\.json: bounds\.psnr: the floor is 20, that of"):
        read_submission(path)
    with pytest.raises(BenchError, match=r"the submission: bounds\.psnr: the floor is 20"):
        make_submission(forged, "Bicubic")
