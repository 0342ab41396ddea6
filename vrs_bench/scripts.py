"""Running the scripts of ``baselines/``, which use torch and live outside of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

from vrs_bench.errors import BenchError
from vrs_bench.paths import bundled


def run_baseline(
    script: str, *flags: str, launcher: tuple[str, ...] = (), **options: object
) -> None:
    """Run a script of ``baselines/`` in a process of its own, its progress on our stderr.

    Args:
        script: file name in ``baselines/``.
        *flags: options without a value.
        launcher: words between the interpreter and the script.
        **options: its options, by name.

    Raises:
        BenchError: the script failed, or what it needs is not installed.
    """
    if find_spec("torch") is None or find_spec("accelerate") is None:
        raise BenchError(f"baselines/{script} needs: pip install 'vrs-bench[baselines]'")
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, *launcher, str(bundled("baselines") / script), *words, *flags]
    # Nothing is downloaded: data sets are local folders, and weights start untrained.
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(command, env={**os.environ, **offline}, check=False)  # noqa: S603
    if done.returncode:
        raise BenchError(
            f"baselines/{script} ended with status {done.returncode}; its message is above"
        )
