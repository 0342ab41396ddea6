"""The picture that training leaves at each validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vrs_bench.colours import false_colour
from vrs_bench.plots.display import save
from vrs_bench.types import Floats

ERROR_SCALE = 0.05
"""Mean absolute error over bands that is drawn darkest, in reflectance."""


def draw_grid(path: Path, inputs: Floats, predictions: Floats, truths: Floats, title: str) -> None:
    """Draw rows of input, prediction, truth and the error of both; each is (row, 4, H, W).

    Near infrared, red and green are shown: most of the error is in the near infrared.
    """
    figure = Figure(figsize=(12.5, 2.6 * len(truths) + 0.5), layout="constrained")
    axes: Any = figure.subplots(len(truths), 5, squeeze=False)
    figure.suptitle(f"{title}; near infrared, red, green; error in reflectance")
    for axis, heading in zip(
        axes[0],
        ("input", "prediction", "truth", "|input - truth|", "|prediction - truth|"),
        strict=True,
    ):
        axis.set_title(heading)
    for line, *images in zip(axes, inputs, predictions, truths, strict=True):
        for axis, image in zip(line, images, strict=False):
            axis.imshow(false_colour(image), interpolation="nearest")
        for axis, image in zip(line[3:], images[:2], strict=True):
            error = np.abs(image - images[2]).mean(axis=0)
            shown = axis.imshow(
                error, cmap="magma_r", vmin=0, vmax=ERROR_SCALE, interpolation="nearest"
            )
            axis.set_xlabel(f"mean {error.mean():.4f}")
        for axis in line:
            axis.set_xticks([])
            axis.set_yticks([])
    figure.colorbar(shown, ax=[line[-1] for line in axes], shrink=0.6)
    save(figure, path)
