"""Does land cover follow from where a cell lies, its number or its size? It should not.

Cells of one scene may depend on each other (patches of like classes do), scenes do not. So what
is summed up within a scene is tested over scenes: the count of each class in each third of the
cells, less what is expected of it if it makes no difference, has a random sign.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vrs_bench.types import Array, Doubles

FLIPS = 4999
THIRDS = 3


def cells_of(land_cover: Array, cell: Array) -> tuple[Array, dict[str, Doubles]]:
    """Return the classes of a scene's cells, and what might give them away.

    Args:
        land_cover: (height, width), 0 between cells.
        cell: (height, width), 0 between cells.

    Returns:
        classes (cell,); cue → values (cell,).
    """
    inside = (cell > 0) & (land_cover > 0)
    numbers, first, index, counts = np.unique(
        cell[inside], return_index=True, return_inverse=True, return_counts=True
    )
    row, column = (np.bincount(index, of) / counts for of in np.nonzero(inside))
    centre = np.array(cell.shape) / 2
    cues = {
        "row": row,
        "column": column,
        "distance from the centre": np.hypot(row - centre[0], column - centre[1]),
        "order": numbers.astype(np.float64),
        "size": counts.astype(np.float64),
    }
    return land_cover[inside][first], cues


def p_values(scenes: Iterable[tuple[Array, dict[str, Doubles]]], classes: int) -> dict[str, float]:
    """Return cue → p of the hypothesis that it says nothing about classes.

    Args:
        scenes: what :func:`cells_of` returns of each.
        classes: labels run from 1 to this.
    """
    drawn = list(scenes)
    every = np.concatenate([labels for labels, _ in drawn])
    shares = np.bincount(every, minlength=classes + 1)[1:] / len(every)
    cues = drawn[0][1]
    sums = {cue: np.stack([_sums(of[0], of[1][cue], shares) for of in drawn]) for cue in cues}
    return {cue: _sign_flip(values) for cue, values in sums.items()}


def _sums(labels: Array, cue: Doubles, shares: Doubles) -> Doubles:
    """Return the surplus of each class in each third, (class · third,)."""
    ranks = np.argsort(np.argsort(cue, kind="stable"), kind="stable")
    third = ranks * THIRDS // len(ranks)
    indicator = (third[:, None] == np.arange(THIRDS)).astype(np.float64)
    surplus = (labels[:, None] == np.arange(1, len(shares) + 1)) - shares
    return np.asarray(surplus.T @ (indicator - indicator.mean(axis=0))).ravel()


def _sign_flip(values: Doubles) -> float:
    """Return the p-value of the sums over scenes, (scene, count), by random signs of scenes."""
    spread = np.square(values).sum(axis=0)
    values = values[:, spread > 0] / np.sqrt(spread[spread > 0])
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (FLIPS, len(values)))
    found = np.square(values.sum(axis=0)).sum()
    flipped = np.square(signs @ values).sum(axis=1)
    return float((1 + (flipped >= found).sum()) / (1 + FLIPS))


def holm(p: dict[str, float]) -> dict[str, float]:
    """Return p-values adjusted for their number (Holm 1979)."""
    adjusted, least = {}, 0.0
    for rank, name in enumerate(sorted(p, key=lambda of: p[of])):
        least = max(least, min(1.0, p[name] * (len(p) - rank)))
        adjusted[name] = least
    return {name: adjusted[name] for name in p}
