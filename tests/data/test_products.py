"""The original toy's recipes, unchanged, and its file layout."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import sktime
import yaml

from vrs_bench.data.products import writer
from vrs_bench.data.products.commands import derive, generate
from vrs_bench.data.products.layout import Features, Product
from vrs_bench.errors import BenchError
from vrs_bench.recipes import HERE, check_recipe, load_recipe
from vrs_bench.recipes.original_models import DerivationRecipe, GenerationRecipe

MOTIONS = Path(sktime.__file__).parent / "datasets" / "data" / "BasicMotions"
PACKAGED = sorted(path.stem for path in (HERE / "original").glob("*.yaml"))

# The original's own files, but for the path of the archive, with the sizes of a test.
GENERATION = f"""
ts:
  path: '{MOTIONS}/BasicMotions_TRAIN.ts'
  ndim: 3
  nclass: 2
product:
  size:
    width: 79
    height: 60
  nbands: 3
  horizon: 6
  background_color: 51
  n_polygons: 7
random_sampler:
  name: 'gaussian_process'
  std: 1.
  kernel:
    name: 'rbf'
    length_scale: 2.5
astype: 'h5'
seed: 0
"""
DERIVATION = """
latent_product_path: "path/to/latent/optical/product"
target_size:
  width: 20
  height: 30
temporal_res: 2
corruption:
  name: 'cloud_and_brightness'
  sampling_scale: 32
  cloud_density: 1.
  cloud_sparsity: 2.
  cloud_probability: 1.
  mul:
    min: 0.9
    max: 1.1
  add:
    min: -0.1
    max: 0.1
  seed: 4
deformation:
  name: 'tangential_scale_distortion'
  image_width: 79
  image_height: 60
  mesh_columns_cells: 6
  mesh_rows_cells: 6
  axis: 1
  growth_rate:
postprocess:
  name: 'speckle'
  salt_pepper_proportion:
    min: 0.01
    max: 0.06
aggregation:
  name: convolution
  kernel:
    sigma: 1.5
seed: 73
"""


PRODUCT = yaml.safe_load(GENERATION)["product"]
CORRUPTION = yaml.safe_load(DERIVATION)["corruption"]


def _generation(**change):
    return check_recipe(GenerationRecipe, {**yaml.safe_load(GENERATION), **change}, "g.yaml")


def _derivation(**change):
    return check_recipe(DerivationRecipe, {**yaml.safe_load(DERIVATION), **change}, "d.yaml")


@pytest.fixture(scope="module")
def latent(tmp_path_factory):
    return generate(_generation(), tmp_path_factory.mktemp("original") / "latent").path


def _arrays(folder):
    files = sorted(path.relative_to(folder) for path in Path(folder).rglob("*.h5"))
    content = {}
    for name in files:
        with h5py.File(Path(folder) / name) as file:
            content[str(name)] = file["data"][()]
    return content


def test_the_layout_is_the_originals(latent):
    arrays = _arrays(latent)
    assert set(arrays) == {
        *(f"frames/frame_{t}.h5" for t in range(6)),
        *(f"annotations/annotation_{t}.h5" for t in range(6)),
    }
    assert arrays["frames/frame_3.h5"].shape == (60, 79, 3)
    assert arrays["frames/frame_3.h5"].dtype == np.float32
    assert arrays["annotations/annotation_3.h5"].shape == (60, 79, 2)
    index = json.loads((latent / "index.json").read_text())
    assert index["features"] == {
        "width": 79,
        "height": 60,
        "nbands": 3,
        "horizon": 6,
        "ndigit": 7,
        "nframes": 6,
    }
    assert index["files"]["3"] == {
        "frame": "frames/frame_3.h5",
        "annotation": "annotations/annotation_3.h5",
    }


def test_frames_stay_in_range_and_have_their_background_between_cells(latent):
    for frame, annotation in Product(latent):
        assert 0 <= frame.min() <= frame.max() <= 1
        between = annotation[..., 0] == 0
        np.testing.assert_allclose(frame[between], 51 / 255, atol=1e-6)
        assert set(np.unique(annotation[..., 1])) <= {0, 1, 2}


def test_texture_is_correlated_as_the_kernel_means_it(latent):
    """The original's reshape left a lag-1 autocorrelation of 0.00; the kernel says 0.92."""
    world = _generation(
        product={
            **yaml.safe_load(GENERATION)["product"],
            "n_polygons": 1,
            "size": {"width": 256, "height": 256},
        }
    ).world()
    from vrs_bench.world.scene import make_scene

    texture = make_scene(world, 0).texture["frames"].astype(np.float64)
    for a, b in ((texture[:, 1:], texture[:, :-1]), (texture[:, :, 1:], texture[:, :, :-1])):
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] == pytest.approx(0.92, abs=0.03)


