"""What `vrs-bench show` does: find the scene or product that is meant, and draw a view of it."""

from __future__ import annotations

import json
from pathlib import Path

from vrs_bench.data.manifest import Manifest, read_manifest
from vrs_bench.data.products.layout import INDEX, Product
from vrs_bench.errors import BenchError
from vrs_bench.paths import named, write_text
from vrs_bench.plots.display import save, save_animation
from vrs_bench.plots.physics import class_signatures, texture_kernels
from vrs_bench.plots.product import product_animation, product_panel
from vrs_bench.plots.scene import animation, scene_panel, stages, telling_step
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import bind
from vrs_bench.world.scene import make_scene
from vrs_bench.world.series.phenology import PhenologySettings


def draw(
    view: str,
    source: str,
    out: Path,
    scene: int = 0,
    step: int | None = None,
    pixel: tuple[int, int] | None = None,
    task: str = "super_res",
) -> Path:
    """Draw a view and write it.

    Args:
        view: scene, stages, animation, signatures, texture or geojson.
        source: a packaged size, a recipe file, a dataset folder or a product folder.
        out: file to write.
        scene, pixel, task: what of it.
        step: time step; None is the first, and for stages the first at which all of them do
            something, or as many as ever do.

    Returns:
        the file.

    Raises:
        BenchError: the source is none of these, or does not have what is asked.
    """
    if (named(source) / INDEX).is_file():
        product = Product(source)
        if view == "scene":
            return save(product_panel(product, step or 0), out)
        if view == "animation":
            return save_animation(*product_animation(product), out)
        raise BenchError(f"{source}: of a product folder, show draws 'scene' and 'animation'")
    if view == "texture":
        return save(texture_kernels(), out)
    if Path(source).is_dir():
        manifest = read_manifest(source)
        # A task that the folder does not hold is shown as a build would make it there.
        made_from: BenchmarkRecipe | Manifest = (
            manifest if task in manifest.tasks else manifest.recipe
        )
        world = (manifest.bound(task) if task in manifest.tasks else manifest.recipe).world
    else:
        made_from = load_recipe(BenchmarkRecipe, source)
        world = made_from.world
    if view == "signatures":
        if not isinstance(world.series, PhenologySettings):
            raise BenchError(
                f"{source}: signatures are of land cover, which the source '{world.series.source}' "
                f"does not have; choose 'phenology'"
            )
        return save(class_signatures(world.series), out)
    place = make_scene(world, scene)
    if view == "geojson":
        write_text(out, json.dumps(place.to_geojson()) + "\n")
        return out
    chosen = bind(task, made_from)
    if view == "animation":
        return save_animation(*animation(place, chosen), out)
    if step is not None and step >= world.horizon:
        raise BenchError(f"step: the scene has time steps 0 to {world.horizon - 1}, got {step}")
    if view == "stages":
        sensor = chosen.main_sensor
        if step is None:
            step = telling_step(chosen.place(scene), sensor, world.horizon)
        return save(stages(place, sensor, step), out)
    return save(scene_panel(place, chosen, step or 0, pixel), out)
