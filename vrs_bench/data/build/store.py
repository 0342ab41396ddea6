"""Where a build writes to: a local or shared folder, or any URL that fsspec knows.

A file appears under its name whole or not at all: locally by renaming it, on an object store
because that is how such stores take files.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

from vrs_bench.data.build.shards import file_digest
from vrs_bench.errors import BenchError
from vrs_bench.paths import TEMPORARY, free_bytes, whole_file, write_text, writing_alone

T = TypeVar("T")

_FILE = "file://"


class Store(Protocol):
    """What a build asks of the place that it writes to; names are paths inside of it."""

    def read_text(self, name: str) -> str | None:
        """Return a text file, or None where there is none."""

    def write_text(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all."""

    def put(self, name: str, write: Callable[[Path], T]) -> T:
        """Write a file by a function that is given a local path, whole or not at all."""

    def fetch(self, name: str, path: Path) -> None:
        """Copy a file to a local path."""

    def size(self, name: str) -> int | None:
        """Return the bytes of a file, or None where there is none."""

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a file, or None where there is none."""

    def remove(self, folder: str) -> None:
        """Remove a folder and what is in it, if it is there."""

    def tidy(self) -> None:
        """Remove what workers that were killed have left half-written."""

    def free_bytes(self) -> int | None:
        """Return the room that is left, or None where that can't be known."""

    def alone(self) -> AbstractContextManager[None]:
        """Hold the place, so that no other build writes there meanwhile.

        Object stores have no locks: whoever builds into a URL sees to it that nobody else does.

        Raises:
            BenchError: another build is writing there.
        """


def open_store(out: str | Path) -> Store:
    """Return the store at a path or URL.

    Raises:
        BenchError: a URL of a kind that is unknown, or whose driver is not installed.
    """
    if is_url(out) and not str(out).startswith(_FILE):
        return RemoteStore(str(out))
    return LocalStore(Path(str(out).removeprefix(_FILE)))


def is_url(out: str | Path) -> bool:
    """Say whether it is a URL, such as ``s3://bucket/vrs-toy``."""
    return "://" in str(out)


class LocalStore:
    """A folder of this machine, or one that several machines share."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when something is written."""
        self.folder = folder

    def read_text(self, name: str) -> str | None:
        """See :class:`Store`."""
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None

    def size(self, name: str) -> int | None:
        """See :class:`Store`."""
        path = self.folder / name
        return path.stat().st_size if path.is_file() else None

    def write_text(self, name: str, text: str) -> None:
        """See :class:`Store`."""
        write_text(self.folder / name, text)

    def put(self, name: str, write: Callable[[Path], T]) -> T:
        """See :class:`Store`."""
        with whole_file(self.folder / name) as temporary:
            return write(temporary)

    def fetch(self, name: str, path: Path) -> None:
        """See :class:`Store`."""
        shutil.copyfile(self.folder / name, path)

    def digest(self, name: str) -> str | None:
        """See :class:`Store`."""
        path = self.folder / name
        return file_digest(path) if path.is_file() else None

    def remove(self, folder: str) -> None:
        """See :class:`Store`."""
        if (self.folder / folder).is_dir():
            shutil.rmtree(self.folder / folder)

    def tidy(self) -> None:
        """See :class:`Store`."""
        for leftover in self.folder.rglob(f".*{TEMPORARY}"):
            leftover.unlink(missing_ok=True)

    def free_bytes(self) -> int | None:
        """See :class:`Store`."""
        return free_bytes(self.folder)

    def alone(self) -> AbstractContextManager[None]:
        """See :class:`Store`."""
        return writing_alone(self.folder)


class RemoteStore:
    """A folder of any file system that fsspec knows, by its URL."""

    def __init__(self, url: str) -> None:
        """Name the folder."""
        import fsspec

        self._files: Any
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise BenchError(f"{url}: can't be written to: {error}") from error

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def read_text(self, name: str) -> str | None:
        """See :class:`Store`."""
        if not self._files.exists(self._path(name)):
            return None
        return str(self._files.cat_file(self._path(name)).decode(errors="replace"))

    def size(self, name: str) -> int | None:
        """See :class:`Store`."""
        path = self._path(name)
        return int(self._files.size(path)) if self._files.exists(path) else None

    def write_text(self, name: str, text: str) -> None:
        """See :class:`Store`."""
        self._files.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(self._path(name), text.encode())

    def put(self, name: str, write: Callable[[Path], T]) -> T:
        """See :class:`Store`."""
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "file"
            result = write(local)
            self._files.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(local), self._path(name))
        return result

    def fetch(self, name: str, path: Path) -> None:
        """See :class:`Store`."""
        self._files.get_file(self._path(name), str(path))

    def digest(self, name: str) -> str | None:
        """See :class:`Store`."""
        if not self._files.exists(self._path(name)):
            return None
        sha256 = hashlib.sha256()
        with self._files.open(self._path(name), "rb") as file:
            while block := file.read(1 << 22):
                sha256.update(block)
        return sha256.hexdigest()

    def remove(self, folder: str) -> None:
        """See :class:`Store`."""
        if self._files.exists(self._path(folder)):
            self._files.rm(self._path(folder), recursive=True)

    def tidy(self) -> None:
        """Nothing is left: a file that was not sent whole is not there."""

    def free_bytes(self) -> int | None:
        """Nobody knows."""
        return None

    def alone(self) -> AbstractContextManager[None]:
        """Nothing is held."""
        return nullcontext()
