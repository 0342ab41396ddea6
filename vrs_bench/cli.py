"""The `vrs-bench` command: a thin layer that reads arguments, shows progress and prints results.

What a command needs is imported inside it, so that `vrs-bench --help` does not wait for it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.errors import BenchError

app = typer.Typer(
    name="vrs-bench",
    help="Image restoration and translation in remote sensing, scored against a known truth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

Data = Annotated[Path, typer.Option("--data", help="Dataset folder made by `build`.")]
Split = Annotated[str, typer.Option(help="train, validation or test.")]
TaskName = Annotated[str, typer.Option("--task", help="Task, for example super_res.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Submissions = Annotated[Path, typer.Option(help="Folder of entries, one folder a task.")]

Report = Callable[[int, int], None]


@contextmanager
def _progress(label: str) -> Iterator[Report]:
    """Show a progress bar with the time left on stderr, driven by (done, total)."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task(label, total=None)
        try:
            yield lambda done, total: progress.update(bar, completed=done, total=total)
        except BaseException:
            progress.update(bar, visible=False)  # no bar that stands still above a message
            raise


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
    with _progress(f"build {', '.join(tasks)}") as report:
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
    from vrs_bench.data.original import generate as generate_product
    from vrs_bench.recipes import load_recipe
    from vrs_bench.recipes.original import GenerationRecipe

    recipe = load_recipe(GenerationRecipe, str(cfg))
    if seed is not None:
        recipe = recipe.model_copy(update={"seed": seed})
    with _progress("generate") as report:
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
    from vrs_bench.data.original import derive as derive_product
    from vrs_bench.recipes import load_recipe
    from vrs_bench.recipes.original import DerivationRecipe

    recipe = load_recipe(DerivationRecipe, str(cfg))
    with _progress("derive") as report:
        derived = derive_product(recipe, product, o, report)
    print(f"{derived.path}: {len(derived)} frames")


@app.command()
def predict(
    model: Annotated[str, typer.Option(help="nearest, bicubic, or a folder made by training.")],
    data: Data = Path("vrs-toy"),
    split: Split = "test",
    out: Annotated[Path, typer.Option(help="Folder for the predictions.")] = Path("predictions"),
) -> None:
    """Write the predictions of a baseline, one .npy a row.

    Example: `vrs-bench predict --model bicubic --data vrs-toy --out predictions/bicubic`
    """
    from vrs_bench.scripts import run_baseline

    run_baseline("predict.py", model=model, data=data, split=split, out=out)


@app.command()
def evaluate(
    predictions: Annotated[Path, typer.Argument(help="Folder of .npy, or .npy, .npz, .parquet.")],
    task: TaskName = "super_res",
    data: Data = Path("vrs-toy"),
    split: Split = "test",
    out: Annotated[Path | None, typer.Option(help="JSON file for the result.")] = None,
    as_json: Json = False,
) -> None:
    """Check predictions and score them against the truth.

    Example: `vrs-bench evaluate predictions/bicubic --task super_res --data vrs-toy`
    """
    from vrs_bench.evaluation import evaluate as score

    if out is not None and out.is_dir():  # said before minutes of scoring, not after
        raise BenchError(f"{out}: is a folder; name a file")
    with _progress(f"evaluate {predictions}") as report:
        result = score(predictions, task, data, split, progress=report)
    if out is not None:
        result.to_json(out)
    print(json.dumps(result.to_dict()) if as_json else result)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Result JSON of `evaluate --out`.")],
    second: Annotated[Path, typer.Argument(help="Another one, of the same split.")],
    metric: Annotated[str, typer.Option(help="Metric to compare.")] = "psnr",
    as_json: Json = False,
) -> None:
    """Compare two results by a paired bootstrap over scenes.

    Example: `vrs-bench compare unet.json bicubic.json --metric psnr`
    """
    from dataclasses import asdict

    from vrs_bench.evaluation import Result
    from vrs_bench.evaluation import compare as compare_results

    comparison = compare_results(Result.from_json(first), Result.from_json(second), metric)
    print(json.dumps(asdict(comparison)) if as_json else comparison)


@app.command()
def submit(
    predictions: Annotated[Path, typer.Argument(help="Predictions as for `evaluate`.")],
    name: Annotated[str, typer.Option(help="Name of the method.")],
    task: TaskName = "super_res",
    data: Data = Path("vrs-toy"),
    authors: Annotated[str, typer.Option(help="Who made it.")] = "",
    url: Annotated[str, typer.Option(help="Link to a paper or page.")] = "",
    code: Annotated[str, typer.Option(help="Link to source code.")] = "",
    notes: Annotated[str, typer.Option(help="What a reader should know.")] = "",
    submissions: Submissions = Path("submissions"),
    replace: Annotated[bool, typer.Option("--replace", help="Replace an entry.")] = False,
) -> None:
    """Score predictions on the test split and write an entry of the leaderboard.

    Example: `vrs-bench submit predictions/bicubic --name Bicubic --data vrs-toy`
    """
    from vrs_bench.evaluation import evaluate as score
    from vrs_bench.leaderboard.submission import make_submission, write_submission

    with _progress(f"evaluate {predictions}") as report:
        result = score(predictions, task, data, "test", progress=report)
    entry = make_submission(result, name, authors=authors, url=url, code=code, notes=notes)
    print(write_submission(entry, submissions, replace))


@app.command()
def leaderboard(
    submissions: Submissions = Path("submissions"),
    page: Annotated[Path, typer.Option(help="Markdown page to update.")] = Path("BENCHMARK.md"),
) -> None:
    """Check all entries, rank them, and write the tables between the markers of a page.

    Example: `vrs-bench leaderboard --submissions submissions --page BENCHMARK.md`
    """
    from vrs_bench.leaderboard.markdown import board_table, update_page
    from vrs_bench.leaderboard.ranking import boards
    from vrs_bench.leaderboard.submission import read_submissions

    ranked = boards(read_submissions(submissions))
    if not ranked:
        raise BenchError(f"{submissions}: no entries; make one with: vrs-bench submit")
    update_page(page, ranked)
    print("\n\n".join(f"{board.task}: {board_table(board)}" for board in ranked))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for all that the demo makes.")] = Path(
        "runs/demo"
    ),
) -> None:
    """Do the whole job at size tiny: build, train, predict, score, rank, draw. A few minutes.

    Example: `vrs-bench demo --out runs/demo`
    """
    from vrs_bench.demo import run

    print(run(out, _progress))


def main() -> None:
    """Run the command; a fault that the user can mend ends in one message and status 1."""
    try:
        app()
    except (BenchError, OSError) as error:
        print(f"vrs-bench: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != 130:  # what Typer makes of Ctrl-C
            raise
        print("vrs-bench: stopped; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
