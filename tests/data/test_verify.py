"""Dataset folders that somebody has spoilt: what is not a plain, known file is found."""

from __future__ import annotations

import copy
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrs_bench.data.build.building import build
from vrs_bench.data.manifest import Manifest, read_manifest
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import evaluate
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.show import draw

SHARD = "super_res/test-00000-of-00001.parquet"
MUTANTS = 300
LONG = "x" * 300


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "vrs-toy"))


def content(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def write_manifest(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(text, encoding="utf-8")


# Links, pipes and strays


def test_links_are_no_part_of_a_dataset_wherever_they_lead(folder: Path, tmp_path: Path) -> None:
    """Each leads to the very bytes of the manifest, so only the link itself can be the fault."""
    names = list(read_manifest(folder).files)
    inside, outside = names[0], names[1]
    (folder / inside).rename(folder / "super_res" / ".kept")
    (folder / inside).symlink_to(".kept")
    (folder / outside).rename(tmp_path / "elsewhere.parquet")
    (folder / outside).symlink_to(tmp_path / "elsewhere.parquet")
    (folder / "README.md").rename(tmp_path / "README.md")
    (folder / "README.md").symlink_to(tmp_path / "README.md")
    (folder / "manifest.json").rename(tmp_path / "manifest.json")
    (folder / "manifest.json").symlink_to(tmp_path / "manifest.json")
    said = verify(folder)
    assert [line.partition(":")[0] for line in said] == [
        "manifest.json",
        inside,
        outside,
        "README.md",
    ]
    assert all(": a link; expected the file itself" in line for line in said)


def test_what_lies_in_a_linked_folder_is_found_and_the_folder_is_not_walked(
    folder: Path, tmp_path: Path
) -> None:
    names = list(read_manifest(folder).files)
    (folder / "super_res").rename(tmp_path / "data")
    (folder / "super_res").symlink_to(tmp_path / "data")
    (folder / "more").symlink_to(folder)  # a walk that follows it has no end
    said = verify(folder)
    assert said[: len(names)] == [
        f"{name}: inside of super_res, a link; expected the file itself, of which others get a copy"
        for name in names
    ]
    assert said[len(names) :] == ["more: not in the manifest"]
    assert verify(folder, documents=False) == said[: len(names)]
    (tmp_path / "name").symlink_to(tmp_path / "whole")  # the dataset itself may be named by a link
    shutil.rmtree(tmp_path / "data")


def test_a_dataset_may_be_named_by_a_link(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(tiny)
    assert verify(tmp_path / "latest") == []


def test_pipes_and_sockets_are_found_without_waiting_for_them(folder: Path) -> None:
    (folder / SHARD).unlink()
    os.mkfifo(folder / SHARD)
    (folder / "README.md").unlink()
    with socket.socket(socket.AF_UNIX) as place:
        here = Path.cwd()
        os.chdir(folder)  # the address of a socket may be short only
        place.bind("README.md")
        os.chdir(here)
    os.mkfifo(folder / "super_res" / "pipe.parquet")
    (folder / "super_res" / "nothing.parquet").symlink_to("nowhere")
    (folder / "eval.yaml").unlink()
    (folder / "eval.yaml").mkdir()
    assert verify(folder) == [
        f"{SHARD}: a pipe, socket or device; expected a plain file",
        "README.md: a pipe, socket or device; expected a plain file",
        "eval.yaml: a folder",
        "super_res/nothing.parquet: not in the manifest",
        "super_res/pipe.parquet: not in the manifest",
    ]
    with pytest.raises(BenchError, match="missing"):
        DatasetFolder(folder).keys("super_res", "test")


def test_names_that_would_act_on_a_terminal_are_shown_as_text(folder: Path) -> None:
    (folder / "super_res" / "\x1b[2J.parquet").write_bytes(b"x")
    Path(os.fsdecode(bytes(folder) + b"/super_res/\xff.parquet")).write_bytes(b"x")
    said = verify(folder)
    assert said == [
        r"'super_res/\x1b[2J.parquet': not in the manifest",
        r"'super_res/\udcff.parquet': not in the manifest",
    ]


# The manifest


def changed(change: Callable[[Any], object]) -> Callable[[Any], str]:
    """Return how the text of a manifest comes from its content."""

    def text(data: Any) -> str:
        change(data)
        return json.dumps(data)

    return text


def renamed(data: Any, old: str, new: str) -> None:
    """Rename a file of a manifest where it stands."""
    data["files"] = {new if name == old else name: f for name, f in data["files"].items()}


FIRST = "super_res/train-00000-of-00002.parquet"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            changed(lambda m: m["files"][SHARD].pop("sha256")),
            rf"missing key 'files.{SHARD}.sha256'",
        ),
        (changed(lambda m: m["files"][SHARD].update(sha256="")), rf"files.{SHARD}.sha256: string"),
        (changed(lambda m: m["files"].pop(FIRST)), "train-00001-of-00002.* no shard of a whole"),
        (changed(lambda m: m["files"].pop(SHARD) and m["files"].pop(FIRST)), "of a whole list"),
        (changed(lambda m: m.update(files={})), "names no data file of super_res"),
        (changed(lambda m: m.update(tasks={})), "names no task"),
        (changed(lambda m: m["tasks"].update(deblur=m["tasks"]["super_res"])), "the task deblur"),
        (changed(lambda m: m["tasks"]["super_res"].update(sensors={})), "of lr, got none"),
        (changed(lambda m: renamed(m, SHARD, f"super_res/{LONG}.parquet")), "no shard of a whole"),
        (changed(lambda m: renamed(m, SHARD, "super_res/\x1b[2J")), r"'super_res/\\x1b\[2J'"),
        (changed(lambda m: m["files"][SHARD].update(split="../x")), "split: string should match"),
        (
            changed(lambda m: m["documents"].update({"/etc/passwd": "0" * 64})),
            "outside of the fold",
        ),
        (changed(lambda m: m["documents"].update({"": "0" * 64})), "outside of the folder"),
        (changed(lambda m: m.update({"\x1b[2J": 1})), r"unknown key '\\x1b\[2J'"),
        (lambda m: "[" * 100_000, "not a manifest of a dataset: not JSON"),
        (lambda m: '{"format": ' + "9" * 5000 + "}", "not a manifest of a dataset: not JSON"),
        (lambda m: "", "not a manifest of a dataset: not JSON"),
        (lambda m: "[]", "not a manifest of a dataset"),
    ],
)
def test_a_manifest_that_is_not_whole_is_refused_with_what_is_wrong(
    tiny: Path, tmp_path: Path, text: Callable[[Any], str], said: str
) -> None:
    write_manifest(tmp_path, text(content(tiny)))
    with pytest.raises(BenchError, match=said) as caught:
        verify(tmp_path)
    assert all(line.isprintable() for line in str(caught.value).splitlines())


