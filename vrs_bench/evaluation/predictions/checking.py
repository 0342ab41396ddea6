"""Checking predictions: every problem is found before anything is scored."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, Any

import numpy as np

from vrs_bench.columns import SCALE, Key, restore
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.expected import HIGHEST, LOWEST, Expected
from vrs_bench.evaluation.predictions.forms import opened
from vrs_bench.evaluation.predictions.keys import Read, Unlike, is_right_dtype
from vrs_bench.types import Array, Floats

LINES = 20
"""Problems that an error message lists, about; the others are counted."""
REPEATS = 3
"""Places that are listed for one and the same problem."""
BYTE = 255
"""What stands for 1 in images of 8 bits."""
NOTHING = 1e-30
"""Magnitude up to which values are as good as zero."""

Fault = tuple[str, str]
"""Kind of problem, and what it is in this place."""


class Problems:
    """Problems by kind: all are counted, the first of each kind are kept."""

    def __init__(self) -> None:
        """Start without any."""
        self._counts: Counter[str] = Counter()
        self._texts: Counter[str] = Counter()
        self._lines: dict[str, list[str]] = {}

    def add(self, kind: str, place: str, text: str = "") -> None:
        """Note a problem: what kind, where, and what is particular about it."""
        self._counts[kind] += 1
        self._texts[text] += bool(text)
        lines = self._lines.setdefault(kind, [])
        if len(lines) < LINES and self._texts[text] <= REPEATS:
            lines.append(f"{place}: {text}" if text else place)

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._counts)

    def __str__(self) -> str:
        """List them under their kinds."""
        share = max(2, LINES // len(self._counts))
        lines = []
        for kind, count in self._counts.items():
            shown = self._lines[kind][:share]
            lines += [f"{count} × {kind}:", *(f"  {text}" for text in shown)]
            if count > len(shown):
                lines.append(f"  and {count - len(shown)} more")
        return "\n".join(lines)


@contextmanager
def checked(predictions: object, expected: Expected, keyed: bool = False) -> Iterator[Checked]:
    """Check all predictions, and give access to them one at a time.

    What can be read only once (generators, Parquet) is kept in a temporary file, in the folder
    that the environment's ``TMPDIR`` names. Memory holds a row.

    Args:
        predictions: see :func:`vrs_bench.evaluate`.
        expected: what the split asks for.
        keyed: whether noise will be keyed by them, see :attr:`Checked.digest`.

    Yields:
        what returns the prediction of a row, (band, height, width) float32 on the scale [0, 1],
        not clipped.

    Raises:
        BenchError: all problems, listed by kind, with scene and time step.
    """
    with ExitStack() as stack:
        source = stack.enter_context(opened(predictions, expected))
        kept = stack.enter_context(tempfile.TemporaryFile()) if source.one_pass else None
        wanted, problems = frozenset(expected.keys), Problems()
        seen: set[Key] = set()
        found = Checked(source.name, expected.shape, keyed)
        for number, (key, read) in enumerate(source.rows):
            if number == expected.most_rows:
                problems.add(f"more than {number} rows, the others were not looked at", source.name)
                break
            if isinstance(key, str):
                problems.add("no readable key", key)
            elif key not in wanted:
                problems.add(f"unknown row, not in split {expected.split}", _place(key))
            elif key in seen:
                problems.add("duplicate row", _place(key))
            else:
                seen.add(key)
                for kind, text in found.take(key, read, kept):
                    problems.add(kind, _place(key), text)
        else:
            for key in expected.keys:
                if key not in seen:
                    problems.add("missing row", _place(key))
        if problems:
            raise BenchError(
                f"{source.name}: not scored, because of these problems\n{problems}\n"
                f"Expected for {expected.content}"
            )
        yield found


class Checked:
    """Predictions that have been checked, each of which is checked again when it is read again.

    Between the two, files and arrays may change, and mappings may give something else.
    """

    def __init__(self, name: str, shape: tuple[int, ...], keyed: bool) -> None:
        """Start without any."""
        self._name, self._shape, self._keyed = name, shape, keyed
        self._rows: dict[Key, tuple[Read, bytes]] = {}
        self._images: dict[Key, bytes] = {}
        self._farthest = 0.0  # from zero, of the values as they came
        self._all_uint16 = True

    def take(self, key: Key, read: Read, kept: IO[bytes] | None) -> list[Fault]:
        """Check a row; note how it can be read again and what it was, or return its faults.

        Args:
            key: of the row.
            read: reads it.
            kept: where to keep it, if it can be read only now.
        """
        array, faults = _checked(read, self._shape)
        if array is not None:
            self._all_uint16 &= array.dtype == np.uint16
            self._farthest = max(self._farthest, float(array.max()), -float(array.min()))
            again = read
            if kept is not None:
                array = on_unit_scale(array)
                again = _keep(array, kept)
            self._rows[key] = again, _digest(array)
            if self._keyed:
                floats = np.ascontiguousarray(on_unit_scale(array), "<f4")
                self._images[key] = hashlib.blake2b(floats.data, digest_size=16).digest()
        return faults

    @property
    def digest(self) -> bytes:
        """Digest of all images as float32, in whatever form and order they came: 32 bytes.

        Of none where :func:`checked` was not told that noise is keyed by it.
        """
        keyed = sorted(self._images.items())
        return hashlib.sha256(b"".join(b"%d/%d/" % key + digest for key, digest in keyed)).digest()

    def __call__(self, key: Key) -> Floats:
        """Return the prediction of a row, (band, height, width) float32, not clipped.

        Raises:
            BenchError: it is no longer what was checked.
        """
        read, digest = self._rows[key]
        array, faults = _checked(read, self._shape)
        if array is None or _digest(array) != digest:
            now = "; ".join(": ".join(fault) for fault in faults) or "now other values"
            raise BenchError(
                f"{self._name}: {_place(key)}: changed since it was checked ({now}); expected the "
                f"same at every reading: leave files and arrays as they are, and give what is "
                f"computed when it is asked for as an iterable of pairs, which is read once"
            )
        return on_unit_scale(array)

    @property
    def remarks(self) -> list[str]:
        """What is no fault, yet looks like one."""
        if not self._rows:
            return []
        if self._farthest <= NOTHING:
            return [f"{self._name}: no value of any row exceeds {self._farthest:g} in magnitude"]
        if self._all_uint16 and self._farthest <= BYTE:
            return [
                f"{self._name}: uint16 up to {self._farthest:g} in all rows, where {SCALE} "
                f"stands for 1; if the scale is 0 to {BYTE}, divide by {BYTE} to get floats"
            ]
        return []


def _checked(read: Read, shape: tuple[int, ...]) -> tuple[Array | None, list[Fault]]:
    """Read a row; return it, or None and what is wrong with it."""
    try:
        array = read()
    except Unlike as other:
        faults = list(_faults_of_kind(other.shape, other.dtype, shape))
        return None, faults or [("unreadable", str(other))]
    except BenchError as error:
        return None, [("unreadable", str(error))]
    faults = list(_faults_of_kind(array.shape, array.dtype, shape))
    if not faults:
        if not _nobody_else_has(array):
            array = np.array(array)  # a copy that nobody changes while it is checked and scored
        faults = list(_faults_of(array))
    return (None if faults else array), faults


def _nobody_else_has(array: Array) -> bool:
    """Say whether an array is a view of bytes, which nobody can change."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return isinstance(owner, bytes)


