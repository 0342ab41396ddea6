"""Entries for the Hub's own leaderboards, in the form that the Hub's client reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vrs_bench.data.documents.eval_yaml import eval_description
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.hub import eval_result, write_eval_results

COMMIT = "5503434ddd753f426f4b38109466949a1217c2bb"


def test_the_file_is_what_the_hub_reads(make_entry: Any, tmp_path: Path) -> None:
    from huggingface_hub import eval_result_entries_to_yaml, parse_eval_result_entries

    entry = make_entry(
        "Ünet: “a”", (30.0, 31.0), {"url": "https://x.org/p", "code": "https://x.org"}
    )
    path = write_eval_results(entry, f"my-org/vrs-toy@{COMMIT}", tmp_path)
    assert path == tmp_path / ".eval_results" / "super_res.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert data == [eval_result(entry, f"my-org/vrs-toy@{COMMIT}")]
    [read] = parse_eval_result_entries(data)
    assert (read.dataset_id, read.task_id) == ("my-org/vrs-toy", "super_res")
    assert read.dataset_revision == COMMIT
    assert read.value == 30.5
    assert read.date == "2026-01-31"  # text: YAML would else make a date of it
    assert (read.source_url, read.source_name) == ("https://x.org/p", "Ünet: “a”")
    assert read.notes is not None
    for words in ("PSNR", "size little", "split test", "verified", "a" * 12):
        assert words in read.notes
    assert eval_result_entries_to_yaml([read]) == data


def test_what_an_entry_does_not_say_is_left_out(make_entry: Any) -> None:
    found = eval_result(make_entry(claimed=True), "my-org/vrs-toy")
    assert found["dataset"] == {"id": "my-org/vrs-toy", "task_id": "super_res"}
    assert "source" not in found
    assert "claimed" in found["notes"]


def test_the_task_is_named_as_in_the_benchmark_s_own_file(make_entry: Any, little: Path) -> None:
    tasks = eval_description(DatasetFolder(little).manifest)["tasks"]
    named = eval_result(make_entry(), "my-org/vrs-toy")["dataset"]["task_id"]
    assert named in [task["id"] for task in tasks]


@pytest.mark.parametrize(
    "dataset",
    ["", "vrs-toy", "a/b/c", "a/b@main", f"a/b@{COMMIT[:-1]}", "a/b c", "../b/c", "a/b\n"],
)
def test_a_dataset_that_the_hub_can_not_have_is_refused(
    dataset: str, make_entry: Any, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match="expected a dataset of the Hub such as my-org/vrs-toy"):
        write_eval_results(make_entry(), dataset, tmp_path)
    assert list(tmp_path.iterdir()) == []
