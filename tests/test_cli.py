"""The command line as a user meets it: the installed script, its streams and exit statuses."""

from __future__ import annotations

import functools
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import shapely
import typer
import yaml
from PIL import Image

from vrs_bench import cli
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.metrics.catalogue import METRICS

VRS_BENCH = Path(sys.executable).with_name("vrs-bench")
COMMANDS = {
    str(command.callback.__name__).replace("_", "-"): command
    for command in cli.app.registered_commands
}

RECIPE = """
name: little
scenes: 6
scenes_per_shard: 2
world:
  seed: 20
  height: 64
  width: 64
  horizon: 8
  cells: {n: 8, border_px: 1.0}
  series: {start_day: 20, step_days: 45}
"""
# The original's own files, but for the path of the archive, with the sizes of a test.
GENERATION = """
ts:
  path: ['sktime:/BasicMotions/BasicMotions_TRAIN.ts']
  ndim: 3
  nclass: 2
product:
  size:
    width: 40
    height: 32
  nbands: 3
  horizon: 4
  background_color: 51
  n_polygons: 5
random_sampler:
  name: 'gaussian_process'
  std: 1.
  kernel:
    name: 'rbf'
    length_scale: 2.5
astype: 'h5'
seed: 3
"""
DERIVATION = """
latent_product_path: "latent"
target_size:
  width: 10
  height: 8
temporal_res: 2
corruption:
deformation:
postprocess:
aggregation:
  name: convolution
  kernel:
    sigma: 1.5
seed: 73
"""
PROVENANCE = (
    *("--parameters", "12", "--training-data", "train split", "--inputs", "lr", "--seeds", "0,1"),
    *("--hours", "0.5", "--hardware", "2 cores", "--licence", "MIT"),
    *("--predictions-at", "https://x.org/p.tar"),
    *("--eval-results", "repo", "--hub-dataset", "my-org/vrs-toy"),
)


def environment() -> dict[str, str]:
    """Return an environment in which output is plain, wherever the tests run."""
    coloured = {"GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS", "CLICOLOR_FORCE"}
    kept = {name: value for name, value in os.environ.items() if name not in coloured}
    return {**kept, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}


