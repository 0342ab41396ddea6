"""Exports hold the dataset's rows, each once, for the readers that people will use on them."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webdataset
from torch.utils.data import DataLoader
from typer.testing import CliRunner

from vrs_bench.cli import app
from vrs_bench.columns import Column, restore
from vrs_bench.data.export.exporting import NAME, export
from vrs_bench.data.export.webdataset import write_tar
from vrs_bench.data.products import writer
from vrs_bench.data.products.layout import Product
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError

ARRAYS = ("lr", "hr", "land_cover", "cell", "backscatter")
NUMBERS = ("day_of_year", "phase", "gain", "bias", "atmosphere_gain", "atmosphere_path")


@pytest.fixture(scope="module")
def tars(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export to tar shards, to read."""
    out = tmp_path_factory.mktemp("export") / "tars"
    export(tiny, "webdataset", out)
    return out


@pytest.fixture(scope="module")
def products(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export to products, to read."""
    out = tmp_path_factory.mktemp("export") / "products"
    export(tiny, "hdf5", out, splits=["validation", "test"])
    return out


def rows(folder: Path, split: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a dataset folder by name, as its reader gives them."""
    found = {}
    for scene in DatasetFolder(folder).scenes("super_res", split, [*ARRAYS, *NUMBERS]):
        for index, step in enumerate(scene["time_step"]):
            row = {name: scene[name][index] for name in ("time_step", *ARRAYS, *NUMBERS)}
            found[f"{scene['scene']:06d}_{step:03d}"] = {**row, "scene": scene["scene"]}
    return found


def assert_same(sample: dict[str, Any], row: dict[str, Any], arrays: tuple[str, ...]) -> None:
    for name in arrays:
        assert sample[f"{name}.npy"].dtype == row[name].dtype
        np.testing.assert_array_equal(sample[f"{name}.npy"], row[name])
    for name, value in sample["json"].items():
        np.testing.assert_array_equal(np.asarray(value, np.asarray(row[name]).dtype), row[name])


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


# Tar shards


def test_a_tar_holds_what_its_shard_holds(tiny: Path, tars: Path) -> None:
    read = {}
    for path in sorted((tars / "super_res").glob("*.tar")):
        assert path.with_suffix(".parquet").name in {p.name for p in tiny.glob("super_res/*")}
        with tarfile.open(path) as tar:
            assert {(m.mtime, m.uid, m.uname, m.mode) for m in tar} == {(0, 0, "", 0o644)}
            names = tar.getnames()
            assert names == sorted(set(names))
            for name in names:
                file = tar.extractfile(name)
                assert file is not None
                read[name] = file.read()
    expected = {
        key: row for s in ("train", "validation", "test") for key, row in rows(tiny, s).items()
    }
    assert len(read) == len(expected) * (len(ARRAYS) + 1)
    for key, row in expected.items():
        sample: dict[str, Any] = {"json": json.loads(read[f"{key}.json"])}
        assert set(sample["json"]) == {"scene", "time_step", *NUMBERS}
        for name in ARRAYS:
            sample[f"{name}.npy"] = np.load(io.BytesIO(read[f"{key}.{name}.npy"]))
        assert_same(sample, row, ARRAYS)


@pytest.mark.parametrize("workers", [0, 2])
def test_webdataset_streams_every_row_once(workers: int, tiny: Path, tars: Path) -> None:
    shards = [str(path) for path in sorted((tars / "super_res").glob("train-*.tar"))]
    samples = webdataset.WebDataset(shards, shardshuffle=len(shards), seed=3).shuffle(8).decode()
    loader = DataLoader(samples, batch_size=None, num_workers=workers, collate_fn=dict)
    expected, seen = rows(tiny, "train"), []
    for sample in loader:
        seen.append(sample["__key__"])
        assert_same(sample, expected[sample["__key__"]], ARRAYS)
    assert len(shards) == 2
    assert sorted(seen) == sorted(expected)
    assert seen != sorted(seen)


def test_load_dataset_reads_the_bare_tars(tiny: Path, tars: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    files = {"test": [str(path) for path in (tars / "super_res").glob("test-*.tar")]}
    found = load_dataset("webdataset", data_files=files, split="test", cache_dir=str(tmp_path))
    expected = rows(tiny, "test")
    assert found["__key__"] == list(expected)
    for sample, row in zip(found, expected.values(), strict=True):
        arrays = {
            f"{name}.npy": np.array(sample[f"{name}.npy"], row[name].dtype) for name in ARRAYS
        }
        assert_same({**sample, **arrays}, row, ARRAYS)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("config", "arrays"),
    [
        ("super_res", ("lr", "hr")),
        ("super_res_latent", ("hr", "land_cover", "cell", "backscatter")),
    ],
)
def test_load_dataset_reads_the_folder_by_its_card(
    config: str, arrays: tuple[str, ...], streaming: bool, tiny: Path, tars: Path, tmp_path: Path
) -> None:
    from datasets import load_dataset

    found = load_dataset(
        str(tars), config, split="train", cache_dir=str(tmp_path), streaming=streaming
    )
    expected = rows(tiny, "train")
    assert set(found.features) == {"__key__", "json", *(f"{name}.npy" for name in arrays)}
    configs = DatasetFolder(tiny).manifest.configs("super_res")
    numbers = [name for name in configs[config] if name not in arrays]
    assert list(found.features["json"]) == numbers
    samples = list(found)
    assert [sample["__key__"] for sample in samples] == list(expected)
    for sample, row in zip(samples, expected.values(), strict=True):
        for name in arrays:  # without a format, `datasets` gives stored arrays as lists
            stored = np.asarray(sample[f"{name}.npy"], row[name].dtype)
            assert found.features[f"{name}.npy"].dtype == row[name].dtype.name
            np.testing.assert_array_equal(stored, row[name])


def test_memory_holds_one_scene(tmp_path: Path) -> None:
    columns = (
        Column("scene", "scalar", "int32", ""),
        Column("time_step", "scalar", "int16", ""),
        Column("hr", "image", "uint16", "", (4, 64, 64)),
    )

    def scenes() -> Iterator[dict[str, Any]]:
        for scene in range(30):
            yield {
                "scene": scene,
                "time_step": np.arange(8, dtype=np.int16),
                "hr": np.full((8, 4, 64, 64), scene, np.uint16),
            }

    size = 8 * 4 * 64 * 64 * 2
    tracemalloc.start()
    write_tar(tmp_path / "a.tar", columns, scenes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "a.tar").stat().st_size > 30 * size
    assert peak < 6 * size


# Products


def test_products_hold_the_images_as_floats(tiny: Path, products: Path) -> None:
    for split in ("validation", "test"):
        for scene in DatasetFolder(tiny).scenes("super_res", split, [*ARRAYS, *NUMBERS]):
            folder = products / "super_res" / split / f"{scene['scene']:06d}"
            assert {p.name for p in folder.iterdir()} == {"lr", "hr", "backscatter", "rows.json"}
            for name in ("lr", "hr", "backscatter"):
                product = Product(folder / name)
                assert product.steps == scene["time_step"].tolist()
                for index, (frame, annotation) in enumerate(product):
                    np.testing.assert_array_equal(
                        frame, restore(scene[name][index]).transpose(1, 2, 0)
                    )
                    if name != "lr":
                        np.testing.assert_array_equal(annotation[..., 0], scene["cell"][index])
                        np.testing.assert_array_equal(
                            annotation[..., 1], scene["land_cover"][index]
                        )
            numbers = json.loads((folder / "rows.json").read_text())
            for name in NUMBERS:
                written = np.array([row[name] for row in numbers], scene[name].dtype)
                np.testing.assert_array_equal(written, scene[name])


def test_annotations_of_a_coarser_product_are_the_commonest_labels(
    tiny: Path, products: Path
) -> None:
    scene = next(DatasetFolder(tiny).scenes("super_res", "test", ["cell", "land_cover"]))
    cell, land_cover = scene["cell"][0], scene["land_cover"][0]
    class_of = dict(zip(cell.ravel().tolist(), land_cover.ravel().tolist(), strict=True))
    product = Product(products / "super_res" / "test" / f"{scene['scene']:06d}" / "lr")
    annotation = product[0][1]
    assert annotation.shape == (16, 16, 2)
    for row, column in np.ndindex(16, 16):
        block = cell[4 * row : 4 * row + 4, 4 * column : 4 * column + 4].ravel()
        found, merged_class = annotation[row, column].tolist()
        assert (block == found).sum() == np.bincount(block).max()
        assert merged_class == class_of[found]


# Going on


@pytest.mark.parametrize("to", ["webdataset", "hdf5"])
def test_a_stopped_export_goes_on_and_ends_with_the_same_bytes(
    to: Any, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export(tiny, to, tmp_path / "whole", splits=["train"])

    def stop(done: int, total: int) -> None:
        if done >= 9:  # in the midst of the second of two shards
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export(tiny, to, out, splits=["train"], report=stop)
    kept = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.suffix in (".tar", ".h5")}
    assert 0 < len(kept) < len(list((tmp_path / "whole").rglob("*.*")))
    killed = next(iter(kept)).parent / ".half.tar.1.partial"
    killed.write_bytes(b"what a killed process leaves")

    seen: list[tuple[int, int]] = []
    made = export(tiny, to, out, splits=["train"], report=lambda *at: seen.append(at))
    assert [p.relative_to(out) for p in made] == [p.relative_to(tmp_path / "whole") for p in whole]
    assert contents(out) == contents(tmp_path / "whole")
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert (seen[0], seen[-1]) == ((0, 12), (12, 12))
    assert seen == sorted(seen)


def test_frames_that_a_killed_export_wrote_are_used_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count = writer._write_hdf5, 0

    def dies(*args: Any) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(writer, "_write_hdf5", dies)
    with pytest.raises(KeyboardInterrupt):
        export(tiny, "hdf5", tmp_path, splits=["test"])
    frames = {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("frame_*.h5")}
    assert len(frames) == 2
    [first, *_] = export(tiny, "hdf5", tmp_path, splits=["test"])
    for name, written in frames.items():
        assert (first / "frames" / name).stat().st_mtime_ns == written
    assert len(Product(first)) == 3


def test_a_damaged_tar_is_made_again(tiny: Path, tars: Path, tmp_path: Path) -> None:
    [made] = export(tiny, "webdataset", tmp_path, splits=["test"])
    good = made.read_bytes()
    for damage in (good[:-512], good.replace(b"NUMPY", b"numpy", 1), b""):
        made.write_bytes(damage)
        export(tiny, "webdataset", tmp_path, splits=["test"])
        assert made.read_bytes() == good
    assert good == (tars / made.relative_to(tmp_path)).read_bytes()


def test_an_export_grows_by_splits(tiny: Path, tars: Path, tmp_path: Path) -> None:
    from datasets import load_dataset_builder

    [lost] = export(tiny, "webdataset", tmp_path, splits=["validation"])
    lost.unlink()  # recorded, but never there: killed in between
    export(tiny, "webdataset", tmp_path, ["super_res"], ["test"])
    assert set(load_dataset_builder(str(tmp_path), "super_res").info.splits) == {"test"}
    export(tiny, "webdataset", tmp_path, splits=["validation"])
    export(tiny, "webdataset", tmp_path, splits=["train"])
    made, whole = contents(tmp_path), contents(tars)
    del made[NAME], whole[NAME]  # they list the same files in another order
    assert made == whole


# What can't be done


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "zip"}, "unknown form 'zip'; known: geotiff, hdf5, webdataset"),
        ({"to": "hdf"}, "unknown form 'hdf'; did you mean 'hdf5'?"),
        ({"tasks": ["cloud_removal"]}, "this dataset holds no task 'cloud_removal'"),
        ({"splits": ["dev"]}, "unknown split 'dev' of super_res; this dataset holds train"),
        ({"folder": "nowhere"}, "nowhere: no dataset here"),
        ({"out": "mine"}, "mine: is there already and holds no export; choose another --out"),
        ({"out": "file"}, "file: is a file; name a folder"),
        ({"out": "tars", "to": "hdf5"}, "tars: holds an export as webdataset; choose another"),
        ({"out": "other"}, "other: holds an export of other data (super_res)"),
        ({"out": "broken"}, f"broken/{NAME}: not the record of an export"),
    ],
)
def test_what_can_not_be_done_is_told_and_changes_nothing(
    arguments: dict[str, Any], message: str, tiny: Path, tars: Path, tmp_path: Path
) -> None:
    for name in ("mine", "other", "broken", "tars"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("dear")
    (tmp_path / "file").write_text("dear")
    (tmp_path / "broken" / NAME).write_text('{"to": "webdataset"}')
    record = (tars / NAME).read_text()
    (tmp_path / "tars" / NAME).write_text(record)
    key = json.loads(record)["tasks"]["super_res"]
    (tmp_path / "other" / NAME).write_text(record.replace(key, "0" * 64))
    before = contents(tmp_path)
    given = {"folder": tiny, "to": "webdataset", "out": "new", **arguments}
    given["out"] = tmp_path / given["out"]
    with pytest.raises(BenchError) as caught:
        export(**given)
    assert message in str(caught.value)
    assert contents(tmp_path) == before


def test_a_full_disk_is_told_with_a_way_out(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    message = r"out: no room left on the disk .* run it again to go on"
    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "addfile", full)
        with pytest.raises(BenchError, match=message):
            export(tiny, "webdataset", tmp_path / "out")
    assert contents(tmp_path / "out").keys() == {NAME}

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(BenchError, match=message):
            export(tiny, "hdf5", tmp_path / "products" / "out")
    export(tiny, "hdf5", tmp_path / "products" / "out", splits=["test"])


def test_the_command_says_what_it_made(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--to", "webdataset", "--out", str(out), "--split", "test", "--split", "train"]
    run = CliRunner().invoke(app, ["export", str(tiny), *options])
    assert run.exit_code == 0, run.output
    assert run.stdout == f"{out}: 3 tar files\n"
    assert len(list(out.rglob("*.tar"))) == 3
