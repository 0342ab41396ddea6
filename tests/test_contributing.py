"""The worked additions of docs/contributing: each is made in a copy of the checkout, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {"metric": 2, "stage": 2, "source": 2, "method": 2}
"""Page → how many places of the code an addition of its kind may touch."""

_FENCE = re.compile(r"^```(\w+)(?: (run)| file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    run: bool
    file: str | None
    text: str


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page that are files, changes or commands."""
    text = (ROOT / "docs" / "contributing" / f"{page}.md").read_text(encoding="utf-8")
    found = [Block(m[1], m[2] is not None, m[3], m[4]) for m in _FENCE.finditer(text)]
    return [block for block in found if block.run or block.file]


def changed(text: str, change: str) -> str:
    """Apply a change: hunks divided by ``@@``, whose context must stand in the text once."""
    for hunk in re.split(r"^@@\n", change, flags=re.MULTILINE):
        lines = [line or " " for line in hunk.splitlines()]
        before = "\n".join(line[1:] for line in lines if line[0] in " -").strip("\n")
        after = "\n".join(line[1:] for line in lines if line[0] in " +").strip("\n")
        assert text.count(before) == 1, f"the context stands {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    return text


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package and its folders."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("vrs_bench", "baselines", "builders", "pyproject.toml"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    return copy


@pytest.mark.parametrize("page", PAGES)
def test_a_worked_addition_works_and_touches_as_few_places_as_it_says(
    page: str, checkout: Path
) -> None:
    touched = set()
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for block in blocks(page):
        if block.file:
            path = checkout / block.file
            old = path.read_text(encoding="utf-8") if block.language == "diff" else None
            path.write_text(block.text if old is None else changed(old, block.text), "utf-8")
            if block.language in ("python", "diff"):
                touched.add(block.file)
            continue
        command = ["bash", "-e", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        # The command of the environment, but the package of the copy.
        text = block.text.replace("vrs-bench ", f"{sys.executable} -m vrs_bench ")
        done = subprocess.run(
            [*command, text if block.language == "bash" else block.text],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
    assert 0 < len(touched) <= PAGES[page]
    assert any(block.run for block in blocks(page))


def test_a_change_whose_context_is_gone_is_noticed() -> None:
    with pytest.raises(AssertionError, match="stands 0 times"):
        changed("a\nb\n", " c\n+d\n")
    assert changed("a\nb\nc\n", " a\n-b\n+x\n+y\n@@\n c\n+d\n") == "a\nx\ny\nc\nd\n"
