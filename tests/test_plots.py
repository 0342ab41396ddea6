"""Pictures: right shapes, right range, and as many panels as there is to see."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.figure import Figure
from PIL import Image, ImageSequence

from vrs_bench.colours import composite, false_colour, sar_colour, true_colour
from vrs_bench.data.products.layout import Features, Product
from vrs_bench.data.products.writer import ProductWriter
from vrs_bench.errors import BenchError
from vrs_bench.plots.display import save, save_animation
from vrs_bench.plots.physics import class_signatures
from vrs_bench.plots.product import product_animation, product_panel
from vrs_bench.plots.scene import animation, comparison, scene_panel, stages, telling_step
from vrs_bench.recipes import HERE, BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.sensor import Place, SensorRecipe
from vrs_bench.sensors.stage import Draws
from vrs_bench.sensors.stages.brightness import Brightness
from vrs_bench.sensors.stages.clouds import CloudLayer, Clouds
from vrs_bench.sensors.stages.noise import Noise
from vrs_bench.show import draw
from vrs_bench.tasks import TASKS, bind
from vrs_bench.world.latent import Scene
from vrs_bench.world.scene import make_scene

RECIPE = check_recipe(
    BenchmarkRecipe,
    {
        "name": "little",
        "scenes": 3,
        "scenes_per_shard": 1,
        "world": {"seed": 20, "height": 48, "width": 64, "horizon": 3, "cells": {"n": 6}},
    },
    "little",
)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(RECIPE.world, 0)


def images_of(figure: Figure) -> list[np.ndarray]:
    """Return the images that a figure shows, in the order of its panels."""
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


def titles_of(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


# Composites


def picture(bands: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float32, (bands, 5, 7), elements=st.floats(0, 1, width=32))


@settings(derandomize=True, database=None, deadline=None)
@given(picture(4), picture(2))
def test_composites_are_colours(optical: np.ndarray, sar: np.ndarray) -> None:
    for shown in (
        true_colour(optical),
        false_colour(optical),
        sar_colour(sar),
        composite(optical, "optical"),
        composite(sar, "sar"),
        *(composite(optical[:bands], "frames") for bands in (1, 2, 3, 4)),
    ):
        assert shown.shape == (5, 7, 3)
        assert 0 <= shown.min() <= shown.max() <= 1


def test_composites_show_the_right_bands() -> None:
    """Blue, green, red, NIR; VV, VH: each band alone lights up its own channel."""
    for band, channel in ((0, 2), (1, 1), (2, 0)):
        optical = np.zeros((4, 1, 1), np.float32)
        optical[band] = 0.3
        assert np.flatnonzero(true_colour(optical)[0, 0]).tolist() == [channel]
    for band, channel in ((1, 2), (2, 1), (3, 0)):
        optical = np.zeros((4, 1, 1), np.float32)
        optical[band] = 0.3
        assert np.flatnonzero(false_colour(optical)[0, 0]).tolist() == [channel]
    frames = np.float32([0.1, 0.2, 0.3, 0.4, 0.5])[:, None, None]
    np.testing.assert_array_equal(composite(frames, "frames")[0, 0], frames[:3, 0, 0])
    np.testing.assert_array_equal(composite(frames[:1], "frames")[0, 0], frames[[0, 0, 0], 0, 0])
    np.testing.assert_array_equal(composite(frames[:2], "frames")[0, 0], frames[[0, 1, 1], 0, 0])


def test_brighter_ground_is_shown_brighter() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 50, dtype=np.float32), (4, 1, 50))
    assert (np.diff(true_colour(ramp), axis=1) > 0).all()


def test_vegetation_is_red_in_false_colour(scene: Scene) -> None:
    optical = scene.frame("optical", 1)
    ndvi = (optical[3] - optical[2]) / (optical[3] + optical[2] + 1e-6)
    shown = false_colour(optical)
    assert (ndvi > 0.6).any()
    assert (shown[ndvi > 0.6, 0] > shown[ndvi > 0.6, 1]).mean() > 0.99


# Stages


@pytest.mark.parametrize("name", ["super_res", "cloudy", "sar"])
def test_stages_shows_the_latent_frame_and_every_stage(name: str, scene: Scene) -> None:
    written = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    expected = [stage["stage"] for stage in written["stages"]]
    figure = stages(scene, load_recipe(SensorRecipe, name), 1)
    titles = titles_of(figure)
    assert titles[0] == "latent (48 × 64)"
    assert [title.split()[1] for title in titles[1:]] == expected
    assert len(images_of(figure)) == len(titles) == 1 + len(expected)


def test_the_last_stage_is_what_the_sensor_records(scene: Scene) -> None:
    from vrs_bench.sensors.sensor import observe

    sensor = load_recipe(SensorRecipe, "super_res")
    place = Place.of(RECIPE.world, 0)
    seen = observe(sensor, place, 2, scene.frame("optical", 2))
    shown = images_of(stages(scene, sensor, 2))
    np.testing.assert_array_equal(shown[-1], true_colour(seen))
    np.testing.assert_array_equal(shown[0], true_colour(scene.frame("optical", 2)))
    assert [image.shape[:2] for image in shown] == [(48, 64)] * 3 + [(12, 16)] * 2


def test_stages_of_a_plain_sensor_is_the_latent_frame(scene: Scene) -> None:
    figure = stages(scene, SensorRecipe(name="plain", product="optical"), 0)
    assert titles_of(figure) == ["latent (48 × 64)"]


def clouded(covers: dict[int, float]) -> type[Clouds]:
    """Return a kind of clouds that hide a known share of the ground at each time step."""

    class Known(Clouds):
        def draw(self, draws: Draws, height: int, width: int) -> CloudLayer | None:
            share = covers.get(draws.step, 0.0)
            if share == 0:
                return None
            opacity = np.zeros((height, width), np.float32)
            opacity[: round(share * height)] = 1
            return CloudLayer(opacity, None, np.ones_like(opacity))

    return Known


@pytest.mark.parametrize(
    ("covers", "expected"),
    [
        ({1: 1.0, 2: 0.05, 4: 0.4, 5: 0.5}, 4),  # not overcast, nor a wisp
        ({0: 0.5, 1: 0.5}, 0),
        ({}, 0),  # no date is better than another
        ({0: 0.95, 3: 0.9}, 3),
    ],
)
def test_stages_are_shown_where_all_of_them_do_something(
    covers: dict[int, float], expected: int
) -> None:
    gain = Brightness(mul=Interval(min=1.1, max=1.1))
    sensor = SensorRecipe(name="known", product="optical").model_copy(
        update={"stages": (gain, clouded(covers)(), Noise(read_noise=0.01))}
    )
    place = Place(1, 0, 40, 40)
    assert telling_step(place, sensor, 6) == expected
    sensor = sensor.model_copy(update={"stages": (Brightness(), *sensor.stages[1:])})
    assert telling_step(place, sensor, 6) == expected  # a gain of 1 is so at every date
    assert not Brightness().shows((1.0, 0.0))
    assert Brightness().shows((1.0, 0.01))


def test_show_draws_stages_at_a_telling_step_if_none_is_asked_for(tmp_path: Path) -> None:
    bound = bind("cloud_removal", load_recipe(BenchmarkRecipe, "tiny"))
    scene = next(
        number
        for number in range(50)
        if telling_step(bound.place(number), bound.main_sensor, bound.world.horizon) > 0
    )
    step = telling_step(bound.place(scene), bound.main_sensor, bound.world.horizon)
    given = {"scene": scene, "task": "cloud_removal"}
    drawn = {
        asked: draw("stages", "tiny", tmp_path / f"{asked}.png", step=asked, **given).read_bytes()  # type: ignore[arg-type]
        for asked in (None, 0, step)
    }
    assert drawn[None] == drawn[step] != drawn[0]


# Scenes


@pytest.mark.parametrize("task", TASKS)
def test_a_scene_panel_shows_images_masks_and_series(task: str, scene: Scene) -> None:
    figure = scene_panel(scene, bind(task, RECIPE), 2, (47, 0))
    shown = images_of(figure)
    assert len(figure.axes) == 8
    assert [image.ndim for image in shown] == [3, 3, 3, 3, 2, 2]
    np.testing.assert_array_equal(shown[4], scene.land_cover)
    np.testing.assert_array_equal(shown[5] > 0, scene.cell > 0)
    assert {"blue", "green", "red", "nir", "NDVI"} <= {
        str(line.get_label()).lower().replace("ndvi", "NDVI") for line in figure.axes[6].lines
    }
    assert "pixel 47,0" in figure.axes[6].get_title()
    series = {str(line.get_label()): line.get_ydata() for line in figure.axes[6].lines}
    frames = np.stack([scene.frame("optical", step)[:, 47, 0] for step in range(3)])
    blue = next(values for name, values in series.items() if name.lower() == "blue")
    np.testing.assert_allclose(blue, frames[:, 0], atol=1e-6)


@pytest.mark.parametrize("pixel", [(48, 0), (0, 64), (-1, 0)])
def test_a_pixel_outside_of_the_scene_is_an_error(pixel: tuple[int, int], scene: Scene) -> None:
    with pytest.raises(BenchError, match="pixel: the scene has 48 rows and 64 columns, got "):
        scene_panel(scene, bind("super_res", RECIPE), 0, pixel)


@pytest.mark.parametrize(("task", "panels"), [("super_res", 3), ("cloud_removal", 3)])
def test_an_animation_has_a_frame_a_time_step(task: str, panels: int, scene: Scene) -> None:
    images, labels = animation(scene, bind(task, RECIPE))
    assert len(images) == 3
    for step, image in enumerate(images):
        assert image.shape == (48, 64 * panels, 3)
        assert 0 <= image.min() <= image.max() <= 1
        np.testing.assert_array_equal(image[:, :64], true_colour(scene.frame("optical", step)))
    days = [RECIPE.world.series.day_of_year(step) for step in range(3)]
    assert labels == [f"day {day}" for day in days]


def test_radar_is_not_shown_twice_where_it_is_the_input(scene: Scene) -> None:
    images, _ = animation(scene, bind("sar_to_optical", RECIPE))
    assert {image.shape for image in images} == {(48, 128, 3)}


def test_a_comparison_shows_errors_below_what_has_the_truths_size(scene: Scene) -> None:
    truth = scene.frame("optical", 0)
    images = {"input": truth[:, ::4, ::4], "shifted": truth + np.float32(0.01), "same": truth}
    figure = comparison(images, truth, "A title")
    shown = images_of(figure)
    assert len(figure.axes) == 8
    assert len(shown) == 4 + 2
    titles = titles_of(figure)
    assert titles[:4] == ["input", "shifted", "same", "truth"]
    assert titles[4:] == ["", "mean |error| 0.0100", "mean |error| 0.0000", ""]
    np.testing.assert_allclose(shown[4], 0.01, atol=1e-6)


def test_signatures_draw_a_line_for_each_class() -> None:
    figure = class_signatures(RECIPE.world.series)
    assert len(figure.axes) == 6
    assert [len(axes.lines) for axes in figure.axes] == [8] * 6


# Products


@pytest.fixture
def product(tmp_path: Path) -> Product:
    """Return a product of 3 bands, 9 × 12 pixels, with time steps 0 and 2 of 4."""
    features = Features(width=12, height=9, nbands=3, horizon=4, ndigit=2, nframes=0)
    writer = ProductWriter(tmp_path / "product", features, "digest", "h5")
    annotation = np.ones((2, 9, 12), np.int16)
    for step in range(4):
        if step % 2:
            writer.skip(step)
        else:
            writer.write(step, np.full((3, 9, 12), 0.2 + step / 10, np.float32), annotation)
    writer.close()
    return Product(tmp_path / "product")


def test_a_product_panel_shows_frame_masks_and_the_series_of_its_centre(product: Product) -> None:
    figure = product_panel(product, 2)
    frame, classes, cells = images_of(figure)
    np.testing.assert_allclose(frame, np.full((9, 12, 3), 0.4), atol=1e-6)
    assert classes.shape == cells.shape == (9, 12)
    lines = figure.axes[3].lines
    assert len(lines) == 3
    for line in lines:
        assert list(line.get_xdata()) == [0, 2]
        np.testing.assert_allclose(line.get_ydata(), [0.2, 0.4], atol=1e-6)


def test_a_product_animation_has_its_observations(product: Product) -> None:
    images, labels = product_animation(product)
    assert labels == ["step 0", "step 2"]
    np.testing.assert_allclose(images[1], np.full((9, 12, 3), 0.4), atol=1e-6)


def test_a_step_that_was_not_observed_is_an_error(product: Product) -> None:
    with pytest.raises(BenchError, match="product: no observation at time step 1"):
        product_panel(product, 1)


@pytest.mark.parametrize("view", ["stages", "signatures", "texture", "geojson"])
def test_a_product_has_no_other_views(view: str, product: Product, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="of a product folder, show draws 'scene' and 'animation'"):
        draw(view, str(product.path), tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_product_without_observations_has_nothing_to_show(tmp_path: Path) -> None:
    features = Features(width=12, height=9, nbands=3, horizon=1, ndigit=2, nframes=0)
    writer = ProductWriter(tmp_path / "empty", features, "digest", "h5")
    writer.skip(0)
    writer.close()
    with pytest.raises(BenchError, match="empty: has no observation to show"):
        product_animation(Product(tmp_path / "empty"))


def test_a_damaged_frame_is_named_and_no_picture_is_left(product: Product, tmp_path: Path) -> None:
    with h5py.File(product.path / "frames" / "frame_2.h5", "w") as file:
        file["data"] = np.zeros((9, 11, 3), np.float32)
    with pytest.raises(BenchError, match=r"frame_2\.h5: expected shape \(9, 12, 3\), got "):
        draw("animation", str(product.path), tmp_path / "a.gif")
    assert not (tmp_path / "a.gif").exists()


# Files


def test_a_figure_is_saved_as_png_whole_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        figure = Figure(figsize=(2, 1))
        figure.subplots().plot([0, 1])
        assert save(figure, tmp_path / "new" / name) == tmp_path / "new" / name
    one, two = (tmp_path / "new" / name for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with Image.open(one) as image:
        assert image.format == "PNG"
        assert image.size == (160, 80)
    assert sorted(path.name for path in one.parent.iterdir()) == ["one", "two"]


def test_an_animation_is_saved_as_a_looping_gif(tmp_path: Path) -> None:
    frames = [np.full((32, 64, 3), level) for level in (0.0, 0.5, 1.0)]
    path = save_animation(frames, ["a", "b", "c"], tmp_path / "a.gif")
    with Image.open(path) as image:
        assert image.format == "GIF"
        assert image.size == (512, 256)  # small frames are enlarged by whole numbers
        assert image.n_frames == 3
        assert image.info["loop"] == 0
        corners = [
            np.asarray(frame.convert("RGB"))[-1, -1].tolist()
            for frame in ImageSequence.Iterator(image)
        ]
    for corner, level in zip(corners, (0, 128, 255), strict=True):
        assert np.abs(np.array(corner) - level).max() <= 2


def test_labels_and_frames_come_in_pairs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        save_animation([np.zeros((8, 8, 3))], ["a", "b"], tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


# What `show` refuses


@pytest.mark.parametrize(
    ("view", "options", "message"),
    [
        ("scene", {"step": 8}, "step: the scene has time steps 0 to 7, got 8"),
        ("stages", {"step": 8}, "step: the scene has time steps 0 to 7, got 8"),
        ("scene", {"pixel": (128, 0)}, "pixel: the scene has 128 rows and 128 columns"),
        ("stages", {"task": "superres"}, "unknown task 'superres'; did you mean 'super_res'"),
    ],
)
def test_show_says_what_there_is(
    view: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=message):
        draw(view, "tiny", tmp_path / "x.png", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("view", ["scene", "stages", "animation", "signatures"])
def test_a_world_of_an_archive_has_no_optical_and_radar_to_show(view: str, tmp_path: Path) -> None:
    recipe = tmp_path / "uea.yaml"
    archive = "sktime:/BasicMotions/BasicMotions_TRAIN.ts"
    series = {"source": "uea", "path": [archive], "ndim": 2, "nclass": 2}
    content = {**RECIPE.model_dump(), "world": {"seed": 1, "series": series}}
    recipe.write_text(yaml.safe_dump(content))
    with pytest.raises(BenchError, match="'uea' does not have; choose 'phenology'"):
        draw(view, str(recipe), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == [recipe]
