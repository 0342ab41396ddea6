"""Pictures of a dataset folder's scenes, for its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from vrs_bench.colours import composite, false_colour
from vrs_bench.columns import Column, restore
from vrs_bench.data.arrow import from_arrow
from vrs_bench.data.manifest import Manifest
from vrs_bench.grids import on_grid
from vrs_bench.paths import whole_file
from vrs_bench.types import Array

PICTURES = "pictures"
_DATES = 2
"""Dates of a scene that a picture shows."""
_GAP = 4


def write_picture(folder: Path, manifest: Manifest, name: str) -> str:
    """Write a picture of the first scene: a line a date; inputs, target, and it in false colour."""
    bound = manifest.bound(name)
    first = next(path for path, file in manifest.files.items() if file.task == name)
    stored = pq.read_schema(folder / first).names
    products: dict[str, str] = {column: s.product for column, s in bound.sensors.items()}
    target, target_product = bound.target, bound.task.target_product
    products[target] = target_product
    world = manifest.recipe.world
    images = [c for c in bound.columns if c.name in products and c.name in stored]
    rows = _first_rows(folder / first, images, world.horizon)
    height, width = (max(column.shape[axis] for column in images) for axis in (1, 2))
    lines = []
    for step in np.linspace(0, world.horizon - 1, _DATES + 2).astype(int)[1:-1]:
        shown = [
            composite(restore(rows[column.name][step]), products[column.name]) for column in images
        ]
        if target in rows and target_product == "optical":
            shown.append(false_colour(restore(rows[target][step])))
        lines.append(_joined([_tile(image, height, width) for image in shown], axis=1))
    path = f"{PICTURES}/{name}.png"
    with whole_file(folder / path) as temporary:
        Image.fromarray(_joined(lines, axis=0)).save(temporary, format="PNG", optimize=True)
    return path


def _first_rows(path: Path, columns: list[Column], rows: int) -> dict[str, Array]:
    """Return the first rows of a shard; its row groups are read one by one."""
    names, found = [column.name for column in columns], 0
    parts: list[pa.Table] = []
    with pq.ParquetFile(path) as file:
        while found < rows:
            parts.append(file.read_row_group(len(parts), columns=names, use_threads=False))
            found += len(parts[-1])
    table = pa.concat_tables(parts).combine_chunks()
    return {column.name: from_arrow(column, table[column.name].chunk(0)) for column in columns}


def _tile(image: Array, height: int, width: int) -> Array:
    """Return a composite (h, w, 3) as bytes on the grid of the others."""
    tile: Array = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return on_grid(tile, height, width, axes=(0, 1))


def _joined(tiles: list[Array], axis: int) -> Array:
    """Put tiles of one size beside each other with white gaps."""
    shape = list(tiles[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    return np.concatenate([part for tile in tiles for part in (tile, gap)][:-1], axis=axis)
