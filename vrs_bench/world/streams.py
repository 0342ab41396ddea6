"""Named random streams: the only source of chance in the package.

A stream is keyed by (seed, scene, name, frame), so that what one part draws never depends on
what another part drew before it, nor on the order in which scenes and frames are made.

Only operations that IEEE 754 fixes are used: uniform draws are shifts of random bits, and every
other distribution is read from a table of its quantiles, computed in float64 and settled. The
library samplers (ziggurat, rejection) call the C library's ``exp`` and ``log``, whose last bit
differs between processors.
"""

from __future__ import annotations

import math
import zlib
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from vrs_bench.types import Floats
from vrs_bench.world.arithmetic import settle

QUANTILES = 1 << 16
"""Size of a quantile table: one entry for each value of a 16-bit random word."""


def stream(seed: int, scene: int, name: str, frame: int | None = None) -> np.random.Generator:
    """Return the generator of one named stream.

    Args:
        seed: the recipe's seed, any non-negative integer; 0 is a seed like any other.
        scene: scene number, 0 or more.
        name: what is drawn, for example ``"cells"`` or ``"texture/optical"``.
        frame: time step, or None for what is drawn once a scene (its own stream, not frame 0's).
    """
    key = (scene, zlib.crc32(name.encode()), 0 if frame is None else frame + 1)
    return np.random.Generator(
        np.random.PCG64DXSM(np.random.SeedSequence(entropy=seed, spawn_key=key))
    )


def midpoints() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the probabilities at which quantile tables are computed, float64 in (0, 1)."""
    return (np.arange(QUANTILES) + 0.5) / QUANTILES


def words(rng: np.random.Generator, n: int) -> npt.NDArray[np.uint16]:
    """Draw n uniform 16-bit words, four from each raw draw of the generator."""
    raw = rng.bit_generator.random_raw(-(-n // 4))
    return raw.astype("<u8", copy=False).view("<u2")[:n]


def draw(rng: np.random.Generator, quantiles: Floats, shape: tuple[int, ...]) -> Floats:
    """Draw independent values of the distribution whose quantile table is given.

    Args:
        rng: a generator from :func:`stream`.
        quantiles: float32 array of ``QUANTILES`` values, the quantile function at
            :func:`midpoints`.
        shape: shape of the result.

    Returns:
        float32 array of that shape.
    """
    return quantiles.take(words(rng, math.prod(shape))).reshape(shape)


@cache
def _normal_quantiles() -> Floats:
    inverse = NormalDist().inv_cdf
    half = np.array([inverse(p) for p in midpoints()[: QUANTILES // 2].tolist()])
    table = np.concatenate([half, -half[::-1]])
    return settle(table / table.std(), bits=16)


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw standard normal values, float32; the support ends at ±4.3 standard deviations."""
    return draw(rng, _normal_quantiles(), shape)
