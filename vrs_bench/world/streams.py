"""Named random streams: the only source of chance in the package.

A stream is keyed by (seed, scene, name, frame), so that what one part draws never depends on
what another part drew before it, nor on the order in which scenes and frames are made. Its state is
a cryptographic hash of the key: the generator itself (PCG64 with the DXSM output, O'Neill 2014) can
be run backwards by who sees enough of its draws, and causes are published without noise, but from
the state of one stream neither the seed nor any other stream can be had. Else the published inputs
of a private split would give its truth away.

Only operations that IEEE 754 fixes are used: uniform draws are shifts of random bits, and every
other distribution is read from a table of its quantiles, computed in float64 and settled. The
library samplers (ziggurat, rejection) call the C library's ``exp`` and ``log``, whose last bit
differs between processors.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence

from vrs_bench.types import Floats
from vrs_bench.world.arithmetic import settle

QUANTILES = 1 << 16
"""Size of a quantile table: one entry for each value of a 16-bit random word."""

_TOGETHER = 1 << 14  # words that are looked up at once


class _Digest(ISeedSequence):
    """A digest of 32 bytes as the state of a generator, in place of NumPy's invertible mixing."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def generate_state(
        self, n_words: int, dtype: npt.DTypeLike = np.uint32
    ) -> npt.NDArray[np.unsignedinteger]:
        return np.frombuffer(self._digest, "<u8", n_words).astype(dtype)


def stream(seed: int, scene: int, name: str, frame: int | None = None) -> np.random.Generator:
    """Return the generator of one named stream.

    State and increment of PCG64DXSM are seeded with BLAKE2b (RFC 7693; 256 bits, person
    ``vrs-bench stream``) of ``seed/scene/frame/name`` in ASCII for the numbers (the seed in
    hexadecimal, no frame as nothing) and UTF-8 for the name, read as four little-endian words.

    Args:
        seed: the recipe's seed, any non-negative integer; 0 is a seed like any other.
        scene: scene number, 0 or more.
        name: what is drawn, for example ``"cells"`` or ``"texture/optical"``.
        frame: time step, or None for what is drawn once a scene (its own stream, not frame 0's).
    """
    # Numbers hold no slash and the name comes last: no two keys have the same text.
    key = f"{seed:x}/{scene}/{'' if frame is None else frame}/{name}".encode()
    digest = hashlib.blake2b(key, digest_size=32, person=b"vrs-bench stream").digest()
    # NumPy's stubs know of SeedSequence only, its documentation of any ISeedSequence.
    return np.random.Generator(np.random.PCG64DXSM(_Digest(digest)))  # type: ignore[arg-type]


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
    drawn = words(rng, math.prod(shape))
    values = np.empty(len(drawn), quantiles.dtype)
    # NumPy looks things up by indices of 64 bits: a few at a time they stay in cache.
    for start in range(0, len(drawn), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        np.take(quantiles, drawn[part], out=values[part], mode="clip")  # no word is too large
    return values.reshape(shape)


@cache
def _normal_quantiles() -> Floats:
    inverse = NormalDist().inv_cdf
    half = np.array([inverse(p) for p in midpoints()[: QUANTILES // 2].tolist()])
    table = np.concatenate([half, -half[::-1]])
    return settle(table / table.std(), bits=16)


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw standard normal values, float32; the support ends at ±4.3 standard deviations."""
    return draw(rng, _normal_quantiles(), shape)
