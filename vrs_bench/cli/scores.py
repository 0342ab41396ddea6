"""Commands that predict and score."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import (
    Address,
    Data,
    Engine,
    Json,
    Predictions,
    Split,
    TaskName,
    Workers,
    app,
    progress_bar,
    progress_bars,
    warn,
)
from vrs_bench.errors import BenchError


@app.command()
def predict(
    method: Annotated[
        str,
        typer.Option(help="A method, such as bicubic; FILE.py:OBJECT; or a training's folder."),
    ],
    task: TaskName = "super_res",
    data: Data = Path("vrs-toy"),
    split: Split = "test",
    out: Annotated[Path, typer.Option(help="Folder for the predictions.")] = Path("predictions"),
    train: Annotated[
        Path | None,
        typer.Option(help="Dataset folder that a method is fitted on; default: that of --data."),
    ] = None,
) -> None:
    """Write the predictions of a method, one .npy a row; stop and start it as you like.

    Example: `vrs-bench predict --method bicubic --data vrs-toy --out predictions/bicubic`

    Example: `vrs-bench predict --method mine.py:restore --task cloud_removal`
    """
    from baselines.predict import predict as write_predictions

    with progress_bars() as bar:
        report, fitting = bar(f"predict {task}"), bar(f"fit {method}")
        write_predictions(method, task, data, split, out, report, train=train, fitting=fitting)


@app.command()
def methods(
    task: Annotated[str, typer.Option(help="Only those for this task, at size toy.")] = "",
) -> None:
    """Say which methods there are that need no network, what each does, and for what tasks.

    Example: `vrs-bench methods --task cloud_removal`
    """
    from baselines.methods.table import methods_table
    from vrs_bench.tasks import TASKS, get_task

    print(methods_table([get_task(task)] if task else list(TASKS.values())))


@app.command()
def evaluate(
    predictions: Predictions,
    task: TaskName = "super_res",
    data: Data = Path("vrs-toy"),
    split: Split = "test",
    groups: Annotated[
        str | None,
        typer.Option(help="Of distortion,perceptual,downstream,consistency; default: all."),
    ] = None,
    bounds: Annotated[
        bool, typer.Option(help="Place scores between the trivial baseline's and the truth's.")
    ] = True,
    profile: Annotated[
        str, typer.Option(help="original: by the definitions of the original project.")
    ] = "standard",
    readers: Annotated[
        Path | None, typer.Option(help="Readers of series, where no packaged ones fit.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the result.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for pictures of the scores.")] = None,
    workers: Workers = 1,
    engine: Annotated[
        Engine, typer.Option(help="ray: on a cluster, one task a scene.")
    ] = Engine.processes,
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Check predictions and score them against the truth.

    Example: `vrs-bench evaluate predictions/bicubic --task super_res --data vrs-toy`

    Example: `vrs-bench evaluate predictions/bicubic --groups distortion --no-bounds --workers 2`
    """
    from vrs_bench.evaluation import evaluate as score
    from vrs_bench.paths import named

    if profile == "original":
        for option, value in (("--groups", groups), ("--readers", readers)):
            if value is not None:
                raise typer.BadParameter(
                    "the original profile has its own metrics; leave it out",
                    param_hint=option,
                )
    if out is not None and named(out).is_dir():  # said before minutes of scoring, not after
        raise BenchError(f"{out}: is a folder; name a file")
    with progress_bar(f"evaluate {predictions}") as report:
        result = score(
            predictions,
            task,
            data,
            split,
            groups=None if groups is None else [word.strip() for word in groups.split(",")],
            bounds=bounds,
            profile=profile,
            readers=readers,
            progress=report,
            workers=workers,
            engine=engine.value,
            address=address,
        )
    if out is not None:
        result.to_json(out)
    warn(result)
    print(json.dumps(result.to_dict()) if as_json else result)
    if plots is not None:
        from vrs_bench.plots.evaluation import evaluation_plots

        for path in evaluation_plots(result, predictions, data, plots):
            print(path, file=sys.stderr if as_json else sys.stdout)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Result JSON of `evaluate --out`.")],
    second: Annotated[Path, typer.Argument(help="Another one, of the same split.")],
    metric: Annotated[str, typer.Option(help="Metric; default: the headline of the task.")] = "",
    as_json: Json = False,
) -> None:
    """Compare two results by a paired sign-flip test over scenes.

    Example: `vrs-bench compare unet.json bicubic.json --metric psnr`
    """
    from dataclasses import asdict

    from vrs_bench.evaluation import Result
    from vrs_bench.evaluation import compare as compare_results
    from vrs_bench.tasks import get_task

    one, other = Result.from_json(first), Result.from_json(second)
    comparison = compare_results(one, other, metric or get_task(one.task).headline)
    print(json.dumps(asdict(comparison)) if as_json else comparison)


@app.command()
def metrics(
    task: Annotated[
        str, typer.Option(help="Only those that apply to this task with its packaged sensors.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say which metrics there are: what each is, of what it is, and what it needs.

    Example: `vrs-bench metrics --task sar_to_optical`

    Example: `vrs-bench metrics --json`
    """
    from vrs_bench.metrics.catalogue import METRICS
    from vrs_bench.metrics.description import definitions_table, described

    chosen = list(METRICS.values())
    if task:
        from vrs_bench.evaluation.judge import task_facts
        from vrs_bench.recipes import BenchmarkRecipe, load_recipe
        from vrs_bench.tasks import bind

        facts = task_facts(bind(task, load_recipe(BenchmarkRecipe, "toy")))
        chosen = [metric for metric in chosen if metric.applies(facts)]
    if as_json:
        print(json.dumps([described(metric) for metric in chosen], ensure_ascii=False))
    else:
        print(definitions_table(chosen))


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

    print(run(out, progress_bar))
