"""What is scored is what was checked: changes between the two readings are errors with a place."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from vrs_bench import evaluate
from vrs_bench.columns import Key, row_name
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.checking import checked
from vrs_bench.evaluation.predictions.expected import Expected
from vrs_bench.types import Array

SHAPE = (2, 12, 16)
KEYS = tuple((scene, step) for scene in (900000, 900001) for step in range(3))
EXPECTED = Expected("super_res", "test", "hr", KEYS, SHAPE)
SECOND = KEYS[1]
PLACE = "scene 900000, step 1: changed since it was checked"


def image(key: Key) -> Array:
    return np.random.default_rng(key).random(SHAPE, np.float32)


ROWS = {key: image(key) for key in KEYS}


class Changing(Mapping[Key, Array]):
    """Gives something else for the second row when it is asked again."""

    def __init__(self, change: Callable[[Array], object]) -> None:
        self._change, self._asked = change, 0

    def __getitem__(self, key: Key) -> Array:
        self._asked += key == SECOND
        array = ROWS[key].copy()
        return self._change(array) if key == SECOND and self._asked > 1 else array  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Key]:
        return iter(KEYS)

    def __len__(self) -> int:
        return len(KEYS)


def put(value: float) -> Callable[[Array], object]:
    def change(array: Array) -> Array:
        array[0, 0, 0] = value
        return array

    return change


def test_the_bytes_between_wide_floats_mean_nothing() -> None:
    """A float of 80 bits is followed by bytes that nobody sets."""

    class Wide(Changing):
        def __getitem__(self, key: Key) -> Array:
            self._asked += 1
            array = ROWS[key].astype(np.longdouble)
            if np.finfo(np.longdouble).nmant == 63:
                array.view(np.uint8).reshape(array.size, -1)[:, 10:] = self._asked
            return array

    with checked(Wide(put(0)), EXPECTED) as prediction_of:
        for key in KEYS:
            np.testing.assert_array_equal(prediction_of(key), ROWS[key])


CHANGES: dict[str, tuple[Callable[[Array], object], str]] = {
    "infinite": (put(np.inf), "not finite: 0 NaN and 1 infinite of 384 values"),
    "nan": (put(np.nan), "not finite: 1 NaN"),
    "range": (lambda array: 255 * array, "wrong range, expected [0, 1]"),
    "scalar": (lambda _: np.float32(0.5), "wrong shape, expected (2, 12, 16): got ()"),
    "one band": (lambda array: array[:1], "wrong shape, expected (2, 12, 16): got (1, 12, 16)"),
    "dtype": (lambda array: array > 0.5, "wrong dtype, expected floats or uint16: bool"),
    "no array": (lambda _: [[0.5], [0.5, 0.5]], "unreadable: list is no array"),
    "other values": (lambda array: array[:, ::-1], "now other values"),
    "one value": (put(0.123), "now other values"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_mapping_that_gives_something_else_is_named(change: str) -> None:
    with checked(Changing(CHANGES[change][0]), EXPECTED) as prediction_of:
        np.testing.assert_array_equal(prediction_of(KEYS[0]), ROWS[KEYS[0]])
        with pytest.raises(BenchError) as caught:
            prediction_of(SECOND)
    assert f"predictions: {PLACE} ({CHANGES[change][1]}" in str(caught.value)
    assert "as an iterable of pairs, which is read once" in str(caught.value)


def test_an_array_that_is_written_to_is_named() -> None:
    stack = np.stack(list(ROWS.values()))
    with checked(stack, EXPECTED) as prediction_of:
        stack[1, 0, 0, 0] = np.inf
        with pytest.raises(BenchError, match="not finite"):
            prediction_of(SECOND)


def test_what_was_returned_is_not_what_is_kept() -> None:
    given = {key: array.copy() for key, array in ROWS.items()}
    with checked(given, EXPECTED) as prediction_of:
        taken = prediction_of(SECOND)
        given[SECOND][...] = np.nan
        np.testing.assert_array_equal(taken, ROWS[SECOND])


# Files


def npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def as_folder(rows: Mapping[Key, Array], path: Path) -> Path:
    path.mkdir(exist_ok=True)
    for key, array in rows.items():
        np.save(path / f"{row_name(key)}.npy", array)
    return path


def as_zip(rows: Mapping[Key, Array], path: Path) -> Path:
    with zipfile.ZipFile(path.with_suffix(".npz"), "w") as archive:
        for key, array in rows.items():
            archive.writestr(f"{row_name(key)}.npy", npy(array))
    return path.with_suffix(".npz")


def as_tar(rows: Mapping[Key, Array], path: Path) -> Path:
    with tarfile.open(path.with_suffix(".tar"), "w") as archive:
        for key, array in rows.items():
            member, content = tarfile.TarInfo(f"{row_name(key)}.npy"), npy(array)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path.with_suffix(".tar")


def as_stack(rows: Mapping[Key, Array], path: Path) -> Path:
    np.save(path.with_suffix(".npy"), np.stack(list(rows.values())))
    return path.with_suffix(".npy")


FORMS = [as_folder, as_zip, as_tar, as_stack]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the content of a file, or of that of the second row, in its place."""
    file = path / f"{row_name(SECOND)}.npy" if path.is_dir() else path
    content = change(file.read_bytes())
    with file.open("r+b") as open_file:
        open_file.write(content)
        open_file.truncate()


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_cut_after_the_check_is_named(
    form: Callable[[Mapping[Key, Array], Path], Path], tmp_path: Path
) -> None:
    path = form(ROWS, tmp_path / "p")
    with checked(path, EXPECTED) as prediction_of:
        rewrite(path, lambda content: content[:1000])
        with pytest.raises(BenchError, match="changed since it was checked"):
            prediction_of(SECOND)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_written_to_after_the_check_is_named(
    form: Callable[[Mapping[Key, Array], Path], Path], tmp_path: Path
) -> None:
    path = form(ROWS, tmp_path / "p")
    old, new = ROWS[SECOND].tobytes()[:4], np.float32(0.125).tobytes()
    with checked(path, EXPECTED) as prediction_of:
        rewrite(path, lambda content: content.replace(old, new))
        with pytest.raises(BenchError) as caught:
            prediction_of(SECOND)
    assert PLACE in str(caught.value)


