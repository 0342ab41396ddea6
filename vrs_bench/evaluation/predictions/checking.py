"""Checking predictions: every problem is found before anything is scored."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO

import numpy as np

from vrs_bench.columns import SCALE, Key, restore
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.expected import HIGHEST, LOWEST, Expected
from vrs_bench.evaluation.predictions.forms import opened
from vrs_bench.evaluation.predictions.keys import Read
from vrs_bench.types import Array, Floats

LINES = 20
"""Problems that an error message lists, about; the others are counted."""
REPEATS = 3
"""Places that are listed for one and the same problem."""

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
def checked(predictions: object, expected: Expected) -> Iterator[Callable[[Key], Floats]]:
    """Check all predictions, and give access to them one at a time.

    What can be read only once (generators, Parquet) is kept in a temporary file, in the folder
    that the environment's ``TMPDIR`` names. Memory holds a row.

    Args:
        predictions: see :func:`vrs_bench.evaluate`.
        expected: what the split asks for.

    Yields:
        a function that returns the prediction of a row, (band, height, width) float32 on the
        scale [0, 1], not clipped.

    Raises:
        BenchError: all problems, listed by kind, with scene and time step.
    """
    with ExitStack() as stack:
        source = stack.enter_context(opened(predictions, expected))
        kept = stack.enter_context(tempfile.TemporaryFile()) if source.one_pass else None
        wanted, problems = frozenset(expected.keys), Problems()
        seen: set[Key] = set()
        reads: dict[Key, Read] = {}
        for key, read in source.rows:
            if isinstance(key, str):
                problems.add("no readable key", key)
            elif key not in wanted:
                problems.add(f"unknown row, not in split {expected.split}", _place(key))
            elif key in seen:
                problems.add("duplicate row", _place(key))
            else:
                seen.add(key)
                accepted = _accepted(key, read, expected.shape, problems, kept)
                if accepted is not None:
                    reads[key] = accepted
        for key in expected.keys:
            if key not in seen:
                problems.add("missing row", _place(key))
        if problems:
            raise BenchError(
                f"{source.name}: not scored, because of these problems\n{problems}\n"
                f"Expected for {expected.content}"
            )
        yield partial(_row, reads)


def _accepted(
    key: Key, read: Read, shape: tuple[int, ...], problems: Problems, kept: IO[bytes] | None
) -> Read | None:
    """Check one row; return how it can be read again, or note its problems."""
    try:
        array = read()
    except BenchError as error:
        problems.add("unreadable", _place(key), str(error))
        return None
    faults = list(_faults(array, shape))
    for kind, text in faults:
        problems.add(kind, _place(key), text)
    if faults:
        return None
    return read if kept is None else _keep(on_unit_scale(array), kept)


def _row(reads: dict[Key, Read], key: Key) -> Floats:
    return on_unit_scale(reads[key]())


def _place(key: Key) -> str:
    return f"scene {key[0]}, step {key[1]}"


def on_unit_scale(array: Array) -> Floats:
    """Return a prediction as float32, where uint16 holds round(10000 · x)."""
    return restore(array) if array.dtype == np.uint16 else array.astype(np.float32)


def _keep(array: Floats, file: IO[bytes]) -> Read:
    """Write an array at the end of a temporary file; return how to read it again."""
    try:
        offset = file.seek(0, 2)
        file.write(array.tobytes())
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


def _faults(array: Array, shape: tuple[int, ...]) -> Iterator[Fault]:
    """Yield what is wrong with the array of a row."""
    right_dtype = array.dtype == np.uint16 or array.dtype.kind == "f"
    if not right_dtype:
        yield "wrong dtype, expected floats or uint16", _dtype_text(array)
    if array.shape != shape:
        bands_last = array.shape == (*shape[1:], shape[0])
        hint = "; it looks like (height, width, band)" if bands_last else ""
        yield f"wrong shape, expected {shape}", f"got {array.shape}{hint}"
    elif right_dtype:
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


def _dtype_text(array: Array) -> str:
    if array.dtype == np.uint8:
        return "uint8; divide by 255 to get floats in [0, 1]"
    if array.dtype.kind in "iu":
        return f"{array.dtype}; if it holds round({SCALE} · x), convert it with .astype('uint16')"
    return f"{array.dtype}"


def _range_text(lowest: float, highest: float) -> str:
    text = f"values from {lowest:.4g} to {highest:.4g}"
    if lowest >= -HIGHEST and highest <= HIGHEST:
        return f"{text}; if the scale is [-1, 1], use (x + 1) / 2"
    for scale in (255, SCALE):
        if 10 < highest <= HIGHEST * scale:
            return f"{text}; if the scale is 0 to {scale}, divide by {scale}"
    return text
