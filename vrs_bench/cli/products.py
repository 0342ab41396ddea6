"""Commands that draw, and those of the original toy."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import TaskName, app, progress_bar


class View(StrEnum):
    """What `show` draws."""

    scene = "scene"
    stages = "stages"
    animation = "animation"
    signatures = "signatures"
    texture = "texture"
    geojson = "geojson"


@app.command()
def show(
    source: Annotated[
        str, typer.Argument(help="tiny, toy, large, a recipe file, a dataset or product folder.")
    ],
    view: Annotated[
        View,
        typer.Option(
            help="scene: a panel. stages: the sensor's stages one by one. animation: a GIF of the "
            "horizon. signatures: the year of each class. texture: kernels and their covariance. "
            "geojson: the cells as vectors."
        ),
    ] = View.scene,
    scene: Annotated[int, typer.Option(min=0, help="Scene number.")] = 0,
    step: Annotated[int, typer.Option(min=0, help="Time step.")] = 0,
    pixel: Annotated[str, typer.Option(help="ROW,COLUMN of the time series.")] = "",
    task: TaskName = "super_res",
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: VIEW.png or .gif.")
    ] = None,
) -> None:
    """Draw a scene or a product: what there is, how it was observed, what it is made of.

    Example: `vrs-bench show toy --scene 3 --step 10 --out scene.png`

    Example: `vrs-bench show toy --view animation --task cloud_removal --out year.gif`
    """
    where = _pixel(pixel)
    from vrs_bench.show import draw

    endings = {View.animation: "gif", View.geojson: "geojson"}
    path = out or Path(f"{view}.{endings.get(view, 'png')}")
    print(draw(view, source, path, scene, step, where, task))


def _pixel(text: str) -> tuple[int, int] | None:
    """Read ROW,COLUMN; nothing where nothing was given."""
    if not text:
        return None
    row, comma, column = text.partition(",")
    if not (comma and row.strip().isdecimal() and column.strip().isdecimal()):
        raise typer.BadParameter(f"--pixel: expected ROW,COLUMN, for example 12,40; got '{text}'")
    return int(row), int(column)


@app.command()
def generate(
    cfg: Annotated[Path, typer.Option("--cfg", help="Generation recipe of the original toy.")],
    o: Annotated[Path, typer.Option("--o", help="Folder for the product; must be new.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's seed.")] = None,
) -> None:
    """Generate a latent product from a recipe of the original toy, in its layout.

    Example: `vrs-bench generate --cfg original/latent_optical --o products/latent_optical`
    """
    from vrs_bench.data.products.commands import generate as generate_product
    from vrs_bench.recipes import load_recipe
    from vrs_bench.recipes.original_models import GenerationRecipe

    recipe = load_recipe(GenerationRecipe, str(cfg))
    if seed is not None:
        recipe = recipe.model_copy(update={"seed": seed})
    with progress_bar("generate") as report:
        product = generate_product(recipe, o, report)
    print(f"{product.path}: {len(product)} frames")


@app.command()
def derive(
    cfg: Annotated[Path, typer.Option("--cfg", help="Derivation recipe of the original toy.")],
    o: Annotated[Path, typer.Option("--o", help="Folder for the product; must be new.")],
    product: Annotated[
        Path | None, typer.Option(help="Product to derive from; default: the recipe's own.")
    ] = None,
) -> None:
    """Derive a product from another by a recipe of the original toy.

    Example: `vrs-bench derive --cfg original/sar --product products/latent_sar --o products/sar`
    """
    from vrs_bench.data.products.commands import derive as derive_product
    from vrs_bench.recipes import load_recipe
    from vrs_bench.recipes.original_models import DerivationRecipe

    recipe = load_recipe(DerivationRecipe, str(cfg))
    with progress_bar("derive") as report:
        derived = derive_product(recipe, product, o, report)
    print(f"{derived.path}: {len(derived)} frames")
