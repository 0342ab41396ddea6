"""Whether an adversarial training has collapsed, as far as its logged values tell.

Its memory is a mapping of numbers that a checkpoint can keep.
"""

from __future__ import annotations

from collections.abc import Mapping

PAST = 0.9
"""Share of its past that a running mean keeps at each logged value."""
PATIENCE = 30
"""Logged values before anything is said: all trainings begin far from their balance."""
LIMITS = {
    "fooling_rate": (
        0.01,
        "the critic takes almost no patch for real, so it tells the generator little",
    ),
    "spread": (
        0.1,
        "the generator's images hardly vary, within or between them",
    ),
}
"""Logged value → the running mean below which it is collapse, and what that means."""


def watch(
    memory: Mapping[str, float], values: Mapping[str, float]
) -> tuple[dict[str, float], list[str]]:
    """Take in logged values.

    Args:
        memory: what this returned for the values before; empty at first.
        values: what was logged.

    Returns:
        memory, and sentences on what has collapsed now and had not before.
    """
    kept, said = dict(memory), []
    kept["seen"] = memory.get("seen", 0) + 1
    for name, (limit, meaning) in LIMITS.items():
        if name not in values:
            continue
        mean = PAST * memory.get(name, values[name]) + (1 - PAST) * values[name]
        below = kept["seen"] >= PATIENCE and mean < limit
        if below and not memory.get(f"{name}_collapsed"):
            said.append(f"collapse: {name} {mean:.4f} (below {limit}): {meaning}")
        kept |= {name: mean, f"{name}_collapsed": float(below)}
    return kept, said
