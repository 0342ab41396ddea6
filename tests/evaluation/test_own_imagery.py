"""Own imagery goes the whole way, and where masks or rasters are missing, the result says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_imagery import OwnImagery, make_own_imagery, write_raster
from typer.testing import CliRunner

from vrs_bench.cli import app
from vrs_bench.columns import quantise, restore
from vrs_bench.data.build.building import build
from vrs_bench.data.documents.croissant import croissant
from vrs_bench.data.manifest import NAME, read_manifest
from vrs_bench.data.private import build_private
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.verify import changed_rasters, verify
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, evaluate
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.references.readers import save
from vrs_bench.references.readers_fit import fit_readers
from vrs_bench.show import draw
from vrs_bench.tasks import TASKS, bind
from vrs_bench.world.splits import split_scenes

rasterio = pytest.importorskip("rasterio")

BY_READERS = {name for name, metric in METRICS.items() if "readers" in metric.needs}
DOWNSTREAM = {name for name, metric in METRICS.items() if metric.group == "downstream"}


def recipe_of(data: dict[str, Any]) -> BenchmarkRecipe:
    return check_recipe(BenchmarkRecipe, data, "own.yaml")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnImagery:
    return make_own_imagery(tmp_path_factory.mktemp("own") / "rasters")


@pytest.fixture(scope="module")
def folder(own: OwnImagery) -> Iterator[DatasetFolder]:
    """Return a dataset of all tasks, whose rasters have been moved elsewhere since."""
    path = own.folder.parent / "data"
    build([], recipe_of(own.recipe()), path)
    own.folder.rename(own.folder.with_name("elsewhere"))
    yield DatasetFolder(path)
    own.folder.with_name("elsewhere").rename(own.folder)


@pytest.fixture(scope="module")
def optical_alone(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Return a dataset of optical images, of which nothing else is known."""
    home = tmp_path_factory.mktemp("optical")
    own = make_own_imagery(home / "rasters")
    data = own.recipe(sar=None, land_cover=None, cells=None)
    build(["super_res"], recipe_of(data), home / "data")
    return DatasetFolder(home / "data")


def guesses(folder: DatasetFolder, task: str) -> Any:
    """Return the truth with noise."""
    target = TASKS[task].target
    [scene] = folder.scenes(task, "test", [target])
    noise = np.random.default_rng(0).normal(0, 0.01, scene[target].shape)
    return (restore(scene[target]) + noise).clip(0, 1).astype(np.float32)


# Data


def test_programs_are_told_where_the_images_come_from(folder: DatasetFolder) -> None:
    described = croissant(folder.manifest)
    assert "SHA-256" in described["prov:wasDerivedFrom"]
    assert "does not know" in described["rai:personalSensitiveInformation"]
    assert described["rai:hasSyntheticData"] is True  # the observations


def test_the_data_are_the_images(own: OwnImagery, folder: DatasetFolder) -> None:
    scenes = [s for split in split_scenes(10) for s in folder.scenes("super_res", split, ["hr"])]
    assert [s["scene"] for s in scenes] == [*range(7), 800_000, 800_001, 900_000]
    for scene, tile in zip(scenes, (*range(7), 12, 13, 19), strict=True):
        row, column = tile // 4 * 64, tile % 4 * 64
        expected = own.optical[:, :, row : row + 64, column : column + 64]
        np.testing.assert_array_equal(scene["hr"], expected)


def test_the_same_rasters_give_the_same_bytes(own_imagery: OwnImagery, tmp_path: Path) -> None:
    recipe = recipe_of(own_imagery.recipe())
    one = build(["cloud_removal"], recipe, tmp_path / "one")
    two = build(["cloud_removal"], recipe, tmp_path / "two", workers=2)
    assert two.files == one.files
    written = load_recipe(BenchmarkRecipe, tmp_path / "one" / "recipes" / "own.yaml")
    assert build(["cloud_removal"], written, tmp_path / "three").files == one.files
    assert verify(tmp_path / "one") == changed_rasters(tmp_path / "one") == []

    own_imagery.optical[0, 0, 0, 0] += 1
    write_raster(own_imagery.folder / "images" / "S2_20200115.tif", own_imagery.optical[0])
    [fault] = changed_rasters(tmp_path / "one")
    assert "S2_20200115.tif has changed since it was read" in fault
    with pytest.raises(BenchError, match="one: holds a dataset of another recipe"):
        build(["cloud_removal"], recipe, tmp_path / "one")
    other = build(["cloud_removal"], recipe, tmp_path / "other")
    assert other.tasks["cloud_removal"].digest != one.tasks["cloud_removal"].digest
    run = CliRunner().invoke(app, ["verify", str(tmp_path / "one"), "--json"])
    assert (run.exit_code, json.loads(run.stdout)["rasters"]) == (0, [fault])