@pytest.mark.parametrize("form", [2, 10**30])
def test_a_newer_manifest_asks_for_an_upgrade(tiny: Path, tmp_path: Path, form: int) -> None:
    """Whatever else is new in it."""
    data = {**content(tiny), "format": form, "hologram": True}
    write_manifest(tmp_path, json.dumps(data))
    with pytest.raises(BenchError, match=r"written by a newer vrs-bench.*; upgrade vrs-bench") as e:
        verify(tmp_path)
    assert len(str(e.value).splitlines()) == 1
    assert "hologram" not in str(e.value)


@pytest.mark.parametrize("form", [0, -1, "2", 1.5, None])
def test_another_format_is_no_newer_one(tiny: Path, tmp_path: Path, form: object) -> None:
    write_manifest(tmp_path, json.dumps({**content(tiny), "format": form}))
    with pytest.raises(BenchError, match="not a manifest"):
        verify(tmp_path)


def test_a_manifest_without_a_digest_of_itself_is_a_fault(folder: Path) -> None:
    data = content(folder)
    del data["sha256"]
    write_manifest(folder, json.dumps(data))
    [fault] = verify(folder)
    assert fault.startswith("manifest.json: holds no SHA-256 of itself")


def test_long_names_in_a_manifest_are_faults_like_others(folder: Path) -> None:
    data = content(folder)
    data["documents"] |= {LONG: "0" * 64, "a\0b": "0" * 64}
    del data["sha256"]
    manifest = Manifest.model_validate_json(json.dumps(data))
    data["sha256"] = manifest.own_digest()
    write_manifest(folder, json.dumps(data))
    assert verify(folder) == [
        f"{LONG}: can't be looked at (File name too long)",
        r"'a\x00b': can't be looked at (embedded null byte)",
    ]


