"""The command that makes the results of the repository again."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import Workers, app, progress_bar
from vrs_bench.errors import BenchError


@app.command()
def reproduce(
    size: Annotated[str, typer.Option(help="tiny, small, toy, large, or a recipe file.")] = "small",
    task: Annotated[list[str] | None, typer.Option(help="Only this; give it again.")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Only this method or configuration of a training; give it again."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each network.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder of all that is made; default: runs/SIZE.")
    ] = None,
    submissions: Annotated[
        Path | None, typer.Option(help="Folder of entries; default: that in --out.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Markdown page of the boards; default: one in --out.")
    ] = None,
    workers: Workers = 1,
) -> None:
    """Train, predict, score, verify and rank all methods; goes on where it stopped.

    Each method that is no oracle gets an entry, of its first seed; the page also gets a table of
    all methods with means and deviations over seeds. Hours, for the networks: try --method first.

    Example: `vrs-bench reproduce --size tiny --task super_res --method bicubic --method edsr`

    Example: `vrs-bench reproduce --size small --seeds 3 --workers 2 --submissions submissions
    --page BENCHMARK.md`
    """
    try:
        from baselines.reproduce.reproducing import reproduce as make_again
    except ModuleNotFoundError as error:
        raise BenchError(
            f"reproduce trains and scores: pip install 'vrs-bench[baselines,evaluation,methods]' "
            f"(not installed: {error.name})"
        ) from error
    from vrs_bench.recipes import BenchmarkRecipe, load_recipe
    from vrs_bench.tasks import TASKS, get_task

    recipe = load_recipe(BenchmarkRecipe, size)
    folder = Path("runs") / recipe.name if out is None else out
    page = folder / "BENCHMARK.md" if page is None else page
    begun = time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        print(f"{minutes:3d}:{seconds:02d}  {text}", file=sys.stderr, flush=True)

    # Trainings are told to stop, and leave a checkpoint.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with progress_bar(f"build {recipe.name}") as building:
        faults = make_again(
            recipe,
            folder,
            folder / "submissions" if submissions is None else submissions,
            page,
            tasks=[get_task(name).name for name in task] if task else list(TASKS),
            methods=method or (),
            seeds=seeds,
            workers=workers,
            say=say,
            building=building,
        )
    print(page)
    if faults:
        raise BenchError("\n".join(["not all could be made:", *faults]))
