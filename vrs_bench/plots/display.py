"""How images are shown: colour composites, axes, files.

Figures are made without pyplot, so nothing global is touched and no display is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from vrs_bench.paths import whole_file
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


def draw_image(axis: Any, image: Array, title: str, **options: Any) -> None:
    """Draw an image without axes, under a title."""
    axis.imshow(image, interpolation="nearest", **options)
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, whole or not at all; parent folders are made."""
    path = Path(path)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80, metadata={"Software": None})
    return path


def save_animation(frames: list[Array], labels: list[str], path: str | Path) -> Path:
    """Write images (H, W, 3) in [0, 1] as a looping GIF, each with its label in the corner."""
    images = []
    for frame, label in zip(frames, labels, strict=True):
        image = Image.fromarray(np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8))
        enlarge = max(1, round(256 / image.height))
        image = image.resize(
            (image.width * enlarge, image.height * enlarge), Image.Resampling.NEAREST
        )
        draw = ImageDraw.Draw(image)
        box = draw.textbbox((4, 3), label)
        draw.rectangle((box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2), fill=(0, 0, 0))
        draw.text((4, 3), label, fill=(255, 255, 255))
        images.append(image)
    path = Path(path)
    with whole_file(path) as temporary:
        images[0].save(
            temporary, format="GIF", save_all=True, append_images=images[1:], duration=350, loop=0
        )
    return path
