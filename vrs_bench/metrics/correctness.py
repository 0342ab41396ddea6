"""What a restoration did to its input (improved, omitted, invented), and how far it has moved."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from scipy import fft

from vrs_bench.errors import BenchError
from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.pairs import each_row, paired
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.types import Array, Doubles

BORDER = 16
"""Pixels cropped at each side of the truth before the triplet is judged."""

RATIOS = (1, 2, 4, 8, 16)
"""Pixel sizes of the input over that of the truth for which that is whole pixels of both."""

QUANTILE = 0.75
"""Pixels are judged where some distance exceeds this quantile of that of input and truth."""

TENDENCY = 0.05
"""λ: how fast omission and improvement fall off away from the line where input and truth lie."""

TEMPERATURE = 0.25
"""T of the softmin that turns the three tendencies of a pixel into shares."""

SHIFT_LIMIT = 8
"""Largest shift that is looked for along each axis, in pixels of the truth."""

FLAT = 1e-14
"""Variance up to which an image counts as constant: a deviation of 1e-7, float32's resolution."""


class Triplet(NamedTuple):
    """Shares of each row, ``(...)`` float64; they sum to 1."""

    improvement: Doubles
    """Nearer to the truth than the input is; higher is better."""
    omission: Doubles
    """Left as the input has it, though the truth differs; lower is better."""
    hallucination: Doubles
    """Neither of the two: invented; lower is better."""


def triplet(prediction: Array, truth: Array, observation: Array) -> Triplet:
    """Return the shares of improvement, omission and hallucination of every row.

    With the normalised difference of two images at a pixel, the mean over bands of
    ``|x - y| / |x + y + 1e-8|``, between input and truth (d), prediction and truth, prediction
    and input, and i and o for the last two divided by d:

        improvement    i + o (1 - exp(-λ (i + o - 1)))
        omission       o + i (1 - exp(-λ (i + o - 1)))
        hallucination  exp(-λ i o)

    The three (small where a pixel is near) become shares by a softmin of temperature
    :data:`TEMPERATURE`; mean over the pixels at which any of the three differences exceeds the
    :data:`QUANTILE` of d. A pixel whose input is exact (d = 0) counts as invented if it is judged.
    Even the truth itself does not reach 1: without noise it scores 1 / (1 + 2 exp(-1/T)) = 0.965.

    Source: Aybar, Montero, Contreras, Donike, Kalaitzis & Gómez-Chova 2024, *A comprehensive
    benchmark for optical remote sensing image super-resolution*, as opensr-test 1.3.3 computes
    it with its default settings, but without matching the prediction to the truth in histogram
    and position: here calibration and registration are part of the task.

    Args:
        prediction: ``(..., band, H, W)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 34.
        observation: the input, float32 or float64 ``(..., band, H / r, W / r)`` for r one of
            :data:`RATIOS`; enlarged bilinearly.

    Returns:
        ``(...)`` float64 each, from 0 to 1; NaN for a row in which there is nothing to judge:
        three images without differences.

    Raises:
        BenchError: shapes that don't fit, images too small, or another dtype.
    """
    x, y, lead = paired(prediction, truth, side=2 * BORDER + 2)
    ratio = _ratio(truth, observation)
    inputs = observation.reshape(len(y), *observation.shape[-3:])
    shares = np.empty((len(y), 3))
    for row, images in enumerate(zip(x, y, inputs, strict=True)):
        shares[row] = _shares(*images, ratio)
    return Triplet(*(values.reshape(lead) for values in shares.T))


def _ratio(truth: Array, observation: Array) -> int:
    """Return how many pixels of the truth lie along one of the observation; or refuse it."""
    *lead, height, width = truth.shape
    floats = observation.dtype in (np.float32, np.float64)
    for ratio in RATIOS:
        rows, columns = height // ratio, width // ratio
        whole = (rows * ratio, columns * ratio) == (height, width)
        if floats and whole and observation.shape == (*lead, rows, columns):
            return ratio
    raise BenchError(
        f"observation: expected float32 or float64 on the scale [0, 1] and the truth's shape "
        f"{truth.shape} with height and width divided by one of {', '.join(map(str, RATIOS))}; "
        f"got {observation.dtype} {observation.shape}"
    )


