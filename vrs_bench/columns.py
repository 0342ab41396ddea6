"""Columns of the published data, and the scale on which images are stored in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vrs_bench.types import Array, Floats

SCALE = 10_000
"""Images are published as uint16, value = round(10000 · x), as Sentinel-2 reflectance is."""

Row = dict[str, Any]
"""Column name → NumPy array or scalar of the published type."""

Key = tuple[int, int]
"""Scene and time step: which row."""


@dataclass(frozen=True)
class Column:
    """One column of the published data."""

    name: str
    kind: Literal["image", "mask", "vector", "scalar"]
    dtype: str
    text: str
    """What it holds, with units; goes into the dataset card."""
    shape: tuple[int, ...] = ()
    """Shape of one value; () for a scalar."""
    visible: bool = False
    """Whether a method may see it."""
    static: bool = False
    """Whether it is the same at all time steps of a scene."""


def row_name(key: Key) -> str:
    """Return the name of a row's file, without its ending.

    Six digits or more for the scene, three or more for the step, and no more than are needed.

    >>> row_name((900000, 7))
    '900000_007'
    """
    return f"{key[0]:06d}_{key[1]:03d}"


def quantise(image: Array) -> Array:
    """Return an image in [0, 1] on the published uint16 scale; values are off by ≤ 0.5e-4."""
    return np.rint(np.clip(image, 0, 1) * np.float32(SCALE)).astype(np.uint16)


def restore(values: Array) -> Floats:
    """Return published uint16 values as float32 in [0, 1].

    >>> restore(np.array([0, 2500, 10000], np.uint16))
    array([0.  , 0.25, 1.  ], dtype=float32)
    """
    return values.astype(np.float32) / np.float32(SCALE)
