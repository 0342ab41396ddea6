"""The noise through which readers and encoder look.

Source: Cohen, Rosenfeld & Kolter 2019, *Certified adversarial robustness via randomized
smoothing*: what a reader says is its mean over noisy looks. The noise is keyed by the digest of all
predictions of the split, so that it can be drawn again, and yet nobody knows it before the images
are made; who changes one value to get other noise gets other noise over all scenes, where luck
averages out. It is the same over prediction and truth, so that it costs the truth nothing.
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


def noise_key(split: bytes, scene: int) -> bytes:
    """Return what the noise over a scene is drawn from.

    Args:
        split: digest of all predictions of the split. The task's floor and the truth itself have
            names in its place: nobody can choose them, and the last bits of the floor's images are
            the processor's own.
        scene: number of the scene.
    """
    return hashlib.sha256(b"%d/" % scene + split).digest()


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
