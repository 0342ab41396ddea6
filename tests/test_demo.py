"""The demo: what it needs is asked for at once, and nobody else speaks into its progress."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from vrs_bench import demo
from vrs_bench.cli.app import progress_bar
from vrs_bench.errors import BenchError

ROOT = Path(__file__).parents[1]


def test_both_extras_are_asked_for_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {"sklearn", "accelerate"}  # one of each extra
    monkeypatch.setattr(demo, "find_spec", lambda name: None if name in absent else object())
    with pytest.raises(BenchError) as caught:
        demo.run(tmp_path / "demo", progress_bar)
    assert "pip install 'vrs-bench[baselines,evaluation]'" in str(caught.value)
    assert "(not installed: accelerate, sklearn)" in str(caught.value)
    assert not (tmp_path / "demo").exists()


def test_the_extras_install_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = {*extras["baselines"], *extras["evaluation"]}
    names = {re.split("[<>=]", line)[0].replace("scikit-learn", "sklearn") for line in lines}
    assert set(demo.LIBRARIES) == names


@pytest.mark.parametrize("threads", [None, "3"])
def test_the_launcher_is_left_nothing_to_choose(
    threads: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes a paragraph about every value that it was not passed."""
    from accelerate.commands import launch

    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if threads:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    demo._train(tmp_path / "data", tmp_path / "unet")
    [[python, m, module, *words]] = commands
    assert (python, m, module) == (sys.executable, "-m", "accelerate.commands.launch")
    written: list[str] = []
    monkeypatch.setattr(launch.logger, "warning", written.append)
    values, *_ = launch._validate_launch_command(launch.launch_command_parser().parse_args(words))
    assert written == []
    assert values.num_cpu_threads_per_process == (3 if threads else os.cpu_count())
    bare = launch.launch_command_parser().parse_args(["--cpu", "train.py"])
    launch._validate_launch_command(bare)
    assert "--mixed_precision" in written[0]  # so it would have been seen
