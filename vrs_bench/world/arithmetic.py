"""Arithmetic that gives the same bits on every processor.

NumPy's ``exp`` and ``tanh``, BLAS products and FFTs may differ in the last bit from one processor
to the next. What is computed with them in float64 is *settled*: rounded to a grid so coarse
(against 1e-15) that such a difference can't be seen.
"""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array, Floats


def settle(x: Array, bits: int = 20) -> Floats:
    """Round float64 to multiples of 2**-bits and return float32.

    With the default, values in [-8, 8] are held exactly, so that sums of two of them
    are exact in float32 as well.
    """
    steps = x * float(1 << bits)
    np.rint(steps, out=steps)
    return (steps * 0.5**bits).astype(np.float32)


def soft_sign(x: Array) -> Array:
    """Return the rational approximation of tanh, x(27 + x²)/(27 + 9x²), held at ±1 beyond |x| = 3.

    The [3/2] Padé approximant of tanh; it meets ±1 at ±3 with zero slope and is within 0.024
    of tanh. Made of additions, multiplications and one division, so it is the same everywhere.
    """
    x = np.clip(x, -3, 3)
    square = x * x
    result: Array = x * (27 + square) / (27 + 9 * square)
    return np.clip(result, -1, 1)  # the quotient may round to the other side of 1
