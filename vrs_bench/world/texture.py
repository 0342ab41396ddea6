"""Static texture: Gaussian-process fields on the pixel grid.

A stationary field is white noise shaped by the square root of the kernel's power spectrum, on a
torus that is larger than the image by the reach of the kernel, so that opposite edges are
independent (circulant embedding, Dietrich & Newsam 1997). One complex transform gives two real
fields. Crop rows are one-dimensional periodic processes, drawn for every cell and laid along its
own direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import scipy
from pydantic import Field

from vrs_bench.settings import Settings
from vrs_bench.types import Array, Doubles, Floats, Labels
from vrs_bench.world.arithmetic import settle, soft_sign
from vrs_bench.world.streams import normal

Positive = Annotated[float, Field(ge=0.001, le=1000)]

_PERIOD_SAMPLES = 1024  # of a periodic process; rows are read from it without interpolation


class RBF(Settings):
    """Squared exponential: ``exp(-d² / 2l²)``."""

    name: Literal["rbf"] = "rbf"
    length_scale: Positive = 2.5
    """l, pixels."""


class RationalQuadratic(Settings):
    """Mixture of squared exponentials of many lengths: ``(1 + d² / 2αl²)^-α``."""

    name: Literal["rational_quadratic"]
    length_scale: Positive
    """l, pixels."""
    alpha: Annotated[float, Field(ge=0.5, le=1000)] = 1.0
    """α; small values mix many lengths."""


class ExpSineSquared(Settings):
    """Periodic across the rows of a crop: ``exp(-2 sin²(π d/p) / l²)``, d across the rows.

    Along the rows the field is constant; every cell has its own direction.
    """

    name: Literal["sin_squared"]
    length_scale: Positive = 1.0
    """l, without unit; small values make sharp rows."""
    periodicity: Annotated[float, Field(ge=2, le=1000)]
    """p, distance from row to row, pixels."""


class Constant(Settings):
    """One offset for the whole image."""

    name: Literal["constant"]
    constant_value: Positive = 1.0
    """Variance of the offset."""


class White(Settings):
    """Independent pixels."""

    name: Literal["iid"]


Kernel = Annotated[
    RBF | RationalQuadratic | ExpSineSquared | Constant | White, Field(discriminator="name")
]


class TextureSettings(Settings):
    """Texture of one product."""

    kernel: Kernel = RBF()
    std: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Standard deviation of the field before it is bounded by tanh."""
    shared: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Correlation between the fields of any two bands."""
    amplitude: Annotated[float, Field(ge=0, le=1)] | None = None
    """Amplitude in all cells; None: that of each cell's class."""


def covariance(kernel: Kernel, distance: Doubles) -> Doubles:
    """Return the kernel at distances in pixels."""
    match kernel:
        case RBF():
            return np.asarray(np.exp(-0.5 * np.square(distance / kernel.length_scale)))
        case RationalQuadratic():
            scaled = np.square(distance / kernel.length_scale) / (2 * kernel.alpha)
            return np.asarray((1 + scaled) ** -kernel.alpha)
        case ExpSineSquared():
            sine = np.sin(np.pi * distance / kernel.periodicity)
            return np.asarray(np.exp(-2 * np.square(sine / kernel.length_scale)))
        case Constant():
            return np.full(np.shape(distance), kernel.constant_value)
        case White():
            return np.asarray(np.asarray(distance) == 0, dtype=np.float64)


def _reach(kernel: RBF | RationalQuadratic, longest: int) -> int:
    """Return the distance in pixels beyond which the kernel may be cut: 4e-6, or the image."""
    if isinstance(kernel, RBF):
        return int(np.ceil(5 * kernel.length_scale))
    return min(int(np.ceil(40 * kernel.length_scale)), longest)


@lru_cache(maxsize=8)
def _amplitude(kernel: RBF | RationalQuadratic, height: int, width: int) -> Doubles:
    """Return the square root of the kernel's spectrum on a torus that holds the image."""
    reach = _reach(kernel, max(height, width))
    return torus_root(lambda distance: covariance(kernel, distance), height, width, reach)


def torus_root(
    of_distance: Callable[[Doubles], Doubles], height: int, width: int, reach: int
) -> Doubles:
    """Return the square root of a spectrum on a torus that is larger than an image by a reach.

    Args:
        of_distance: covariance at distances in pixels.
        height, width: of the image.
        reach: distance beyond which the covariance may be cut, pixels.
    """
    size = [scipy.fft.next_fast_len(n + reach) for n in (height, width)]
    dy, dx = (np.minimum(np.arange(n), n - np.arange(n)) for n in size)
    return root_of_spectrum(scipy.fft.fft2(of_distance(np.hypot(dy[:, None], dx))).real)


