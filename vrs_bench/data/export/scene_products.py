"""A dataset's scenes as products in the original's layout: frames and annotations in HDF5."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vrs_bench.columns import Column, restore
from vrs_bench.data.export.webdataset import numbers
from vrs_bench.data.products.layout import INDEX, Features
from vrs_bench.data.products.writer import ProductWriter
from vrs_bench.paths import write_text
from vrs_bench.sensors.sensor import SensorRecipe, observe_labels
from vrs_bench.types import Labels

ROWS = "rows.json"
"""What products don't hold, the numbers of each row; written last: the scene is complete."""


def write_scene(
    path: Path,
    columns: Sequence[Column],
    scene: Mapping[str, Any],
    sensors: Mapping[str, SensorRecipe],
    origin: str,
) -> list[Path]:
    """Write one product for each image column of a scene, ``<path>/<column>``, and the numbers.

    A product has the column's own grid, and its annotation on that grid: cells moved and merged
    by majority as the sensor's geometry has it, the random registration shift left out.

    Args:
        path: folder of the scene; products that it holds already are complete and stay.
        columns: columns of the task.
        scene: column name → values (n_steps, …), as ``DatasetFolder.scenes`` yields them.
        sensors: sensor recipe of each input column; other images are on the masks' grid.
        origin: identity of the data; what an interrupted writer left of other data is not used.

    Returns:
        the folders of the products.
    """
    masks = np.stack([scene["cell"][0], scene["land_cover"][0].astype(np.int16)])
    products = []
    for column in columns:
        if column.kind != "image":
            continue
        product = path / column.name
        products.append(product)
        if (product / INDEX).is_file():
            continue
        sensor = sensors.get(column.name)
        annotation = masks if sensor is None else _seen_by(sensor, masks)
        bands, height, width = column.shape
        features = Features(
            width=width,
            height=height,
            nbands=bands,
            horizon=len(scene["time_step"]),
            ndigit=int(masks[0].max()),
            nframes=0,
        )
        writer = ProductWriter(product, features, origin, "h5")
        for index, step in enumerate(scene["time_step"].tolist()):
            if writer.has(step):
                writer.keep(step)
            else:
                writer.write(step, restore(scene[column.name][index]), annotation)
        writer.close()
    rows = [numbers(columns, scene, index) for index in range(len(scene["time_step"]))]
    write_text(path / ROWS, json.dumps(rows, indent=1) + "\n")
    return products


def _seen_by(sensor: SensorRecipe, masks: Labels) -> Labels:
    """Return instance and class on a sensor's grid; the class of a pixel is that of its cell."""
    cell = observe_labels(sensor, masks[0])
    of_cell = np.zeros(int(masks[0].max()) + 1, np.int16)
    of_cell[masks[0]] = masks[1]
    return np.stack([cell, of_cell[cell]])
