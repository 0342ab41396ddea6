"""Small files that claim or unpack to gigabytes, and such as never end: no growth, no waiting."""

from __future__ import annotations

import base64
import bz2
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vrs_bench.columns import row_name
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.checking import checked
from vrs_bench.evaluation.predictions.expected import Expected

SHAPE = (2, 12, 16)
KEYS = tuple((scene, step) for scene in (900000, 900001) for step in range(3))
EXPECTED = Expected("super_res", "test", "hr", KEYS, SHAPE)
FIRST = row_name(KEYS[0])
HUGE = 1 << 28
"""Bytes that a bomb makes of itself, or claims."""
GROWTH = 32 << 20
"""Bytes by which a process may grow over a bomb."""

CHILD = f"""
import json, resource, sys
from pathlib import Path
import pyarrow.parquet
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.checking import checked
from vrs_bench.evaluation.predictions.expected import Expected

EXPECTED = Expected("super_res", "test", "hr", {KEYS!r}, {SHAPE!r})

def memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return 1024 * int(line.split()[1])

most = memory("VmSize") + (3 << 30)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for path in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    before = memory("VmRSS")
    try:
        with checked(path, EXPECTED):
            message = "accepted"
    except BenchError as error:
        message = str(error)
    print(json.dumps([message, memory("VmHWM") - before]), flush=True)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to measure memory")


def npy(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, array)  # type: ignore[arg-type]
    return file.getvalue()


def npy_header(text: str, version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + b"\n"


ENDLESS = b"\x93NUMPY\x02\x00" + struct.pack("<I", HUGE - 100)


def header_of_spaces(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{FIRST}.npy", "w") as file,
    ):
        file.write(ENDLESS)
        for _ in range(HUGE >> 20):
            file.write(b" " * (1 << 20))


def member_by_bzip2(path: Path) -> None:
    """Write what unpacks at once to a hundred megabytes, in blocks of one and the same stream."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(f"{FIRST}.npy", npy(np.zeros(SHAPE)) + bytes(HUGE >> 1))
    assert len(bz2.compress(bytes(1000))) < path.stat().st_size < 10_000


def endless_list_of_members(path: Path) -> None:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, HUGE, 0, 0)
    sparse(path, HUGE)
    with path.open("ab") as file:
        file.write(end)


def sparse(path: Path, size: int, start: bytes = b"") -> None:
    path.write_bytes(start)
    os.truncate(path, size)


def sparse_npy(path: Path) -> None:
    sparse(path, HUGE, ENDLESS)


def sparse_row(path: Path) -> None:
    path.mkdir()
    sparse(path / f"{FIRST}.npy", HUGE, ENDLESS)


def sparse_subarray(path: Path) -> None:
    path.mkdir()
    text = "{'descr': ('<f4', (2, 12, 16)), 'fortran_order': False, 'shape': (99999,), }"
    sparse(path / f"{FIRST}.npy", HUGE, npy_header(text))


def sparse_member(path: Path) -> None:
    member = tarfile.TarInfo(f"{FIRST}.npy")
    member.size = HUGE
    sparse(path, HUGE + 512, member.tobuf() + ENDLESS)


def row_of_zeros(path: Path) -> None:
    values = pa.array(np.zeros(HUGE >> 3, np.float32))
    column = pa.ListArray.from_arrays(np.array([0, len(values)], np.int32), values)
    table = pa.table({"scene": [900000], "time_step": [0], "prediction": column})
    pq.write_table(table, path, compression="zstd", write_statistics=False)
    assert path.stat().st_size < 4000


def varint(value: int, size: int) -> bytes:
    """Return a signed integer as Thrift writes it, in more bytes than are needed."""
    value *= 2
    return bytes((value >> 7 * n & 127) | (128 if n < size - 1 else 0) for n in range(size))


def row_of_zeros_denied(path: Path) -> None:
    """Write the same, with metadata that say that there are as many values as expected."""
    row_of_zeros(path)
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    true, size = varint(HUGE >> 3, 4), int(np.prod(SHAPE))
    path.write_bytes(content[:start] + content[start:].replace(true, varint(size, 4), 1))
    assert pq.read_metadata(path).row_group(0).column(2).num_values == size


def rows_of_one(path: Path) -> None:
    """Write as many values as the split has rows for, nearly all of them in the first one."""
    many = HUGE >> 14
    sizes = [many * int(np.prod(SHAPE)) - (many - 1), *[1] * (many - 1)]
    column = pa.ListArray.from_arrays(
        np.cumsum([0, *sizes], dtype=np.int32), np.zeros(sum(sizes), np.float32)
    )
    keys = {"scene": np.arange(many), "time_step": np.zeros(many, np.int32)}
    pq.write_table(pa.table({**keys, "prediction": column}), path, row_group_size=many)


def long_words(path: Path) -> None:
    words = pa.DictionaryArray.from_arrays(np.zeros(200, np.int32), ["x" * (1 << 20)])
    column = pa.ListArray.from_arrays(np.array([0, 200], np.int32), words)
    table = pa.table({"scene": [900000], "time_step": [0], "prediction": column})
    pq.write_table(table, path)