VALUES: list[Any] = [
    None, True, 0, 1, -1, 2, 10**20, 1.5, 1e308, float("nan"), float("inf"), "", "x", LONG, "\0",
    "\x1b[2J", "\ud800", "../x", "/etc/passwd", "0" * 64, "super_res", "test", "private", [], {},
    [1], [[]], {"a": 1}, {"": None}, [0.0] * 3, "9" * 400,
]  # fmt: skip


def places(data: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    found = []
    for key, value in items:
        found.append((data, key))
        if isinstance(value, dict | list):
            found += places(value)
    return found


def mutate(data: Any, rng: np.random.Generator) -> None:
    """Spoil a manifest in one place: a key, a value, or how many there are of something."""
    spots = places(data)
    holder, key = spots[rng.integers(len(spots))]
    other, other_key = spots[rng.integers(len(spots))]
    value = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    match rng.integers(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[str(value)] = holder.pop(key)
        case 2:
            holder[key] = copy.deepcopy(other[other_key])
        case 3 | 4 if isinstance(holder[key], list | dict) and holder[key]:
            some = list(holder[key].items() if isinstance(holder[key], dict) else holder[key])
            some = some[: rng.integers(len(some))]
            holder[key] = dict(some) if isinstance(holder[key], dict) else some
        case 5 if isinstance(holder[key], list):
            holder[key] = holder[key] * 2
        case _:
            holder[key] = value


def test_mutants_of_a_manifest_end_in_a_message_or_in_data(folder: Path) -> None:
    """Nothing but a BenchError comes out of reading, verifying, or opening what was verified."""
    whole, rng = content(folder), np.random.default_rng(10)
    meant = read_manifest(folder)
    refused: list[str] = []
    for _ in range(MUTANTS):
        data = copy.deepcopy(whole)
        for _ in range(rng.integers(1, 4)):
            if data:
                mutate(data, rng)
        write_manifest(folder, json.dumps(data))
        try:
            faults = verify(folder)
            assert faults or read_manifest(folder) == meant  # a default may be left out
            assert all(line.isprintable() for line in faults)
            manifest = read_manifest(folder)
            for task in manifest.tasks:
                assert manifest.columns(task)
                for split in manifest.splits(task):
                    DatasetFolder(folder).keys(task, split)
                    list(DatasetFolder(folder).scenes(task, split, ["lr"]))
        except BenchError as error:
            refused.append(str(error))
    assert all(line.isprintable() for text in refused for line in text.splitlines())
    assert MUTANTS // 2 < len(refused) < MUTANTS  # some get as far as the data


# Names that no file can have


@pytest.mark.parametrize("name", [LONG, f"a/{LONG}/b", "ab/" * 2000, "a\0b"])
def test_a_name_that_no_file_can_have_ends_in_one_message(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    calls: list[Callable[[], object]] = [
        lambda: verify(name),
        lambda: DatasetFolder(name),
        lambda: build(["super_res"], recipe, name),
        lambda: evaluate(name, "super_res", tiny, "test"),
        lambda: load_recipe(BenchmarkRecipe, name),
        lambda: draw("scene", name, tmp_path / "x.png"),
        lambda: draw("texture", "tiny", Path(name)),
    ]
    for call in calls:
        with pytest.raises(BenchError) as caught:
            call()
        assert len(str(caught.value).splitlines()) == 1
        assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_name_as_long_as_may_be_is_written(tmp_path: Path) -> None:
    """Though a temporary file takes its place at first."""
    out = tmp_path / ("é" * 125 + ".png")  # 254 bytes
    assert draw("texture", "tiny", out).is_file()
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
