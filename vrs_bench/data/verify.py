"""Checking a dataset folder against its manifest."""

from __future__ import annotations

from pathlib import Path

from vrs_bench.data.build.shards import file_digest
from vrs_bench.data.manifest import NAME, FileEntry, Manifest, read_manifest
from vrs_bench.data.values import values_digest


def verify(folder: str | Path, documents: bool = True) -> list[str]:
    """Compare a dataset folder with its manifest: data files, card, recipes and pictures.

    Hidden files (``.cache``, ``.git``) don't count.

    Args:
        folder: the dataset folder.
        documents: whether to look at more than the data files. Who edits the card, or puts
            something beside it, may leave it out.

    Returns:
        one line for each fault: a missing, changed or unexpected file, and in words of its own a
        data file that holds the same values in other bytes. Empty if all is well.

    Raises:
        BenchError: no readable manifest.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    faults = []
    if manifest.sha256 is not None and manifest.sha256 != manifest.own_digest():
        faults.append(f"{NAME}: its content differs from its own SHA-256")
    for name, entry in manifest.files.items():
        fault = _shard_fault(root / name, entry, manifest)
        if fault is not None:
            faults.append(f"{name}: {fault}")
    for name, digest in manifest.documents.items() if documents else ():
        path = root / name
        if not path.is_file():
            faults.append(f"{name}: missing")
        elif file_digest(path) != digest:
            faults.append(f"{name}: its content differs from the manifest's SHA-256")
    known = {NAME, *manifest.files, *manifest.documents}
    roots = [root] if documents else [root / task for task in manifest.tasks]
    found = (p.relative_to(root) for top in roots for p in top.rglob("*") if p.is_file())
    present = {p.as_posix() for p in found if not any(part.startswith(".") for part in p.parts)}
    return faults + [f"{name}: not in the manifest" for name in sorted(present - known)]


def _shard_fault(path: Path, entry: FileEntry, manifest: Manifest) -> str | None:
    """Say how a data file differs from its entry, or None; values are looked at where bytes do."""
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size == entry.bytes and file_digest(path) == entry.sha256:
        return None
    values = entry.values_sha256
    if values is not None and values_digest(path, manifest.columns(entry.task)) == values:
        return (
            f"not damaged: it holds the values of the manifest, but another writer than "
            f"{entry.writer} put them into other bytes"
        )
    if size != entry.bytes:
        return f"{size} bytes, the manifest says {entry.bytes}"
    return "its content differs from the manifest's SHA-256"
