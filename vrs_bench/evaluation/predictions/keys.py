"""Rows of predictions: their keys, and the reading of one array."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from vrs_bench.columns import Key, row_name
from vrs_bench.types import Array

Read = Callable[[], Array]
"""Reads the array of one row; raises BenchError where there is none."""
PredictionRow = tuple[Key | str, Read]
"""Key and reader; in place of a key that can't be read, what is wrong with it."""

_NAME = re.compile(r"([0-9]{6})_([0-9]{3})")


def named_key(stem: str) -> Key | str:
    """Return the key that the name of a file, without its ending, stands for."""
    found = _NAME.fullmatch(stem)
    if found is None:
        return f"{stem!r:.60}: expected a name such as {row_name((900000, 7))} (scene_step)"
    return int(found[1]), int(found[2])


def as_key(value: object) -> Key | str:
    """Return a key of plain ints, from any kind of integers."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        try:
            return operator.index(value[0]), operator.index(value[1])
        except TypeError:
            pass
    return f"{value!r:.60}: expected a pair of integers (scene, time_step)"
