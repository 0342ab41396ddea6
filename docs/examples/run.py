"""Run worked examples, and write what they print into them.

python docs/examples/run.py [PAGE.md …]

A page is Markdown. Its ```bash and ```python blocks are run in order, in one new folder; what a
block prints stands after it as a ```text block, which is written anew. A block that fails ends the
run, and the page stays as it was.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
BLOCK = re.compile(r"```(bash|python)\n(.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)


def main() -> None:
    """Run the pages that are named, or all."""
    pages = [Path(name) for name in sys.argv[1:]] or sorted(HERE.glob("*.md"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            made = BLOCK.sub(lambda block: ran(block, Path(folder)), text)
        page.write_text(made, encoding="utf-8")
        print(page, file=sys.stderr)


def ran(block: re.Match[str], folder: Path) -> str:
    """Return a block with what it prints.

    Raises:
        SystemExit: it failed; with what it said.
    """
    language, code = block.groups()
    words = ["bash", "-euc", code] if language == "bash" else [sys.executable, "-c", code]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(  # noqa: S603
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{code}\n{done.stdout}\n{done.stderr}\nended with status {done.returncode}")
    shown = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    kept = f"```{language}\n{code}```\n"
    return f"{kept}\n```text\n{shown}\n```\n" if shown else kept


if __name__ == "__main__":
    main()
