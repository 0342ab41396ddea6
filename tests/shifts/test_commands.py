"""The commands of shifts: what they print, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from vrs_bench.cli import app
from vrs_bench.data.manifest import read_manifest
from vrs_bench.errors import BenchError
from vrs_bench.shifts.knobs import KNOBS

RECIPE = """
name: little
scenes: 3
scenes_per_shard: 1
world: {seed: 20, height: 32, width: 32, horizon: 2, cells: {n: 4}}
"""


def test_knobs_are_listed_with_the_defaults_of_a_size() -> None:
    listed = CliRunner().invoke(app, ["knobs", "--task", "super_res", "--size", "tiny"])
    assert listed.exit_code == 0
    lines = [line.split(" | ") for line in listed.stdout.splitlines()]
    names = [line[0].strip("| `") for line in lines[2:]]
    assert names == [name for name, knob in KNOBS.items() if "super_res" in knob.tasks]
    [revisit] = [line for line in lines if line[0].startswith("| `revisit`")]
    assert revisit[1:6] == ["super_res", "days", "45", "6, 12, 24, 36, 48", "↑"]
    everything = CliRunner().invoke(app, ["knobs"])
    assert all(
        f"| `{name}` | {', '.join(k.tasks)} |" in everything.stdout for name, k in KNOBS.items()
    )


def test_shifted_data_are_built_by_the_command(tmp_path: Path) -> None:
    recipe = tmp_path / "little.yaml"
    recipe.write_text(RECIPE)
    words = ["build", "super_res", "--size", str(recipe), "--out", str(tmp_path / "out")]
    built = CliRunner().invoke(app, [*words, "--shift", "read_noise=0.02", "--shift", "mtf=0.1"])
    assert built.exit_code == 0, built.output
    manifest = read_manifest(tmp_path / "out")
    assert manifest.recipe.name == "little-read-noise-0p02-mtf-0p1"
    assert manifest.splits("super_res") == ["train", "validation", "test"]
    noise = manifest.bound("super_res").main_sensor.stages[-1]
    assert noise.read_noise == 0.02  # type: ignore[attr-defined]


@pytest.mark.parametrize("tasks", [[], ["super_res", "cloud_removal"]])
def test_a_shift_is_of_one_task(tasks: list[str]) -> None:
    refused = CliRunner().invoke(app, ["build", *tasks, "--shift", "read_noise=0.02"])
    assert refused.exit_code == 2
    assert "--shift is of one task" in refused.output


def test_a_sweep_says_what_is_no_task_and_no_method() -> None:
    for words, message in (
        (["super_re", "--knob", "mtf", "--method", "bicubic"], "unknown task 'super_re'"),
        (["super_res", "--knob", "mtf", "--method", "bicubi"], "no method 'bicubi'"),
        (["super_res", "--knob", "mtf", "--method", "ridge"], "ridge: needs"),
    ):
        refused = CliRunner().invoke(app, ["sweep", *words])
        assert isinstance(refused.exception, BenchError)
        assert message in str(refused.exception)