def test_without_radar_there_is_one_task(own_imagery: OwnImagery, tmp_path: Path) -> None:
    recipe = recipe_of(own_imagery.recipe(sar=None))
    names = [column.name for column in bind("super_res", recipe).columns]
    assert "backscatter" not in names
    for task in ("cloud_removal", "sar_to_optical"):
        with pytest.raises(BenchError, match=r"series\.sar: needs sar rasters \(vv and vh in dB\)"):
            build([task], recipe, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_card_speaks_of_own_images(folder: DatasetFolder, optical_alone: DatasetFolder) -> None:
    card = (folder.path / "README.md").read_text(encoding="utf-8")
    assert "license: other" in card
    assert "Voronoi" not in card
    assert "synthetic" not in card.lower()
    assert "Rasters of reflectance and of backscatter were cut into tiles" in card
    assert "is not known" not in card
    alone = (optical_alone.path / "README.md").read_text(encoding="utf-8")
    assert "Rasters of reflectance were cut into tiles" in alone
    assert "Land cover is not known" in alone
    assert "Fields are not known" in alone
    assert "backscatter" not in alone


def test_no_private_split_is_made_of_rasters(own_imagery: OwnImagery, tmp_path: Path) -> None:
    secret = b"a secret of more than thirty-two bytes, 0123456789"
    with pytest.raises(BenchError, match="own: a private split is drawn from its secret, but"):
        build_private(["super_res"], recipe_of(own_imagery.recipe()), tmp_path / "data", secret)
    assert not (tmp_path / "data").exists()


def test_a_manifest_without_pins_is_refused(optical_alone: DatasetFolder, tmp_path: Path) -> None:
    data = json.loads((optical_alone.path / NAME).read_text(encoding="utf-8"))
    del data["recipe"]["world"]["series"]["pinned"]
    (tmp_path / NAME).write_text(json.dumps(data))
    with pytest.raises(BenchError, match=r"manifest.json: recipe\.world\.series\.pinned: missing"):
        read_manifest(tmp_path)


# Scores, from the folder alone


@pytest.mark.parametrize("task", TASKS)
def test_scores_need_no_rasters(task: str, folder: DatasetFolder) -> None:
    assert len(changed_rasters(folder.path)) == 6  # none of them is there
    images = guesses(folder, task)
    result = evaluate(images, task, folder, groups=["distortion", "consistency"])
    assert result.scores["rmse"].mean == pytest.approx(0.01, rel=0.05)
    assert set(result.bounds) == {n for n in result.scores if METRICS[n].group != "skill"}
    assert result.bounds["rmse"].floor > 0
    assert ("through_sensor_rmse" in result.scores) == (task != "sar_to_optical")
    assert set(result.slices["land_cover"]) == {"water", "forest"}
    assert set(result.slices["position"]) == {"border", "interior"}


def test_the_floor_from_radar_is_the_mean_of_the_train_scenes(
    own: OwnImagery, folder: DatasetFolder
) -> None:
    result = evaluate(
        guesses(folder, "sar_to_optical"), "sar_to_optical", folder, groups="distortion"
    )
    tiles = [own.optical[:, :, t // 4 * 64 :, t % 4 * 64 :][..., :64, :64] for t in (*range(7), 19)]
    mean = np.mean([restore(tile) for tile in tiles[:7]], axis=(0, 3, 4))
    error = restore(tiles[7]) - mean[..., None, None]
    rmse = np.sqrt((error**2).mean(axis=(1, 2, 3))).mean()
    assert result.bounds["rmse"].floor == pytest.approx(rmse, rel=1e-5)


@pytest.fixture(scope="module")
def result(folder: DatasetFolder) -> Result:
    return evaluate(guesses(folder, "super_res"), "super_res", folder, bounds=False)


def test_the_packaged_readers_are_left_out_with_the_reason(result: Result) -> None:
    assert set(result.left_out) == BY_READERS
    assert set(result.scores) >= DOWNSTREAM - BY_READERS
    [line] = [line for line in str(result).splitlines() if "jaccard_ratio" in line]
    assert "no packaged readers read own imagery: fit some with" in line


def test_readers_of_the_same_images_are_used(own_imagery: OwnImagery, tmp_path: Path) -> None:
    recipe = recipe_of(own_imagery.recipe())
    build(["super_res"], recipe, tmp_path / "data")
    save(fit_readers(recipe.pinned().world, scenes=7), tmp_path / "readers.npz")
    data = DatasetFolder(tmp_path / "data")
    result = evaluate(
        {(900_000, step): image for step, image in enumerate(guesses(data, "super_res"))},
        "super_res",
        data,
        groups=["downstream"],
        readers=tmp_path / "readers.npz",
        bounds=False,
    )
    assert set(result.scores) == DOWNSTREAM
    # Near infrared tells the two classes apart, in the truth and 1 % off.
    assert result.scores["jaccard_truth"].mean > 0.9
    assert result.scores["jaccard_ratio"].mean > 0.9


def test_without_masks_what_needs_them_is_left_out(optical_alone: DatasetFolder) -> None:
    images = guesses(optical_alone, "super_res")
    result = evaluate(images, "super_res", optical_alone, bounds=False)
    assert set(result.left_out) == DOWNSTREAM
    assert result.left_out["segmentation_miou"] == "the data have no land_cover"
    assert result.left_out["cell_accuracy"] == "the data have no cell and no land_cover"
    assert {METRICS[name].group for name in result.scores} == {
        "distortion",
        "perceptual",
        "consistency",
    }
    assert set(result.slices) == {"time_step"}
    assert result.confusion == {}
    with pytest.raises(BenchError, match=r"no metric of these groups applies \(.*no land_cover"):
        evaluate(images, "super_res", optical_alone, groups=["downstream"])


# Pictures


@pytest.mark.parametrize("view", ["scene", "stages", "animation", "geojson"])
@pytest.mark.parametrize("sar", [True, False])
def test_scenes_are_shown(view: str, sar: bool, own_imagery: OwnImagery, tmp_path: Path) -> None:
    data = own_imagery.recipe() if sar else own_imagery.recipe(sar=None)
    (tmp_path / "own.yaml").write_text(json.dumps(data))  # JSON is YAML
    out = draw(view, str(tmp_path / "own.yaml"), tmp_path / "out.gif", scene=900_000)
    assert out.stat().st_size > 1000


def test_signatures_are_of_drawn_series(own_imagery: OwnImagery, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(json.dumps(own_imagery.recipe()))
    with pytest.raises(BenchError, match="which the source 'raster' does not have"):
        draw("signatures", str(tmp_path / "own.yaml"), tmp_path / "out.png")


def test_a_clipped_value_is_published_as_one(own_imagery: OwnImagery, tmp_path: Path) -> None:
    own_imagery.optical[0, 2, 5, 7] = 20_000
    write_raster(own_imagery.folder / "images" / "S2_20200115.tif", own_imagery.optical[0])
    build(["super_res"], recipe_of(own_imagery.recipe(sar=None)), tmp_path / "data")
    scene = next(DatasetFolder(tmp_path / "data").scenes("super_res", "train", ["hr"]))
    assert scene["hr"][0, 2, 5, 7] == quantise(np.array(1.0)) == 10_000


def test_the_page_works_as_it_is_written(
    own_imagery: OwnImagery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own_imagery.folder)
    page = Path(__file__).parents[2] / "docs" / "own-imagery.md"
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w+) (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    [(_, name, recipe), (_, _, commands)] = fences
    Path(name.removeprefix("file=")).write_text(recipe)
    lines = [line.split()[1:] for line in commands.splitlines()]
    for words in lines:
        run = CliRunner().invoke(app, words)
        assert run.exit_code == 0, (words, run.output, run.exception)
    assert [words[0] for words in lines] == [
        *("show", "build", "verify", "predict", "evaluate", "export")
    ]
    assert Result.from_json(Path("scores.json")).n_scenes == 1
    assert len(list(Path("vrs-fields-gis").rglob("hr_2020-*.tif"))) == 2