def _digest(array: Array) -> bytes:
    """Digest an array as it came: uint16 takes half the time of the floats that it stands for."""
    if array.dtype.itemsize > np.dtype(np.float64).itemsize:
        array = on_unit_scale(array)  # wider floats have bytes that mean nothing
    digest = hashlib.blake2b(array.dtype.str.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.digest()


def _place(key: Key) -> str:
    return f"scene {key[0]}, step {key[1]}"


def on_unit_scale(array: Array) -> Floats:
    """Return a prediction as float32, where uint16 holds round(10000 · x)."""
    return restore(array) if array.dtype == np.uint16 else array.astype(np.float32, copy=False)


def _keep(array: Floats, file: IO[bytes]) -> Read:
    """Write an array at the end of a temporary file; return how to read it again."""
    try:
        offset = file.seek(0, 2)
        file.write(array.tobytes())
        file.flush()
    except OSError as error:
        raise BenchError(
            f"no room for predictions in {tempfile.gettempdir()} ({error}); set TMPDIR to a "
            f"folder with more, or write them to a folder of .npy files and give its path"
        ) from error
    return partial(_kept, file, offset, array.shape)


def _kept(file: IO[bytes], offset: int, shape: tuple[int, ...]) -> Array:
    file.seek(offset)
    size = int(np.prod(shape)) * np.dtype(np.float32).itemsize
    return np.frombuffer(file.read(size), np.float32).reshape(shape)


def _faults_of_kind(
    found: tuple[int, ...], dtype: np.dtype[Any], shape: tuple[int, ...]
) -> Iterator[Fault]:
    """Yield what can be seen to be wrong without the values."""
    if not is_right_dtype(dtype):
        yield "wrong dtype, expected floats or uint16", _dtype_text(dtype)
    if found != shape:
        band, height, width = shape
        looks: dict[tuple[int, ...], str] = {
            (height, width, band): "; it looks like (height, width, band)",
            (band, width, height): "; it looks like (band, width, height)",
        }
        yield f"wrong shape, expected {shape}", f"got {found}{looks.get(found, '')}"


def _faults_of(array: Array) -> Iterator[Fault]:
    """Yield what is wrong with the values of an array of the right shape and dtype."""
    with np.errstate(invalid="ignore"):
        lowest, highest = float(array.min()), float(array.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        nan, infinite = np.isnan(array).sum(), np.isinf(array).sum()
        yield "not finite", f"{nan} NaN and {infinite} infinite of {array.size} values"
    elif array.dtype == np.uint16 and highest > HIGHEST * SCALE:
        text = f"up to {highest:g}, where {SCALE} stands for 1"
        yield f"wrong range, expected uint16 round({SCALE} · x)", text
    elif array.dtype.kind == "f" and not (lowest >= LOWEST and highest <= HIGHEST):
        yield "wrong range, expected [0, 1]", _range_text(lowest, highest)


def _dtype_text(dtype: np.dtype[Any]) -> str:
    if dtype == np.uint8:
        return f"uint8; divide by {BYTE} to get floats in [0, 1]"
    if dtype.kind in "iu":
        return f"{dtype}; if it holds round({SCALE} · x), convert it with .astype('uint16')"
    return f"{dtype}"


def _range_text(lowest: float, highest: float) -> str:
    text = f"values from {lowest:.4g} to {highest:.4g}"
    if lowest >= -HIGHEST and highest <= HIGHEST:
        return f"{text}; if the scale is [-1, 1], use (x + 1) / 2"
    for scale, most in ((100, 110), (BYTE, HIGHEST * BYTE), (SCALE, HIGHEST * SCALE)):
        if 10 < highest <= most:
            return f"{text}; if the scale is 0 to {scale}, divide by {scale}"
    return text