def _shares(x: Array, y: Array, observation: Array, ratio: int) -> Doubles:
    """Return the triplet (3,) of one row of (band, height, width) images."""
    crop = (slice(None), slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    x, y = x[crop].astype(np.float64), y[crop].astype(np.float64)
    if ratio == 1:
        z = observation[crop].astype(np.float64)
    else:
        coarse = slice(BORDER // ratio, -BORDER // ratio)
        z = observation[:, coarse, coarse].astype(np.float64)
        z = _bilinear(z.shape[1], ratio) @ z @ _bilinear(z.shape[2], ratio).T
    reference, to_truth, to_input = _difference(z, y), _difference(x, y), _difference(x, z)

    rank = int(QUANTILE * reference.size)
    least = np.partition(reference, rank - 1)[rank - 1]
    judged = (reference > least) | (to_truth > least) | (to_input > least)
    if not judged.any():
        return np.full(3, np.nan)
    reference = reference[judged]
    with np.errstate(divide="ignore"):  # where the input is exact, all else is infinitely far
        i, o = to_truth[judged] / reference, to_input[judged] / reference
    beyond = -np.expm1(-TENDENCY * (i + o - 1))
    tendencies = np.stack([i + o * beyond, o + i * beyond, np.exp(-TENDENCY * i * o)])
    weights = np.exp(-tendencies / TEMPERATURE)
    return np.asarray((weights / weights.sum(axis=0)).mean(axis=1))


def _difference(x: Doubles, y: Doubles) -> Doubles:
    """Return the normalised difference at each pixel, (height · width,)."""
    difference, total = np.abs(x - y), x + y
    total += 1e-8
    difference /= np.abs(total, out=total)
    return np.asarray(difference.mean(axis=0).ravel())


@lru_cache(maxsize=8)
def _bilinear(n: int, ratio: int) -> Doubles:
    """Return the matrix (n · ratio, n) that enlarges linearly between pixel centres."""
    centres = np.clip((np.arange(n * ratio) + 0.5) / ratio - 0.5, 0, n - 1)
    matrix: Doubles = np.maximum(1 - np.abs(centres[:, None] - np.arange(n)), 0)
    return matrix


def spatial_shift(prediction: Array, truth: Array) -> Doubles:
    """Return how far every row has moved against the truth, in pixels.

    The peak of the cross-correlation of prediction and truth (means over bands, less their own
    mean, under a Hann window), found on the pixel grid, then in steps of 0.1 and of 0.01 pixel by
    the transform of the few values around it.

    Source: Guizar-Sicairos, Thurman & Fienup 2008, *Efficient subpixel image registration
    algorithms*. Amplitudes are kept: with them set to one, as in pure phase correlation, waves
    that a restoration can't know weigh as much as those that it shows. Without the window the
    edges of the image, which stay where they are, pull towards no shift.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, on the scale [0, 1].
        truth: the same shape, height and width at least 17.

    Returns:
        ``(...)`` float64 from 0 (best) to :data:`SHIFT_LIMIT`, which also stands for all that is
        farther, and for a constant image, which has no position. Two constant images: 0.

    Raises:
        BenchError: shapes that differ, images too small, or another dtype.
    """
    x, y, lead = paired(prediction, truth, side=2 * SHIFT_LIMIT + 1)
    return each_row(_shift, x, y, lead)


def _shift(x: Array, y: Array) -> float:
    """Return the distance between two images (band, height, width)."""
    (x, x_flat), (y, y_flat) = _windowed(x), _windowed(y)
    if x_flat or y_flat:
        return 0.0 if x_flat and y_flat else float(SHIFT_LIMIT)
    height, width = x.shape
    cross = fft.rfft2(x) * fft.rfft2(y).conj()
    correlation = fft.irfft2(cross, x.shape)
    whole = np.arange(-SHIFT_LIMIT, SHIFT_LIMIT + 1)
    row, column = _peak(correlation[np.ix_(whole, whole)], whole, whole)
    # The other half of the spectrum is the conjugate of this one.
    cross[:, 1 : (width + 1) // 2] *= 2
    by_row, by_column = 2j * np.pi * fft.fftfreq(height), 2j * np.pi * fft.rfftfreq(width)
    for step in (0.1, 0.01):
        around = step * np.arange(-10, 11)
        rows, columns = row + around, column + around
        near = np.exp(np.outer(rows, by_row)) @ cross @ np.exp(np.outer(by_column, columns))
        row, column = _peak(near.real, rows, columns)
    return min(float(np.hypot(row, column)), SHIFT_LIMIT)


def _peak(values: Doubles, rows: Array, columns: Array) -> tuple[float, float]:
    at = np.unravel_index(values.argmax(), values.shape)
    return float(rows[at[0]]), float(columns[at[1]])


def _windowed(image: Array) -> tuple[Doubles, bool]:
    """Return the mean over bands, without its own mean, under a window; and if it is constant."""
    grey: Doubles = image.mean(axis=0, dtype=np.float64)
    grey -= grey.mean()
    flat = bool(np.vdot(grey, grey) <= FLAT * grey.size)
    grey *= _hann(grey.shape[0])[:, None]
    grey *= _hann(grey.shape[1])
    return grey, flat


@lru_cache(maxsize=8)
def _hann(n: int) -> Doubles:
    """Return a Hann window of n values that are not zero."""
    values: Doubles = np.sin(np.pi * np.arange(1, n + 1) / (n + 1)) ** 2
    return values


def _triplet(scene: JudgedScene) -> Triplet:
    improvement, omission, hallucination = triplet(scene.images, scene.truth, scene.observe())
    # Where nothing is to be judged, nothing was left out or invented.
    return Triplet(
        np.nan_to_num(improvement, nan=1.0), np.nan_to_num(omission), np.nan_to_num(hallucination)
    )


_share = partial(
    Metric, group="consistency", high=1, needs=frozenset({"input"}), ratios=frozenset(RATIOS)
)

METRICS = (
    _share(
        name="improvement",
        label="improvement",
        higher_is_better=True,
        computed=PerRow(lambda scene: scene.once(_triplet).improvement),
        definition=(
            "Of opensr-test's correctness triplet (Aybar et al. 2024, its version 1.3.3, without "
            "matching): the share of a pixel that is nearer to the truth than the input is. From "
            "the normalised differences |x - y| / |x + y| between input, prediction and truth; "
            f"borders of {BORDER} px cropped, pixels above the {QUANTILE} quantile of the "
            f"difference between input and truth, softmin of temperature {TEMPERATURE}. Mean over "
            "pixels, then over rows. The three shares sum to 1; the truth itself reaches about "
            "0.965. Only where the main input is an image of the target's product, whose pixels "
            f"are {', '.join(map(str, RATIOS[:-1]))} or {RATIOS[-1]} times as large."
        ),
    ),
    _share(
        name="omission",
        label="omission",
        higher_is_better=False,
        computed=PerRow(lambda scene: scene.once(_triplet).omission),
        definition="The share that was left as the input has it, though the truth differs.",
    ),
    _share(
        name="hallucination",
        label="hallucination",
        higher_is_better=False,
        computed=PerRow(lambda scene: scene.once(_triplet).hallucination),
        definition="The share that is neither the truth's nor the input's: invented.",
    ),
    Metric(
        name="spatial_shift",
        label="spatial shift",
        group="consistency",
        unit="px",
        higher_is_better=False,
        computed=PerRow(lambda scene: spatial_shift(scene.images, scene.truth)),
        definition=(
            "How far an image has moved against the truth: peak of the cross-correlation of the "
            "means over bands under a Hann window, to 0.01 px (Guizar-Sicairos et al. 2008), at "
            f"most {SHIFT_LIMIT} px, which also stands for an image without structure. Mean over "
            "rows; 0 is perfect."
        ),
        high=SHIFT_LIMIT,
    ),
)