def shaped_pair(root: Doubles, first: Floats, second: Floats) -> tuple[Doubles, Doubles]:
    """Return two independent fields on a torus, made of white noise by one transform."""
    noise = np.empty(root.shape, np.complex128)
    noise.real, noise.imag = first, second
    noise *= root
    shaped = scipy.fft.fft2(noise, overwrite_x=True)
    return shaped.real, shaped.imag


def root_of_spectrum(spectrum: Doubles) -> Doubles:
    """Return the square root of a spectrum, scaled so that its squares add up to 1.

    Most of a smooth kernel's spectrum is zero but for the rounding of the transform, and the root
    would make 1e-8 of 1e-16, which is not far below the grid on which fields are settled. So the
    spectrum is settled first, to 2⁻²⁰ of its largest value: less than half of that, and what is
    negative, is 0. Multiples of 2⁻²⁰ add up exactly, and IEEE 754 fixes quotients and roots, so
    the result is the same to the bit on every processor, unless a value of the spectrum lies
    within 1e-16 of the middle between two steps of 1e-6.
    """
    settled = settle(np.maximum(spectrum / spectrum.max(), 0)).astype(np.float64)
    # The variance at distance 0 is kept, whatever was cut off.
    return np.asarray(np.sqrt(settled / settled.sum()))


def gaussian_fields(
    kernel: Kernel, rng: np.random.Generator, n: int, cell: Labels, n_cells: int
) -> Iterator[Array]:
    """Draw n independent zero-mean fields with the kernel's covariance, one after the other.

    Args:
        kernel: which.
        rng: the product's texture stream.
        n: number of fields.
        cell: instance mask (height, width); its cells have crop rows of their own.
        n_cells: number of cells of the scene.

    Yields:
        (height, width).
    """
    height, width = cell.shape
    if isinstance(kernel, ExpSineSquared):
        yield from _crop_rows(kernel, rng, n, cell, n_cells)
    elif isinstance(kernel, Constant):
        for offset in np.sqrt(kernel.constant_value) * normal(rng, (n,)):
            yield np.full((height, width), offset)
    elif isinstance(kernel, White):
        for _ in range(n):
            yield normal(rng, (height, width))
    else:
        amplitude = _amplitude(kernel, height, width)
        for first in range(0, n, 2):
            white = (normal(rng, amplitude.shape), normal(rng, amplitude.shape))
            for field in shaped_pair(amplitude, *white)[: n - first]:
                yield field[:height, :width]


def _crop_rows(
    kernel: ExpSineSquared, rng: np.random.Generator, n: int, cell: Labels, n_cells: int
) -> Iterator[Array]:
    """Draw one periodic process a field and cell, and lay it along the cell's direction."""
    lag = np.arange(_PERIOD_SAMPLES) * kernel.periodicity / _PERIOD_SAMPLES
    amplitude = root_of_spectrum(scipy.fft.fft(covariance(kernel, lag)).real)
    noise = normal(rng, (2, n, n_cells + 1, _PERIOD_SAMPLES))
    process = settle(scipy.fft.fft((noise[0] + 1j * noise[1]) * amplitude).real, bits=12)

    direction = np.pi * rng.random(n_cells + 1)
    across_x, across_y = settle(np.stack([np.cos(direction), np.sin(direction)])).astype(np.float64)
    y, x = np.arange(cell.shape[0])[:, None], np.arange(cell.shape[1])
    distance = across_x[cell] * x + across_y[cell] * y
    sample = np.floor(distance * (_PERIOD_SAMPLES / kernel.periodicity)).astype(np.int64)
    for by_cell in process:
        yield by_cell[cell, sample % _PERIOD_SAMPLES]


def draw_texture(
    settings: TextureSettings, rng: np.random.Generator, n_bands: int, cell: Labels, n_cells: int
) -> Floats:
    """Draw the texture of one product at unit amplitude.

    Args:
        settings: kernel and correlation of bands.
        rng: the product's texture stream.
        n_bands: number of bands.
        cell: instance mask (height, width).
        n_cells: number of cells of the scene.

    Returns:
        float32 (n_bands, height, width) in [-1, 1]: the rational tanh of correlated fields.
    """
    shared, own = np.sqrt(settings.shared), np.sqrt(1 - settings.shared)
    has_common = settings.shared > 0
    fields = gaussian_fields(settings.kernel, rng, n_bands + has_common, cell, n_cells)
    common = shared * next(fields) if has_common else 0.0
    bands = np.empty((n_bands, *cell.shape), np.float32)
    for band, field in zip(bands, fields, strict=True):
        # Transforms differ by 1e-15 between processors; on this grid that can't be seen.
        band[:] = soft_sign(settle(settings.std * (common + own * field), bits=12))
    return bands