def test_a_derived_product(latent, tmp_path):
    derived = derive(_derivation(), latent, tmp_path / "derived")
    assert derived.steps == [0, 2, 4]
    assert len(derived) == derived.features.nframes == 3
    index = json.loads((derived.path / "index.json").read_text())
    assert index["files"]["1"] is None
    frame, annotation = derived[2]
    assert frame.shape == (30, 20, 3)
    assert annotation.shape == (30, 20, 2)
    assert 0 <= frame.min() <= frame.max() <= 1


def test_every_label_of_a_derived_mask_is_a_label_of_the_scene(latent, tmp_path):
    _, truth = Product(latent)[0]
    class_of = {int(cell): int(label) for cell, label in truth.reshape(-1, 2)}
    derived = derive(_derivation(), latent, tmp_path / "derived")
    for _, annotation in derived:
        for cell, label in annotation.reshape(-1, 2):
            assert class_of[int(cell)] == int(label)
    assert (annotation[:, 0] != 0).any()  # the original's first column was empty


def test_products_repeat_to_the_bit_and_seeds_matter(latent, tmp_path):
    again = generate(_generation(), tmp_path / "again").path
    for name, array in _arrays(latent).items():
        np.testing.assert_array_equal(array, _arrays(again)[name])
    other = generate(_generation(seed=1), tmp_path / "other").path
    assert not np.array_equal(Product(latent)[0][0], Product(other)[0][0])
    first, second = (derive(_derivation(), latent, tmp_path / n)[4][0] for n in ("a", "b"))
    np.testing.assert_array_equal(first, second)


def test_the_reader_is_lazy(latent, tmp_path):
    import shutil

    folder = shutil.copytree(latent, tmp_path / "copy")
    (folder / "frames" / "frame_5.h5").write_bytes(b"damaged")
    product = Product(folder)
    assert product[4][0].shape == (60, 79, 3)
    with pytest.raises(BenchError, match=r"frame_5\.h5: can't be read"):
        product[5]
    with pytest.raises(BenchError, match="no observation at time step 6"):
        product[6]


