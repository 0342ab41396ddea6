"""What images of fields are like, in figures that can be taken of real ones too.

*Deviation* is what is left of an image when the mean of its cell is taken from every pixel; pixels
are told apart by a mask that holds the number of their cell, and 0 where a pixel doesn't count.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from vrs_bench.types import Array, Doubles


def inside(cell: Array, margin: int, least: int) -> Array:
    """Return the mask without the pixels near the edge of a cell, and without small cells.

    Args:
        cell: (height, width) number of the cell, 0 between cells.
        margin: pixels that are left out along every edge, where two cells may mix.
        least: pixels that a cell must keep.
    """
    window = 2 * margin + 1
    alone = minimum_filter(cell, window) == maximum_filter(cell, window)
    kept = np.where(alone, cell, 0)
    return np.where(np.bincount(kept.ravel())[kept] >= least, kept, 0)


def cell_means(images: Array, cell: Array) -> Doubles:
    """Return the mean of each cell in each image.

    Args:
        images: (image, height, width).
        cell: (height, width), see the module.

    Returns:
        (image, cells of the mask), in the order of their numbers.
    """
    numbers, pixels = np.unique(cell, return_counts=True)
    sums = [np.bincount(cell.ravel(), weights=image.ravel())[numbers] for image in images]
    return (np.array(sums) / pixels)[:, numbers > 0]


def deviations(images: Array, cell: Array) -> Doubles:
    """Return images less the mean of each cell; 0 where the mask is 0. Shapes as above."""
    by_number = np.zeros((len(images), int(cell.max()) + 1))
    by_number[:, np.unique(cell[cell > 0])] = cell_means(images, cell)
    return np.where(cell > 0, images - by_number[:, cell], 0)


def covariance(first: Doubles, second: Doubles, cell: Array) -> float:
    """Return the covariance of two bands' deviations within cells, all images pooled.

    Args:
        first, second: :func:`deviations` of each.
        cell: (height, width), see the module. A mean was taken from every cell, and with it one
            degree of freedom.
    """
    free = np.count_nonzero(cell) - len(np.unique(cell[cell > 0]))
    return float((first * second).sum() / (len(first) * free)) if free else np.nan


def autocorrelation(deviation: Doubles, cell: Array, lags: Sequence[int]) -> Doubles:
    """Return the correlation of pixels of the same cell, along rows and columns, by distance.

    Args:
        deviation: (image, height, width), see :func:`deviations`.
        cell: (height, width), see the module.
        lags: distances in pixels, above 0.

    Returns:
        (lag,): mean product of a pair over the variance; NaN where there is no pair.
    """
    variance = np.square(deviation).sum() / max(len(deviation) * np.count_nonzero(cell), 1)
    found = []
    for lag in lags:
        products, pairs = 0.0, 0
        for values, numbers in ((deviation, cell), (deviation.swapaxes(1, 2), cell.T)):
            same = (numbers[lag:] == numbers[:-lag]) & (numbers[lag:] > 0)
            products += float((values[:, lag:] * values[:, :-lag])[:, same].sum())
            pairs += len(values) * int(np.count_nonzero(same))
        found.append(products / pairs / variance if pairs else np.nan)
    return np.array(found)


def power_slopes(images: Array, edges: Sequence[float]) -> Doubles:
    """Return the exponents of the power spectrum between frequencies.

    Power is the mean over images and directions under a Hann window, in rings as wide as the
    frequency step of the image; an exponent is the slope of log power over log frequency.

    Args:
        images: (image, height, width), square.
        edges: rising frequencies in cycles a pixel, at most 0.5.

    Returns:
        (edges - 1,).
    """
    side = images.shape[-1]
    window = np.hanning(side + 1)[:-1]
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    power = np.square(np.abs(np.fft.fft2(centred * np.outer(window, window)))).mean(axis=0)
    ring = np.rint(np.hypot(*np.meshgrid(*[np.fft.fftfreq(side) * side] * 2))).astype(int)
    by_ring = np.bincount(ring.ravel(), weights=power.ravel()) / np.bincount(ring.ravel())
    frequency = np.arange(len(by_ring)) / side
    slopes = []
    for low, high in pairwise(edges):
        of = (frequency >= low) & (frequency <= high)
        slopes.append(np.polyfit(np.log(frequency[of]), np.log(by_ring[of]), 1)[0])
    return np.array(slopes)


def relative_gradient(images: Array) -> float:
    """Return the median length of the gradient over the image's deviation, mean over images.

    Args:
        images: (image, height, width); the gradient is by central differences, per pixel.
    """
    rows, columns = np.gradient(images, axis=(1, 2))
    median = np.median(np.hypot(rows, columns), axis=(1, 2))
    return float(np.mean(median / images.std(axis=(1, 2))))


def correlation_by_gap(deviation: Doubles, days: Array, edges: Sequence[float]) -> Doubles:
    """Return how alike the texture of two dates is, by the days between them.

    Args:
        deviation: (date, height, width), see :func:`deviations`.
        days: (date,) ascending.
        edges: rising numbers of days; a gap counts where it is above one and not above the next.

    Returns:
        (edges - 1,): mean over pairs of dates of the correlation; NaN where there is no pair.
    """
    flat = deviation.reshape(len(deviation), -1)
    products = flat @ flat.T
    scale = np.sqrt(np.diag(products))
    first, second = np.triu_indices(len(days), 1)
    alike = (products / np.outer(scale, scale))[first, second]
    gap = np.asarray(days)[second] - np.asarray(days)[first]
    chosen = [(gap > low) & (gap <= high) for low, high in pairwise(edges)]
    return np.array([alike[of].mean() if of.any() else np.nan for of in chosen])


def deviation_from_lines(values: Doubles, days: Array) -> float:
    """Return by how much series deviate from a straight line each, all pooled.

    Args:
        values: (date, series); NaN where a series was not seen. Series of two dates or fewer
            say nothing.
        days: (date,).

    Returns:
        root of squared residuals over degrees of freedom; NaN where there are none.
    """
    seen = np.isfinite(values)
    enough = seen.sum(axis=0) > 2
    seen, values = seen[:, enough], values[:, enough]
    n = seen.sum(axis=0)
    x, y = (
        np.where(seen, of - np.where(seen, of, 0).sum(axis=0) / n, 0)
        for of in (np.broadcast_to(days[:, None], values.shape), values)
    )
    slope = (x * y).sum(axis=0) / np.square(x).sum(axis=0)
    free = int((n - 2).sum())
    return float(np.sqrt(np.square(y - slope * x).sum() / free)) if free else np.nan
