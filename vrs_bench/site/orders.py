"""Do two metrics put entries in the same order? Kendall's τ, and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import kendalltau

ENOUGH = 10
"""Entries from which on the interval's approximation holds."""
_NORMAL = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True)
class Agreement:
    """How far two metrics agree on the order of entries."""

    tau: float
    """1: the same order, -1: the reverse."""
    low: float | None
    """Lower end of the 95 % interval; None of fewer than :data:`ENOUGH` entries, and where τ
    is 1 or -1, of which the approximation says nothing."""
    high: float | None
    n: int


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement | None:
    """Return Kendall's τ-b of two metrics of the same entries, better always up.

    The interval is that of Fieller, Hartley & Pearson 1957, *Tests for rank correlation
    coefficients I*, Biometrika 44: artanh τ is nearly normal with variance 0.437 / (n - 4), for
    n of 10 or more. It takes entries for a random sample of methods, which they are not: it says
    how much the order of so few can tell.

    Returns:
        None where one of them puts all in one place, or there are fewer than two.
    """
    n = len(first)
    if n < 2 or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    tau = round(float(kendalltau(first, second).statistic), 12)
    if n < ENOUGH or abs(tau) == 1:
        return Agreement(tau, None, None, n)
    spread = _NORMAL * math.sqrt(0.437 / (n - 4))
    low, high = (math.tanh(math.atanh(tau) + side * spread) for side in (-1, 1))
    return Agreement(tau, low, high, n)
