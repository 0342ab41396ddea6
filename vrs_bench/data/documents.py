"""Documents beside the card of a dataset folder: pictures, eval.yaml, croissant.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from PIL import Image

from vrs_bench.colours import composite, false_colour
from vrs_bench.data.features import from_arrow
from vrs_bench.data.manifest import Manifest
from vrs_bench.paths import whole_file, write_text
from vrs_bench.tasks import Column, Task, get_task, restore
from vrs_bench.types import Array

PICTURES = "pictures"
_DATES = 2
"""Dates of a scene that a picture shows."""
_GAP = 4


def write_documents(folder: Path, manifest: Manifest) -> list[str]:
    """Write pictures, eval.yaml and croissant.json of a dataset folder; return their paths."""
    pictures = [write_picture(folder, manifest, get_task(name)) for name in manifest.tasks]
    write_text(folder / "eval.yaml", _yaml(eval_description(manifest)))
    text = json.dumps(croissant(manifest), indent=1, ensure_ascii=False)
    write_text(folder / "croissant.json", text + "\n")
    return [*pictures, "eval.yaml", "croissant.json"]


def eval_description(manifest: Manifest) -> dict[str, Any]:
    """Return the Hub's description of a benchmark: a task of ours is a task of its own there."""
    titles = [get_task(name).title.lower() for name in manifest.tasks]
    return {
        "name": f"VRS-Bench {manifest.recipe.name}",
        "description": (
            f"Image restoration in remote sensing ({', '.join(titles)}), scored against the known "
            f"truth of a virtual Earth."
        ),
        "evaluation_framework": "vrs-bench",
        "tasks": [
            {"id": name, "config": name, "split": _scored_split(manifest, name)}
            for name in manifest.tasks
        ],
    }


def _scored_split(manifest: Manifest, task: str) -> str:
    splits = [file.split for file in manifest.files.values() if file.task == task]
    return "test" if "test" in splits else splits[-1]


def write_picture(folder: Path, manifest: Manifest, task: Task) -> str:
    """Write a picture of the first scene: a line a date; inputs, target, and it in false colour."""
    first = next(path for path, file in manifest.files.items() if file.task == task.name)
    stored = pq.read_schema(folder / first).names
    sensors = task.sensor_recipes()
    products: dict[str, str] = {name: sensor.product for name, sensor in sensors.items()}
    products[task.target] = task.target_product
    world = manifest.recipe.world
    images = [c for c in task.columns(world) if c.name in products and c.name in stored]
    rows = _first_rows(folder / first, images, world.horizon)
    height = max(column.shape[1] for column in images)
    lines = []
    for step in np.linspace(0, world.horizon - 1, _DATES + 2).astype(int)[1:-1]:
        shown = [
            composite(restore(rows[column.name][step]), products[column.name]) for column in images
        ]
        if task.target in rows and task.target_product == "optical":
            shown.append(false_colour(restore(rows[task.target][step])))
        lines.append(_joined([_tile(image, height) for image in shown], axis=1))
    name = f"{PICTURES}/{task.name}.png"
    with whole_file(folder / name) as temporary:
        Image.fromarray(_joined(lines, axis=0)).save(temporary, format="PNG", optimize=True)
    return name


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


def _tile(image: Array, height: int) -> Array:
    """Return a composite as bytes, its pixels repeated up to a height."""
    times = height // image.shape[0]
    tile: Array = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    enlarged: Array = tile.repeat(times, axis=0).repeat(times, axis=1)
    return enlarged


def _joined(tiles: list[Array], axis: int) -> Array:
    """Put tiles of one size beside each other with white gaps."""
    shape = list(tiles[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    return np.concatenate([part for tile in tiles for part in (tile, gap)][:-1], axis=axis)


def croissant(manifest: Manifest) -> dict[str, Any]:
    """Return a Croissant 1.0 description (JSON-LD) of the folder as a repository."""
    repository = {"@id": "repository"}
    distribution: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": "repository",
            "name": "repository",
            "description": "The folder that holds this file.",
            "contentUrl": "./",
            "encodingFormat": "git+https",
            "sha256": "main",
        }
    ]
    records: list[dict[str, Any]] = []
    for name in manifest.tasks:
        task = get_task(name)
        files = f"{name}-files"
        distribution.append(
            {
                "@type": "cr:FileSet",
                "@id": files,
                "name": files,
                "description": f"Parquet files of {name}; manifest.json has their SHA-256.",
                "containedIn": repository,
                "encodingFormat": "application/x-parquet",
                "includes": f"{name}/*.parquet",
            }
        )
        columns = {column.name: column for column in task.columns(manifest.recipe.world)}
        for config, selected in manifest.configs(name).items():
            records.append(
                {
                    "@type": "cr:RecordSet",
                    "@id": config,
                    "name": config,
                    "description": task.description,
                    "field": [_field(config, columns[column], files) for column in selected],
                }
            )
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": f"vrs-bench-{manifest.recipe.name}",
        "description": eval_description(manifest)["description"],
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "citeAs": CITATION,
        "license": "https://www.apache.org/licenses/LICENSE-2.0",
        "url": "./",
        "version": manifest.package,
        "datePublished": RELEASED,
        "distribution": distribution,
        "recordSet": records,
    }


def _field(config: str, column: Column, files: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{config}/{column.name}",
        "name": f"{config}/{column.name}",
        "description": column.text,
        "dataType": "sc:Float" if column.dtype.startswith("float") else "sc:Integer",
        "source": {"fileSet": {"@id": files}, "extract": {"column": column.name}},
    }
    if column.shape:
        field |= {"cr:isArray": True, "cr:arrayShape": ",".join(map(str, column.shape))}
    return field


def _yaml(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


CITATION = (
    "@software{vrs_bench, title = {VRS-Bench: a benchmark for remote-sensing image restoration "
    "and translation on a virtual Earth}, author = {{The VRS-Bench authors}}, year = {2026}}"
)
RELEASED = "2026-11-22"

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