def run(
    *words: object, cwd: Path, status: int = 0, command: Sequence[object] = (VRS_BENCH,)
) -> subprocess.CompletedProcess[str]:
    """Run the command and check its exit status, and that nobody sees a traceback."""
    done = subprocess.run(
        [str(word) for word in (*command, *words)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def message(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one message of a command that failed; above it there may be a progress bar."""
    before, marker, text = done.stderr.partition("vrs-bench: ")
    assert marker
    assert len(before.splitlines()) <= 1
    assert "vrs-bench: " not in text.splitlines()[0]
    assert done.stdout == ""
    return text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder, to read, with little.yaml, the dataset vrs-toy and two predictions."""
    place = tmp_path_factory.mktemp("cli")
    (place / "little.yaml").write_text(RECIPE)
    done = run("build", "super_res", "--size", "little.yaml", cwd=place)
    assert re.fullmatch(r"vrs-toy: 48 rows in 4 files, \d\.\d MB\n", done.stdout)
    assert "build super_res" in done.stderr
    assert "48/48" in done.stderr
    for name, noise in (("good", 0.004), ("bad", 0.009)):
        rng = np.random.default_rng(0)
        (place / name).mkdir()
        for scene in DatasetFolder(place / "vrs-toy").scenes("super_res", "test", ["hr"]):
            for step, truth in enumerate(scene["hr"] / 1e4):
                prediction = np.clip(truth + rng.normal(0, noise, truth.shape), 0, 1)
                file = place / name / f"{scene['scene']:06d}_{step:03d}.npy"
                np.save(file, prediction.astype(np.float32))
    return place


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, tmp_path: Path) -> None:
    done = run(command, "--help", cwd=tmp_path)
    assert f"Example: vrs-bench {command} " in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_is_good_usage(command: str) -> None:
    text = " ".join((inspect.getdoc(COMMANDS[command].callback) or "").split())
    examples = re.findall(r"Example: `vrs-bench ([^`]+)`", text)
    assert examples
    parser: Any = typer.main.get_command(cli.app)
    for example in examples:
        name, *words = shlex.split(example)
        assert name == command
        parser.commands[name].make_context(name, words)  # an error if they don't parse


def test_help_lists_every_command(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    for command in COMMANDS:
        assert re.search(rf"^│ {command} +\w", done.stdout, re.MULTILINE)


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    module = run("--help", cwd=tmp_path, command=(sys.executable, "-m", "vrs_bench"))
    assert "Image restoration and translation in remote sensing" in module.stdout
    done = run("verify", "x", cwd=tmp_path, status=1, command=(sys.executable, "-m", "vrs_bench"))
    assert message(done).startswith("x: no dataset here")


# Bad usage


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", "Usage: vrs-bench"),
        ("bild", "Did you mean 'build'"),
        ("build super_res --scenes 2", "Invalid value for '--scenes'"),
        ("build super_res --workers 0", "Invalid value for '--workers'"),
        ("build --engine spark", "Invalid value for '--engine'"),
        ("build --secret-file x", "--secret-file is for --split private"),
        ("build --split private --engine ray", "a private split is built by processes"),
        ("build super_res --worker 2", "No such option"),
        ("build super_res --workers two", "Invalid value for '--workers'"),
        ("show tiny --view side", "Invalid value for '--view'"),
        ("show tiny --step -1", "Invalid value for '--step'"),
        ("show tiny --pixel 12", "--pixel: expected ROW,COLUMN, for example 12,40; got '12'"),
        ("show tiny --pixel 1,-2", "--pixel: expected ROW,COLUMN"),
        ("generate --cfg x.yaml", "Missing option '--o'"),
        ("generate --cfg x.yaml --o y --seed -1", "Invalid value for '--seed'"),
        ("generate --cfg x.yaml --cfg y.yaml --o z", "--o: 1 folders for 2 recipes"),
        ("derive --cfg x.yaml --o a --cfg y.yaml --o a", "--o: a is named twice"),
        ("derive --cfg x --o a --product p --product q", "--product: 2 for 1 recipes"),
        (
            "evaluate x --profile original --groups distortion",
            "Invalid value for --groups: the ori",
        ),
        ("evaluate x --profile original --readers x.npz", "Invalid value for --readers: the"),
        ("compare one.json", "Missing argument"),
        ("submit predictions", "Missing option '--name'"),
        ("submit p --name x --seeds 1,two", "--seeds: expected numbers such as 0,1,2; got '1,two'"),
        ("submit p --name x --hours -1", "Invalid value for '--hours'"),
        ("submit p --name x --eval-results repo", "--eval-results and --hub-dataset go together"),
        ("verify-entry", "name one entry and its --predictions, or --all"),
        ("verify-entry x.json", "name one entry and its --predictions, or --all"),
        ("verify-entry x.json --predictions p --all", "name one entry and its --predictions, or"),
        ("verify-entry --all", "--all and --predictions-root go together"),
        (
            "verify-entry x.json --predictions p --predictions-root r",
            "--all and --predictions-root",
        ),
    ],
)
def test_bad_usage_ends_with_status_2(words: str, text: str, tmp_path: Path) -> None:
    done = run(*words.split(), cwd=tmp_path, status=2)
    assert text in (done.stderr if words else done.stdout)
    assert list(tmp_path.iterdir()) == []


# What the user can mend


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("build super_ress --out new", "unknown task 'super_ress'; did you mean 'super_res'?"),
        ("build --split private --secret-file none --out new", "no secret: none can't be read"),
        ("reveal vrs-toy --secret-file little.yaml --out new", "little.yaml: others may read"),
        ("secret little.yaml", "little.yaml: is there already"),
        ("build super_res --size tiny", "vrs-toy: holds a dataset of another recipe"),
        ("verify nowhere", r"nowhere: no dataset here \(manifest.json is missing\); build one"),
        ("show nowhere", "nowhere: can't be read as a recipe"),
        ("show little.yaml --step 8", "step: the scene has time steps 0 to 7, got 8"),
        ("show uea.yaml", "world.series.source: .* 'uea' does not have; choose 'phenology'"),
        ("show little.yaml --out little.yaml/x.png", "little.yaml"),
        ("evaluate nowhere", "nowhere: no such file or folder"),
        ("submit good --name Good --url javascript:alert(1)", "(?s)submission is not valid.*url: "),
        ("submit good --name Good --inputs lr,sar", "super_res has no input 'sar'"),
        ("submit good --name Good --eval-results repo --hub-dataset x", "a dataset of the Hub"),
        ("verify-entry x.json --predictions good", "x.json: is no file"),
        ("verify-entry --all --predictions-root .", "submissions: no entries; make one with:"),
        ("leaderboard", "submissions: no folder of submissions; make an entry with: vrs-bench"),
        ("generate --cfg tiny --o new", "missing key 'ts'"),
    ],
)
def test_a_fault_ends_with_status_1_and_one_message(words: str, text: str, place: Path) -> None:
    uea = "series: {source: uea, path: ['sktime:/BasicMotions/BasicMotions_TRAIN.ts'], ndim: 2"
    (place / "uea.yaml").write_text(re.sub("series: .*", f"{uea}, nclass: 2}}", RECIPE))
    done = run(*words.split(), cwd=place, status=1)
    assert re.search(text, message(done)), done.stderr
    assert not (place / "new").exists()
    assert not (place / "submissions").exists()


