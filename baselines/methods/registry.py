"""All methods that need no training, and how a method is found by what a user calls it."""

from __future__ import annotations

from pathlib import Path

from baselines.methods.enlarging import BICUBIC, NEAREST
from baselines.methods.method import Method
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import named

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        NEAREST,
        BICUBIC,
    )
}


def find_method(name: str) -> Method:
    """Return a method by its name, or the network that a finished training left in a folder.

    Raises:
        BenchError: no such method or folder, no finished run in it, or no torch to run it.
    """
    if name in METHODS:
        return METHODS[name]
    if not named(name).is_dir():
        raise BenchError(f"no folder and no method '{name}'{did_you_mean(name, METHODS)}")
    try:
        from baselines.trained import load_run
    except ModuleNotFoundError as error:
        raise BenchError(
            f"{name}: a trained network needs {error.name}: pip install 'vrs-bench[baselines]'"
        ) from error
    return load_run(Path(name))