def test_jpeg_frames(tmp_path):
    product = generate(_generation(astype="jpg"), tmp_path / "jpg")
    exact = generate(_generation(), tmp_path / "h5")
    assert (product.path / "frames" / "frame_0.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert np.abs(product[0][0] - exact[0][0]).mean() < 0.06


def test_an_interrupted_writer_goes_on(latent, tmp_path):
    class StopError(Exception):
        pass

    def stop(done, total):
        if done == 3:
            raise StopError

    with pytest.raises(StopError):
        generate(_generation(), tmp_path / "out", stop)
    assert not (tmp_path / "out").exists()
    kept = tmp_path / ".out.partial" / "frames" / "frame_1.h5"
    before = kept.stat().st_mtime_ns
    product = generate(_generation(), tmp_path / "out")
    assert (product.path / "frames" / "frame_1.h5").stat().st_mtime_ns == before
    for name, array in _arrays(latent).items():
        np.testing.assert_array_equal(array, _arrays(product.path)[name])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _interrupted(out, steps=3):
    """Generate the first steps of a product; return the folder in which it grows."""

    def stop(done, total):
        if done == steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(_generation(), out, stop)
    return out.with_name(f".{out.name}.partial")


@pytest.mark.parametrize("name", ["frames/frame_1.h5", "annotations/annotation_1.h5"])
@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
def test_a_file_that_was_cut_is_written_again(name, left, latent, tmp_path):
    partial = _interrupted(tmp_path / "out")
    os.truncate(partial / name, int((partial / name).stat().st_size * left))
    product = generate(_generation(), tmp_path / "out")
    for path, array in _arrays(latent).items():
        np.testing.assert_array_equal(array, _arrays(product.path)[path])


def test_what_was_not_flushed_does_not_outlive_the_machines_run(latent, tmp_path, monkeypatch):
    """After a power failure a file can have its length and hold nothing but zeros."""
    partial = _interrupted(tmp_path / "out")
    frame = partial / "frames" / "frame_1.h5"
    with h5py.File(frame, "r+") as file:
        file["data"][:] = 0
    monkeypatch.setattr(writer, "_boot", lambda: "another")
    product = generate(_generation(), tmp_path / "out")
    np.testing.assert_array_equal(product[1][0], Product(latent)[1][0])


def test_all_is_flushed_before_the_product_is_in_its_place(tmp_path, monkeypatch):
    out, flushed = tmp_path / "out", []

    def flush(paths):
        flushed.append((out.exists(), {path.name for path in paths}))

    monkeypatch.setattr(writer, "flush", flush)
    generate(_generation(), out)
    files = {f"{kind}_{t}.h5" for t in range(6) for kind in ("frame", "annotation")}
    folders = {"frames", "annotations", ".out.partial"}
    assert flushed == [(False, files | folders), (True, {tmp_path.name})]


def test_a_product_that_is_killed_at_any_moment_is_whole_or_goes_on(latent, tmp_path):
    (tmp_path / "g.yaml").write_text(GENERATION)
    words = [sys.executable, "-m", "vrs_bench", "generate", "--cfg", "g.yaml", "--o", "out"]
    partial, out = tmp_path / ".out.partial", tmp_path / "out"
    for wanted in (1, 3, 5):
        child = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL)
        while len(list(partial.glob("frames/frame_*.h5"))) < wanted and child.poll() is None:
            time.sleep(0.001)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if out.exists():
            break
    product = Product(out) if out.exists() else generate(_generation(), out)
    for path, array in _arrays(latent).items():
        np.testing.assert_array_equal(array, _arrays(product.path)[path])


