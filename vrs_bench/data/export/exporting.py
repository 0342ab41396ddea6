"""Exporting a dataset folder in other forms: tar shards to stream, HDF5, GeoTIFF."""

from __future__ import annotations

import copy
import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from vrs_bench.data.build.shards import file_digest
from vrs_bench.data.export.geotiff import write_rasters
from vrs_bench.data.export.scene_products import ROWS, write_scene
from vrs_bench.data.export.webdataset import card_text, tar_name, write_tar
from vrs_bench.data.manifest import Digest, FileEntry, Manifest
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import LOCK, TEMPORARY, whole_file, write_text, writing_alone
from vrs_bench.settings import Settings
from vrs_bench.types import Report
from vrs_bench.world.rasters.files import require_rasterio
from vrs_bench.world.splits import SPLITS

NAME = "export.json"
Form = Literal["webdataset", "hdf5", "geotiff"]
Advance = Callable[[int], None]


class Record(Settings):
    """What an export holds, and of what data: a second run goes on from it."""

    format: Literal[1] = 1
    to: Form
    tasks: dict[str, Digest]
    """Task → SHA-256 over the digests of its shards."""
    files: dict[str, FileEntry]
    """Tar files that were written, or are about to appear; scenes vouch for themselves."""


def export(
    folder: str | Path,
    to: Form,
    out: str | Path,
    tasks: Iterable[str] = (),
    splits: Iterable[str] = (),
    report: Report = lambda done, total: None,
) -> list[Path]:
    """Write the rows of a dataset folder in another form, or what is missing of it.

    ``webdataset``: one tar a shard, ``<out>/<task>/<split>-00000-of-0000N.tar``, and a card with
    which plain `load_dataset` reads the folder. ``hdf5``: for each scene one product for each
    image column, ``<out>/<task>/<split>/<scene>/<column>``, in the layout of
    :mod:`vrs_bench.data.products.layout`, and its other numbers in ``rows.json``. ``geotiff``:
    for each scene a folder ``<out>/<task>/<split>/<scene>`` for a GIS, see
    :mod:`vrs_bench.data.export.geotiff`. Memory holds one scene.

    Args:
        folder: a dataset folder.
        to: the form.
        out: folder of the export; made if needed.
        tasks: names of tasks; default: all of the dataset.
        splits: default: all.
        report: progress callback, (rows done, rows in all).

    Returns:
        the tar files, or the folders of the products or scenes, in the order of the rows.

    Raises:
        BenchError: no such dataset, form, task or split; the folder of the export holds other
            things, or another process is writing there; damaged data; no room on the disk; what
            the form needs is not installed.
    """
    if to not in get_args(Form):
        raise BenchError(f"unknown form '{to}'{did_you_mean(to, get_args(Form))}")
    if to == "geotiff":
        require_rasterio()
    source, target = DatasetFolder(folder), Path(out)
    names = list(dict.fromkeys(tasks)) or list(source.manifest.tasks)
    selected = list(dict.fromkeys(splits)) or list(SPLITS)
    shards = [
        s for name in names for split in selected for s in source.manifest.shards(name, split)
    ]
    total, done = sum(source.manifest.files[shard].rows for shard in shards), 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        report(done, total)

    made: list[Path] = []
    with writing_alone(target), _room(target):
        record = _opened(target, to, source.manifest, names)
        advance(0)
        for shard in shards:
            if to == "webdataset":
                record = _tar(source, shard, target, record, advance)
                made.append(target / tar_name(shard))
            else:
                made += _scene_folders(source, shard, target, to, advance)
        if to == "webdataset":
            write_text(target / "README.md", card_text(_exported(source.manifest, record, target)))
    return made


def _opened(target: Path, to: Form, manifest: Manifest, names: list[str]) -> Record:
    """Begin an export, or go on with one of the same form and data.

    Raises:
        BenchError: the folder holds anything else.
    """
    digests = {name: _task_digest(manifest, name) for name in manifest.tasks}
    path = target / NAME
    before = Record(to=to, tasks={}, files={})
    if path.is_file():
        try:
            before = Record.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise BenchError(f"{path}: not the record of an export: {error}") from error
        other = [name for name, key in before.tasks.items() if digests.get(name) != key]
        if before.to != to or other:
            what = f"as {before.to}" if before.to != to else f"of other data ({', '.join(other)})"
            raise BenchError(
                f"{target}: holds an export {what}; choose another --out or remove the folder"
            )
    elif any(path.name != LOCK for path in target.iterdir()):
        raise BenchError(f"{target}: is there already and holds no export; choose another --out")
    for leftover in target.rglob(f".*{TEMPORARY}"):
        if leftover.is_file():  # a folder is a product that was begun, to go on with
            leftover.unlink()
    tasks = {name: digests[name] for name in digests if name in before.tasks or name in names}
    record = before.model_copy(update={"tasks": tasks})
    write_text(path, record.model_dump_json(indent=2) + "\n")
    return record