def lists_of_a_fixed_size(path: Path) -> None:
    """Write nulls, and a remark that they are lists of many values."""
    keys = {"scene": [900000], "time_step": [0]}
    table = pa.table({**keys, "prediction": pa.array([None], pa.list_(pa.float32()))})
    claimed = table.schema.set(2, pa.field("prediction", pa.list_(pa.float32(), HUGE >> 2)))
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        remark = base64.b64encode(claimed.serialize().to_pybytes())
        writer.add_key_value_metadata({"ARROW:schema": remark.decode()})


def histograms_of_another_length(path: Path) -> None:
    """Write statistics of which one is missing: pyarrow ends the process when asked for them."""
    keys = {"scene": [900000], "time_step": [0], "prediction": [[0.5]]}
    pq.write_table(pa.table(keys), path)
    content = path.read_bytes()
    whole, shorter = b"\x19\x46\0\0\0\2", b"\x19\x36\0\0\2"
    assert content.count(whole) == 1
    length = int.from_bytes(content[-8:-4], "little") - 1
    path.write_bytes(content[:-8].replace(whole, shorter) + struct.pack("<I", length) + b"PAR1")


def endless_footer(path: Path) -> None:
    sparse(path, HUGE, b"PAR1")
    with path.open("ab") as file:
        file.write(struct.pack("<I", HUGE - 100) + b"PAR1")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def row_pipe(path: Path) -> None:
    path.mkdir()
    os.mkfifo(path / f"{FIRST}.npy")


def row_device(path: Path) -> None:
    path.mkdir()
    (path / f"{FIRST}.npy").symlink_to("/dev/zero")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


