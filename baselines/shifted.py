"""Methods as a sweep of shifts asks for them: by name, fitted on drawn scenes."""

from __future__ import annotations

from functools import lru_cache

from baselines.drawn_examples import DrawnExamples
from baselines.methods.finding import find_method
from baselines.methods.method import Method
from baselines.methods.registry import METHODS
from baselines.predict import restored
from vrs_bench.errors import BenchError
from vrs_bench.shifts.scenes import Restore
from vrs_bench.tasks import BoundTask

_found = lru_cache(maxsize=64)(find_method)


def prepare(name: str, told: BoundTask, data: BoundTask) -> Restore:
    """Return what restores scenes by a method, fitted where there is something to fit.

    Args:
        name: as for ``vrs-bench predict --method``.
        told: the task as the method is told of it.
        data: the task on the data whose train and validation scenes it is fitted on.
    """
    method = suited(name, told)
    ready = method.ready(told, DrawnExamples(data, method.oracle))
    return lambda task, columns: restored(
        method, ready, task, {**columns, "scene": int(columns["scene"][0])}
    )


def suited(name: str, task: BoundTask) -> Method:
    """Return a method by name.

    Raises:
        BenchError: no such method, or it is not for the task.
    """
    method = _found(name)
    if not method.suits(task):
        others = [name for name, other in METHODS.items() if other.suits(task)]
        raise BenchError(
            f"{name}: needs {method.needs}; that is not so of {task.name}. Methods for it: "
            f"{', '.join(others)}"
        )
    return method