# From a recipe to a leaderboard


def test_verify_finds_damage_and_build_mends_it(place: Path, tmp_path: Path) -> None:
    (tmp_path / "little.yaml").write_text(RECIPE)
    build = ("build", "super_res", "--size", "little.yaml", "--out", "data")
    run(*build, cwd=tmp_path)
    shard = next((tmp_path / "data" / "super_res").glob("test-*.parquet"))
    whole = shard.read_bytes()
    assert whole == (place / "vrs-toy" / "super_res" / shard.name).read_bytes()
    shard.write_bytes(whole[:-1])
    fault = f"super_res/{shard.name}: {len(whole) - 1} bytes, the manifest says {len(whole)}"
    assert run("verify", "data", cwd=tmp_path, status=1).stdout == f"{fault}\n"
    done = run("verify", "data", "--json", cwd=tmp_path, status=1)
    assert json.loads(done.stdout) == {"folder": "data", "faults": [fault], "rasters": []}
    run(*build, cwd=tmp_path)
    assert shard.read_bytes() == whole
    done = run("verify", "data", cwd=tmp_path)
    assert done.stdout == "data: every file is as the manifest says\n"


def test_from_predictions_to_a_leaderboard(place: Path, tmp_path: Path) -> None:
    data = ("--data", place / "vrs-toy")
    # Evaluate
    done = run("evaluate", place / "good", *data, "--out", "good.json", cwd=tmp_path)
    assert done.stdout.startswith("super_res, split test of 'little', data ")
    assert " 8 rows, 1 scenes, 0 values clipped" in done.stdout
    assert "8/8" in done.stderr
    done = run("evaluate", place / "bad", *data, "--out", "bad.json", "--json", cwd=tmp_path)
    bad = json.loads(done.stdout)
    assert bad == json.loads((tmp_path / "bad.json").read_text(encoding="utf-8"))
    good = json.loads((tmp_path / "good.json").read_text(encoding="utf-8"))
    [scene] = DatasetFolder(place / "vrs-toy").scenes("super_res", "test", ["hr"])
    psnr = {}
    for name, result in (("good", good), ("bad", bad)):
        files = [place / name / f"{scene['scene']:06d}_{step:03d}.npy" for step in range(8)]
        errors = np.stack([np.load(file) for file in files]) - scene["hr"] / 1e4
        psnr[name] = np.mean(-10 * np.log10((errors**2).mean(axis=(1, 2, 3))))
        assert result["scores"]["psnr"]["mean"] == pytest.approx(psnr[name], abs=1e-4)

    assert {"skill", "jaccard_ratio", "ms_ssim", "spatial_shift"} <= set(good["scores"])
    assert list(good["bounds"]) == [n for n in good["scores"] if METRICS[n].group != "skill"]

    # Compare
    done = run("compare", "good.json", "bad.json", cwd=tmp_path)
    assert done.stdout.startswith("skill: difference ")
    done = run("compare", "good.json", "bad.json", "--metric", "psnr", "--json", cwd=tmp_path)
    comparison = json.loads(done.stdout)
    assert comparison["difference"] == pytest.approx(psnr["good"] - psnr["bad"], abs=1e-4)
    assert done.stderr == ""
    done = run("compare", "good.json", "bad.json", "--metric", "pnsr", cwd=tmp_path, status=1)
    assert message(done) == "no score 'pnsr'; did you mean 'psnr'?\n"

    # Submit
    for name in ("good", "bad"):
        about = ("--name", f"{name} <one>", "--authors", "Ada", "--code", "https://x.org/code")
        done = run("submit", place / name, *data, *about, *PROVENANCE, cwd=tmp_path)
        assert (
            done.stdout
            == f"submissions/super_res/little/{name}-one.json\nrepo/.eval_results/super_res.yaml\n"
        )
    entry = tmp_path / "submissions" / "super_res" / "little" / "good-one.json"
    written = entry.read_bytes()
    again = ("submit", place / "bad", *data, "--name", "Good One!")
    done = run(*again, cwd=tmp_path, status=1)
    assert "there is an entry of that name; choose another or --replace it" in message(done)
    assert entry.read_bytes() == written
    run(*again, "--replace", cwd=tmp_path)
    assert json.loads(entry.read_bytes())["name"] == "Good One!"
    entry.write_bytes(written)
    assert json.loads(written)["provenance"] == {
        "parameters": 12,
        "training_data": "train split",
        "inputs": ["lr"],
        "seeds": [0, 1],
        "hours": 0.5,
        "hardware": "2 cores",
        "licence": "MIT",
        "predictions": "https://x.org/p.tar",
    }

    # Verify
    verify = ("verify-entry", entry.relative_to(tmp_path), *data, "--predictions")
    done = run(*verify, place / "bad", cwd=tmp_path, status=1)
    assert "good-one.json: deviates from what it claims, not verified:\n" in done.stdout
    assert re.search(r"^  predictions_sha256 +\w{20} +\w{20} +inf$", done.stdout, re.MULTILINE)
    assert entry.read_bytes() == written
    done = run(*verify, place / "good", cwd=tmp_path)
    assert done.stdout == "submissions/super_res/little/good-one.json: verified, no deviation\n"
    (tmp_path / "root" / "super_res").mkdir(parents=True)
    (tmp_path / "root" / "super_res" / "bad-one").symlink_to(place / "bad")
    every = ("verify-entry", "--all", *data, "--predictions-root", "root")
    done = run(*every, "--regenerated", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["submissions/super_res/little/good-one.json"] == {
        "not scored": "left as it is: no predictions at root/super_res/good-one"
    }
    assert told["submissions/super_res/little/bad-one.json"] == {
        "verified": True,
        "kind": "regenerated",
        "deviations": [],
    }
    (tmp_path / "root" / "super_res" / "good-one").mkdir()
    done = run(*every, cwd=tmp_path, status=1)
    assert "bad-one.json: verified, no deviation\n" in done.stdout
    assert "good-one.json: can't be scored: " in done.stdout

    # Leaderboard
    page = tmp_path / "page.md"
    page.write_text("# Ours\n\nWords that stay\n", encoding="utf-8")
    done = run("leaderboard", "--page", "page.md", cwd=tmp_path)
    assert done.stderr == ""
    for text in (done.stdout, page.read_text(encoding="utf-8")):
        first, second = [line for line in text.splitlines() if line.startswith("| 1–2 ")]
        assert first.startswith("| 1–2 | [good &lt;one&gt;](https://x.org/code) | ")
        assert f"| {psnr['good']:.4g} |" in first
        assert second.startswith("| 1–2 | [bad &lt;one&gt;](https://x.org/code) | ")
    assert page.read_text(encoding="utf-8").startswith("# Ours\n\nWords that stay\n")

    # A faulty entry
    before = page.read_bytes()
    entry.write_text("{}")
    done = run("leaderboard", "--page", "page.md", cwd=tmp_path, status=1)
    assert message(done).startswith(
        "submissions/super_res/little/good-one.json: not a submission:\n"
    )
    assert page.read_bytes() == before


def test_warnings_are_shown_and_told_beside_json(place: Path, tmp_path: Path) -> None:
    (tmp_path / "reversed").mkdir()
    for file in (place / "good").iterdir():
        np.save(tmp_path / "reversed" / file.name, np.load(file)[::-1])
    words = ("--data", place / "vrs-toy", "--groups", "distortion", "--no-bounds")
    done = run("evaluate", "reversed", *words, "--json", cwd=tmp_path)
    [warning] = json.loads(done.stdout)["warnings"]
    assert warning.startswith("the bands look like nir, red, green, blue instead of blue, green")
    assert f"warning: {warning}\n" in done.stderr
    done = run("evaluate", "reversed", *words, cwd=tmp_path)
    assert f"\n\nWarnings:\n  {warning}\n\n" in done.stdout
    assert f"warning: {warning}\n" in done.stderr
    done = run("evaluate", place / "good", *words, cwd=tmp_path)
    assert "arning" not in done.stdout + done.stderr


def test_an_output_that_can_not_be_written_is_no_traceback(place: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    words = ("evaluate", place / "good", "--data", place / "vrs-toy", "--out", "folder")
    done = run(*words, cwd=tmp_path, status=1)
    assert "folder" in message(done)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


# Pictures


@pytest.mark.parametrize("view", ["stages", "signatures", "texture"])
def test_show_writes_a_picture(view: str, place: Path, tmp_path: Path) -> None:
    words = ("show", place / "vrs-toy", "--view", view, "--task", "cloud_removal")
    done = run(*words, cwd=tmp_path)
    assert done.stdout == f"{view}.png\n"
    assert done.stderr == ""
    data = (tmp_path / f"{view}.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    with Image.open(tmp_path / f"{view}.png") as image:
        colours = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 50
    assert [path.name for path in tmp_path.iterdir()] == [f"{view}.png"]


def test_the_same_scene_is_the_same_picture(place: Path, tmp_path: Path) -> None:
    words = ("--scene", "900000", "--step", "2", "--pixel", "0,63")
    run("show", place / "little.yaml", *words, "--out", "a/one.png", cwd=tmp_path)
    run("show", place / "vrs-toy", *words, "--out", "a/two.png", cwd=tmp_path)
    picture = (tmp_path / "a/one.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert (tmp_path / "a/two.png").read_bytes() == picture


def test_show_writes_an_animation_of_the_horizon(place: Path, tmp_path: Path) -> None:
    done = run("show", place / "little.yaml", "--view", "animation", cwd=tmp_path)
    assert done.stdout == "animation.gif\n"
    assert (tmp_path / "animation.gif").read_bytes().startswith(b"GIF89a")
    with Image.open(tmp_path / "animation.gif") as image:
        assert image.n_frames == 8
        width, height = image.size
    assert width == 3 * height  # latent, input and radar


def test_show_writes_cells_as_vectors(place: Path, tmp_path: Path) -> None:
    run("show", place / "little.yaml", "--view", "geojson", "--out", "cells.json", cwd=tmp_path)
    data = json.loads((tmp_path / "cells.json").read_text(encoding="utf-8"))
    assert data["type"] == "FeatureCollection"
    cells = [shapely.geometry.shape(feature["geometry"]) for feature in data["features"]]
    assert [feature["properties"]["cell"] for feature in data["features"]] == list(range(1, 9))
    assert all(cell.geom_type == "Polygon" and cell.is_valid for cell in cells)
    assert sum(cell.area for cell in cells) == pytest.approx(640**2)  # 64 pixels of 10 m


# The original toy's commands


def frames(product: Path) -> dict[str, Any]:
    found = {}
    for path in sorted(product.glob("frames/*.h5")):
        with h5py.File(path) as file:
            found[path.name] = file["data"][()]
    return found


def test_generate_and_derive_do_what_the_originals_did(tmp_path: Path) -> None:
    (tmp_path / "generation.yaml").write_text(GENERATION)
    (tmp_path / "derivation.yaml").write_text(DERIVATION)
    generate = ("generate", "--cfg", "generation.yaml", "--o")
    done = run(*generate, "latent", cwd=tmp_path)
    assert done.stdout == "latent: 4 frames\n"
    assert "4/4" in done.stderr
    latent = frames(tmp_path / "latent")
    assert list(latent) == [f"frame_{t}.h5" for t in range(4)]
    assert latent["frame_0.h5"].shape == (32, 40, 3)
    index = json.loads((tmp_path / "latent" / "index.json").read_text())
    assert index["features"]["ndigit"] == 5

    # Seed 0 is a seed.
    run(*generate, "other", "--seed", "0", cwd=tmp_path)
    assert not np.array_equal(frames(tmp_path / "other")["frame_0.h5"], latent["frame_0.h5"])

    # From the recipe's own path, and not from the one that is given.
    derive = ("derive", "--cfg", "derivation.yaml", "--o")
    done = run(*derive, "derived", cwd=tmp_path)
    assert done.stdout == "derived: 2 frames\n"
    assert "4/4" in done.stderr
    derived = frames(tmp_path / "derived")
    assert list(derived) == ["frame_0.h5", "frame_2.h5"]
    assert derived["frame_2.h5"].shape == (8, 10, 3)
    done = run(*derive, "x", "--product", "frames", cwd=tmp_path, status=1)
    assert message(done) == "frames: no product here (index.json is missing)\n"

    # Several in one process, the same as one by one; stopped, it keeps what is complete.
    names = ("--cfg", "generation.yaml", "--o", "first", "--cfg", "generation.yaml", "--o", "next")
    done = run("generate", *names, cwd=tmp_path)
    assert done.stdout == "first: 4 frames\nnext: 4 frames\n"
    np.testing.assert_array_equal(frames(tmp_path / "next")["frame_1.h5"], latent["frame_1.h5"])
    (tmp_path / "again.yaml").write_text(
        yaml.safe_dump({"target_size": {"width": 10, "height": 8}, "seed": 1})
    )
    both = ("--cfg", "derivation.yaml", "--product", "first", "--o", "a")
    both += ("--cfg", "again.yaml", "--product", "a", "--o", "b")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").touch()
    done = run("derive", *both, cwd=tmp_path, status=1)
    assert done.stdout == "a: 2 frames\n"
    assert "vrs-bench: b: is there already" in done.stderr
    (tmp_path / "b" / "mine").unlink()
    done = run("derive", *both, cwd=tmp_path)
    assert done.stdout == "a: 2 frames\nb: 2 frames\n"
    for made in ("a", "b"):
        np.testing.assert_array_equal(frames(tmp_path / made)["frame_2.h5"], derived["frame_2.h5"])

    # Pictures of a product.
    assert run("show", "latent", cwd=tmp_path).stdout == "scene.png\n"
    assert (tmp_path / "scene.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    run("show", "derived", "--view", "animation", cwd=tmp_path)
    with Image.open(tmp_path / "animation.gif") as image:
        assert image.n_frames == 2
    done = run("show", "derived", "--step", "1", cwd=tmp_path, status=1)
    assert message(done) == "derived: no observation at time step 1\n"


# Ctrl-C


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_build_leaves_whole_files_and_goes_on(workers: int, tmp_path: Path) -> None:
    recipe = RECIPE.replace("scenes: 6", "scenes: 120").replace("horizon: 8", "horizon: 3")
    recipe = recipe.replace("64", "96")
    (tmp_path / "many.yaml").write_text(recipe)
    words = ("build", "super_res", "--size", "many.yaml", "--out", "data", "--workers", workers)
    child = subprocess.Popen(
        [str(word) for word in (VRS_BENCH, *words)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A test runner in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("data/super_res/*.parquet")):
        assert time.monotonic() < deadline
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to all of its processes
    out, err = child.communicate(timeout=300)
    assert child.returncode == 130, err
    assert out == ""
    assert err.endswith("vrs-bench: stopped; run the same command again to go on\n")
    assert list(tmp_path.rglob("*.partial")) == []
    assert not (tmp_path / "data" / "manifest.json").exists()
    stopped = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert 0 < len(stopped) < 60
    done = run("verify", "data", cwd=tmp_path, status=1)
    assert "manifest.json is missing" in message(done)

    done = run(*words, cwd=tmp_path)
    assert done.stdout.startswith("data: 360 rows in 60 files, ")
    run("verify", "data", cwd=tmp_path)
    for path, when in stopped.items():
        assert path.stat().st_mtime_ns == when  # kept, not made again