NO_FILE = "a pipe or device; expected a plain file"
LONG = f"its header claims {HUGE - 88} bytes, expected at most 1024"
BOMBS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "npz header": ("a.npz", header_of_spaces, LONG),
    "npz bzip2": ("b.npz", member_by_bzip2, "packed by a method that NumPy does not use"),
    "npz list": ("c.npz", endless_list_of_members, "truncated, or not an .npz file (it claims"),
    "npy header": ("d.npy", sparse_npy, LONG),
    "row header": ("e", sparse_row, LONG),
    "row of rows": ("f", sparse_subarray, "wrong dtype, expected floats or uint16"),
    "tar header": ("g.tar", sparse_member, LONG),
    "parquet row": ("h.parquet", row_of_zeros, "a row of more than 1536 values"),
    "parquet lie": ("i.parquet", row_of_zeros_denied, "pages of more than 384 values"),
    "parquet rows": ("j.parquet", rows_of_one, "rows, far more than the 6 of the split"),
    "parquet words": ("k.parquet", long_words, "expected nested lists of floats or uint16, got"),
    "parquet nulls": ("u.parquet", lists_of_a_fixed_size, "lists of a fixed size 67108864"),
    "parquet footer": ("l.parquet", endless_footer, "its description claims"),
    "npy pipe": ("m.npy", pipe, NO_FILE),
    "npz pipe": ("n.npz", pipe, NO_FILE),
    "tar pipe": ("o.tar", pipe, NO_FILE),
    "parquet pipe": ("p.parquet", pipe, NO_FILE),
    "row pipe": ("q", row_pipe, NO_FILE),
    "row device": ("r", row_device, NO_FILE),
    "tar device": ("s.tar", device, NO_FILE),
    "npz device": ("t.npz", device, NO_FILE),
    "parquet statistics": (
        "v.parquet",
        histograms_of_another_length,
        "level histogram size mismatch",
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return name of the bomb → its path, the message, and how much the process grew."""
    folder = tmp_path_factory.mktemp("bombs")
    paths = {}
    for name, (file, make, _) in BOMBS.items():
        paths[name] = folder / file
        make(paths[name])
    command = [sys.executable, "-c", CHILD, *paths.values()]
    try:
        child = subprocess.run(command, stdout=subprocess.PIPE, timeout=120)
        lines = child.stdout.splitlines()
    except subprocess.TimeoutExpired as error:  # those before the one that is waited for
        lines = (error.stdout or b"").splitlines()
    return {
        name: (path, *json.loads(line))
        for (name, path), line in zip(paths.items(), lines, strict=False)
    }


@pytest.mark.parametrize("name", BOMBS)
def test_no_file_makes_the_process_grow_or_wait(name: str, outcomes: dict[str, Any]) -> None:
    assert name in outcomes, "waited for without end, or the end of the process"
    path, message, growth = outcomes[name]
    assert str(path) in message
    assert BOMBS[name][2] in message
    assert growth < GROWTH


def problems(predictions: object) -> str:
    with pytest.raises(BenchError) as caught, checked(predictions, EXPECTED):
        pass
    return str(caught.value)


def test_the_first_row_can_not_hold_what_the_others_should(tmp_path: Path) -> None:
    sizes = [6 * 384 - 5, 1, 1, 1, 1, 1]
    values = pa.array(np.zeros(6 * 384, np.float32))
    column = pa.ListArray.from_arrays(np.cumsum([0, *sizes], dtype=np.int32), values)
    scenes, steps = zip(*KEYS, strict=True)
    table = pa.table({"scene": scenes, "time_step": steps, "prediction": column})
    for version in ("1.0", "2.0"):
        pq.write_table(table, tmp_path / "p.parquet", data_page_version=version)
        message = problems(tmp_path / "p.parquet")
        assert "column 'prediction': a row of more than 1536 values" in message


# Memory that nobody wrote

SUBARRAYS = [
    "{'descr': ('<f4', (2, 12, 16)), 'fortran_order': False, 'shape': (), }",
    "{'descr': ('<f4', (12, 16)), 'fortran_order': False, 'shape': (2,), }",
    "{'descr': ('<u2', (2, 12, 16)), 'fortran_order': False, 'shape': (), }",
]
OTHERS = {
    "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 12, 16), }": "wrong dtype",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2, 12, 16), }": "holds Python objects",
    "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 12, 16), }": "save it with .astype('fl",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 12, 16), }": "truncated, or not",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 12, -16), }": "got (2, 12, -16)",
}
HEADERS = {**dict.fromkeys(SUBARRAYS, "wrong dtype"), **OTHERS}


def folder_of(members: dict[str, bytes], folder: Path) -> Path:
    (folder / "folder").mkdir()
    for name, content in members.items():
        (folder / "folder" / name).write_bytes(content)
    return folder / "folder"


def zip_of(members: dict[str, bytes], folder: Path) -> Path:
    with zipfile.ZipFile(folder / "p.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return folder / "p.npz"


def tar_of(members: dict[str, bytes], folder: Path) -> Path:
    with tarfile.open(folder / "p.tar", "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder / "p.tar"


CONTAINERS = [folder_of, zip_of, tar_of]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("header", HEADERS)
def test_nothing_is_taken_that_was_not_read(
    header: str, container: Callable[[dict[str, bytes], Path], Path], tmp_path: Path
) -> None:
    members = {f"{row_name(key)}.npy": npy(np.full(SHAPE, 0.5)) for key in KEYS}
    members[f"{FIRST}.npy"] = npy_header(header)
    message = problems(container(members, tmp_path))
    assert HEADERS[header] in message
    assert "scene 900000, step 0: " in message


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_every_version_of_the_header_is_read(
    version: int, container: Callable[[dict[str, bytes], Path], Path], tmp_path: Path
) -> None:
    text = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 12, 16), }"
    image = np.random.default_rng(1).random(SHAPE, np.float32)
    content = npy_header(text, version) + image.tobytes(order="F")
    path = container({f"{row_name(key)}.npy": content for key in KEYS}, tmp_path)
    if version == 4:
        assert "version (4, 0), expected one of (1, 0), (2, 0), (3, 0)" in problems(path)
        return
    with checked(path, EXPECTED) as prediction_of:
        for key in KEYS:
            np.testing.assert_array_equal(prediction_of(key), image)


# Many, and strange, names


def test_a_folder_of_far_too_many_files_is_not_listed(tmp_path: Path) -> None:
    for number in range(EXPECTED.most_rows + 1):
        (tmp_path / f"{number}.npy").touch()
    assert f"more than {EXPECTED.most_rows} .npy files, far more" in problems(tmp_path)


def test_rows_without_end_come_to_an_end() -> None:
    def endless() -> Any:
        while True:
            yield KEYS[0], np.zeros(SHAPE)

    message = problems(endless())
    assert f"{EXPECTED.most_rows - 1} × duplicate row" in message
    assert f"more than {EXPECTED.most_rows} rows, the others were not looked at" in message
    assert "missing row" not in message


@pytest.mark.parametrize("name", ["\udcff.tar", "\udcff.npz", "\udcff.parquet", "\x1b[2J.npy"])
def test_messages_of_strange_paths_can_be_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"nothing")
    for message in (problems(path), problems(tmp_path) if name.endswith("npy") else ""):
        assert message.encode().decode().replace("\n", "").isprintable()
    (tmp_path / "nothing\udcfe").mkdir()
    problems(tmp_path / "nothing\udcfe").encode()


def test_a_link_to_a_plain_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    np.save(tmp_path / "one.npy", np.full(SHAPE, 0.5))
    for key in KEYS:
        (tmp_path / "rows" / f"{row_name(key)}.npy").symlink_to(tmp_path / "one.npy")
    with checked(tmp_path / "rows", EXPECTED) as prediction_of:
        assert (prediction_of(KEYS[0]) == 0.5).all()
    (tmp_path / "rows" / f"{FIRST}.npy").unlink()
    (tmp_path / "rows" / f"{FIRST}.npy").symlink_to(tmp_path / "nowhere.npy")
    assert "can't be opened (No such file or directory)" in problems(tmp_path / "rows")
