"""Which scenes belong to which split, by their numbers."""

from __future__ import annotations

SPLITS = {"train": 0, "validation": 800_000, "test": 900_000}
"""Number of the first scene of each split.

Each split numbers its scenes from its own start. So a scene never changes its split when a
dataset is made larger, and no train scene shares a random stream with a test scene.
"""

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


def split_scenes(n_scenes: int) -> dict[str, range]:
    """Divide scenes over the splits by largest remainder, at least one a split.

    Returns:
        the scene numbers of each split.
    """
    counts = {split: max(1, int(share * n_scenes)) for split, share in SHARES.items()}
    by_remainder = sorted(SHARES, key=lambda split: -(SHARES[split] * n_scenes % 1))
    for split in by_remainder * 2:
        if sum(counts.values()) < n_scenes:
            counts[split] += 1
    counts["train"] -= sum(counts.values()) - n_scenes
    return {split: range(SPLITS[split], SPLITS[split] + counts[split]) for split in SPLITS}