def test_a_row_that_becomes_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = as_folder(ROWS, tmp_path / "p")
    with checked(path, EXPECTED) as prediction_of:
        (path / f"{row_name(SECOND)}.npy").unlink()
        os.mkfifo(path / f"{row_name(SECOND)}.npy")
        with pytest.raises(BenchError, match="a pipe or device; expected a plain file"):
            prediction_of(SECOND)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float64])
def test_a_stack_in_a_file_is_read_in_every_order(
    order: str, dtype: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vrs_bench.evaluation.predictions import stacks

    monkeypatch.setattr(stacks, "_TOGETHER", 4 * 384 * np.dtype(dtype).itemsize)
    monkeypatch.setattr(stacks, "_BLOCK", 1000)
    stack = (10_000 * np.stack(list(ROWS.values()))).astype(np.uint16)
    given = stack if dtype is np.uint16 else (stack / np.float32(10_000)).astype(dtype)
    np.save(tmp_path / "p.npy", np.asarray(given, order=order))  # type: ignore[call-overload]
    scale = np.float32(10_000 if dtype is np.uint16 else 1)
    with checked(tmp_path / "p.npy", EXPECTED) as prediction_of:
        for key, array in zip(KEYS, given, strict=True):
            np.testing.assert_array_equal(prediction_of(key), array.astype(np.float32) / scale)


VIEWS: dict[str, Callable[[Array], object]] = {
    "backwards": lambda array: np.ascontiguousarray(array[:, ::-1])[:, ::-1],
    "every other": lambda array: np.repeat(array, 2, axis=2)[..., ::2],
    "Fortran": np.asfortranarray,
    "masked nowhere": lambda array: np.ma.masked_greater(array, 2),
    "read-only": lambda array: np.broadcast_to(array, SHAPE),
    "list": lambda array: array.astype(np.float64).tolist(),
    "big-endian": lambda array: array.astype(">f4"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_arrays_are_read_however_they_lie_in_memory(view: str) -> None:
    given = {key: VIEWS[view](array) for key, array in ROWS.items()}
    with checked(given, EXPECTED) as prediction_of:
        for key in KEYS:
            np.testing.assert_array_equal(prediction_of(key), ROWS[key])


# The truth


def test_rows_that_the_truth_holds_twice_are_named(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "data")
    [name] = DatasetFolder(folder).manifest.shards("super_res", "test")
    table = pq.read_table(folder / name)
    place = table.schema.get_field_index("time_step")
    steps = table["time_step"].to_numpy() // 2  # 0, 0, 1
    pq.write_table(table.set_column(place, table.schema.field(place), [steps]), folder / name)
    with pytest.raises(
        BenchError, match=r"scene 900000, step 0 of super_res, split test, is there"
    ):
        evaluate({}, "super_res", data=folder)


# Names, remarks and hints


def test_names_have_as_many_digits_as_they_need(tmp_path: Path) -> None:
    keys = ((900000, 7), (900000, 1007), (1234567, 0))
    expected = Expected("super_res", "test", "hr", keys, SHAPE)
    path = as_folder(dict.fromkeys(keys, ROWS[KEYS[0]]), tmp_path / "p")
    assert {p.stem for p in path.iterdir()} == {"900000_007", "900000_1007", "1234567_000"}
    with checked(path, expected) as prediction_of:
        prediction_of((900000, 1007))
    for name, right in {
        "900000_0007": "900000_007",
        "0900000_007": "900000_007",
        "900000_01007": "900000_1007",
    }.items():
        (path / f"{name}.npy").write_bytes(npy(ROWS[KEYS[0]]))
        with pytest.raises(BenchError) as caught, checked(path, expected):
            pass
        assert f"'{name}': expected {right}, without superfluous zeros" in str(caught.value)
        (path / f"{name}.npy").unlink()


@pytest.mark.parametrize("key", [(10**5000, 0), (10**18, 0), ([0] * 10**6, 0), "x" * 10**6])
def test_keys_that_are_none_are_told_in_one_line(key: object) -> None:
    with pytest.raises(BenchError) as caught, checked([(key, ROWS[SECOND])], EXPECTED):
        pass
    line = str(caught.value).splitlines()[2]
    assert line.endswith(": expected a pair of integers (scene, time_step)")
    assert len(line) < 150


ADVICE = {
    "percent": (lambda array: 100 * array / array.max(), "0 to 100, divide by 100"),
    "bytes": (lambda array: 255 * array / array.max(), "0 to 255, divide by 255"),
    "exchanged": (lambda array: array.swapaxes(1, 2), "it looks like (band, width, height)"),
    "bands last": (lambda array: array.transpose(1, 2, 0), "it looks like (height, width, band)"),
}


@pytest.mark.parametrize("kind", ADVICE)
def test_frequent_mistakes_get_the_right_advice(kind: str) -> None:
    change, advice = ADVICE[kind]
    given = {key: change(array) for key, array in ROWS.items()}
    with pytest.raises(BenchError) as caught, checked(given, EXPECTED):
        pass
    assert advice in str(caught.value)
    assert str(caught.value).count("divide by ") in (0, len(KEYS))


def test_bytes_in_uint16_are_remarked_on() -> None:
    narrow = {key: (255 * array).astype(np.uint16) for key, array in ROWS.items()}
    with checked(narrow, EXPECTED) as found:
        [remark] = found.remarks
    assert "in all rows, where 10000 stands for 1; if the scale is 0 to 255, divide by" in remark
    for others in (ROWS, {**narrow, SECOND: np.full(SHAPE, 256, np.uint16)}):
        with checked(others, EXPECTED) as found:
            assert found.remarks == []
