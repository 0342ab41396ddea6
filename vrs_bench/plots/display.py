"""How images are shown: axes, files.

Figures are made without pyplot, so nothing global is touched and no display is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from vrs_bench.paths import whole_file
from vrs_bench.types import Array


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
