"""How the learning rate changes in the course of a training."""

from __future__ import annotations

import math


def warm_up_cosine(peak: float, warm_up: float, step: int, steps: int) -> float:
    """Return the learning rate of the step that follows ``step`` finished ones.

    It rises in equal parts to its peak, then falls as a half cosine to 0.

    Args:
        peak: the highest learning rate.
        warm_up: steps in which it rises; part of a step counts as one.
        step: steps done, from 0.
        steps: in all.
    """
    if step < warm_up:
        return peak * (step + 1) / math.ceil(warm_up)
    share = (step - warm_up) / max(1, steps - warm_up)
    return peak * 0.5 * (1 + math.cos(math.pi * share))
