"""Tar files of predictions: what `webdataset` and `tar` write is read, hostile ones are named."""

from __future__ import annotations

import io
import pickle
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import webdataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrs_bench.columns import row_name
from vrs_bench.errors import BenchError
from vrs_bench.evaluation.predictions.checking import checked
from vrs_bench.evaluation.predictions.expected import Expected
from vrs_bench.types import Array, Floats

SHAPE = (2, 12, 16)
KEYS = tuple((scene, step) for scene in (900000, 900001) for step in range(3))
EXPECTED = Expected("super_res", "test", "hr", KEYS, SHAPE)
PLACE = "scene 900000, step 1"

Members = dict[str, bytes]


def npy(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)  # type: ignore[arg-type]
    return file.getvalue()


RNG = np.random.default_rng(4)
ARRAYS = [RNG.random(SHAPE, np.float32) for _ in KEYS]
GOOD: Members = {
    f"{row_name(key)}.npy": npy(array) for key, array in zip(KEYS, ARRAYS, strict=True)
}


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, link
    return member.tobuf(tarfile.GNU_FORMAT)


def packed(members: Members, **first: bytes) -> bytes:
    """Return a tar file byte by byte: whole members in ``first``, then plain files."""
    parts = list(first.values())
    for name, content in members.items():
        parts += [header(name, len(content)), content, bytes(-len(content) % 512)]
    return b"".join([*parts, bytes(1024)])


def accepted(path: Path) -> list[Floats]:
    with checked(path, EXPECTED) as prediction_of:
        return [prediction_of(key) for key in KEYS]


def problems(path: Path) -> str:
    with pytest.raises(BenchError) as caught, checked(path, EXPECTED):
        pass
    return str(caught.value)


def write(folder: Path, content: bytes) -> Path:
    (folder / "p.tar").write_bytes(content)
    return folder / "p.tar"


# What is read


def by_tarfile(kind: int) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        with tarfile.open(folder / "p.tar", "w", format=kind) as tar:
            for name, content in GOOD.items():
                member = tarfile.TarInfo(name)
                member.size, member.mtime = len(content), 1.5  # type: ignore[assignment]
                tar.addfile(member, io.BytesIO(content))
        return folder / "p.tar"

    return made


