"""Digests of values: fixed to the bit, and blind to the container."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vrs_bench.columns import Column
from vrs_bench.data.arrow import to_arrow
from vrs_bench.data.manifest import read_manifest
from vrs_bench.data.values import ValuesDigest, values_digest
from vrs_bench.data.verify import verify

COLUMNS = (
    Column("scene", "scalar", "int32", ""),
    Column("lr", "image", "uint16", "", (2, 3, 4)),
    Column("phase", "vector", "float32", "", (2,)),
)


def rows(n):
    rng = np.random.default_rng(2)
    return [
        {
            "scene": np.int32(number - 1),
            "lr": rng.integers(0, 65536, (2, 3, 4), np.uint16),
            "phase": rng.random(2, np.float32),
        }
        for number in range(n)
    ]


def arrays(of):
    return [to_arrow(column, [row[column.name] for row in of]) for column in COLUMNS]


def test_the_digest_is_what_its_documentation_says():
    """Written out from the definition, by hand."""
    data = rows(5)
    by_column = [
        hashlib.sha256(
            b"scene int32 \n"
            + b"".join(int(r["scene"]).to_bytes(4, "little", signed=True) for r in data)
        ),
        hashlib.sha256(
            b"lr uint16 2,3,4\n"
            + b"".join(int(v).to_bytes(2, "little") for r in data for v in r["lr"].ravel())
        ),
        hashlib.sha256(
            b"phase float32 2\n" + b"".join(r["phase"].astype("<f4").tobytes() for r in data)
        ),
    ]
    expected = hashlib.sha256(b"".join(part.digest() for part in by_column)).hexdigest()
    digest = ValuesDigest(COLUMNS)
    digest.add(arrays(data[:2]))
    digest.add(arrays(data[2:]))
    assert digest.hexdigest() == expected


def test_any_change_of_values_names_types_shapes_or_order_changes_it():
    def of(data, columns=COLUMNS):
        digest = ValuesDigest(columns)
        digest.add([to_arrow(c, [row[c.name] for row in data]) for c in columns])
        return digest.hexdigest()

    data, changed = rows(3), rows(3)
    changed[1]["lr"][1, 2, 3] ^= 1
    image = COLUMNS[1]
    flat = [{**row, "lr": row["lr"].reshape(2, 4, 3)} for row in data]
    wide = Column("lr", "image", "int32", "", image.shape)
    seen = [
        of(data),
        of(changed),
        of(data[::-1]),
        of(data[:2]),
        of(data, COLUMNS[::-1]),
        of(data, COLUMNS[:2]),
        of(flat, (COLUMNS[0], Column("lr", "image", "uint16", "", (2, 4, 3)), COLUMNS[2])),
        of(data, (COLUMNS[0], wide, COLUMNS[2])),
        of([{**r, "hr": r["lr"]} for r in data], (Column("hr", "image", "uint16", "", (2, 3, 4)),)),
        of(data, (image,)),
    ]
    assert len(set(seen)) == len(seen)


@pytest.fixture
def folder(tiny, tmp_path):
    return Path(shutil.copytree(tiny, tmp_path / "vrs-toy"))


def test_every_shard_names_its_writer_and_its_values(tiny):
    manifest = read_manifest(tiny)
    for name, entry in manifest.files.items():
        assert entry.writer == f"pyarrow {pa.__version__}"
        assert values_digest(tiny / name, manifest.columns(entry.task)) == entry.values_sha256


def test_verify_tells_another_container_from_damage(folder):
    first, second, third, fourth = list(read_manifest(folder).files)
    table = pq.read_table(folder / first)
    pq.write_table(table, folder / first, compression="snappy", row_group_size=3)
    changed = table.set_column(0, "scene", pa.array(np.arange(len(table), dtype=np.int32)))
    pq.write_table(changed, folder / second)
    pq.write_table(table.drop_columns(["lr"]), folder / third)
    (folder / fourth).write_bytes(b"PAR1 or not")
    said = verify(folder)
    writer = f"pyarrow {pa.__version__}"
    assert said[0] == (
        f"{first}: not damaged: it holds the values of the manifest, but another writer than "
        f"{writer} put them into other bytes"
    )
    sizes = [(folder / name).stat().st_size for name in (second, third, fourth)]
    for fault, name, size in zip(said[1:], (second, third, fourth), sizes, strict=True):
        assert fault.startswith(f"{name}: {size} bytes, the manifest says ")


def test_a_manifest_of_an_earlier_version_is_read_and_verified(folder):
    """It has neither writers nor digests of values, and its own digest is that of what it has."""
    path = folder / "manifest.json"
    manifest = read_manifest(folder)
    bare = {"writer": None, "values_sha256": None}
    files = {name: entry.model_copy(update=bare) for name, entry in manifest.files.items()}
    old = manifest.model_copy(update={"files": files})
    old = old.model_copy(update={"sha256": old.own_digest()})
    path.write_text(old.model_dump_json(indent=2, exclude_none=True), encoding="utf-8")
    assert "writer" not in json.dumps(json.loads(path.read_text(encoding="utf-8"))["files"])
    assert verify(folder) == []
    name = next(iter(files))
    pq.write_table(pq.read_table(folder / name), folder / name)
    [fault] = verify(folder)
    assert fault.startswith(f"{name}: ")
    assert "not damaged" not in fault
