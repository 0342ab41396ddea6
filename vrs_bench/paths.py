"""Names of files; how a file is written whole or not at all, and a folder by one process."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from vrs_bench.errors import BenchError

TEMPORARY = ".partial"
"""Suffix of a file that is still being written."""
LOCK = ".writing.lock"
"""Name of the file in a folder that is being written to, by which its writer holds it."""

_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # bytes; of Linux, macOS and their file systems
_SHOWN = 80  # characters of a name that is too long, in a message
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP)  # of file systems without locks


def shown(path: Path | str) -> str:
    """Return a path as a message can hold it, whatever bytes it is made of."""
    text = str(path)
    return text if text.isprintable() else repr(text)


def named(path: str | Path) -> Path:
    """Return a path that somebody named, whether or not something is there.

    Raises:
        BenchError: no file can have that name on the file systems of today.
    """
    try:
        whole = os.fsencode(Path(path).absolute())
    except UnicodeEncodeError as error:
        raise BenchError(f"{shown(path)}: holds half a character (a lone surrogate)") from error
    if b"\0" in whole:
        raise BenchError(f"{shown(path)}: holds a NUL character, which no name of a file can")
    longest = max(map(len, whole.split(b"/")))
    if longest > _LONGEST_NAME or len(whole) > _LONGEST_PATH:
        raise BenchError(
            f"{shown(path)[:_SHOWN]}…: the name is too long; expected at most {_LONGEST_NAME} "
            f"bytes between two slashes and {_LONGEST_PATH} in all, got {longest} and {len(whole)}"
        )
    return Path(path)


@contextmanager
def whole_file(path: Path, flushed: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block succeeds.

    After an error or a crash, ``path`` is what it was before. The file is flushed to disk before
    it is renamed; one that is not, for the caller flushes many at once, can be lost or cut when
    the machine fails, though not when the process does.
    """
    if named(path).is_dir():
        raise BenchError(f"{path}: is a folder; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The beginning of the name only: with all of it, a long one would be too long.
    temporary = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:12]}{TEMPORARY}")
    try:
        yield temporary
        if flushed:
            _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def flush(paths: Iterable[Path]) -> None:
    """Flush files and folders to disk, many at a time: the disk then commits them together."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        list(pool.map(_flush, paths))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def writing_alone(folder: Path, lock: Path | None = None) -> Iterator[None]:
    """Hold a folder while the block writes into it, so that no other process does.

    The lock is the operating system's: it goes with the process, however that ends, and a file
    that a killed process left means nothing. The file is removed at the end, and so are folders
    that were made for it and are still empty. On a file system without locks nothing is held.

    Args:
        folder: what is written.
        lock: file to lock; default: :data:`LOCK` in the folder.

    Raises:
        BenchError: another process holds the folder, or it is a file.
    """
    from filelock import FileLock, Timeout

    if named(folder).exists() and not folder.is_dir():
        raise BenchError(f"{folder}: is a file; name a folder")
    path = (lock or folder / LOCK).absolute()
    made = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(path)
    try:
        held.acquire(timeout=0)
        with suppress(OSError):  # where a locked file can't be written, nobody is named
            now = datetime.now(UTC).isoformat(" ", "seconds")
            path.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {now}")
    except Timeout as error:
        raise BenchError(
            f"{folder}: another process is writing here ({_holder(path)}); wait for its end, or "
            f"name another folder"
        ) from error
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        # Removed while it is held: whoever comes now makes a file of his own.
        with suppress(OSError):
            path.unlink()
        held.release()
        for parent in made:
            with suppress(OSError):
                parent.rmdir()


def _holder(lock: Path) -> str:
    """Return who holds a lock, as far as the file tells."""
    try:
        return lock.read_text(encoding="utf-8")[:200] or "which one is not known"
    except (OSError, UnicodeDecodeError):
        return "which one is not known"


def free_bytes(folder: Path) -> int:
    """Return the room on the disk of a folder, which need not be there yet."""
    folder = folder.absolute()
    return shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free
