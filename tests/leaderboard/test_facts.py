"""What an entry says of its data is held against what the package knows of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Bound, Result
from vrs_bench.evaluation.bounds import PACKAGED
from vrs_bench.leaderboard.facts import data_faults, packaged_data
from vrs_bench.leaderboard.files import read_submission, write_submission
from vrs_bench.leaderboard.submission import make_submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import SIZES
from vrs_bench.tasks import TASKS

DIGEST = packaged_data("tiny", "super_res").digest
KNOWN = json.loads(PACKAGED.read_text(encoding="utf-8"))[f"super_res/test/{DIGEST}"]
PSNR = Bound(KNOWN["bounds"]["psnr"]["floor"], KNOWN["bounds"]["psnr"]["ceiling"])


@pytest.fixture
def honest(make_entry: Any) -> Result:
    """Return a result on the test split of the packaged size tiny."""
    changes = {"recipe": "tiny", "recipe_digest": DIGEST, "bounds": {"psnr": PSNR}}
    result: Result = make_entry(psnr=[30.0, 31.0, 32.0, 33.0, 34.0, 35.0], **changes).result
    return result


def test_the_packaged_sizes_are_those_that_bounds_were_measured_on() -> None:
    known = json.loads(PACKAGED.read_text(encoding="utf-8"))
    of = {
        f"{task}/test/{packaged_data(size, task).digest}": packaged_data(size, task)
        for size in SIZES
        for task in TASKS
    }
    assert known.keys() <= of.keys()
    for key, entry in known.items():
        assert entry["rows"] == of[key].scenes["test"] * of[key].horizon


def test_what_agrees_with_the_data_is_taken(honest: Result, little: Any) -> None:
    assert data_faults(honest) == []
    last_bit = Bound(PSNR.floor * (1 + 1e-9), PSNR.ceiling)
    assert data_faults(replace(honest, bounds={"psnr": last_bit})) == []
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
    assert message in "\n".join(data_faults(replace(honest, **changes)))


def test_the_seed_of_a_private_split_is_secret_but_its_length_is_not(honest: Result) -> None:
    private = replace(honest, split="private", recipe_digest="c" * 64)
    assert data_faults(private) == []
    assert data_faults(replace(private, n_rows=96)) == [
        "n_rows: 96, but the split 'private' of 'tiny' has 48"
    ]


def test_bounds_by_another_definition_are_not_compared(
    honest: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "psnr", replace(METRICS["psnr"], version="2"))
    forged = replace(PSNR, floor=PSNR.floor - 1)
    assert data_faults(replace(honest, bounds={"psnr": forged})) == []


def test_an_entry_that_contradicts_the_data_is_not_read(
    make_entry: Any, honest: Result, tmp_path: Any
) -> None:
    entry = make_entry().model_copy(update={"result": honest, "verification": None})
    assert read_submission(write_submission(entry, tmp_path)) == entry
    forged = replace(honest, bounds={"psnr": replace(PSNR, floor=20.0)})
    entry = entry.model_copy(update={"result": forged})
    path = write_submission(entry, tmp_path, replace=True)
    with pytest.raises(BenchError, match=r"bicubic\.json: bounds\.psnr: the floor is 20, that of"):
        read_submission(path)
    with pytest.raises(BenchError, match=r"the submission: bounds\.psnr: the floor is 20"):
        make_submission(forged, "Bicubic")
