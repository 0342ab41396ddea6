"""The original toy's recipes, unchanged, and its file layout."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import sktime
import yaml

from vrs_bench.data.products.commands import derive, generate
from vrs_bench.data.products.layout import Product
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
