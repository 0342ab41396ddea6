"""What belongs into the repository: no data, no secrets, no large files, bounds that agree."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LARGEST = 1_000_000
"""Bytes of a tracked file, at most."""
MAY_BE_LARGE = ("vrs_bench/references/encoder.safetensors", "docs/gallery/")
"""The encoder's weights, and pictures of really generated scenes."""
UNTRACKED = {".git", ".venv", ".venv-oldest", "runs", "dist", "__pycache__"}
"""Folders that a tree without git holds besides its sources, when tests are run in it."""

LEFT_BEHIND = (
    # by the commands of the README and of the demo, where they are run
    "vrs-toy/manifest.json",
    "vrs-toy/super_res/train-00000-of-00004.parquet",
    "vrs-toy-tar/super_res/test-00000.tar",
    "vrs-toy-hdf5/super_res/test/900000/hr/metadata.json",
    "predictions/bicubic/000001_0.npy",
    "plots/confusion.png",
    "products/latent_optical/frames.h5",
    "site/index.html",
    "runs/unet/model.safetensors",
    "runs/demo/report.md",
    "scores.json",
    "bicubic.json",
    "readers.npz",
    "encoder/encoder.safetensors",
    "scene.png",
    # by builds that end elsewhere or early
    "by-ray/super_res/train-00000-of-00021.parquet",
    "by-ray/.build/super_res--train-00000-of-00021.parquet.d4efe2fa5f5c813f.json",
    # secrets, and what is drawn from them
    "secret",
    "secret.txt",
    "secrets/board",
    "board.secret",
    ".env",
    "vrs-private/manifest.json",
    "vrs-private-truth/super_res/private-00000-of-00004.parquet",
    "private/manifest.json",
    # environments
    ".venv/bin/python",
    ".venv-oldest/bin/python",
    "vrs_bench/__pycache__/x.pyc",
)
KEPT = (
    "submissions/super_res/tiny/mine.json",
    "vrs_bench/references/bounds.json",
    "vrs_bench/references/readers-tiny.npz",
    "vrs_bench/data/private.py",
    "vrs_bench/data/products/layout.py",
    "vrs_bench/evaluation/predictions/keys.py",
    "vrs_bench/plots/scene.py",
    "tests/metrics/fixtures/more.npz",
    "docs/gallery/scene.png",
)


def git(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", ROOT, *words], input=text, capture_output=True, text=True, check=False
    )


def is_checkout() -> bool:
    return shutil.which("git") is not None and (ROOT / ".git").exists()


def sources() -> list[Path]:
    """Return all tracked files; in a source distribution, all files but what tests left there."""
    if is_checkout():
        return [ROOT / name for name in git("ls-files", "-z").stdout.split("\0") if name]
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in UNTRACKED and name[0] != "."]
        found += [Path(folder, name) for name in names]
    return found


@pytest.mark.skipif(not is_checkout(), reason="only git knows what it ignores")
def test_git_ignores_what_commands_leave_behind_and_nothing_else():
    asked = "\n".join((*LEFT_BEHIND, *KEPT))
    ignored = git("check-ignore", "--no-index", "--stdin", text=asked).stdout.splitlines()
    assert ignored == list(LEFT_BEHIND)
    assert git("ls-files", "-i", "-c", "--exclude-standard").stdout == ""  # nothing that is tracked


def test_no_file_is_large():
    files = [path for path in sources() if path.is_file()]
    assert len(files) > 200
    large = {path.relative_to(ROOT).as_posix() for path in files if path.stat().st_size > LARGEST}
    assert [name for name in sorted(large) if not name.startswith(MAY_BE_LARGE)] == []


def test_the_oldest_versions_are_the_lower_bounds():
    """All that the package stands on is tested at its bound; of the extras, what is not large."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [Requirement(line) for line in project["dependencies"]]
    extras = project["optional-dependencies"].values()
    extra = [Requirement(line) for lines in extras for line in lines]
    text = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    oldest = {pin.name: pin for pin in map(Requirement, lines)}
    assert {requirement.name for requirement in needed} <= oldest.keys()
    assert oldest.keys() <= {requirement.name for requirement in (*needed, *extra)}
    for requirement in (*needed, *extra):
        if requirement.name in oldest:
            [bound], [pin] = requirement.specifier, oldest[requirement.name].specifier
            assert (bound.operator, pin.operator) == (">=", "==")
            assert bound.version == pin.version, requirement.name
