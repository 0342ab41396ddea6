"""Tar shards in the form that `webdataset` streams, and the card by which `datasets` reads them.

A sample is a row. Its members are ``<key>.<column>.npy`` for images and masks, and ``<key>.json``
for the numbers; the key is ``900000_007`` (scene_step), without dots, because what follows the
first dot names the field.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vrs_bench.columns import Column, row_name
from vrs_bench.data.documents.card import card_metadata
from vrs_bench.data.manifest import Manifest
from vrs_bench.tasks import get_task
from vrs_bench.types import Array


def write_tar(path: Path, columns: Sequence[Column], scenes: Iterable[Mapping[str, Any]]) -> None:
    """Write the rows of scenes as the samples of a tar file; its bytes depend on them only.

    Args:
        path: file to write; the caller makes it appear whole.
        columns: what a row holds.
        scenes: column name → values (n_steps, …), as ``DatasetFolder.scenes`` yields them.
    """
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for scene in scenes:
            for index, step in enumerate(scene["time_step"]):
                members = {
                    f"{column.name}.npy": _npy(scene[column.name][index])
                    for column in columns
                    if _is_array(column)
                }
                members["json"] = json.dumps(numbers(columns, scene, index)).encode()
                for field, content in sorted(members.items()):
                    member = tarfile.TarInfo(f"{row_name((scene['scene'], step))}.{field}")
                    member.size = len(content)  # all else stays: nobody's, mode 644, at time 0
                    tar.addfile(member, BytesIO(content))


def numbers(columns: Iterable[Column], scene: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return the numbers of a scene's row as plain data, float32 without loss."""
    return {
        column.name: scene["scene"]
        if column.name == "scene"
        else scene[column.name][index].tolist()
        for column in columns
        if not _is_array(column)
    }


def _is_array(column: Column) -> bool:
    return column.kind in ("image", "mask")


def _npy(array: Array) -> bytes:
    file = BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return file.getvalue()


def tar_name(shard: str) -> str:
    """Return the path of the tar file that holds the rows of a Parquet shard."""
    return shard.removesuffix(".parquet") + ".tar"


def card_text(exported: Manifest) -> str:
    """Return the README.md of an export, by which plain `load_dataset` knows shapes and types.

    Without declared features it takes every image for nested lists, and reads ten times as long.

    Args:
        exported: the dataset's manifest, with those tasks and files only that were exported.
    """
    metadata = card_metadata(exported)
    for config, info in zip(metadata["configs"], metadata["dataset_info"], strict=True):
        info["splits"] = [split for split in info["splits"] if split["num_examples"]]
        there = [split["name"] for split in info["splits"]]
        config["data_files"] = [
            {"split": files["split"], "path": tar_name(files["path"])}
            for files in config["data_files"]
            if files["split"] in there
        ]
        del config["columns"]  # an option of Parquet; here the features select
        info["features"] = _sample_features(info["features"])
    task = get_task(next(iter(exported.tasks)))
    lines = [
        "---",
        yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True) + "---",
        _TEXT.format(
            size=exported.recipe.name,
            task=task.name,
            target=task.target,
            split=metadata["configs"][0]["data_files"][0]["split"],
        ),
    ]
    for name in exported.tasks:
        lines += [
            f"## `{name}`",
            "",
            "| member | shape | type | meaning |",
            "| --- |" + " --- |" * 3,
        ]
        for column in exported.bound(name).columns:
            member = f"{column.name}.npy" if _is_array(column) else f"json: {column.name}"
            shape = " × ".join(map(str, column.shape)) or "scalar"
            lines.append(f"| `{member}` | {shape} | {column.dtype} | {column.text} |")
        lines.append("")
    return "\n".join(lines)


def _sample_features(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the features of samples whose columns have the given ones, in a card's YAML form."""
    arrays = [f for f in features if isinstance(f.get("dtype"), dict)]
    return [
        {"name": "__key__", "dtype": "string"},
        {"name": "json", "struct": [f for f in features if f not in arrays]},
        *({**f, "name": f"{f['name']}.npy"} for f in arrays),
    ]


_TEXT = """
# VRS-Bench, size `{size}`, as tar shards

One sample is one row, named scene_step; rows of one scene follow each other in time.

```python
import glob

import webdataset
from torch.utils.data import DataLoader

shards = sorted(glob.glob("{task}/{split}-*.tar"))
samples = webdataset.WebDataset(shards, shardshuffle=len(shards)).shuffle(100).decode()
samples = samples.map(lambda sample: sample["{target}.npy"].astype("float32") / 10000)
for image in DataLoader(samples, batch_size=None, num_workers=2):
    ...  # (band, height, width), reflectance in [0, 1]
```

Every worker takes whole shards: with more workers than shards, give `empty_check=False`.

```python
from datasets import load_dataset

rows = load_dataset("PATH_OF_THIS_FOLDER", "{task}", split="{split}")
rows = rows.with_format("numpy", dtype="float32")   # without a dtype, integers become int64
image = rows[0]["{target}.npy"] / 10000
```

Images are stored as unsigned integers, value = round(10000 · x); divide by 10000 to get x.
"""
