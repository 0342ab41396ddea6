"""Commands that turn one cause of the data and measure the answer."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import Json, Workers, app, progress_bar


@app.command()
def knobs(
    task: Annotated[str, typer.Option(help="Only those of this task.")] = "",
    size: Annotated[str, typer.Option(help="Whose defaults are shown.")] = "small",
) -> None:
    """Say which causes of the data can be turned alone: unit, default, doses, and what it is.

    Example: `vrs-bench knobs --task super_res`
    """
    from vrs_bench.recipes import BenchmarkRecipe, load_recipe
    from vrs_bench.shifts.tables import knobs_table
    from vrs_bench.tasks import TASKS, get_task

    names = [get_task(task).name] if task else list(TASKS)
    print(knobs_table(names, load_recipe(BenchmarkRecipe, size)))


@app.command()
def sweep(
    task: Annotated[str, typer.Argument(help="Task, for example super_res.")],
    knob: Annotated[
        list[str],
        typer.Option(help="NAME, or NAME=DOSE,DOSE,…; given twice, all pairs of doses."),
    ],
    method: Annotated[
        list[str],
        typer.Option(help="As for `predict`: a name, FILE.py:OBJECT, or a training's folder."),
    ],
    size: Annotated[str, typer.Option(help="tiny, small, toy, large, or a recipe file.")] = "small",
    scenes: Annotated[int, typer.Option(min=1, help="Test scenes.")] = 6,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Fit methods at every dose, too.")
    ] = False,
    workers: Workers = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for values, tables and pictures; a stopped sweep goes on there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Turn one cause of the data, or two, and measure how scores answer; no dataset is needed.

    Example: `vrs-bench sweep super_res --knob read_noise --method bicubic --method map-all-dates`

    Example: `vrs-bench sweep cloud_removal --knob spell=15,60,240 --knob cover --method linear
    --workers 2 --out runs/sweep`
    """
    from baselines.shifted import prepare, suited
    from vrs_bench.recipes import BenchmarkRecipe, load_recipe
    from vrs_bench.shifts.findings import validities
    from vrs_bench.shifts.knobs import parse_knob
    from vrs_bench.shifts.plan import plan_sweep
    from vrs_bench.shifts.report import make_report
    from vrs_bench.shifts.sweep import run_sweep
    from vrs_bench.shifts.tables import report_text, validity_table
    from vrs_bench.tasks import bind, get_task

    name, recipe = get_task(task).name, load_recipe(BenchmarkRecipe, size)
    turned = [parse_knob(text, name) for text in knob]
    found = {of: suited(of, bind(name, recipe)) for of in method}
    refitted = [of for of, one in found.items() if matrix and one.fit is not None]
    plan = plan_sweep(name, recipe, turned, method, scenes, refitted)
    identities = {of: one.identity for of, one in found.items()}
    with progress_bar(f"sweep {', '.join(of.name for of, _ in turned)}") as report:
        values = run_sweep(
            plan, prepare, out=out, identities=identities, workers=workers, progress=report
        )
    made = make_report(plan, values)
    text = report_text(made)
    print(json.dumps(asdict(made), ensure_ascii=False) if as_json else text)
    if out is not None:
        from vrs_bench.paths import write_text
        from vrs_bench.plots.shifts import sweep_plots

        stem = "-".join(of.name for of, _ in turned)
        made.to_json(out / f"report-{stem}.json")
        write_text(out / f"report-{stem}.md", text)
        together = validity_table(validities(sorted(out.glob("report-*.json"))))
        write_text(out / "validity.md", together + "\n")
        texts = [out / f"report-{stem}.md", out / "validity.md"]
        for path in [*texts, *sweep_plots(made, out)]:
            print(path, file=sys.stderr)
