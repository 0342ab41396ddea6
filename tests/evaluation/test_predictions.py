"""Problems: all are found before anything is scored, and are told with place and remedy."""

from __future__ import annotations

import pickle
import sys
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrs_bench.columns import row_name
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.checking import LINES, checked
from vrs_bench.evaluation.predictions.expected import Expected
from vrs_bench.types import Array, Floats

SHAPE = (2, 12, 16)
KEYS = tuple((scene, step) for scene in (900000, 900001) for step in range(3))
EXPECTED = Expected("super_res", "test", "hr", KEYS, SHAPE)
FIRST, SECOND = KEYS[:2]

Rows = dict[tuple[int, int], Array]


@pytest.fixture
def rows() -> Rows:
    rng = np.random.default_rng(1)
    return {key: rng.random(SHAPE, np.float32) for key in KEYS}


def problems(predictions: object) -> str:
    """Return the message that predictions are refused with."""
    with pytest.raises(BenchError) as caught, checked(predictions, EXPECTED):
        pass
    return str(caught.value)


def accepted(predictions: object) -> list[Floats]:
    with checked(predictions, EXPECTED) as prediction_of:
        return [prediction_of(key) for key in KEYS]


# One problem at a time


def edit(change: Callable[[Array], object]) -> Callable[[Rows], object]:
    """Return what changes the array of the second row."""

    def changed(rows: Rows) -> object:
        return {**rows, SECOND: change(rows[SECOND].copy())}

    return changed


def put(value: float, count: int = 1) -> Callable[[Rows], object]:
    def change(array: Array) -> Array:
        array[1, 0, :count] = value
        return array

    return edit(change)


PLACE = "scene 900000, step 1"
ONE_PROBLEM: dict[str, tuple[Callable[[Rows], object], str]] = {
    "missing": (
        lambda rows: {key: rows[key] for key in KEYS if key != SECOND},
        f"1 × missing row:\n  {PLACE}\n",
    ),
    "unknown scene": (
        lambda rows: {**rows, (7, 1): rows[FIRST]},
        "1 × unknown row, not in split test:\n  scene 7, step 1\n",
    ),
    "unknown step": (
        lambda rows: {**rows, (900000, 3): rows[FIRST]},
        "1 × unknown row, not in split test:\n  scene 900000, step 3\n",
    ),
    "duplicate": (
        lambda rows: [*rows.items(), (SECOND, rows[SECOND])],
        f"1 × duplicate row:\n  {PLACE}\n",
    ),
    "key": (
        lambda rows: {**rows, "900000_001": 0},
        "1 × no readable key:\n  '900000_001': expected a pair of integers (scene, time_step)",
    ),
    "key of floats": (lambda rows: [*rows.items(), ((9e5, 1.0), 0)], "(900000.0, 1.0): expected"),
    "no pair": (
        lambda rows: [*rows.items(), rows[FIRST]],
        "item 6: expected ((scene, time_step), array), got ndarray",
    ),
    "bands last": (
        edit(lambda array: array.transpose(1, 2, 0)),
        f"1 × wrong shape, expected {SHAPE}:\n"
        f"  {PLACE}: got (12, 16, 2); it looks like (height, width, band)",
    ),
    "shape": (edit(lambda array: array[:, :-1]), f"{PLACE}: got (2, 11, 16)\n"),
    "no bands": (edit(lambda array: array[0]), f"{PLACE}: got (12, 16)\n"),
    "uint8": (
        edit(lambda array: (255 * array).astype(np.uint8)),
        f"wrong dtype, expected floats or uint16:\n  {PLACE}: uint8; divide by 255",
    ),
    "int64": (
        edit(lambda array: (10_000 * array).astype(np.int64)),
        f"{PLACE}: int64; if it holds round(10000 · x), convert it with .astype('uint16')",
    ),
    "bool": (edit(lambda array: array > 0.5), f"{PLACE}: bool\n"),
    "complex": (edit(lambda array: array.astype(complex)), f"{PLACE}: complex128\n"),
    "object": (edit(lambda array: array.astype(object)), f"{PLACE}: object\n"),
    "text": (edit(lambda array: array.astype(str)), f"{PLACE}: <U32\n"),
    "nan": (put(np.nan, 3), f"1 × not finite:\n  {PLACE}: 3 NaN and 0 infinite of 384 values"),
    "inf": (put(-np.inf, 2), f"{PLACE}: 0 NaN and 2 infinite of 384 values"),
    "0 to 255": (
        edit(lambda array: 255 * array),
        "if the scale is 0 to 255, divide by 255\n",
    ),
    "0 to 10000": (
        edit(lambda array: 10_000 * array),
        "if the scale is 0 to 10000, divide by 10000\n",
    ),
    "-1 to 1": (edit(lambda array: 2 * array - 1), "if the scale is [-1, 1], use (x + 1) / 2\n"),
    "some other scale": (put(1.6), f"wrong range, expected [0, 1]:\n  {PLACE}: values from "),
    "float64 beyond float32": (
        edit(lambda array: array.astype(np.float64) * 1e300),
        "wrong range, expected [0, 1]",
    ),
    "uint16 scale": (
        edit(lambda array: np.full(SHAPE, 65535, np.uint16)),
        f"expected uint16 round(10000 · x):\n  {PLACE}: up to 65535, where 10000 stands for 1",
    ),
    "ragged": (edit(lambda array: [[1.0], [1.0, 2.0]]), f"1 × unreadable:\n  {PLACE}: list is no"),
    "masked": (edit(lambda array: np.ma.masked_less(array, 0.5)), "masked values in an array"),
    "gradient": (
        edit(lambda array: torch.from_numpy(array).requires_grad_()),
        "; give .detach().float().cpu()",
    ),
    "bfloat16": (edit(lambda array: torch.from_numpy(array).bfloat16()), ".detach().float().cpu()"),
}


