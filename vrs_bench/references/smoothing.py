"""The noise through which readers and encoder look.

Source: Cohen, Rosenfeld & Kolter 2019, *Certified adversarial robustness via randomized
smoothing*: what a reader says is its mean over noisy looks. The noise is that of the predictions'
own digest, so that it can be drawn again, and yet nobody knows it before the images are made; it
is the same over prediction and truth, so that it costs the truth nothing.
"""

from __future__ import annotations

import hashlib

import numpy as np

from vrs_bench.types import Floats
from vrs_bench.world.streams import normal

NOISE = 0.01
"""Standard deviation, in reflectance."""
DRAWS = 4
"""Looks of the readers of series; the encoder takes the first one only."""


def noise_key(images: Floats) -> bytes:
    """Return what the noise over a scene is drawn from: the SHA-256 of its predicted images."""
    return hashlib.sha256(np.ascontiguousarray(images, "<f4").data).digest()


def noise_draw(key: bytes, draw: int, shape: tuple[int, ...]) -> Floats:
    """Return the noise of one look, float32.

    Args:
        key: of :func:`noise_key`.
        draw: number of the look, from 0.
        shape: of the images.
    """
    seed = int.from_bytes(hashlib.sha256(key + draw.to_bytes(2)).digest())
    values = normal(np.random.Generator(np.random.PCG64DXSM(seed)), shape)
    values *= np.float32(NOISE)
    return values
