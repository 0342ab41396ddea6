"""Pictures of what the world is made of: class signatures and texture kernels."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from vrs_bench.plots.display import draw_image
from vrs_bench.world.landcover import LAND_COVER, class_colours, class_names
from vrs_bench.world.series.optics import optics
from vrs_bench.world.series.phenology import PhenologySettings
from vrs_bench.world.series.radar import backscatter_db
from vrs_bench.world.series.seasons import draw_state
from vrs_bench.world.streams import stream
from vrs_bench.world.texture import (
    RBF,
    Constant,
    ExpSineSquared,
    Kernel,
    RationalQuadratic,
    White,
    covariance,
    gaussian_fields,
)

_CELLS = 40  # drawn for each class


def class_signatures(settings: PhenologySettings, seed: int = 0) -> Figure:
    """Draw the year of every class: median and 10 to 90 % range of forty cells a class.

    Leaf area, NDVI, VV, VH and VH - VV over the day of the year, and near infrared against red.
    """
    days = np.arange(0, 365, 5)
    daily = settings.model_copy(update={"start_day": 0, "step_days": 5})
    labels = np.repeat(np.arange(1, len(LAND_COVER) + 1), _CELLS)
    state = draw_state(daily, labels, len(days), seed, 0)
    seen, db = optics(state).reflectance, backscatter_db(state)
    red, nir = seen[..., 2], seen[..., 3]
    panels = {
        "leaf area index (m²/m²)": state.lai,
        "NDVI": (nir - red) / (nir + red),
        "VV (dB)": db[..., 0],
        "VH (dB)": db[..., 1],
        "VH − VV (dB)": db[..., 1] - db[..., 0],
    }
    figure = Figure(figsize=(16, 8.5), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    for axis, (title, values) in zip(axes, panels.items(), strict=False):
        for label in range(1, len(LAND_COVER) + 1):
            of_class = values[labels == label]
            low, middle, high = np.quantile(of_class, (0.1, 0.5, 0.9), axis=0)
            colour = class_colours()[label]
            axis.fill_between(days, low, high, color=colour, alpha=0.2, linewidth=0)
            axis.plot(days, middle, color=colour, label=class_names()[label])
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("day of the year", fontsize=8)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    for label in range(1, len(LAND_COVER) + 1):
        chosen = labels == label
        colour = class_colours()[label]
        axes[-1].plot(red[chosen].ravel(), nir[chosen].ravel(), ".", color=colour, markersize=1.5)
    axes[-1].set(title="feature space", xlabel="red reflectance", ylabel="NIR reflectance")
    return figure


def texture_kernels(seed: int = 0) -> Figure:
    """Draw a field of every kernel, and its empirical covariance against the theoretical one."""
    kernels: dict[str, Kernel] = {
        "RBF, l = 2.5": RBF(),
        "rational quadratic, l = 2.5, α = 0.7": RationalQuadratic(
            name="rational_quadratic", length_scale=2.5, alpha=0.7
        ),
        "crop rows, p = 8": ExpSineSquared(name="sin_squared", periodicity=8, length_scale=0.8),
        "constant": Constant(name="constant"),
        "iid": White(name="iid"),
    }
    cell = np.ones((96, 96), np.int16)
    lags = np.arange(0, 21)
    figure = Figure(figsize=(17, 7), layout="constrained")
    axes = figure.subplots(2, len(kernels))
    for column, (title, kernel) in enumerate(kernels.items()):
        # A stream each: crop rows drawn together would have one direction.
        fields = np.stack(
            [next(gaussian_fields(kernel, stream(seed, n, title), 1, cell, 1)) for n in range(60)]
        )
        draw_image(axes[0, column], fields[0], title, cmap="gray", vmin=-2.5, vmax=2.5)
        empirical = [
            (fields[:, :, lag:] * fields[:, :, : 96 - lag]).mean(axis=(1, 2)) for lag in lags
        ]
        axis = axes[1, column]
        if isinstance(kernel, ExpSineSquared):
            # Every field has its own direction: along rows and columns, lags cross them obliquely.
            angle = np.linspace(0, np.pi, 721)[:-1]
            across = np.outer(lags, np.cos(angle)).astype(np.float64)
            expected = covariance(kernel, across).mean(axis=1)
        else:
            expected = covariance(kernel, lags.astype(np.float64))
        axis.plot(lags, expected, color="black", label="kernel")
        error = np.std(empirical, axis=1) / np.sqrt(len(fields))
        axis.errorbar(
            lags, np.mean(empirical, axis=1), 2 * error, fmt=".", label="60 fields, ± 2 s.e."
        )
        axis.set_xlabel("lag along a row (pixels)", fontsize=8)
        axis.set_ylim(-0.25, 1.45)
        axis.legend(fontsize=7)
    axes[1, 0].set_ylabel("covariance")
    return figure