@pytest.mark.parametrize("name", ONE_PROBLEM)
def test_a_problem_is_told_with_its_place(name: str, rows: Rows) -> None:
    change, expected = ONE_PROBLEM[name]
    message = problems(change(rows))
    assert message.startswith("predictions: not scored, because of these problems\n1 × ")
    assert expected in message
    assert message.count(" × ") == 1, message
    assert message.endswith(f"Expected for {EXPECTED.content}")


def test_many_problems_are_listed_together(rows: Rows) -> None:
    rows[KEYS[0]] = rows[KEYS[0]].transpose(1, 2, 0)
    rows[KEYS[1]] = (rows[KEYS[1]] * 255).astype(np.uint8)[:, 1:]
    rows[KEYS[2]][0, 0, 0] = np.nan
    rows[KEYS[3]] *= 255
    pairs = [*list(rows.items())[:5], (KEYS[4], rows[KEYS[4]]), ((1, 2), rows[KEYS[4]])]
    message = problems(iter(pairs))
    for expected in (
        "2 × wrong shape, expected (2, 12, 16):\n  scene 900000, step 0: got (12, 16, 2); it looks",
        "  scene 900000, step 1: got (2, 11, 16)\n",
        "1 × wrong dtype, expected floats or uint16:\n  scene 900000, step 1: uint8",
        "1 × not finite:\n  scene 900000, step 2: 1 NaN",
        "1 × wrong range, expected [0, 1]:\n  scene 900001, step 0: values",
        "1 × duplicate row:\n  scene 900001, step 1\n",
        "1 × unknown row, not in split test:\n  scene 1, step 2\n",
        "1 × missing row:\n  scene 900001, step 2\n",
    ):
        assert expected in message


def test_long_lists_are_cut_and_counted() -> None:
    keys = tuple((900000, step) for step in range(100))
    expected = Expected("super_res", "test", "hr", keys, SHAPE)
    with pytest.raises(BenchError) as caught, checked({}, expected):
        pass
    lines = str(caught.value).splitlines()
    assert lines[1] == "100 × missing row:"
    assert lines[LINES + 1] == "  scene 900000, step 19"
    assert lines[LINES + 2] == "  and 80 more"
    assert len(lines) == LINES + 4


def test_one_problem_of_all_rows_is_told_in_a_few_lines(rows: Rows) -> None:
    message = problems({key: array[0] for key, array in rows.items()})
    assert "6 × wrong shape" in message
    assert message.count("got (12, 16)") == 3
    assert "  and 3 more\n" in message


def test_small_overshoot_is_no_problem(rows: Rows) -> None:
    rows[FIRST][0, 0, :2] = -0.4, 1.4
    assert accepted(rows)[0][0, 0, :2].tolist() == [np.float32(-0.4), np.float32(1.4)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_all_floats_are_read_as_float32(rows: Rows, dtype: type) -> None:
    given = {key: array.astype(dtype) for key, array in rows.items()}
    for array, read in zip(given.values(), accepted(given), strict=True):
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, array.astype(np.float32))


# What is no prediction at all


@pytest.mark.parametrize("nothing", [None, 3, 0.5])
def test_other_things_are_answered_with_the_forms(nothing: object) -> None:
    message = problems(nothing)
    assert f"predictions: got {type(nothing).__name__}; expected one of:\n- a mapping" in message
    assert "900000_000.npy" in message


@pytest.mark.parametrize("shape", [(5, *SHAPE), (6, 12, 16, 2), SHAPE, (2, 3, *SHAPE)])
def test_a_stack_of_another_shape_is_one_problem(shape: tuple[int, ...]) -> None:
    message = problems(np.zeros(shape, np.float32))
    assert message == (
        f"predictions: expected shape (6, 2, 12, 16), which is (row, band, height, width) in the "
        f"order of the split's rows; got {shape}"
    )


