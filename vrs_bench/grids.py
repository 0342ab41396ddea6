"""Images on another pixel grid of the same extent."""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array


def on_grid(image: Array, height: int, width: int, axes: tuple[int, int] = (-2, -1)) -> Array:
    """Give each pixel of a grid the value of the pixel that holds its centre.

    Args:
        image: any array with rows and columns along ``axes``.
        height, width: size of the grid, of the same extent.
        axes: of rows and columns.

    Returns:
        the image itself where it has that size; with a whole multiple, its pixels repeated.

    >>> on_grid(np.array([[1, 2]]), 2, 4)
    array([[1, 1, 2, 2],
           [1, 1, 2, 2]])
    """
    for axis, size in zip(axes, (height, width), strict=True):
        if image.shape[axis] != size:
            held = (2 * np.arange(size) + 1) * image.shape[axis] // (2 * size)
            image = image.take(held, axis=axis)
    return image
