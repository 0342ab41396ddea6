"""The picture that training leaves at each validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vrs_bench.colours import composite, false_colour
from vrs_bench.plots.display import save
from vrs_bench.types import Array, Floats

ERROR_SCALE = 0.05
"""Mean absolute error over bands that is drawn darkest, in reflectance."""


def draw_grid(
    path: Path, inputs: Floats, product: str, predictions: Floats, truths: Floats, title: str
) -> None:
    """Draw rows of input, prediction, truth and the error of the prediction.

    Optical images are shown by near infrared, red and green: most of the error is in the near
    infrared. An optical input has an error of its own, which is drawn too.

    Args:
        path: PNG to write.
        inputs: (row, band, H, W) in [0, 1].
        product: what the inputs show: ``optical`` or ``sar``.
        predictions, truths: (row, 4, H, W) in [0, 1].
        title: over all of it.
    """
    optical = product == "optical"
    headings = ["input", "prediction", "truth", "|prediction - truth|"]
    if optical:
        headings.insert(3, "|input - truth|")
    size = (2.5 * len(headings), 2.6 * len(truths) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    axes: Any = figure.subplots(len(truths), len(headings), squeeze=False)
    figure.suptitle(f"{title}; near infrared, red, green; error in reflectance")
    for axis, heading in zip(axes[0], headings, strict=True):
        axis.set_title(heading)
    for line, seen, restored, truth in zip(axes, inputs, predictions, truths, strict=True):
        line[0].imshow(_shown(seen, product), interpolation="nearest")
        line[1].imshow(false_colour(restored), interpolation="nearest")
        line[2].imshow(false_colour(truth), interpolation="nearest")
        for axis, image in zip(line[3:], [seen, restored] if optical else [restored], strict=True):
            error = np.abs(image - truth).mean(axis=0)
            shown = axis.imshow(
                error, cmap="magma_r", vmin=0, vmax=ERROR_SCALE, interpolation="nearest"
            )
            axis.set_xlabel(f"mean {error.mean():.4f}")
        for axis in line:
            axis.set_xticks([])
            axis.set_yticks([])
    figure.colorbar(shown, ax=[line[-1] for line in axes], shrink=0.6)
    save(figure, path)


def _shown(image: Floats, product: str) -> Array:
    return false_colour(image) if product == "optical" else composite(image, product)
