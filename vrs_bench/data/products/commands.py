"""The original toy's two commands: generate a latent product, derive another from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vrs_bench.data.products.layout import INDEX, Features, Product
from vrs_bench.data.products.writer import STAMP, ProductWriter, is_made, partial_folder
from vrs_bench.errors import BenchError
from vrs_bench.paths import free_bytes, writing_alone
from vrs_bench.recipes import digest
from vrs_bench.recipes.original_models import DerivationRecipe, GenerationRecipe
from vrs_bench.sensors.sensor import Place, SensorRecipe, observe, observe_labels
from vrs_bench.types import Labels, Report
from vrs_bench.world.scene import make_scene


def generate(
    recipe: GenerationRecipe,
    out: str | Path,
    report: Report = lambda done, total: None,
    reuse: bool = False,
) -> Product:
    """Generate a latent product; frames go to disk one by one, so memory does not grow.

    Args:
        recipe: what to generate.
        out: folder of the product; must be new or empty.
        report: progress callback, (frames done, frames in all).
        reuse: take a complete product of the same recipe that is there already.

    Raises:
        BenchError: the archive does not fit the recipe, the folder holds something already,
            another process is writing it, or there is no room for it on the disk.
    """
    with writing_alone(Path(out), _lock(out)):
        return _generate(recipe, Path(out), report, reuse)


def _generate(recipe: GenerationRecipe, out: Path, report: Report, reuse: bool) -> Product:
    origin = digest(recipe)
    if reuse and is_made(out, origin):
        return Product(out)
    world = recipe.world()
    features = Features(
        width=world.width,
        height=world.height,
        nbands=recipe.product.nbands,
        horizon=world.horizon,
        ndigit=world.cells.n,
        nframes=0,
    )
    if recipe.astype == "h5":
        _require_room(out, features, world.horizon)
    scene = make_scene(world, 0)
    writer = ProductWriter(out, features, origin, recipe.astype)
    annotation = np.stack([scene.cell, scene.land_cover])
    for step in range(world.horizon):
        if writer.has(step):
            writer.keep(step)
        else:
            writer.write(step, scene.frame("frames", step), annotation)
        report(step + 1, world.horizon)
    writer.close()
    return Product(out)


def derive(
    recipe: DerivationRecipe,
    product: str | Path | None,
    out: str | Path,
    report: Report = lambda done, total: None,
    reuse: bool = False,
) -> Product:
    """Derive a product from another, frame by frame.

    Args:
        recipe: the sensor.
        product: folder of the product to derive from; None: the recipe's own path.
        out: folder of the derived product; must be new or empty.
        report: progress callback, (frames done, frames in all).
        reuse: take a complete product of the same recipe and source that is there already.

    Raises:
        BenchError: no product given or found, a stage that does not fit its size, the folder
            holds something already, another process is writing it, or there is no room for it.
    """
    with writing_alone(Path(out), _lock(out)):
        return _derive(recipe, product, Path(out), report, reuse)


def _lock(out: str | Path) -> Path:
    """Return the file by which a product's writer holds its folder: beside it, as its parts are."""
    path = Path(out).absolute()
    return path.parent / f".{path.name}.lock"


def _require_room(out: Path, features: Features, frames: int) -> None:
    """Refuse to begin what the disk has no room for; what is there to go on with counts."""
    size = frames * features.height * features.width * features.nbands * 4
    there = (path for path in partial_folder(out).rglob("*") if path.is_file())
    needed, free = size - sum(path.stat().st_size for path in there), free_bytes(out)
    if needed > free:
        raise BenchError(
            f"{out}: {frames} frames need about {needed / 1e9:.2f} GB, {free / 1e9:.2f} GB are "
            f"free there; choose another --o, a shorter horizon or a smaller size"
        )


def _derive(
    recipe: DerivationRecipe, product: str | Path | None, out: Path, report: Report, reuse: bool
) -> Product:
    source = product or recipe.latent_product_path
    if source is None:
        raise BenchError("latent_product_path: the recipe has none; give one with --product")
    latent = Product(source)
    height, width = latent.features.height, latent.features.width
    sensor = recipe.sensor(height, width)
    origin = digest(recipe) + _identity(latent)
    if reuse and is_made(out, origin):
        return Product(out)
    place = Place(recipe.seed, 0, height, width)
    size = {"height": recipe.target_size.height, "width": recipe.target_size.width}
    features = latent.features.model_copy(update=size)
    observed = set(latent.steps)
    _require_room(out, features, sum(step % sensor.revisit == 0 for step in observed))
    writer = ProductWriter(out, features, origin, "h5")
    annotation = None
    for step in range(latent.features.horizon):
        if step % sensor.revisit or step not in observed:
            writer.skip(step)
        elif writer.has(step):
            writer.keep(step)
        else:
            if annotation is None:
                annotation = _annotation(sensor, latent.annotation(step))
            bands = np.ascontiguousarray(latent.frame(step).transpose(2, 0, 1))
            writer.write(step, observe(sensor, place, step, bands), annotation)
        report(step + 1, latent.features.horizon)
    writer.close()
    return Product(out)


def _identity(product: Product) -> str:
    """Return what tells a product from others: its index, and where we wrote it, its origin."""
    names = (name for name in (INDEX, STAMP) if (product.path / name).is_file())
    return "".join((product.path / n).read_text("utf-8", errors="replace") for n in names)


def _annotation(sensor: SensorRecipe, labels: Labels) -> Labels:
    """Return instance and class (2, height, width) as a sensor's geometry has them."""
    cell = observe_labels(sensor, labels[..., 0])
    # The class of a pixel is that of its cell: merged apart, the two could disagree.
    of_cell = np.zeros(int(labels[..., 0].max()) + 1, np.int16)
    of_cell[labels[..., 0]] = labels[..., 1]
    return np.stack([cell, of_cell[cell]])
