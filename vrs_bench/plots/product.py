"""Pictures of a product on disk."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from vrs_bench.colours import composite
from vrs_bench.data.products.layout import Product
from vrs_bench.errors import BenchError
from vrs_bench.plots.display import draw_image
from vrs_bench.types import Array


def product_panel(product: Product, step: int) -> Figure:
    """Draw a frame of a product, its masks, and the series of its centre pixel.

    Raises:
        BenchError: the product has no observation at that step.
    """
    frame, annotation = product[step]
    figure = Figure(figsize=(17, 4.6), layout="constrained")
    axes = figure.subplots(1, 4)
    size = f"{product.features.height} × {product.features.width}"
    figure.suptitle(f"{product.path.name}: {len(product)} observations, {size} pixels")
    draw_image(axes[0], composite(frame.transpose(2, 0, 1), "frames"), f"time step {step}")
    draw_image(axes[1], annotation[..., 1], "class", cmap="tab20")
    shades = np.where(annotation[..., 0] > 0, 1 + annotation[..., 0].astype(int) * 7 % 12, 0)
    draw_image(axes[2], shades, "cell", cmap="tab20c", vmin=0, vmax=13)
    row, column = product.features.height // 2, product.features.width // 2
    series = np.stack([product[t][0][row, column] for t in product.steps])
    for band in range(series.shape[1]):
        axes[3].plot(product.steps, series[:, band], marker=".", label=f"band {band}")
    axes[3].set(title=f"pixel {row},{column}", xlabel="time step", ylim=(0, 1))
    axes[3].legend(fontsize=7)
    return figure


def product_animation(product: Product) -> tuple[list[Array], list[str]]:
    """Return the frames of a product as images for a GIF, and their labels.

    Raises:
        BenchError: the product has no observation.
    """
    if not len(product):
        raise BenchError(f"{product.path}: has no observation to show")
    images = [composite(frame.transpose(2, 0, 1), "frames") for frame, _ in product]
    return images, [f"step {step}" for step in product.steps]
