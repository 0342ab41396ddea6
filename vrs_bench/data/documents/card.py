"""The dataset card: the README.md that makes a folder a dataset repository of the Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import yaml

from vrs_bench.columns import Column
from vrs_bench.data.arrow import card_feature
from vrs_bench.data.documents.citation import CITATION
from vrs_bench.data.documents.croissant import croissant
from vrs_bench.data.documents.eval_yaml import eval_description
from vrs_bench.data.documents.pictures import PICTURES, write_picture
from vrs_bench.data.manifest import Manifest
from vrs_bench.paths import write_text
from vrs_bench.world.landcover import class_names

HERE = Path(__file__).parent


def card_metadata(manifest: Manifest) -> dict[str, Any]:
    """Return the YAML block of the card: configs over shared files, their features and sizes."""
    config_list: list[dict[str, Any]] = []
    info_list: list[dict[str, Any]] = []
    for name in manifest.tasks:
        columns = {column.name: column for column in manifest.bound(name).columns}
        for config, selected in manifest.configs(name).items():
            config_list.append(
                {
                    "config_name": config,
                    "data_files": [
                        {"split": split, "path": f"{name}/{split}-*.parquet"}
                        for split in manifest.splits(name)
                    ],
                    "columns": list(selected),
                    **({"default": True} if not config_list else {}),
                }
            )
            info_list.append(
                {
                    "config_name": config,
                    "features": [card_feature(columns[column]) for column in selected],
                    "splits": [
                        _split_info(manifest, name, split) for split in manifest.splits(name)
                    ],
                }
            )
    synthetic = [] if manifest.own_imagery else ["synthetic"]
    return {
        "pretty_name": f"VRS-Bench {manifest.recipe.name}",
        "license": "other" if manifest.own_imagery else "apache-2.0",
        "task_categories": ["image-to-image"],
        "tags": ["remote-sensing", "super-resolution", *synthetic, "benchmark"],
        "size_categories": [_size_category(sum(f.rows for f in manifest.files.values()))],
        "configs": config_list,
        "dataset_info": info_list,
    }


def _scenes(manifest: Manifest) -> int:
    """Return the number of scenes of a task; all have the same."""
    task = next(iter(manifest.tasks))
    return sum(manifest.rows(task, s) for s in manifest.splits(task)) // (
        manifest.recipe.world.horizon
    )


def _split_info(manifest: Manifest, task: str, split: str) -> dict[str, Any]:
    files = [manifest.files[path] for path in manifest.shards(task, split)]
    return {
        "name": split,
        "num_bytes": sum(file.bytes for file in files),
        "num_examples": sum(file.rows for file in files),
    }


def _size_category(rows: int) -> str:
    """Return the Hub's size class of a number of rows."""
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")]
    return next((name for bound, name in bounds if rows < bound), "100K<n<1M")


def write_card(folder: Path, manifest: Manifest) -> list[str]:
    """Write README.md, from the template beside this module, and the documents beside it.

    Returns:
        their paths inside the folder.
    """
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # Markdown made from our own names and numbers only
    )
    world = manifest.recipe.world

    def shape(column: Column) -> str:
        return " × ".join(str(n) for n in column.shape) or "scalar"

    text = templates.get_template("card.md.jinja").render(
        metadata=yaml.safe_dump(card_metadata(manifest), sort_keys=False, allow_unicode=True),
        manifest=manifest,
        recipe=manifest.recipe,
        world=world,
        tasks=[manifest.bound(name) for name in manifest.tasks],
        scenes=_scenes(manifest),
        shape=shape,
        classes=class_names(),
        pictures=PICTURES,
        citation=CITATION,
        files=len(manifest.files),
        writers=sorted({file.writer for file in manifest.files.values() if file.writer})
        or ["the pyarrow that built it"],
        megabytes=sum(file.bytes for file in manifest.files.values()) / 1e6,
    )
    write_text(folder / "README.md", text)
    pictures = [write_picture(folder, manifest, name) for name in manifest.tasks]
    write_text(
        folder / "eval.yaml",
        yaml.safe_dump(eval_description(manifest), sort_keys=False, allow_unicode=True),
    )
    described = json.dumps(croissant(manifest), indent=1, ensure_ascii=False)
    write_text(folder / "croissant.json", described + "\n")
    return ["README.md", *pictures, "eval.yaml", "croissant.json"]
