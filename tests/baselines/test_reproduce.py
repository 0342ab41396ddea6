"""The results made again: what is done, in which order, what is kept, and what goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from baselines import CONFIGS
from baselines.methods.registry import METHODS
from baselines.reproduce import jobs as jobs_module
from baselines.reproduce.jobs import NETWORKS, Job, jobs_of
from baselines.reproduce.reproducing import reproduce
from baselines.reproduce.running import Crew
from vrs_bench.cli import app
from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.files import read_submissions
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS

QUICK = {
    "task": "super_res",
    "model": {"name": "unet", "encoder": "test_resnet", "widths": [6, 8]},
    "crop": 32,
    "batch_size": 4,
    "steps": 2,
    "warmup": 0,
    "learning_rate": 0.01,
    "validate_every": 2,
    "checkpoint_every": 1,
}


@pytest.fixture
def recipe() -> BenchmarkRecipe:
    """Two test scenes of size tiny, which has readers."""
    tiny = load_recipe(BenchmarkRecipe, "tiny")
    return tiny.model_copy(update={"name": "little", "scenes": 14})


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the configuration of one training, in the place of the packaged ones."""
    folder = tmp_path / "configs"
    (folder / "super_res").mkdir(parents=True)
    (folder / "super_res" / "quick_net.yaml").write_text(yaml.safe_dump(QUICK))
    monkeypatch.setattr(jobs_module, "CONFIGS", folder)
    monkeypatch.setattr(jobs_module, "NETWORKS", {"super_res": ("quick_net",)})
    return folder


def test_every_packaged_configuration_is_reproduced_or_needs_an_accelerator() -> None:
    found = {(path.parent.name, path.stem) for path in CONFIGS.glob("*/*.yaml")}
    listed = {(task, name) for task, names in NETWORKS.items() for name in names}
    assert found - listed == {("super_res", "unet_toy")}
    assert listed <= found
    assert all(
        Job(task, name, 3).config().model_copy(update={"seed": 0}) == Job(task, name, 0).config()
        for task, name in listed
    )


def test_all_that_there_is_to_do_stands_in_the_order_of_its_cost() -> None:
    small = load_recipe(BenchmarkRecipe, "small")
    jobs = jobs_of(small, list(TASKS), [], 2)
    assert {job.method for job in jobs if job.seed is None} == set(METHODS)
    assert [job.seed is None for job in jobs] == sorted(job.seed is None for job in jobs)[::-1]
    seeds = [job.seed for job in jobs if job.seed is not None]
    assert seeds == sorted(seeds)
    assert len(seeds) == 2 * sum(map(len, NETWORKS.values()))
    assert all(len([job for job in jobs if job.task == task]) >= 8 for task in TASKS)
    assert len({(job.task, job.label) for job in jobs}) == len(jobs)

    chosen = jobs_of(small, ["super_res", "cloud_removal"], ["unet", "bicubic"], 1)
    assert chosen == [
        Job("super_res", "bicubic"),
        Job("super_res", "unet", 0),
        Job("cloud_removal", "unet", 0),
    ]
    with pytest.raises(BenchError, match="no method 'bicubc' for super_res; did you mean 'bicubic"):
        jobs_of(small, ["super_res"], ["bicubc"], 1)
    with pytest.raises(BenchError, match=r"no method 'utae' for super_res$"):
        jobs_of(small, ["super_res"], ["utae"], 1)


def test_what_is_missing_is_said_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "baselines.reproduce.reproducing", None)
    done = CliRunner().invoke(app, ["reproduce", "--size", "tiny"])
    assert "pip install 'vrs-bench[baselines,evaluation,methods]'" in str(done.exception)


