"""Products that somebody made to do harm: refused before anything is decoded."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from vrs_bench.data.products.commands import derive
from vrs_bench.data.products.layout import Product
from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe
from vrs_bench.recipes.original_models import DerivationRecipe

SHAPE = (6, 8, 3)
GOOD = np.linspace(0, 1, 6 * 8 * 3, dtype=np.float32).reshape(SHAPE)
LABELS = np.ones((6, 8, 2), np.int16)

Write = Callable[[h5py.File, Path], Any]


def product(
    folder: Path, frame: Write | None = None, annotation: Write | None = None, **features: int
) -> Product:
    """Write a product of one frame; by default it is a good one."""
    size = {"width": 8, "height": 6, "nbands": 3, "horizon": 1, "ndigit": 1, "nframes": 1}
    names = {"frame": "frame_0.h5", "annotation": "annotation_0.h5"}
    files = {"0": names}
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_text(json.dumps({"features": size | features, "files": files}))
    makers = {
        "frame": frame or (lambda file, _: file.create_dataset("data", data=GOOD)),
        "annotation": annotation
        or (lambda file, _: file.create_dataset("data", data=LABELS, compression="gzip")),
    }
    for part, make in makers.items():
        with h5py.File(folder / names[part], "w") as file:
            make(file, folder)
    return Product(folder)


def elsewhere(folder: Path) -> str:
    path = folder / "elsewhere.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=GOOD)
    return str(path)


def external_link(file: h5py.File, folder: Path) -> None:
    file["data"] = h5py.ExternalLink(elsewhere(folder), "data")


def soft_link(file: h5py.File, folder: Path) -> None:
    file.create_dataset("other", data=GOOD)
    file["data"] = h5py.SoftLink("/other")


def soft_link_to_itself(file: h5py.File, folder: Path) -> None:
    file["data"] = h5py.SoftLink("/data")


def virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout(SHAPE, np.float32)
    layout[:] = h5py.VirtualSource(elsewhere(folder), "data", shape=SHAPE)
    file.create_virtual_dataset("data", layout)


def external_storage(file: h5py.File, folder: Path) -> None:
    (folder / "raw").write_bytes(GOOD.tobytes())
    file.create_dataset("data", SHAPE, np.float32, external=[(str(folder / "raw"), 0, GOOD.nbytes)])


def group(file: h5py.File, folder: Path) -> None:
    file.create_group("data").create_dataset("data", data=GOOD)


def named_type(file: h5py.File, folder: Path) -> None:
    file["data"] = np.dtype("f4")


def compound(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", data=np.zeros(SHAPE, [("a", "f4"), ("b", "f4")]))


def words(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", data=np.full(SHAPE, b"word", "S4"))


def references(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", SHAPE, h5py.ref_dtype)


def no_space(file: h5py.File, folder: Path) -> None:
    file["data"] = h5py.Empty("f4")


def terabytes(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", (1 << 20, 1 << 20, 3), np.float32, chunks=(64, 64, 3))


def no_values(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", SHAPE, np.float32)


def no_chunks(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", SHAPE, np.float32, chunks=(3, 4, 3))


def large_chunk(file: h5py.File, folder: Path) -> None:
    file.create_dataset(
        "data", data=GOOD, chunks=(600, 800, 3), maxshape=(None, None, 3), compression="gzip"
    )


def gzip_bomb(file: h5py.File, folder: Path) -> None:
    data = file.create_dataset("data", SHAPE, np.float32, chunks=SHAPE, compression="gzip")
    data.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(1 << 26)))


def long_chunk(file: h5py.File, folder: Path) -> None:
    data = file.create_dataset("data", SHAPE, np.float32, chunks=SHAPE)
    data.id.write_direct_chunk((0, 0, 0), bytes(1 << 20))


def other_filter(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", data=GOOD, compression="lzf")


def not_finite(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", data=np.full(SHAPE, np.nan))


def too_large(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", data=np.full(SHAPE, 1e300))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (external_link, "data: expected a dataset in this file, got a ExternalLink"),
        (soft_link, "data: expected a dataset in this file, got a SoftLink"),
        (soft_link_to_itself, "data: expected a dataset in this file, got a SoftLink"),
        (lambda file, folder: None, "data: expected a dataset in this file, got nothing"),
        (virtual, "data: its values are in other files"),
        (external_storage, "data: its values are in other files"),
        (group, "data: expected a dataset, got a Group"),
        (named_type, "data: expected a dataset, got a Datatype"),
        (compound, "data: expected numbers, got type"),
        (words, "data: expected numbers, got type"),
        (references, "data: expected numbers, got type"),
        (no_space, "expected shape .*, got None"),
        (terabytes, r"expected shape \(6, 8, 3\), got \(1048576, 1048576, 3\)"),
        (no_values, "data: 0 of 576 bytes"),
        (no_chunks, "data: has 0 chunks of the 4"),
        (large_chunk, "data: chunks .* are larger"),
        (gzip_bomb, "data: a chunk unpacks to more than the 580 bytes"),
        (long_chunk, "data: a chunk unpacks to more than the 580 bytes|longer than the file"),
        (other_filter, "data: packed in a way that is not read here"),
        (not_finite, "data: holds values that are not finite"),
        (too_large, "data: holds values that are not finite"),
    ],
)
def test_a_frame_is_looked_at_before_it_is_read(frame: Write, message: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=rf"frame_0\.h5: .*{message}"):
        product(tmp_path / "product", frame)[0]


@pytest.mark.parametrize("value", [-1, 40_000, 0.5, np.nan, np.inf])
def test_annotations_are_labels(value: float, tmp_path: Path) -> None:
    bad = np.full((6, 8, 2), value)
    found = product(
        tmp_path / "product", annotation=lambda file, _: file.create_dataset("data", data=bad)
    )
    with pytest.raises(BenchError, match=r"annotation_0\.h5: data: expected whole numbers"):
        found[0]


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"chunks": (4, 3, 2)}])
@pytest.mark.parametrize("more", [{}, {"shuffle": True, "chunks": (5, 5, 1), "fletcher32": True}])
def test_every_way_in_which_good_files_are_packed_is_read(
    options: dict[str, Any], more: dict[str, Any], tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).random(SHAPE, np.float32)  # gzip can't pack it
    for values in (GOOD, noise, GOOD.astype(">f8")):
        frame, labels = product(
            tmp_path / "product",
            lambda file, _, v=values: file.create_dataset("data", data=v, **{**more, **options}),
        )[0]
        np.testing.assert_array_equal(frame, values.astype(np.float32))
        np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"width": 0}, "features.width: .*greater than or equal to 1"),
        ({"width": 1 << 40}, "features.width: .*less than or equal to 8192"),
        ({"width": 8192, "height": 8192, "nbands": 9}, "pixels × bands may be"),
        ({"horizon": 10**12}, "features.horizon: .*less than or equal to"),
    ],
)
def test_an_index_promises_no_more_than_a_machine_holds(
    features: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=rf"index\.json: not the index of a product: .*{message}"):
        product(tmp_path / "product", **features)


def test_faults_of_an_index_are_told_in_a_few_lines(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps({f"key{i}": i for i in range(20_000)}))
    with pytest.raises(BenchError) as error:
        Product(tmp_path)
    assert len(str(error.value)) < 2000


def jpeg(folder: Path, width: int, height: int, mode: str = "RGB") -> Product:
    found = product(folder)
    index = (folder / "index.json").read_text().replace("frame_0.h5", "frame_0.jpg")
    (folder / "index.json").write_text(index)
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, "PNG" if mode == "RGBA" else "JPEG")
    (folder / "frame_0.jpg").write_bytes(buffer.getvalue())
    return Product(found.path)


@pytest.mark.parametrize(
    ("width", "height", "mode", "message"),
    [
        (16000, 16000, "L", "can't be read as a part of a product: .*exceeds limit"),
        (9, 6, "RGB", r"expected shape \(6, 8, 3\), got \(6, 9, 3\)"),
        (8, 6, "L", r"expected shape \(6, 8, 3\), got \(6, 8, 1\)"),
        (8, 6, "RGBA", "can't be read as a part of a product"),
    ],
)
def test_a_jpeg_is_looked_at_before_it_is_decoded(
    width: int, height: int, mode: str, message: str, tmp_path: Path
) -> None:
    found = jpeg(tmp_path / "product", width, height, mode)
    with pytest.raises(BenchError, match=rf"frame_0\.jpg: {message}"):
        found[0]


def test_nothing_is_derived_from_what_is_refused(tmp_path: Path) -> None:
    recipe = check_recipe(
        DerivationRecipe, {"target_size": {"width": 8, "height": 6}, "seed": 0}, "d.yaml"
    )
    derive(recipe, product(tmp_path / "good").path, tmp_path / "out")
    with pytest.raises(BenchError, match="unpacks to more"):
        derive(recipe, product(tmp_path / "bad", gzip_bomb).path, tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_files_with_flipped_bits_end_in_a_message_or_in_an_array(tmp_path: Path) -> None:
    good = product(tmp_path / "product")
    files = {name: (good.path / name).read_bytes() for name in ("frame_0.h5", "annotation_0.h5")}
    rng = np.random.default_rng(3)
    for _ in range(150):
        for name, content in files.items():
            spoilt = bytearray(content)
            for at in rng.integers(len(spoilt), size=rng.integers(1, 5)):
                spoilt[at] = rng.integers(256)
            (good.path / name).write_bytes(spoilt[: rng.integers(1, 2 * len(spoilt))])
        try:
            frame, _ = good[0]
            assert frame.shape == SHAPE
        except BenchError as error:
            assert "_0.h5: " in str(error)  # noqa: PT017
