"""Loading only what is as it was published: the digests of the files that are about to be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vrs_bench.data.manifest import NAME, read_manifest
from vrs_bench.data.verify import content_fault, manifest_fault
from vrs_bench.errors import BenchError
from vrs_bench.paths import shown


def downloaded(repo: str, task: str, revision: str | None, token: str | bool | None) -> Path:
    """Return a local copy of a task's files of a Hub repository, in the cache of the client.

    What is checked there is what is read: a stream from the Hub would ask for the files again.
    """
    from huggingface_hub import snapshot_download

    files = ["README.md", NAME, f"{task}/*"]
    return Path(
        snapshot_download(
            repo, repo_type="dataset", revision=revision, token=token, allow_patterns=files
        )
    )


def require_published(builder: Any, folder: str | Path, task: str, split: str | None) -> None:
    """Refuse to load a folder that is not as its manifest says; all of the files are read.

    Args:
        builder: what `datasets.load_dataset_builder` gives for the folder. It says which files
            are about to be read: the card chooses them, and may be anybody's.
        folder: the dataset folder, whose files may be links.
        task: name of the task.
        split: the only one that is read, or None for all.

    Raises:
        BenchError: no readable manifest; or a file that is missing, changed, or not in it.
    """
    manifest, root = read_manifest(folder), Path(folder).absolute()
    chosen = {
        str(name): [Path(os.path.relpath(file, root)).as_posix() for file in files]
        for name, files in (builder.config.data_files or {}).items()
    }
    faults = {NAME: manifest_fault(manifest)}
    for name in [split] if split is not None else manifest.splits(task):
        for path in manifest.shards(task, name):
            if path in chosen.get(name, ()):
                faults[path] = content_fault(root / path, manifest.files[path], manifest)
            else:
                faults[path] = "missing, or left out by the card"
    read = [file for name, files in chosen.items() if split in (None, name) for file in files]
    faults |= dict.fromkeys((file for file in read if file not in faults), "not in the manifest")
    lines = [f"  {shown(path)}: {fault}" for path, fault in faults.items() if fault is not None]
    if lines:
        raise BenchError(
            "\n".join([f"{shown(folder)}: not loaded, for it is not what was published:", *lines])
        )