def test_a_full_disk_is_an_error_and_not_a_crash(tmp_path):
    """A limit on the size of files fails as a full disk does: in the midst of a write."""
    (tmp_path / "g.yaml").write_text(GENERATION)
    words = [sys.executable, "-m", "vrs_bench", "generate", "--cfg", "g.yaml", "--o", "out"]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert done.returncode == 1, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out.partial/frames/*"))


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (5, 700, 200)])
def test_a_frame_is_the_file_that_hdf5_itself_writes(shape, tmp_path):
    frame = np.random.default_rng(0).random(shape, np.float32)
    writer._write_hdf5(tmp_path / "ours.h5", frame)
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file.create_dataset("data", data=np.ascontiguousarray(frame.transpose(1, 2, 0)))
    with h5py.File(tmp_path / "ours.h5") as ours, h5py.File(tmp_path / "theirs.h5") as theirs:
        np.testing.assert_array_equal(ours["data"][()], theirs["data"][()])
        assert ours["data"].dtype == theirs["data"].dtype == np.float32
        assert list(ours) == ["data"]
    with h5py.File(tmp_path / "ours.h5", "r+") as file:  # it can be written on
        file["more"] = 1
        file["data"][0, 0, 0] = 2


def test_annotations_are_read_as_they_are_also_where_they_differ(tmp_path):
    masks = [np.full((2, 8, 9), value, np.int16) for value in (1, 1, 2)]
    size = Features(width=9, height=8, nbands=1, horizon=3, ndigit=2, nframes=0)
    making = writer.ProductWriter(tmp_path / "product", size, "x", "h5")
    for step, mask in enumerate(masks):
        making.write(step, np.zeros((1, 8, 9), np.float32), mask)
    making.close()
    product = Product(tmp_path / "product")
    for _ in range(2):
        for step, mask in enumerate(masks):
            annotation = product.annotation(step)
            np.testing.assert_array_equal(annotation, mask.transpose(1, 2, 0))
            annotation[:] = 7  # the reader's own: the next is not touched
    # Written over by another of the same size: what is there now counts.
    other = tmp_path / "product" / "annotations" / "annotation_2.h5"
    product.annotation(0)
    (other.parent / "annotation_0.h5").write_bytes(other.read_bytes())
    assert product.annotation(0).max() == 2


def test_a_complete_product_is_used_again_only_where_it_is_the_same(latent, tmp_path):
    made = generate(_generation(), tmp_path / "out").path
    before = (made / "frames" / "frame_0.h5").stat().st_mtime_ns
    again = generate(_generation(), made, reuse=True)
    assert (again.path / "frames" / "frame_0.h5").stat().st_mtime_ns == before
    with pytest.raises(BenchError, match="is there already"):
        generate(_generation(seed=1), made, reuse=True)
    other = generate(_generation(seed=1), tmp_path / "other").path
    derived = derive(_derivation(), latent, tmp_path / "derived").path
    assert derive(_derivation(), made, derived, reuse=True).path == derived
    with pytest.raises(BenchError, match="is there already"):  # the same recipe of another ground
        derive(_derivation(), other, derived, reuse=True)


def test_what_another_recipe_left_is_not_mixed_in(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(_generation(seed=5), tmp_path / "out", stop)
    product = generate(_generation(), tmp_path / "out")
    fresh = generate(_generation(), tmp_path / "fresh")
    np.testing.assert_array_equal(product[0][0], fresh[0][0])


def test_a_folder_that_holds_something_is_not_touched(latent):
    with pytest.raises(BenchError, match="is there already"):
        generate(_generation(), latent)


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_recipes_are_valid(name):
    data = yaml.safe_load((HERE / "original" / f"{name}.yaml").read_text())
    model = GenerationRecipe if "ts" in data else DerivationRecipe
    recipe = load_recipe(model, f"original/{name}")
    if model is DerivationRecipe:
        size = {"template_derived": (2048, 2048), "clouded_optical": (256, 256)}
        recipe.sensor(*size.get(name, (256, 337)))


def test_the_five_products_of_cloud_removal_fit_each_other(tmp_path):
    horizon = {"horizon": 2, "size": {"width": 337, "height": 256}, "nbands": 3, "n_polygons": 16}

    def latent(name):
        recipe = load_recipe(GenerationRecipe, f"original/{name}")
        short = recipe.product.model_copy(update={"horizon": horizon["horizon"]})
        return generate(recipe.model_copy(update={"product": short}), tmp_path / name).path

    def derived(name, source):
        recipe = load_recipe(DerivationRecipe, f"original/{name}")
        return derive(recipe, source, tmp_path / name)

    optical, radar = latent("latent_optical"), latent("latent_sar")
    clean, sar = derived("clean_optical", optical), derived("sar", radar)
    clouded = derived("clouded_optical", clean.path)
    for product in (clean, sar, clouded):
        assert product[1][0].shape == (256, 256, 3)
        np.testing.assert_array_equal(product[1][1], clean[1][1])  # one ground under all of them
    assert clouded[1][0].mean() > clean[1][0].mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ts": {"path": "x.ts", "ndim": 2, "nclass": 2}}, "3 bands, but ts.ndim keeps 2"),
        (
            {"random_sampler": {"name": "perlin"}},
            r"random_sampler\.name: .*'gaussian'.*got 'perlin'",
        ),
        (
            {"random_sampler": {"name": "gaussian_process", "kernel": {"name": "matern"}}},
            "kernel.*'rbf'",
        ),
        ({"product": {"size": {"width": -3, "height": 9}}}, r"product\.size\.width: .*got -3"),
        ({"astype": "png"}, "astype: .*'h5' or 'jpg', got 'png'"),
        ({"sed": 3}, "unknown key 'sed'; did you mean 'seed'"),
        ({"ts": {"path": [], "ndim": 3, "nclass": 2}}, r"ts\.path.*at least 1 item"),
        ({"ts": {"path": "x", "ndim": 3, "nclass": 10**12}}, r"ts\.nclass: .*or equal to 4096"),
        ({"product": {**PRODUCT, "horizon": 10**6}}, r"product\.horizon: .*equal to 10000"),
        ({"product": {**PRODUCT, "size": {"width": 4, "height": 60}}}, r"width: .*equal to 8"),
        ({"product": {**PRODUCT, "n_polygons": 32_000}}, "32000 cells are more than the 60 × 79"),
        ({"random_sampler": {"name": "gaussian", "std": 1e9}}, r"std: .*equal to 100"),
        (
            {
                "random_sampler": {
                    "name": "gaussian_process",
                    "kernel": {"name": "rbf", "length_scale": 1000.0},
                }
            },
            "length_scale: 1000 pixels are more than a quarter",
        ),
        ({"seed": None}, "seed: .*integer, got None"),
    ],
)
def test_faulty_generation_recipes_are_explained(change, message):
    with pytest.raises(BenchError, match=message):
        _generation(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temporal_res": 0}, "temporal_res: .*greater than or equal to 1, got 0"),
        ({"temporal_res": 1001}, "temporal_res: .*less than or equal to 1000, got 1001"),
        (
            {"corruption": {**CORRUPTION, "sampling_scale": 9999}},
            r"corruption\.sampling_scale: .*less than or equal to 2048",
        ),
        (
            {"corruption": {**CORRUPTION, "cloud_density": 7.0}},
            r"corruption\.cloud_density: .*less than or equal to 6",
        ),
        (
            {"corruption": {**CORRUPTION, "mul": {"min": 1.0, "max": 1e308}}},
            r"corruption\.mul: expected -100 ≤ min ≤ max ≤ 100",
        ),
        (
            {
                "postprocess": {
                    "name": "speckle",
                    "salt_pepper_proportion": {"min": 0.0, "max": 2.0},
                }
            },
            r"postprocess\.salt_pepper_proportion: expected 0 ≤ min",
        ),
        (
            {"aggregation": {"kernel": {"sigma": 1e9}}},
            r"aggregation\.kernel\.sigma: .*less than or equal to 200",
        ),
        ({"target_size": {"width": 20}}, r"missing key 'target_size\.height'"),
        ({"aggregation": {"kernel": {"sigma": "wide"}}}, r"sigma: .*number, got 'wide'"),
        (
            {"postprocess": {"name": "speckle"}},
            r"missing key 'postprocess\.salt_pepper_proportion'",
        ),
    ],
)
def test_faulty_derivation_recipes_are_explained(change, message):
    with pytest.raises(BenchError, match=message):
        _derivation(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"deformation": {**yaml.safe_load(DERIVATION)["deformation"], "growth_rate": 0.09}},
            "growth_rate: 0.09 is above its bound",
        ),
        (
            {"deformation": {**yaml.safe_load(DERIVATION)["deformation"], "image_width": 337}},
            "but the product has 60 and 79",
        ),
        ({"aggregation": None}, "what leaves the sensor is 60 × 60; give an aggregation"),
        ({"target_size": {"width": 200, "height": 30}}, "30 × 200 is larger than"),
    ],
)
def test_what_does_not_fit_the_product_is_refused_and_nothing_is_written(
    latent, tmp_path, change, message
):
    with pytest.raises(BenchError, match=message):
        derive(_derivation(**change), latent, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_horizon_and_the_archive_are_checked_before_anything_is_written(tmp_path):
    product = {**yaml.safe_load(GENERATION)["product"], "horizon": 101}
    with pytest.raises(BenchError, match="101 time steps are asked, but the series"):
        generate(_generation(product=product), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{}", "not the index of a product"),
        ("[", "not the index of a product"),
        (
            '{"features": {"width": 1, "height": 1, "nbands": 1, "horizon": 1, "ndigit": 1, '
            '"nframes": 1}, "files": {"0": {"frame": "../../x.h5", "annotation": "a.h5"}}}',
            "leads out of the folder",
        ),
    ],
)
def test_an_index_is_not_trusted(index, message, tmp_path):
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(BenchError, match=message):
        Product(tmp_path)
    with pytest.raises(BenchError, match="no product here"):
        Product(tmp_path / "nowhere")
