"""Random fields of clouds: drawn with a power-law spectrum, made finer, and made opacity."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy

from vrs_bench.types import Doubles, Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.streams import normal

SUPPORT = 3
"""Samples along a side that :func:`upsample` needs and does not give values for."""

_BITS = 10  # thickness is held in steps of 2⁻¹⁰ standard deviations
_REACH = 5  # and within ± 5 of them
_NOTHING = 1e-12  # a share so small may be rounding, of which a small power makes opacity
_WINDOW = 1.25  # side of the torus on which a field is drawn, against that of what is kept


def draw_fields(
    rng: np.random.Generator, exponent: float, rows: int, columns: int
) -> tuple[Floats, Floats]:
    """Draw two independent Gaussian fields of unit variance and amplitude spectrum 1/f^exponent.

    Returns:
        float32 (rows, columns) each, in steps of 2⁻¹⁰ and 2⁻¹².
    """
    torus = [scipy.fft.next_fast_len(math.ceil(_WINDOW * n)) for n in (rows, columns)]
    noise = np.empty(torus, np.complex128)
    noise.real, noise.imag = normal(rng, (2, *torus))
    noise *= _amplitude(exponent, *torus)
    samples = scipy.fft.fft2(noise, overwrite_x=True)[:rows, :columns]
    return settle(samples.real, bits=_BITS), settle(samples.imag, bits=12)


@lru_cache(maxsize=8)
def _amplitude(exponent: float, rows: int, columns: int) -> Doubles:
    """Return 1/f^a on a torus, scaled to unit variance, without its mean."""
    fy, fx = scipy.fft.fftfreq(rows) * rows, scipy.fft.fftfreq(columns) * columns
    frequency = np.hypot(fy[:, None] / max(rows / columns, 1), fx / max(columns / rows, 1))
    frequency[0, 0] = np.inf
    amplitude = frequency**-exponent
    return np.asarray(amplitude / np.sqrt((amplitude**2).sum()))


def upsample(samples: Floats, ratio: int) -> Floats:
    """Return cubic (Catmull-Rom) interpolation, ``ratio`` values from sample to sample.

    Only multiplications and additions in a fixed order, so the bits are the same everywhere. The
    first and the last two samples are support: n samples along a side give (n - 3) · ratio values.
    """
    for _ in range(2):  # along rows, then along columns
        n = samples.shape[0] - 3
        fine = np.empty((n, ratio, samples.shape[1]), np.float32)
        for phase in range(ratio):
            t = phase / ratio
            weights = (
                ((-0.5 * t + 1) * t - 0.5) * t,
                (1.5 * t - 2.5) * t * t + 1,
                ((-1.5 * t + 2) * t + 0.5) * t,
                (0.5 * t - 0.5) * t * t,
            )
            part = np.float32(weights[1]) * samples[1 : 1 + n]
            for tap in (0, 2, 3):
                if weights[tap]:
                    part += np.float32(weights[tap]) * samples[tap : tap + n]
            fine[:, phase] = part
        samples = np.ascontiguousarray(fine.reshape(n * ratio, -1).T)
    return samples


def opacity_of(thickness: Floats, density: float, sparsity: float, cover: float) -> Floats:
    """Return the opacity of a field of which a share ``cover`` is expected under cloud, float32.

    With q the quantile of the field's value, it is density · ((q - 1 + cover) / cover)^sparsity,
    held between 0 and 1: the larger the cover, the more opaque every pixel.
    """
    steps = thickness * np.float32(1 << _BITS) + np.float32((_REACH << _BITS) + 0.5)
    return _opacity_table(density, sparsity, cover).take(steps.astype(np.intp), mode="clip")


@lru_cache(maxsize=128)
def _opacity_table(density: float, sparsity: float, cover: float) -> Floats:
    """Return opacity by the settled field: 0 below the (1 - cover) quantile, then rising."""
    field = np.arange(-_REACH << _BITS, (_REACH << _BITS) + 1) / (1 << _BITS)
    above = (scipy.special.ndtr(field) - (1 - cover)) / cover
    above[above < _NOTHING] = 0
    return settle(np.minimum(density * above**sparsity, 1))