def by_webdataset(field: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        with webdataset.TarWriter(str(folder / "p.tar")) as sink:
            for key, array in zip(KEYS, ARRAYS, strict=True):
                sink.write({"__key__": row_name(key), field: array})
        return folder / "p.tar"

    return made


def shards(folder: Path) -> Path:
    with webdataset.ShardWriter(str(folder / "p-%03d.tar"), maxcount=4, verbose=0) as sink:
        for key, array in zip(reversed(KEYS), reversed(ARRAYS), strict=True):
            sink.write({"__key__": row_name(key), "npy": array})
    assert len(list(folder.iterdir())) == 2
    return folder


def by_command(folder: Path) -> Path:
    """Return what `tar -C predictions .` writes: the folder, and names that begin with ./"""
    source = folder / "predictions"
    source.mkdir()
    for name, content in GOOD.items():
        (source / name).write_bytes(content)
    subprocess.run(["tar", "-cf", folder / "p.tar", "-C", source, "."], check=True)
    return folder / "p.tar"


FORMS: dict[str, Callable[[Path], Path]] = {
    "ustar": by_tarfile(tarfile.USTAR_FORMAT),
    "gnu": by_tarfile(tarfile.GNU_FORMAT),
    "pax, a header of its own before each member": by_tarfile(tarfile.PAX_FORMAT),
    "webdataset": by_webdataset("npy"),
    "webdataset, field prediction": by_webdataset("prediction.npy"),
    "folder of shards": shards,
    "tar -C folder .": by_command,
    "by hand": lambda folder: write(folder, packed(GOOD)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_writer_s_tar_gives_the_arrays(form: str, tmp_path: Path) -> None:
    for array, read in zip(ARRAYS, accepted(FORMS[form](tmp_path)), strict=True):
        np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_dtype_and_order_is_read(dtype: type, order: str, tmp_path: Path) -> None:
    given = [
        np.asarray(10_000 * a if dtype is np.uint16 else a, dtype, order=order) for a in ARRAYS
    ]
    path = write(tmp_path, packed(dict(zip(GOOD, map(npy, given), strict=True))))
    scale = 10_000 if dtype is np.uint16 else 1
    for array, read in zip(given, accepted(path), strict=True):
        np.testing.assert_array_equal(read, array.astype(np.float32) / np.float32(scale))


# What is refused


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("bomb-went-off"),)  # type: ignore[return-value]


SECOND = "900000_001.npy"
CONTENTS: dict[str, tuple[bytes, str]] = {
    "objects": (npy(np.array([Bomb()], object)), "holds Python objects, which are never loaded"),
    "pickle": (pickle.dumps(Bomb()), "truncated, or not a .npy file"),
    "truncated": (GOOD[SECOND][:-100], "truncated, or not a .npy file"),
    "more than the array": (GOOD[SECOND] + b"more", "truncated, or not a .npy file"),
    "empty": (b"", "truncated, or not a .npy file"),
    "text": (b"0.1 0.2 0.3", "truncated, or not a .npy file"),
    "header": (npy(np.zeros(SHAPE))[:60].replace(b"descr", b"((((("), "not a .npy file"),
    "endless header": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b" " * 9000, "not a .npy file"),
    "bands last": (npy(ARRAYS[1].transpose(1, 2, 0)), "it looks like (height, width, band)"),
    "nan": (npy(np.full(SHAPE, np.nan)), "not finite"),
}


@pytest.mark.parametrize("fault", CONTENTS)
def test_faulty_members_are_named(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content, expected = CONTENTS[fault]
    message = problems(write(tmp_path, packed({**GOOD, SECOND: content})))
    assert PLACE in message
    assert expected in message
    assert message.count(" × ") == 1, message
    assert not (tmp_path / "bomb-went-off").exists()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../900000_000.npy",
        "predictions/900000_000.npy",
        ".//900000_000.npy",
        "900000_000.npy.gz",
        "900000_000.hr.npy",
        "900000_000.prediction.prediction.npy",
        "900000_7.npy",
        "README",
        "\udcff.npy",
    ],
)
def test_names_that_say_no_row_are_named(name: str, tmp_path: Path) -> None:
    member = tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    message = problems(write(tmp_path, packed(GOOD, strange=member)))
    assert "1 × no readable key:\n" in message
    assert "expected a name such as 900000_007 (scene_step)" in message
    assert {p.name for p in tmp_path.iterdir()} == {"p.tar"}
    message.encode()


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_only_plain_files_are_rows(kind: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret.npy"
    secret.write_bytes(GOOD[SECOND])
    others = {name: content for name, content in GOOD.items() if name != SECOND}
    link = header(SECOND, 0, kind, str(secret))
    message = problems(write(tmp_path, packed(others, link=link)))
    assert f"1 × no readable key:\n  '{SECOND}': a link, folder or device" in message
    assert f"1 × missing row:\n  {PLACE}\n" in message


def test_a_row_under_both_of_its_names_is_a_duplicate(tmp_path: Path) -> None:
    for name in (SECOND, "./900000_001.npy", "900000_001.prediction.npy"):
        once_more = header(name, 0)
        message = problems(write(tmp_path, packed(GOOD, once_more=once_more)))
        assert f"1 × duplicate row:\n  {PLACE}\n" in message


def base256(value: int) -> bytes:
    """Return a size as GNU tar writes what octal digits can't hold."""
    return (
        b"\x80" + value.to_bytes(11, "big")
        if value >= 0
        else value.to_bytes(12, "big", signed=True)
    )


@pytest.mark.parametrize(
    "size", [b"77777777777\0", base256(1 << 62), base256(1 << 87), base256(-512), base256(-1)]
)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_sizes_that_headers_claim_take_no_memory_and_no_time(
    size: bytes, kind: bytes, tmp_path: Path
) -> None:
    block = bytearray(header(SECOND, 0, kind))
    block[124:136] = size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    tracemalloc.start()
    message = problems(write(tmp_path, packed({}, lie=bytes(block))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert f"{tmp_path}/p.tar: truncated, or not " in message
    assert peak < 2e6


def test_shapes_that_arrays_claim_take_no_memory(tmp_path: Path) -> None:
    lying = npy(np.zeros(1)).replace(b"(1,), }" + b" " * 15, b"(9999999999999,), }   ")
    whole = npy(np.zeros((1 << 22,), np.uint8))
    path = write(tmp_path, packed({**GOOD, "900000_000.npy": whole, SECOND: lying}))
    tracemalloc.start()
    message = problems(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "scene 900000, step 0: got (4194304,)" in message
    assert "scene 900000, step 1: got (9999999999999,)" in message
    assert peak < 2e6


def test_a_header_that_renames_the_next_member_renames_no_row(tmp_path: Path) -> None:
    def pax(text: bytes) -> bytes:
        return header("meta", len(text), tarfile.XHDTYPE) + text.ljust(512, b"\0")

    renames = pax(b"25 path=../../../etc/file\n")
    for array, read in zip(
        ARRAYS, accepted(write(tmp_path, packed(GOOD, pax=renames))), strict=True
    ):
        np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "truncated, or not a tar file"),
        (b"no tar", "truncated, or not an uncompressed tar file"),
        (b"\x1f\x8b" + bytes(2000), "truncated, or not an uncompressed tar file"),
        (packed(GOOD)[:-3000], "truncated, or not a tar file ('900001_002.npy' claims"),
        (packed(GOOD)[:1700], "truncated, or not a tar file ('900000_000.npy' claims"),
        (packed({}), "6 × missing row"),
        (bytes(512), "6 × missing row"),
    ],
)
def test_files_that_are_no_whole_tar_are_named(
    content: bytes, expected: str, tmp_path: Path
) -> None:
    message = problems(write(tmp_path, content))
    assert message.startswith(f"{tmp_path}/p.tar: ")
    assert expected in message


def test_a_folder_of_two_kinds_is_refused(tmp_path: Path) -> None:
    write(tmp_path, packed(GOOD))
    (tmp_path / SECOND).write_bytes(GOOD[SECOND])
    assert "holds .npy and .tar files; keep one kind" in problems(tmp_path)


WHOLE = packed(GOOD)
BLOCKS = [b for b in range(0, len(WHOLE), 512) if WHOLE[b + 257 : b + 262] == b"ustar"]


@given(
    stop=st.one_of(st.just(len(WHOLE)), st.integers(0, len(WHOLE))),
    changes=st.lists(
        st.tuples(st.sampled_from(BLOCKS), st.integers(0, 700), st.integers(0, 255), st.booleans()),
        max_size=4,
    ),
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_named_never_more(
    stop: int, changes: list[tuple[int, int, int, bool]], tmp_path: Path
) -> None:
    content = bytearray(WHOLE)
    for block, place, value, mend in changes:
        content[block + place] = value
        if mend:  # so that the change is not merely a wrong checksum
            content[block + 148 : block + 156] = b" " * 8
            content[block + 148 : block + 156] = b"%06o\0 " % sum(content[block : block + 512])
    path = write(tmp_path, bytes(content[:stop]))
    try:
        outcome: object = len(accepted(path))
    except BenchError as error:
        outcome = str(error)
        outcome.encode()
    assert outcome == len(KEYS) or str(path) in str(outcome)


def test_the_score_and_the_digest_are_those_of_the_folder(tiny: Path, tmp_path: Path) -> None:
    from vrs_bench import evaluate
    from vrs_bench.data.read.dataset_folder import DatasetFolder

    keys = DatasetFolder(tiny).keys("super_res", "test")
    (tmp_path / "folder").mkdir()
    members: Members = {}
    for key in keys:
        image: Array = np.random.default_rng(key).random((4, 64, 64), np.float32)
        members[f"{row_name(key)}.prediction.npy"] = npy(image)
        np.save(tmp_path / "folder" / f"{row_name(key)}.npy", image)
    path = write(tmp_path, packed(members))
    options = {"groups": ("distortion",), "bounds": False}
    one, other = (
        evaluate(p, "super_res", data=tiny, **options)  # type: ignore[arg-type]
        for p in (path, tmp_path / "folder")
    )
    assert one.predictions_sha256 == other.predictions_sha256
    assert one.scores == other.scores
