"""Pictures of a scene and of what methods make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from vrs_bench.colours import composite, false_colour, sar_colour, true_colour
from vrs_bench.errors import BenchError
from vrs_bench.grids import on_grid
from vrs_bench.plots.display import draw_image
from vrs_bench.recipes import load_recipe
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, view
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import class_colours, class_names
from vrs_bench.world.latent import Scene

_BAND_COLOURS = ("#3565c0", "#3a9d3a", "#c0392b", "#7d3c98")


def scene_panel(
    scene: Scene, task: BoundTask, step: int, pixel: tuple[int, int] | None = None
) -> Figure:
    """Draw what there is to see of a scene at one time step.

    Top: latent true colour, latent false colour, the task's input, radar as observed. Bottom: land
    cover, cells, and the time series of one pixel in the optical and by radar.

    Args:
        scene: the scene.
        task: whose main input to show.
        step: time step, from 0.
        pixel: (row, column) of the time series; the scene's centre if None.

    Raises:
        BenchError: the pixel lies outside of the scene.
    """
    world = scene.recipe
    row, column = pixel or (world.height // 2, world.width // 2)
    if not (0 <= row < world.height and 0 <= column < world.width):
        raise BenchError(
            f"pixel: the scene has {world.height} rows and {world.width} columns, "
            f"got {row},{column}"
        )
    optical = scene.frame("optical", step)
    name, sensor = task.main_input, task.main_sensor
    figure = Figure(figsize=(17, 8.6), layout="constrained")
    axes = figure.subplots(2, 4)
    day = world.series.day_of_year(step)
    figure.suptitle(f"Scene {scene.id}, time step {step} (day {day} of the year)")

    draw_image(axes[0, 0], true_colour(optical), "latent, true colour")
    draw_image(axes[0, 1], false_colour(optical), "latent, NIR-red-green")
    place = task.place(scene.number)
    seen = observe(sensor, place, step, scene.frame(sensor.product, step))
    show = true_colour if sensor.product == "optical" else sar_colour
    draw_image(
        axes[0, 2], show(seen), f"observed: {name}, {seen.shape[1]} × {seen.shape[2]} pixels"
    )
    if "sar" in world.series.bands():
        radar = _radar(task)
        speckled = observe(radar, place, step, scene.frame("sar", step))
        draw_image(axes[0, 3], sar_colour(speckled), f"radar '{radar.name}' (VV, VH, VV−VH)")
    else:
        axes[0, 3].set_axis_off()
        axes[1, 3].set_axis_off()

    _land_cover(axes[1, 0], scene)
    _cells(axes[1, 1], scene)
    for axis in (axes[0, 0], axes[1, 0]):
        axis.plot(column, row, "+", color="white", markersize=12, markeredgewidth=2)
    label = class_names()[scene.land_cover[row, column]]
    title = f"pixel {row},{column}: {label}"
    _series(axes[1, 2], scene, "optical", (row, column), step, f"{title}, reflectance")
    if "sar" in world.series.bands():
        _series(axes[1, 3], scene, "sar", (row, column), step, f"{title}, backscatter (dB)")
    return figure


def _land_cover(axis: Any, scene: Scene) -> None:
    colours = ListedColormap(class_colours())
    norm = BoundaryNorm(np.arange(len(class_colours()) + 1) - 0.5, colours.N)
    draw_image(axis, scene.land_cover, "land cover", cmap=colours, norm=norm)
    present = np.unique(scene.land_cover)
    handles = [Patch(color=class_colours()[k], label=class_names()[k]) for k in present]
    axis.legend(
        handles=handles, fontsize=7, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.01)
    )


def _cells(axis: Any, scene: Scene) -> None:
    """Colour cells so that neighbours differ, draw their polygons and write their numbers."""
    shades = np.where(scene.cell > 0, 1 + scene.cell.astype(int) * 7 % 12, 0)
    draw_image(axis, shades, "cells", cmap="tab20c", vmin=0, vmax=13)
    for number, polygon in enumerate(scene.polygons, start=1):
        for part in getattr(polygon, "geoms", [polygon]):
            x, y = np.asarray(part.exterior.xy) - 0.5  # pixel (0, 0) is drawn around (0, 0)
            axis.plot(x, y, color="black", linewidth=0.6)
        if polygon.area > scene.cell.size / 400:
            centre = polygon.representative_point()
            axis.text(centre.x, centre.y, str(number), fontsize=7, ha="center", va="center")
    axis.set_xlim(-0.5, scene.recipe.width - 0.5)
    axis.set_ylim(scene.recipe.height - 0.5, -0.5)


def _series(
    axis: Any, scene: Scene, product: str, pixel: tuple[int, int], step: int, title: str
) -> None:
    world = scene.recipe
    values = np.stack([scene.frame(product, step)[:, *pixel] for step in range(world.horizon)])
    of_year = [float(world.series.day_of_year(step)) for step in range(world.horizon)]
    days = np.unwrap(of_year, period=365)
    names: tuple[str, ...] = scene.bands(product)
    if product == "sar":
        values = 30 * values - 30
    for band, name in enumerate(names):
        colour = _BAND_COLOURS[band if product == "optical" else band + 2]
        axis.plot(days, values[:, band], marker="o", markersize=3, color=colour, label=name)
    if product == "optical":
        ndvi = (values[:, 3] - values[:, 2]) / (values[:, 3] + values[:, 2])
        axis.plot(days, ndvi, color="black", linestyle="--", linewidth=1, label="NDVI")
        axis.set_ylim(min(0, ndvi.min() - 0.05), 1)
    axis.axvline(days[step], color="grey", linewidth=0.8)
    axis.set_title(title, fontsize=10)
    axis.set_xlabel("day", fontsize=8)
    axis.legend(fontsize=7, loc="upper right")


def stages(scene: Scene, sensor: SensorRecipe, step: int) -> Figure:
    """Draw an observation as it comes about: the latent frame, then stage after stage.

    Args:
        scene: what is looked at.
        sensor: whose stages to draw.
        step: time step.
    """
    place = Place.of(scene.recipe, scene.number)
    latent = scene.frame(sensor.product, step)
    images = [("latent", "", latent)]
    causes = view(sensor, place, step).causes
    for index, (stage, cause) in enumerate(zip(sensor.stages, causes, strict=True), start=1):
        partial = sensor.model_copy(update={"stages": sensor.stages[:index]})
        seen = observe(partial, place, step, latent)
        images.append((f"+ {stage.stage}", stage.explain(cause), seen))
    figure = Figure(figsize=(4.2 * len(images), 5.2), layout="constrained")
    figure.suptitle(f"Sensor '{sensor.name}', scene {scene.id}, time step {step}")
    axes = figure.subplots(1, len(images), squeeze=False)[0]
    for axis, (title, words, image) in zip(axes, images, strict=True):
        heading = f"{title} ({image.shape[1]} × {image.shape[2]})\n{words}"
        draw_image(axis, composite(image, sensor.product), heading.rstrip())
    return figure


def telling_step(place: Place, sensor: SensorRecipe, steps: int) -> int:
    """Return the first time step at which the most stages of a sensor show what they do.

    Args:
        place: what is looked at.
        sensor: whose stages.
        steps: time steps that there are.
    """

    def showing(step: int) -> int:
        causes = view(sensor, place, step).causes
        return sum(s.shows(cause) for s, cause in zip(sensor.stages, causes, strict=True))

    return max(range(steps), key=showing)


def _radar(task: BoundTask) -> SensorRecipe:
    """Return the radar that a task has among its inputs, else the packaged one."""
    radars = [sensor for sensor in task.sensors.values() if sensor.product == "sar"]
    return radars[0] if radars else load_recipe(SensorRecipe, "sar")


def animation(scene: Scene, task: BoundTask) -> tuple[list[Array], list[str]]:
    """Return a horizon as images for a GIF: latent, main input and radar beside each other.

    Returns:
        images (H, W, 3) and labels (day of the year), one a time step.
    """
    world = scene.recipe
    place, sensors = task.place(scene.number), [task.main_sensor]
    if "sar" in world.series.bands() and _radar(task) not in sensors:
        sensors.append(_radar(task))
    images, labels = [], []
    for step in range(world.horizon):
        parts = [composite(scene.frame("optical", step), "optical")]
        for recipe in sensors:
            seen = observe(recipe, place, step, scene.frame(recipe.product, step))
            picture = composite(seen, recipe.product)
            parts.append(on_grid(picture, world.height, world.width, axes=(0, 1)))
        images.append(np.concatenate(parts, axis=1))
        labels.append(f"day {world.series.day_of_year(step)}")
    return images, labels


def comparison(
    images: Mapping[str, Floats], truth: Floats, title: str, error_scale: float = 0.05
) -> Figure:
    """Draw predictions beside the truth, and the absolute error of each below it.

    Args:
        images: name → optical image (4, h, w); one on a coarser grid is shown without error.
        truth: optical image (4, H, W).
        title: of the figure.
        error_scale: mean absolute error over bands that is drawn darkest.
    """
    figure = Figure(figsize=(3.4 * (len(images) + 1), 7.2), layout="constrained")
    axes = figure.subplots(2, len(images) + 1)
    figure.suptitle(title)
    for column, (name, image) in enumerate(images.items()):
        draw_image(axes[0, column], true_colour(image), name)
        axes[1, column].set_axis_off()
        if image.shape == truth.shape:
            error = np.abs(image - truth).mean(axis=0)
            heading = f"mean |error| {error.mean():.4f}"
            draw_image(axes[1, column], error, heading, cmap="magma_r", vmin=0, vmax=error_scale)
    draw_image(axes[0, -1], true_colour(truth), "truth")
    axes[1, -1].set_axis_off()
    return figure
