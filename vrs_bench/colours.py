"""Colour composites: how images of many bands are shown in three."""

from __future__ import annotations

import numpy as np

from vrs_bench.types import Array, Floats

_TONE = 0.17
"""Reflectance at which display has come 63 % of the way to white: soil and crops lie about it."""


def _tone(reflectance: Array) -> Array:
    """Map reflectance to display so that fields are bright and clouds still have structure."""
    return np.asarray(1 - np.exp(-reflectance / _TONE))


def true_colour(image: Floats) -> Array:
    """Return red, green, blue of an optical image (4, H, W) for display, (H, W, 3) in [0, 1]."""
    return _tone(np.stack(list(image[2::-1]), axis=-1))


def false_colour(image: Floats) -> Array:
    """Return near infrared, red, green of an optical image for display: vegetation is red."""
    return _tone(np.stack([image[3] / 2, image[2], image[1]], axis=-1))


def sar_colour(image: Floats) -> Array:
    """Return VV, VH and their difference in dB of a radar image (2, H, W) for display."""
    vv, vh = image
    scaled = np.stack([(vv - 0.25) / 0.6, (vh - 0.05) / 0.55, (vv - vh - 0.08) / 0.3], axis=-1)
    return np.asarray(np.clip(scaled, 0, 1))


def composite(image: Floats, product: str) -> Array:
    """Return any image (band, H, W) for display, (H, W, 3): true colour, radar, or its bands."""
    if product == "optical":
        return true_colour(image)
    if product == "sar":
        return sar_colour(image)
    rgb = np.clip(image[[0, min(1, len(image) - 1), min(2, len(image) - 1)]], 0, 1)
    return rgb.transpose(1, 2, 0)
