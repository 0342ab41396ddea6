"""Checking a dataset folder against its manifest."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vrs_bench.data.build.shards import file_digest
from vrs_bench.data.manifest import NAME, FileEntry, Manifest, read_manifest
from vrs_bench.data.values import values_digest
from vrs_bench.paths import shown


def verify(folder: str | Path, documents: bool = True) -> list[str]:
    """Compare a dataset folder with its manifest: data files, card, recipes and pictures.

    Everything must be a plain file of the folder itself: what a link leads to is neither kept nor
    published with the folder. Links are not followed, and pipes and devices are not opened.
    Hidden files (``.cache``, ``.git``) don't count.

    Args:
        folder: the dataset folder.
        documents: whether to look at more than the data files. Who edits the card, or puts
            something beside it, may leave it out.

    Returns:
        one line for each fault: a missing, changed or unexpected file, a link, pipe or device, a
        manifest without a digest of itself, and in words of its own a data file that holds the
        same values in other bytes. Empty if all is well.

    Raises:
        BenchError: no readable manifest, or one of a newer version.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    faults = {NAME: place_fault(root, NAME) or manifest_fault(manifest)}
    for name, entry in manifest.files.items():
        faults[name] = place_fault(root, name) or content_fault(root / name, entry, manifest)
    for name, digest in manifest.documents.items() if documents else ():
        faults[name] = place_fault(root, name) or _document_fault(root / name, digest)
    known = {NAME, *manifest.files, *manifest.documents}
    known |= {parent.as_posix() for name in known for parent in PurePosixPath(name).parents}
    roots = [root] if documents else [root / task for task in manifest.tasks]
    present = {path.relative_to(root).as_posix() for top in roots for path in visible(top)}
    faults |= dict.fromkeys(sorted(present - known), "not in the manifest")
    return [f"{shown(name)}: {fault}" for name, fault in faults.items() if fault is not None]


def place_fault(root: Path, name: str) -> str | None:
    """Say why a name does not lead to a plain file of a folder, or None where it does."""
    place, mode = root, stat.S_IFDIR
    try:
        for part in PurePosixPath(name).parts:
            place /= part
            mode = place.lstat().st_mode
            if stat.S_ISLNK(mode):
                inside = "" if place == root / name else f"inside of {shown(part)}, "
                return f"{inside}a link; expected the file itself, of which others get a copy"
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
        return f"can't be looked at ({getattr(error, 'strerror', error)})"
    if stat.S_ISREG(mode):
        return None
    return "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device; expected a plain file"


def content_fault(path: Path, entry: FileEntry, manifest: Manifest) -> str | None:
    """Say how a plain data file differs from its entry, or None.

    All of it is read, and where its bytes differ, its values too.
    """
    try:
        size = path.stat().st_size
        if size == entry.bytes and file_digest(path) == entry.sha256:
            return None
    except OSError as error:
        return f"can't be read ({error.strerror})"
    values = entry.values_sha256
    if values is not None and values_digest(path, manifest.columns(entry.task)) == values:
        return (
            f"not damaged: it holds the values of the manifest, but another writer than "
            f"{entry.writer} put them into other bytes"
        )
    if size != entry.bytes:
        return f"{size} bytes, the manifest says {entry.bytes}"
    return "its content differs from the manifest's SHA-256"


def manifest_fault(manifest: Manifest) -> str | None:
    """Say what is wrong with the manifest's digest of itself, or None."""
    if manifest.sha256 is None:
        return "holds no SHA-256 of itself, so nobody can tell whether it was changed"
    if manifest.sha256 != manifest.own_digest():
        return "its content differs from its own SHA-256"
    return None


def _document_fault(path: Path, digest: str) -> str | None:
    """Say how a plain document differs from the manifest, or None."""
    try:
        if file_digest(path) == digest:
            return None
    except OSError as error:
        return f"can't be read ({error.strerror})"
    return "its content differs from the manifest's SHA-256"


def visible(top: Path) -> Iterator[Path]:
    """Yield all below a folder that is no folder itself (links are none), without hidden names."""
    for folder, inner, names in os.walk(top):
        inner[:] = [name for name in inner if not name.startswith(".")]
        links = [name for name in inner if (Path(folder) / name).is_symlink()]
        yield from (Path(folder) / name for name in [*names, *links] if not name.startswith("."))
