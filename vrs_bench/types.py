"""Types used throughout: arrays, and the callback of a long piece of work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int16]
Array = npt.NDArray[Any]
Report = Callable[[int, int], None]
"""Progress of a long piece of work: called with (done, in all)."""
