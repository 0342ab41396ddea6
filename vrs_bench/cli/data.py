"""Commands that make data and look after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import Json, app, progress_bar


@app.command()
def build(
    tasks: Annotated[list[str], typer.Argument(help="Tasks to build, for example super_res.")],
    size: Annotated[str, typer.Option(help="tiny, toy or large, or a recipe file.")] = "tiny",
    out: Annotated[Path, typer.Option(help="Dataset folder to write.")] = Path("vrs-toy"),
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    scenes: Annotated[int | None, typer.Option(help="Scenes over all splits.")] = None,
) -> None:
    """Build a dataset folder, or what is missing of it; stop and start it as you like.

    Example: `vrs-bench build super_res --size tiny --out vrs-toy --workers 2`
    """
    from vrs_bench.data.build import build as build_folder
    from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe

    recipe = load_recipe(BenchmarkRecipe, size)
    if scenes is not None:
        changed = {**recipe.model_dump(mode="json"), "scenes": scenes}
        recipe = check_recipe(BenchmarkRecipe, changed, "--scenes")
    with progress_bar(f"build {', '.join(tasks)}") as report:
        manifest = build_folder(tasks, recipe, out, workers, report)
    rows = sum(file.rows for file in manifest.files.values())
    size_mb = sum(file.bytes for file in manifest.files.values()) / 1e6
    print(f"{out}: {rows} rows in {len(manifest.files)} files, {size_mb:.1f} MB")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Dataset folder.")],
    as_json: Json = False,
) -> None:
    """Compare every data file of a dataset folder with the manifest's SHA-256.

    Example: `vrs-bench verify vrs-toy`
    """
    from vrs_bench.data.build import verify as verify_folder

    faults = verify_folder(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "faults": faults}))
    else:
        print("\n".join(faults) or f"{folder}: every data file is as the manifest says")
    if faults:
        raise typer.Exit(1)