def _task_digest(manifest: Manifest, task: str) -> str:
    shards = [file.sha256 for file in manifest.files.values() if file.task == task]
    return hashlib.sha256("".join(shards).encode()).hexdigest()


@contextmanager
def _room(target: Path) -> Iterator[None]:
    """Turn a full disk into an error that says how to go on."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BenchError(
            f"{target}: no room left on the disk ({error}); make room and run it again to go on, "
            f"or choose another --out"
        ) from error


def _tar(
    source: DatasetFolder, shard: str, target: Path, record: Record, advance: Advance
) -> Record:
    """Write the tar file of a shard unless it is there whole; return what is recorded then."""
    name, entry = tar_name(shard), source.manifest.files[shard]
    before, path = record.files.get(name), target / name
    if before and path.is_file() and file_digest(path) == before.sha256:
        advance(entry.rows)
        return record
    columns = source.manifest.bound(entry.task).columns
    with whole_file(path) as temporary:
        write_tar(temporary, columns, _scenes(source, shard, advance))
        written = {"bytes": temporary.stat().st_size, "sha256": file_digest(temporary)}
        files = {**record.files, name: entry.model_copy(update=written)}
        record = record.model_copy(update={"files": files})
        # Before the file appears: a record without its file is made good, a file without its
        # record would not be known.
        write_text(target / NAME, record.model_dump_json(indent=2) + "\n")
    return record


def _exported(manifest: Manifest, record: Record, target: Path) -> Manifest:
    """Return a manifest of the tar files that are there, in the order of the rows."""
    names = [tar_name(shard) for shard in manifest.files]
    there = [name for name in names if name in record.files and (target / name).is_file()]
    files = {name: record.files[name] for name in there}
    tasks = {file.task: manifest.tasks[file.task] for file in files.values()}
    return manifest.model_copy(update={"tasks": tasks, "files": files})


def _scene_folders(
    source: DatasetFolder, shard: str, target: Path, to: Form, advance: Advance
) -> list[Path]:
    """Write a shard's scenes that are not there yet; return the folders of all of them."""
    entry = source.manifest.files[shard]
    bound = source.manifest.bound(entry.task)
    folder = target / entry.task / entry.split
    scenes = dict.fromkeys(scene for scene, _ in _part(source, shard).keys(entry.task, entry.split))
    if all((folder / f"{scene:06d}" / ROWS).is_file() for scene in scenes):
        advance(entry.rows)
    else:
        sensors = source.manifest.tasks[entry.task].sensors
        for scene in _scenes(source, shard, advance):
            path = folder / f"{scene['scene']:06d}"
            if (path / ROWS).is_file():
                continue
            if to == "geotiff":
                write_rasters(path, bound, scene)
            else:
                write_scene(path, bound.columns, scene, sensors, entry.sha256)
    folders = [folder / f"{scene:06d}" for scene in scenes]
    if to == "geotiff":
        return folders
    images = [column.name for column in bound.columns if column.kind == "image"]
    return [path / name for path in folders for name in images]


def _scenes(source: DatasetFolder, shard: str, advance: Advance) -> Iterator[dict[str, Any]]:
    """Yield the scenes of one shard with all columns; progress counts what was dealt with."""
    entry = source.manifest.files[shard]
    columns = source.manifest.bound(entry.task).columns
    part = _part(source, shard)
    for scene in part.scenes(entry.task, entry.split, [column.name for column in columns]):
        yield scene
        advance(len(scene["time_step"]))


def _part(source: DatasetFolder, shard: str) -> DatasetFolder:
    """Return a view of a dataset folder that holds one shard only."""
    part = copy.copy(source)
    files = {shard: source.manifest.files[shard]}
    part.manifest = source.manifest.model_copy(update={"files": files})
    return part
