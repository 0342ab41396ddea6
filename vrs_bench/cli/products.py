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
        str,
        typer.Argument(help="tiny, small, toy, large, a recipe file, a dataset or product folder."),
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
    step: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Time step; default: 0, of stages the first at which all of them do something.",
        ),
    ] = None,
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


Products = Annotated[
    list[Path], typer.Option("--o", help="Folder for the product, one for each --cfg; must be new.")
]


@app.command()
def generate(
    cfg: Annotated[
        list[Path],
        typer.Option("--cfg", help="Generation recipe of the original toy; again for several."),
    ],
    o: Products,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's seed.")] = None,
) -> None:
    """Generate latent products from recipes of the original toy, in its layout.

    Of several that were stopped, the complete ones are kept.

    Example: `vrs-bench generate --cfg original/latent_optical --o products/latent_optical`

    Example: `vrs-bench generate --cfg original/latent_optical --o latent_optical
    --cfg original/latent_sar --o latent_sar`
    """
    _check_folders(cfg, o)
    from vrs_bench.data.products.commands import generate as generate_product
    from vrs_bench.recipes import load_recipe
    from vrs_bench.recipes.original_models import GenerationRecipe

    recipes = [load_recipe(GenerationRecipe, str(path)) for path in cfg]
    for recipe, out in zip(recipes, o, strict=True):
        if seed is not None:
            recipe = recipe.model_copy(update={"seed": seed})
        with progress_bar(f"generate {out.name}") as report:
            product = generate_product(recipe, out, report, reuse=len(cfg) > 1)
        print(f"{product.path}: {len(product)} frames", flush=True)


@app.command()
def derive(
    cfg: Annotated[
        list[Path],
        typer.Option("--cfg", help="Derivation recipe of the original toy; again for several."),
    ],
    o: Products,
    product: Annotated[
        list[Path] | None,
        typer.Option(
            help="Product to derive from: one for all, or one for each --cfg; it may be the --o of "
            "an earlier one. Default: the recipe's own."
        ),
    ] = None,
) -> None:
    """Derive products from others by recipes of the original toy, one after the other.

    Of several that were stopped, the complete ones are kept.

    Example: `vrs-bench derive --cfg original/sar --product products/latent_sar --o products/sar`

    Example: `vrs-bench derive --cfg original/clean_optical --product latent_optical --o clean
    --cfg original/clouded_optical --product clean --o clouded`
    """
    _check_folders(cfg, o)
    given: list[Path] | list[None] = product or [None]
    if len(given) not in (1, len(cfg)):
        raise typer.BadParameter(
            f"--product: {len(given)} for {len(cfg)} recipes; give one for all, or one for each"
        )
    sources = list(given) * len(cfg) if len(given) == 1 else given
    from vrs_bench.data.products.commands import derive as derive_product
    from vrs_bench.recipes import load_recipe
    from vrs_bench.recipes.original_models import DerivationRecipe

    recipes = [load_recipe(DerivationRecipe, str(path)) for path in cfg]
    for recipe, source, out in zip(recipes, sources, o, strict=True):
        with progress_bar(f"derive {out.name}") as report:
            derived = derive_product(recipe, source, out, report, reuse=len(cfg) > 1)
        print(f"{derived.path}: {len(derived)} frames", flush=True)


def _check_folders(cfg: list[Path], o: list[Path]) -> None:
    """Make sure that every recipe has a folder of its own."""
    if len(o) != len(cfg):
        raise typer.BadParameter(
            f"--o: {len(o)} folders for {len(cfg)} recipes; give one --o for each --cfg"
        )
    twice = [str(path) for path in o if o.count(path) > 1]
    if twice:
        raise typer.BadParameter(f"--o: {twice[0]} is named twice; give each product its own")
