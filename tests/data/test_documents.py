"""The documents of a dataset folder, read by what they are for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard
from PIL import Image

import vrs_bench
from vrs_bench.colours import true_colour
from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder


def card(folder: Path) -> Any:
    return DatasetCard.load(folder / "README.md")


def test_the_card_says_what_the_hub_asks_for(tiny: Path) -> None:
    data = card(tiny).data.to_dict()
    assert data["license"] == "apache-2.0"
    assert data["task_categories"] == ["image-to-image"]
    assert data["size_categories"] == ["n<1K"]
    assert [c["config_name"] for c in data["configs"]] == ["super_res", "super_res_latent"]
    sizes = {s["name"]: s["num_examples"] for s in data["dataset_info"][0]["splits"]}
    assert sizes == {"train": 12, "validation": 3, "test": 3}


def test_the_card_describes_every_column_and_shows_every_picture(tiny: Path) -> None:
    text = card(tiny).text
    [first] = (tiny / "super_res").glob("test-*")
    for name in pq.read_schema(first).names:
        assert f"| `{name}` |" in text
    assert "](pictures/super_res.png)" in text
    assert "@software{vrs_bench" in text
    for heading in ("## How it was generated", "## Known limits", "## Licence and citation"):
        assert heading in text


def test_eval_yaml_names_a_config_and_a_split_that_are_there(tiny: Path) -> None:
    description = yaml.safe_load((tiny / "eval.yaml").read_text(encoding="utf-8"))
    assert set(description) == {"name", "description", "evaluation_framework", "tasks"}
    configs = {c["config_name"]: c for c in card(tiny).data.to_dict()["configs"]}
    [task] = description["tasks"]
    splits = [part["split"] for part in configs[task["config"]]["data_files"]]
    assert task["id"] == "super_res"
    assert task["split"] in splits


def test_the_croissant_description_is_valid(tiny: Path) -> None:
    metadata = mlcroissant.Dataset(tiny / "croissant.json").metadata
    assert not metadata.issues.errors
    assert not metadata.issues.warnings
    fields = {field.id: field for record in metadata.record_sets for field in record.fields}
    assert len(fields) == sum(
        len(config["columns"]) for config in card(tiny).data.to_dict()["configs"]
    )
    raw = json.loads((tiny / "croissant.json").read_text(encoding="utf-8"))
    for words in (metadata.data_biases, metadata.data_limitations, metadata.data_use_cases):
        assert len(words) >= 3
    assert "no real image" in metadata.personal_sensitive_information[0]
    assert raw["rai:hasSyntheticData"] is True
    assert vrs_bench.__version__ in raw["prov:wasGeneratedBy"]["description"]
    assert "prov:wasDerivedFrom" not in raw  # of nothing
    shapes = {f["@id"]: f.get("cr:arrayShape") for r in raw["recordSet"] for f in r["field"]}
    assert shapes["super_res/hr"] == "4,64,64"
    assert shapes["super_res/scene"] is None


def test_the_picture_shows_the_data(tiny: Path) -> None:
    picture = np.asarray(Image.open(tiny / "pictures" / "super_res.png"))
    gap = 4
    assert picture.shape == (2 * 64 + gap, 3 * 64 + 2 * gap, 3)
    assert (picture[64 : 64 + gap] == 255).all()
    first = next(DatasetFolder(tiny).scenes("super_res", "train", ["hr"]))
    shown = picture[:64, 64 + gap : 128 + gap] / 255
    found = [
        step
        for step, image in enumerate(restore(first["hr"]))
        if np.abs(true_colour(image) - shown).max() < 1 / 255
    ]
    assert len(found) == 1


@pytest.mark.parametrize("name", ["README.md", "eval.yaml", "croissant.json"])
def test_documents_hold_no_path_of_the_machine(tiny: Path, name: str) -> None:
    assert str(tiny.parent) not in (tiny / name).read_text(encoding="utf-8")
