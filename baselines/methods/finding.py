"""How a method is found by what a user calls it: its name, a training's folder, or own code."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from baselines.methods.method import Method
from baselines.methods.registry import METHODS
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import named


def find_method(name: str) -> Method:
    """Return a method by its name, of a user's own file, or of the folder of a training.

    Args:
        name: a name of :data:`METHODS`; ``FILE.py:OBJECT``, where the object is a
            :class:`Method` or a function that restores (see
            :data:`baselines.methods.method.Restore`), and the file is executed; or the folder of
            a finished training.

    Raises:
        BenchError: no such method, file or folder; no finished run in the folder; or what it
            needs is not installed.
    """
    if name in METHODS:
        return METHODS[name]
    file, colon, attribute = name.rpartition(":")
    if colon and file.endswith(".py"):
        return _own(named(file), attribute)
    if not named(name).is_dir():
        raise BenchError(
            f"no folder and no method '{name}'{did_you_mean(name, METHODS)}; a method of your own "
            f"is FILE.py:OBJECT"
        )
    try:
        from baselines.trained import load_run
    except ModuleNotFoundError as error:
        raise BenchError(
            f"{name}: a trained network needs {error.name}: pip install 'vrs-bench[baselines]'"
        ) from error
    return load_run(Path(name))


def _own(file: Path, attribute: str) -> Method:
    """Return the method that a user's file defines; its identity is the file's digest."""
    if not file.is_file():
        raise BenchError(f"{file}: no such file")
    found = getattr(_executed(file), attribute, None)
    identity = hashlib.sha256(file.read_bytes()).hexdigest()
    if isinstance(found, Method):
        return replace(found, identity=found.identity + identity)
    if callable(found):
        return Method(
            name=attribute,
            description=f"{attribute} of {file.name}.",
            needs="any task",
            suits=lambda bound: True,
            restore=found,
            identity=identity,
        )
    raise BenchError(
        f"{file}: expected '{attribute}' to be a Method or a function of a task and the inputs of "
        f"a scene; {'there is no such name' if found is None else f'got {type(found).__name__}'}"
    )


def _executed(file: Path) -> ModuleType:
    name = f"own_method_{file.stem}"
    spec = spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018  # it ends in .py
    module = module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for the names of their annotations
    spec.loader.exec_module(module)
    return module
