"""The worked examples run, and print what their pages say. (The demo trains and submits.)"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
NUMBER = re.compile(r"[-+]?\d+\.\d+")


@pytest.mark.parametrize("name", ["one-cause", "which-metric"])
def test_a_page_says_what_its_code_prints(name: str, tmp_path: Path) -> None:
    kept, page = EXAMPLES / f"{name}.md", tmp_path / f"{name}.md"
    shutil.copy(kept, page)
    run = [sys.executable, EXAMPLES / "run.py", page]
    subprocess.run([str(word) for word in run], check=True, timeout=300)
    texts = [path.read_text(encoding="utf-8") for path in (kept, page)]
    words = [NUMBER.sub("", text) for text in texts]
    assert words[0] == words[1]
    expected, got = ([float(of) for of in NUMBER.findall(text)] for text in texts)
    # The last digit may differ on another machine.
    assert got == pytest.approx(expected, abs=0.011)


def test_a_block_that_fails_leaves_the_page_as_it_was(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "```bash\necho one\n```\n\n```python\nraise SystemExit('no')\n```\n"
    page.write_text(text)
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "run.py"), str(page)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ended with status 1" in done.stderr
    assert page.read_text() == text
