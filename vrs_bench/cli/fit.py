"""Commands that fit what metrics look through; packaged results make them needless for users."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import Data, Split, TaskName, Workers, app, progress_bar

fit = typer.Typer(
    help="Fit the reference encoder or readers, or measure the bounds of scores, again.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(fit, name="fit")

Size = Annotated[str, typer.Option(help="tiny, small, toy, large, or a recipe file.")]


@fit.command()
def readers(
    size: Size = "toy",
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("readers.npz"),
    scenes: Annotated[int | None, typer.Option(min=1, help="Train scenes.")] = None,
) -> None:
    """Fit the readers of a world: logistic regression and perceptron on pixels' time series.

    Example: `vrs-bench fit readers --size my-recipe.yaml --out readers.npz`
    """
    from vrs_bench.recipes import BenchmarkRecipe, load_recipe
    from vrs_bench.references.readers import save
    from vrs_bench.references.readers_fit import SCENES, fit_readers

    world = load_recipe(BenchmarkRecipe, size).pinned().world
    with progress_bar("fit readers") as report:
        save(fit_readers(world, scenes or SCENES, report=report), out)
    print(out)


@fit.command()
def encoder(
    size: Size = "toy",
    out: Annotated[Path, typer.Option(help="Folder for weights and card.")] = Path("encoder"),
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps.")] = None,
) -> None:
    """Train the reference encoder: segmentation of latent frames; stop and start it as you like.

    Example: `vrs-bench fit encoder --size toy --out encoder`
    """
    from vrs_bench.recipes import BenchmarkRecipe, load_recipe
    from vrs_bench.references.encoder_training import Training, train_encoder

    world = load_recipe(BenchmarkRecipe, size).world
    training = Training() if steps is None else Training(steps=steps)
    with progress_bar("fit encoder") as report:
        trained = train_encoder(world, training, out, report)
    print(f"{out}: {trained.card.validation}")


@fit.command()
def bounds(
    task: TaskName = "super_res",
    data: Data = Path("vrs-toy"),
    split: Split = "test",
    out: Annotated[Path, typer.Option(help="JSON file; its other entries stay.")] = Path(
        "bounds.json"
    ),
    workers: Workers = 1,
) -> None:
    """Measure the scores of the trivial baseline and of the truth itself on a split.

    Example: `vrs-bench fit bounds --task super_res --data vrs-toy`
    """
    from vrs_bench.evaluation.scoring import measure_bounds

    with progress_bar(f"fit bounds of {task}") as report:
        measure_bounds(data, task, split, out, report, workers)
    print(out)
