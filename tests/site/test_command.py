"""`vrs-bench leaderboard --site`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vrs_bench.cli import app
from vrs_bench.leaderboard import files


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, entries: Any) -> None:
    """Let any folder hold the entries."""
    monkeypatch.setattr(files, "read_submissions", lambda folder: entries)


def test_a_site_is_written_instead_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["leaderboard", "--site", "site"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("site: ")
    assert " pages, " in done.output
    assert (tmp_path / "site" / "index.html").is_file()
    assert not (tmp_path / "BENCHMARK.md").exists()
    done = CliRunner().invoke(app, ["leaderboard", "--site", "site", "--page", "page.md"])
    assert done.exit_code == 0, done.output
    assert "Middling" in (tmp_path / "page.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "vrs-toy"], "for pictures of a --site"),
        (["--site", "site", "--predictions", "bicubic"], "expected ENTRY=PATH"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["leaderboard", *words])
    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []
