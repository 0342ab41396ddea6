"""The command by which another program starts a training on one machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from torch.cuda import is_available


def training_command(
    config: Path, data: Path, out: Path, threads: int, *more: str
) -> tuple[list[str], dict[str, str]]:
    """Return the words of a training that goes on where it stopped, and its environment.

    It uses the accelerator that it finds, or else so many threads. Nothing is downloaded: the
    dataset is a local folder, and weights start untrained.

    Args:
        config: YAML file of the run.
        data: dataset folder.
        out: folder of the run.
        threads: of the network, on a processor.
        *more: further words for ``baselines.train``.
    """
    # The launcher writes a paragraph about each value that it is left to choose.
    values = ["--num_processes=1", "--num_machines=1", "--mixed_precision=no"]
    values += ["--dynamo_backend=no", f"--num_cpu_threads_per_process={threads}"]
    values += [] if is_available() else ["--cpu"]
    launcher = ["-m", "accelerate.commands.launch", "--quiet", *values]
    words = ["--config", config, "--data", data, "--out", out, "--resume", *more]
    command = [sys.executable, *launcher, "-m", "baselines.train", *map(str, words)]
    alone = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)}
    return command, {**os.environ, **alone}