# Files


def saved(array: object) -> bytes:
    file = BytesIO()
    np.save(file, array, allow_pickle=True)  # type: ignore[arg-type]
    return file.getvalue()


def save_all(rows: Rows, folder: Path) -> Path:
    for key, array in rows.items():
        np.save(folder / f"{row_name(key)}.npy", array)
    return folder


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("bomb-went-off"),)  # type: ignore[return-value]


NPY_FAULTS = {
    "objects": (saved(np.array([Bomb()], object)), "holds Python objects, which are never loaded"),
    "pickle": (pickle.dumps(Bomb()), "truncated, or not a .npy file"),
    "truncated": (saved(np.zeros(SHAPE, np.float32))[:-100], "truncated, or not a .npy file"),
    "empty": (b"", "truncated, or not a .npy file"),
    "text": (b"0.1 0.2 0.3", "truncated, or not a .npy file"),
    "header": (saved(np.zeros(SHAPE))[:60].replace(b"descr", b"((((("), "not a .npy file"),
}


@pytest.mark.parametrize("fault", NPY_FAULTS)
def test_faulty_npy_files_are_named(
    fault: str, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content, expected = NPY_FAULTS[fault]
    folder = tmp_path / "folder"
    folder.mkdir()
    (save_all(rows, folder) / "900000_001.npy").write_bytes(content)
    message = problems(folder)
    assert message.startswith(f"{folder}: not scored")
    assert f"{PLACE}: {folder}/900000_001.npy: " in message
    assert expected in message

    (tmp_path / "stack.npy").write_bytes(content)
    message = problems(tmp_path / "stack.npy")
    assert message.startswith(f"{tmp_path}/stack.npy: ")
    assert expected in message

    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:
        for key, array in rows.items():
            name = f"{row_name(key)}.npy"
            archive.writestr(name, content if key == SECOND else saved(array))
    message = problems(tmp_path / "p.npz")
    assert f"{PLACE}: {tmp_path}/p.npz: 900000_001.npy: " in message
    assert expected in message
    assert not list(tmp_path.rglob("bomb-went-off"))


def test_the_same_name_twice_in_an_archive_is_a_duplicate(rows: Rows, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:
        for key, array in rows.items():
            archive.writestr(f"{row_name(key)}.npy", saved(array))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(f"{row_name(SECOND)}.npy", saved(rows[SECOND]))
    assert f"1 × duplicate row:\n  {PLACE}\n" in problems(tmp_path / "p.npz")


@pytest.mark.parametrize("name", ["1_2", "900000_7", "scene900000_007", "900000_007_x"])
def test_names_that_say_no_row_are_named(name: str, rows: Rows, tmp_path: Path) -> None:
    np.save(save_all(rows, tmp_path) / f"{name}.npy", rows[FIRST])
    expected = f"'{name}': expected a name such as 900000_007 (scene_step)"
    assert f"1 × no readable key:\n  {expected}" in problems(tmp_path)


def test_a_small_archive_can_not_fill_the_memory(rows: Rows, tmp_path: Path) -> None:
    huge = saved(np.zeros((1 << 26,), np.uint8))
    lying = saved(np.zeros(1)).replace(b"(1,), }" + b" " * 15, b"(9999999999999,), }   ")
    with zipfile.ZipFile(tmp_path / "p.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("900000_000.npy", huge)
        archive.writestr("900000_001.npy", lying)
    tracemalloc.start()
    message = problems(tmp_path / "p.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "scene 900000, step 0: got (67108864,)" in message
    assert "scene 900000, step 1: got (9999999999999,)" in message
    assert peak < 4e6


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy of truncated and overwritten copies, mostly near the ends."""
    n = len(content)
    place = st.one_of(st.integers(0, min(n, 200) - 1), st.integers(max(0, n - 300), n - 1))
    changes = st.lists(st.tuples(place, st.integers(0, 255)), max_size=4)

    def apply(stop: int, pairs: list[tuple[int, int]]) -> bytes:
        copy = bytearray(content)
        for at, value in pairs:
            copy[at] = value
        return bytes(copy[:stop])

    return st.builds(apply, st.one_of(st.just(n), st.integers(0, n)), changes)


def whole_files(folder: Path) -> dict[str, bytes]:
    """Return one good file of each kind."""
    rng = np.random.default_rng(2)
    arrays = [rng.random(SHAPE, np.float32) for _ in KEYS]
    np.save(folder / "p.npy", np.stack(arrays))
    np.savez(folder / "p.npz", **dict(zip(map(row_name, KEYS), arrays, strict=True)))  # type: ignore[arg-type]
    scenes, steps = zip(*KEYS, strict=True)
    images = [array.tolist() for array in arrays]
    table = pa.table({"scene": scenes, "time_step": steps, "prediction": images})
    pq.write_table(table, folder / "p.parquet")
    return {file.suffix: file.read_bytes() for file in folder.iterdir()}


with tempfile.TemporaryDirectory() as _folder:
    WHOLE = whole_files(Path(_folder))


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_named_never_more(
    kind: str, data: st.DataObject, tmp_path: Path
) -> None:
    path = tmp_path / f"p{kind}"
    path.write_bytes(data.draw(damaged(WHOLE[kind])))
    try:
        outcome: object = len(accepted(path))
    except BenchError as error:
        outcome = str(error)
    assert outcome == len(KEYS) or str(path) in str(outcome)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("empty", "no .npy or .parquet files in this folder; expected files such as 900000_000"),
        ("both", "holds .npy and .parquet files; keep one kind"),
        ("p.tif", "unknown kind of file; expected one of:\n- a mapping"),
        ("p.pkl", "unknown kind of file; expected one of:\n- a mapping"),
        ("no.npz", "no.npz: truncated, or not an .npz file"),
        ("no.parquet", "no.parquet: truncated, or not a Parquet file"),
    ],
)
def test_paths_of_nothing_useful_are_errors(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "both").mkdir()
    for file in ("both/a.npy", "both/b.parquet", "p.tif", "p.pkl", "no.npz", "no.parquet"):
        (tmp_path / file).write_bytes(b"nothing")
    assert message in problems(tmp_path / name)


# Parquet


def table(rows: Rows, **changes: object) -> pa.Table:
    scenes, steps = zip(*rows, strict=True)
    columns = {
        "scene": scenes,
        "time_step": steps,
        "prediction": [a.tolist() for a in rows.values()],
    }
    return pa.table({**columns, **changes})


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.list_(pa.list_(pa.float64()))),
        pa.large_list(pa.large_list(pa.large_list(pa.float32()))),
        pa.list_(pa.list_(pa.list_(pa.float32(), 16), 12), 2),
    ],
)
def test_lists_of_every_kind_are_read(kind: pa.DataType, rows: Rows, tmp_path: Path) -> None:
    images = pa.array([array.tolist() for array in rows.values()], kind)
    pq.write_table(table(rows, prediction=images), tmp_path / "p.parquet", row_group_size=4)
    for array, read in zip(rows.values(), accepted(tmp_path), strict=True):
        np.testing.assert_array_equal(read, array)


PARQUET_FAULTS = {
    "column": ({"prediction": None}, "expected the columns scene, time_step, prediction; missing"),
    "bytes": ({"prediction": [b"x"] * 6}, "expected nested lists of floats or uint16, got binary"),
    "flat": ({"prediction": [[0.5] * 384] * 6}, "scene 900000, step 0: got (384,)"),
    "ragged": ({"prediction": [[[0.5], [0.5, 0.5]]] * 6}, "nested lists of equal lengths"),
    "null": ({"prediction": [None] * 6}, "expected nested lists of floats or uint16, got null"),
    "null row": ({"prediction": pa.array([[0.5], *[None] * 5])}, "without nulls"),
    "null value": ({"prediction": [[[[0.5, None]]]] * 6}, "1 null values"),
    "struct": (
        {"prediction": [[{"a": 1}]] * 6},
        "expected nested lists of floats or uint16, got list<element: struct",
    ),
    "key": ({"scene": [9e5] * 6}, "column 'scene': expected integers, got double"),
    "key of bytes": ({"time_step": [b"x"] * 6}, "column 'time_step': expected integers, got bin"),
    "null key": ({"scene": [None, *[900000] * 5]}, "(None, 0): expected a pair of integers"),
}


@pytest.mark.parametrize("fault", PARQUET_FAULTS)
def test_faulty_tables_are_named(fault: str, rows: Rows, tmp_path: Path) -> None:
    changes, expected = PARQUET_FAULTS[fault]
    made = table(rows, **{name: values for name, values in changes.items() if values})
    made = made.drop_columns([name for name, values in changes.items() if values is None])
    pq.write_table(made, tmp_path / "p.parquet")
    assert expected in problems(tmp_path / "p.parquet")


def test_a_full_disk_is_told_with_a_way_out(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    assert "No space left on device); set TMPDIR to a folder with more" in problems(
        iter(rows.items())
    )


def test_an_error_of_the_caller_s_own_generator_is_left_alone(rows: Rows) -> None:
    def broken() -> Iterator[tuple[tuple[int, int], Array]]:
        yield FIRST, rows[FIRST]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), checked(broken(), EXPECTED):
        pass


def test_nothing_is_imported_for_the_sake_of_a_type_check(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "datasets", raising=False)
    accepted(rows)
    assert "datasets" not in sys.modules
