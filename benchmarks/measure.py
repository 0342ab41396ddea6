"""What the benchmarks share: a timer, the yardstick of a plain copy, and the table."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

# Figures are for one core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np  # after the threads are set

LOAD = os.getloadavg()[0]
"""Programs that wanted a core in the minute before this one began."""


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the least wall time of a call, after one call that is not counted.

    What other programs take can only add to it.
    """
    work()
    return best_seconds(work, repeats)


def best_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the least wall time of a call: what a machine that others use too can do."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def copy_seconds(n_bytes: int) -> float:
    """Return the time of a plain memory copy of so many bytes."""
    source = np.ones(n_bytes, np.uint8)
    target = np.empty_like(source)
    return seconds(lambda: np.copyto(target, source), 9)


def machine() -> str:
    """Say in one line on what the figures were measured."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.split(":")[1].strip()
            for line in info.read_text().splitlines()
            if "model name" in line
        ]
        model = names[0] if names else model
    packages = ("vrs-bench", "numpy", "scipy", "pyarrow")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    python = f"{platform.system()}, Python {platform.python_version()}"
    return (
        f"{model}, {os.cpu_count()} cores, load {LOAD:.1f} before; {python}, {versions}; "
        f"one core unless said otherwise"
    )


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table under a title and the name of the machine."""
    print(f"\n### {title}\n\n{machine()}\n")
    for line in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(str(cell) for cell in line)} |")
