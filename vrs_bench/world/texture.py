"""Static texture: stationary Gaussian-process fields on the pixel grid.

A field is white noise shaped by the square root of the kernel's power spectrum, on a torus that
is larger than the image by the reach of the kernel, so that opposite edges are independent
(circulant embedding, Dietrich & Newsam 1997). One complex transform gives two real fields.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy import fft

from vrs_bench.settings import Settings
from vrs_bench.types import Doubles, Floats
from vrs_bench.world.arithmetic import settle, soft_sign
from vrs_bench.world.streams import normal

Positive = Annotated[float, Field(gt=0)]


class RBF(Settings):
    """Squared exponential: ``exp(-d² / 2l²)``."""

    name: Literal["rbf"] = "rbf"
    length_scale: Positive = 2.5
    """l, pixels."""


class TextureSettings(Settings):
    """Texture of one product: kernel, and how far the bands share one field."""

    kernel: RBF = RBF()
    shared: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Correlation between the fields of any two bands."""


def covariance(kernel: RBF, distance: Doubles) -> Doubles:
    """Return the kernel at distances in pixels; 1 at distance 0."""
    return np.asarray(np.exp(-0.5 * np.square(distance / kernel.length_scale)))


@lru_cache(maxsize=8)
def _amplitude(kernel: RBF, height: int, width: int) -> Doubles:
    """Return the square root of the kernel's spectrum on a torus that holds the image."""
    reach = int(np.ceil(5 * kernel.length_scale))  # the kernel is below 4e-6 beyond
    size = [fft.next_fast_len(n + reach) for n in (height, width)]
    dy, dx = (np.minimum(np.arange(n), n - np.arange(n)) for n in size)
    spectrum = fft.fft2(covariance(kernel, np.hypot(dy[:, None], dx))).real
    return np.asarray(np.sqrt(np.maximum(spectrum, 0) / spectrum.size))


def gaussian_fields(
    kernel: RBF, rng: np.random.Generator, n: int, height: int, width: int
) -> Doubles:
    """Draw n independent zero-mean, unit-variance fields with the kernel's covariance.

    Returns:
        float64 (n, height, width).
    """
    amplitude = _amplitude(kernel, height, width)
    pairs = -(-n // 2)
    noise = normal(rng, (2, pairs, *amplitude.shape))
    shaped = fft.fft2((noise[0] + 1j * noise[1]) * amplitude)[:, :height, :width]
    return np.stack([shaped.real, shaped.imag], axis=1).reshape(2 * pairs, height, width)[:n]


def draw_texture(
    settings: TextureSettings, rng: np.random.Generator, n_bands: int, height: int, width: int
) -> Floats:
    """Draw the texture of one product at unit amplitude.

    Returns:
        float32 (n_bands, height, width) in [-1, 1]: the rational tanh of correlated fields.
    """
    fields = gaussian_fields(settings.kernel, rng, n_bands + 1, height, width)
    common, own = fields[0], fields[1:]
    mixed = np.sqrt(settings.shared) * common + np.sqrt(1 - settings.shared) * own
    # Transforms differ by 1e-15 between processors; on this grid that can't be seen.
    return soft_sign(settle(mixed, bits=12))
