"""Superpixels of an image with many channels: simple linear iterative clustering."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects, label

from vrs_bench.types import Array, Floats

ROUNDS = 8


def superpixels(channels: Floats, side: int, compactness: float) -> Array:
    """Return regions of pixels that are near to each other and alike.

    Source: Achanta et al. 2012, *SLIC superpixels*: k-means over position and values, each centre
    looking at pixels within ``side`` only. What is not connected becomes a region of its own.

    Args:
        channels: (channel, height, width), in units of their noise.
        side: distance of the first centres, pixels.
        compactness: what the distance ``side`` counts as, beside the root of the sum of squared
            differences over channels.

    Returns:
        (height, width) numbers from 0, none left out.
    """
    _, height, width = channels.shape
    rows, columns = (
        (np.arange(count) + 0.5) * size / count
        for size, count in ((height, max(height // side, 1)), (width, max(width // side, 1)))
    )
    place = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"))
    scaled = (place * (compactness / side)).astype(np.float32)
    points = np.concatenate([channels, scaled])
    at = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    index = at.astype(np.intp)
    centres = points[:, index[:, 0], index[:, 1]].T.copy()
    owner = np.zeros((height, width), np.intp)
    for _ in range(ROUNDS):
        nearest = np.full((height, width), np.inf, np.float32)
        for number, (centre, (row, column)) in enumerate(zip(centres, at, strict=True)):
            window = (
                slice(max(int(row) - side, 0), int(row) + side + 1),
                slice(max(int(column) - side, 0), int(column) + side + 1),
            )
            apart = points[:, *window] - centre[:, None, None]
            distance = np.einsum("chw,chw->hw", apart, apart)
            closer = distance < nearest[window]
            nearest[window][closer] = distance[closer]
            owner[window][closer] = number
        sums = region_sums(points, owner, len(centres))
        counts = np.bincount(owner.ravel(), minlength=len(centres))
        held = counts > 0
        centres[held] = (sums[:, held] / counts[held]).T
        at[held] = centres[held, -2:] * (side / compactness)
    return _connected(owner)


def region_sums(channels: Array, regions: Array, count: int) -> Floats:
    """Return the sums of (channel, height, width) over each region, (channel, count)."""
    flat = regions.ravel()
    return np.stack([np.bincount(flat, of.ravel(), count) for of in channels]).astype(np.float32)


def region_means(channels: Array, regions: Array) -> Floats:
    """Return at every pixel the mean of (channel, height, width) over its region."""
    count = int(regions.max()) + 1
    sizes = np.maximum(np.bincount(regions.ravel(), minlength=count), 1)
    means = region_sums(channels, regions, count) / sizes.astype(np.float32)
    return np.take(means, regions, axis=1)


def _connected(owner: Array) -> Array:
    """Number the connected parts of each region, in order."""
    found = np.zeros(owner.shape, np.intp)
    total = 0
    for number, window in enumerate(find_objects(owner + 1)):
        if window is None:
            continue
        parts, count = label(owner[window] == number)
        inside = parts > 0
        found[window][inside] = parts[inside] - 1 + total
        total += count
    return found
