"""Rows of predictions: their keys, and the reading of one array."""

from __future__ import annotations

import operator
import re
import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from vrs_bench.columns import Key, row_name
from vrs_bench.types import Array

Read = Callable[[], Array]
"""Reads the array of one row; raises BenchError where there is none, and Unlike where it need not
be read to be refused."""
PredictionRow = tuple[Key | str, Read]
"""Key and reader; in place of a key that can't be read, what is wrong with it."""

_DIGITS = 10**18
"""Integers from here on are no keys."""
_NAME = re.compile(r"([0-9]{6,18})_([0-9]{3,18})")


class Unlike(Exception):  # noqa: N818  # no error yet: the check makes it a line of its message
    """An array is of another shape or dtype than is wanted, and its values were not read."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Keep what is known of the array."""
        super().__init__(f"an array of shape {shape} and dtype {dtype}")
        self.shape, self.dtype = shape, dtype


def is_right_dtype(dtype: np.dtype[Any]) -> bool:
    """Say whether predictions may have a dtype: floats or uint16."""
    return dtype == np.uint16 or dtype.kind == "f"


def named_key(stem: str) -> Key | str:
    """Return the key that the name of a file, without its ending, stands for."""
    found = _NAME.fullmatch(stem)
    if found is None:
        return f"{stem!r:.60}: expected a name such as {row_name((900000, 7))} (scene_step)"
    key = int(found[1]), int(found[2])
    if stem != row_name(key):  # else one row would have several names
        return f"{stem!r:.60}: expected {row_name(key)}, without superfluous zeros"
    return key


def as_key(value: object) -> Key | str:
    """Return a key of plain ints, from any kind of integers."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        try:
            key = operator.index(value[0]), operator.index(value[1])
        except TypeError:
            pass
        else:
            if max(map(abs, key)) < _DIGITS:
                return key
    return f"{_brief(value)}: expected a pair of integers (scene, time_step)"


def _brief(value: object) -> str:
    """Return how a value looks, in a few characters and without writing all of it."""
    try:
        return f"{reprlib.repr(value):.60}"
    except Exception:  # integers too long to be written, and what classes of others raise
        return f"a {type(value).__name__} that can't be shown"