def test_methods_are_trained_scored_verified_and_ranked_once(
    recipe: BenchmarkRecipe, configs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, kept, page = tmp_path / "out", tmp_path / "kept", tmp_path / "page.md"
    asked: dict[str, Any] = {"tasks": ["super_res"], "methods": ["bicubic", "quick_net"]}
    said: list[str] = []
    faults = reproduce(recipe, out, kept, page, **asked, seeds=2, workers=2, say=said.append)
    assert faults == []
    assert [line[:6] for line in said if " of 3: " in line] == ["1 of 3", "2 of 3", "3 of 3"]

    bicubic, network = read_submissions(kept)
    assert (bicubic.name, network.name) == ("bicubic", "quick-net")
    assert {entry.state for entry in (bicubic, network)} == {"verified"}
    assert bicubic.provenance.parameters == 0
    assert network.provenance.seeds == (0,)
    assert network.provenance.parameters > 0
    assert network.provenance.predictions == (
        "vrs-bench reproduce --size little --task super_res --method quick_net"
    )
    text = page.read_text(encoding="utf-8")
    assert "<!-- leaderboard:super_res -->" in text
    [line] = [line for line in text.splitlines() if line.startswith("| quick-net |")]
    assert line.count(" ± ") == 6
    assert f"| 2 | {network.provenance.parameters:,} | 0 |" in line
    one, other = (out / "super_res" / f"quick-net-seed-{seed}" / "result.json" for seed in (0, 1))
    assert one.read_bytes() != other.read_bytes()

    # A second time nothing is run again, and the page stays.
    monkeypatch.setattr(Crew, "call", None)
    before = [path.stat().st_mtime_ns for path in kept.rglob("*.json")]
    assert reproduce(recipe, out, kept, page, **asked, seeds=2) == []
    assert [path.stat().st_mtime_ns for path in kept.rglob("*.json")] == before
    assert page.read_text(encoding="utf-8") == text


def test_what_fails_is_told_with_its_last_words_and_stops_nothing_else(
    recipe: BenchmarkRecipe, configs: Path, tmp_path: Path
) -> None:
    diverging = {**QUICK, "learning_rate": 1e30, "clip_norm": 1e30, "steps": 20}
    (configs / "super_res" / "quick_net.yaml").write_text(yaml.safe_dump(diverging))
    out, page = tmp_path / "out", tmp_path / "page.md"
    methods = ["quick_net", "nearest"]
    [fault] = reproduce(recipe, out, out / "kept", page, tasks=["super_res"], methods=methods)
    assert fault.startswith("super_res, quick-net-seed-0: ")
    assert "ended with status 1" in fault
    assert "lower learning_rate" in fault
    assert [entry.name for entry in read_submissions(out / "kept")] == ["nearest"]
    text = page.read_text(encoding="utf-8")
    assert "| nearest |" in text
    assert "quick-net" not in text.split("methods:super_res:little -->")[1].split("Not done")[0]
    assert "Not done yet: quick-net (seed 0)." in text


def test_a_training_that_is_stopped_with_the_command_goes_on_with_it(
    recipe: BenchmarkRecipe, configs: Path, tmp_path: Path
) -> None:
    long = {**QUICK, "steps": 100_000, "validate_every": 100_000}
    (configs / "super_res" / "quick_net.yaml").write_text(yaml.safe_dump(long))
    code = (
        "import sys; from pathlib import Path; from baselines.reproduce import jobs;"
        f"jobs.CONFIGS = Path({str(configs)!r}); jobs.NETWORKS = {{'super_res': ('quick_net',)}};"
        "from vrs_bench.cli import main; main()"
    )
    (tmp_path / "little.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    words = ["reproduce", "--size", "little.yaml", "--task", "super_res", "--method", "quick_net"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--out", "out"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    run = tmp_path / "out" / "super_res" / "quick-net-seed-0" / "run"
    until = time.monotonic() + 120
    while not (run / "checkpoint.safetensors").is_file() and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "run the same command again to go on" in said
    log = (run.parent / "log.txt").read_text(encoding="utf-8")
    assert "goes on from there" in log  # the training itself was told, and left a checkpoint
