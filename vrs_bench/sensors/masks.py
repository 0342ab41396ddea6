"""Labels through the geometry of a sensor: moved by nearest neighbour, merged by majority.

Labels are names, not numbers: they are never averaged, so every label of a derived mask is one of
the scene's.
"""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array, Labels


def move(mask: Labels, rows: Array | None, columns: Array | None) -> Labels:
    """Take the label nearest to each source position.

    Args:
        mask: (height, width).
        rows, columns: source positions in pixels (0 is the first centre); None: unmoved.
    """
    for axis, positions in ((0, rows), (1, columns)):
        if positions is not None:
            mask = mask.take(np.rint(positions).astype(np.int64), axis=axis)
    return mask


def majority(mask: Labels, height: int, width: int) -> Labels:
    """Merge a mask on a coarser grid: the commonest label of each of its pixels.

    Every input pixel counts for the output pixel that holds its centre; of equally common labels
    the smallest wins.

    Args:
        mask: (H, W), labels 0 or more.
        height, width: size of the result, at most H and W.
    """
    if mask.shape == (height, width):
        return mask
    row, column = (
        ((2 * np.arange(n_in) + 1) * n_out) // (2 * n_in)
        for n_in, n_out in zip(mask.shape, (height, width), strict=True)
    )
    labels, code = np.unique(mask, return_inverse=True)
    pixel = row[:, None] * width + column
    votes = np.bincount(
        (pixel * len(labels) + code.reshape(mask.shape)).ravel(),
        minlength=height * width * len(labels),
    )
    winner = votes.reshape(height, width, len(labels)).argmax(axis=-1)
    return np.asarray(labels[winner], dtype=mask.dtype)
