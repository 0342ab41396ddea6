"""Every snippet of the README, as written, in the order in which a reader meets them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
SNIPPETS = re.findall(
    r"```(bash|python)(?: file=(\S+))?\n(.*?)```", README.read_text(encoding="utf-8"), re.S
)
# These run in `make demo`, which trains with the very command of the README.
ELSEWHERE = ("make ", "accelerate launch ", "vrs-bench predict --method runs/")


def _run(command, folder):
    bin_folder = Path(sys.executable).parent
    run = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "HF_HOME": str(folder / "cache"),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, f"{command}\n{run.stderr}"
    return run.stdout


def test_every_snippet_runs_as_written(tmp_path):
    outputs = []
    for language, file, code in SNIPPETS:
        if file:
            (tmp_path / file).write_text(code, encoding="utf-8")
            continue
        if language == "python":
            outputs.append(_run([sys.executable, "-c", code], tmp_path))
            continue
        for line in code.strip().splitlines():
            if not line.startswith(ELSEWHERE):
                outputs.append(_run(["bash", "-c", line], tmp_path))
    said = "\n".join(outputs)
    assert "every file is as the manifest says" in said
    assert "(4, 32, 32) (4, 128, 128)" in said
    assert "psnr" in said
    for made in (
        "scores.json",
        "bicubic.json",
        "BENCHMARK.md",
        "submissions/super_res/tiny/bicubic.json",
    ):
        assert (tmp_path / made).is_file(), made
    for made in ("report-read_noise.md", "curves-read_noise.png", "values.jsonl", "validity.md"):
        assert (tmp_path / "runs" / "sweep" / made).is_file(), made
    assert (tmp_path / "products" / "clean_optical" / "index.json").is_file()


@pytest.mark.parametrize("page", ["README.md", "BENCHMARK.md", "docs/shifts.md"])
def test_links_to_files_lead_somewhere(page):
    path = README.parent / page
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).is_file(), f"{page}: {target}"
