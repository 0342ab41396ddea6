"""Commands of the leaderboard: entries, their verification, and the tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import (
    Data,
    Json,
    Predictions,
    TaskName,
    Workers,
    app,
    progress_bar,
    progress_bars,
    warn,
)
from vrs_bench.errors import BenchError

Submissions = Annotated[Path, typer.Option(help="Folder of entries: TASK/SIZE/NAME.json.")]


@app.command()
def submit(
    predictions: Predictions,
    name: Annotated[str, typer.Option(help="Name of the method.")],
    task: TaskName = "super_res",
    data: Data = Path("vrs-toy"),
    split: Annotated[str, typer.Option(help="test, or private of a revealed folder.")] = "test",
    authors: Annotated[str, typer.Option(help="Who made it.")] = "",
    url: Annotated[str, typer.Option(help="Link to a paper or page.")] = "",
    code: Annotated[str, typer.Option(help="Link to source code.")] = "",
    notes: Annotated[str, typer.Option(help="What a reader should know.")] = "",
    parameters: Annotated[
        int | None, typer.Option(help="Trained numbers; 0 if not trained.", min=0)
    ] = None,
    training_data: Annotated[str, typer.Option(help="What it was trained on.")] = "",
    inputs: Annotated[str, typer.Option(help="Inputs that it looks at: cloudy,sar")] = "",
    seeds: Annotated[str, typer.Option(help="Of the training: 0,1,2")] = "",
    hours: Annotated[float | None, typer.Option(help="Of the training.", min=0)] = None,
    hardware: Annotated[str, typer.Option(help="On which those hours were spent.")] = "",
    licence: Annotated[str, typer.Option(help="Of code and weights.")] = "",
    predictions_at: Annotated[
        str, typer.Option(help="Link to the predictions, or the command that makes them again.")
    ] = "",
    submissions: Submissions = Path("submissions"),
    replace: Annotated[bool, typer.Option("--replace", help="Replace an entry.")] = False,
    eval_results: Annotated[
        Path | None, typer.Option(help="Folder of a model repository, for the Hub's own board.")
    ] = None,
    hub_dataset: Annotated[
        str, typer.Option(help="The data on the Hub, with --eval-results: my-org/vrs-toy")
    ] = "",
    workers: Workers = 1,
) -> None:
    """Score predictions and write an entry of the leaderboard.

    Example: `vrs-bench submit predictions/bicubic --name Bicubic --data vrs-toy`

    Example: `vrs-bench submit predictions/unet --name U-Net --inputs lr --seeds 0 --hours 0.1
    --hardware "2 CPU cores" --training-data "train split" --predictions-at https://x.org/unet.tar`
    """
    from vrs_bench.data.read.dataset_folder import DatasetFolder
    from vrs_bench.evaluation import evaluate as score
    from vrs_bench.leaderboard.files import check_entry, write_submission
    from vrs_bench.leaderboard.hub import check_dataset, write_eval_results
    from vrs_bench.leaderboard.submission import make_provenance, make_submission

    if (eval_results is None) != (not hub_dataset):
        raise typer.BadParameter("--eval-results and --hub-dataset go together")
    if hub_dataset:
        check_dataset(hub_dataset)
    provenance = make_provenance(
        task,
        parameters=parameters,
        training_data=training_data,
        inputs=_words(inputs),
        seeds=_numbers(seeds),
        hours=hours,
        hardware=hardware,
        licence=licence,
        predictions=predictions_at,
    )
    about = {"authors": authors, "url": url, "code": code, "notes": notes}
    folder = DatasetFolder(data)
    check_entry(task, folder.manifest.recipe.name, name, submissions, replace, **about)
    with progress_bar(f"evaluate {predictions}") as report:
        result = score(predictions, task, folder, split, progress=report, workers=workers)
    warn(result)
    entry = make_submission(result, name, provenance, **about)
    print(write_submission(entry, submissions, replace))
    if eval_results is not None:
        print(write_eval_results(entry, hub_dataset, eval_results))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",")) if text else ()


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in _words(text))
    except ValueError as error:
        raise typer.BadParameter(
            f"--seeds: expected numbers such as 0,1,2; got '{text}'"
        ) from error


@app.command()
def verify_entry(
    file: Annotated[
        Path | None, typer.Argument(help="Entry, submissions/TASK/SIZE/NAME.json.")
    ] = None,
    predictions: Annotated[Path | None, typer.Option(help="Its predictions.")] = None,
    data: Data = Path("vrs-toy"),
    every: Annotated[bool, typer.Option("--all", help="All entries of --submissions.")] = False,
    submissions: Submissions = Path("submissions"),
    predictions_root: Annotated[
        Path | None, typer.Option(help="Folder with TASK/NAME of each entry, for --all.")
    ] = None,
    regenerated: Annotated[
        bool,
        typer.Option(
            "--regenerated", help="The predictions were made again: bits may differ, scores not."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Score the predictions of an entry again, and stamp it if the scores are what it says.

    Submitted predictions are known by their SHA-256. With `--all`, entries whose predictions are
    not there, or that are of other data, stay as they are. Nothing that an entry says is opened or
    run. Ends with status 1 where an entry deviates, which gets no stamp then, and where none could
    be scored.

    Example: `vrs-bench verify-entry submissions/super_res/tiny/bicubic.json --predictions
    predictions/bicubic --data vrs-toy`

    Example: `vrs-bench verify-entry --all --predictions-root predictions --data vrs-toy`
    """
    from vrs_bench.data.read.dataset_folder import DatasetFolder
    from vrs_bench.leaderboard.verification import Rescored, is_of, verify_file

    if every != (file is None) or every != (predictions is None):
        raise typer.BadParameter("name one entry and its --predictions, or --all")
    if every != (predictions_root is not None):
        raise typer.BadParameter("--all and --predictions-root go together")
    folder = DatasetFolder(data)
    outcomes: dict[str, Rescored | str] = {}
    faulty = False
    for path in sorted(submissions.glob("*/*/*.json")) if file is None else [file]:
        place = predictions or Path(predictions_root or "", path.parts[-3], path.stem)
        try:
            if every and not place.exists():
                outcomes[str(path)] = f"left as it is: no predictions at {place}"
            elif every and not is_of(path, folder):
                outcomes[str(path)] = f"left as it is: not of the data in {data}"
            else:
                with progress_bar(f"evaluate {place}") as report:
                    outcomes[str(path)] = verify_file(path, place, folder, regenerated, report)
        except BenchError as error:
            if not every:
                raise
            faulty, outcomes[str(path)] = True, f"can't be scored: {error}"
    if not outcomes:
        raise BenchError(f"{submissions}: no entries; make one with: vrs-bench submit")
    if as_json:
        told = {
            path: {"not scored": outcome} if isinstance(outcome, str) else outcome.to_dict()
            for path, outcome in outcomes.items()
        }
        print(json.dumps(told))
    else:
        print("\n".join(f"{path}: {outcome}" for path, outcome in outcomes.items()))
    scored = [outcome for outcome in outcomes.values() if not isinstance(outcome, str)]
    if faulty or not scored or any(outcome.refused for outcome in scored):
        raise typer.Exit(1)


@app.command()
def robustness(
    file: Annotated[Path, typer.Argument(help="Entry, submissions/TASK/SIZE/NAME.json.")],
    method: Annotated[
        str, typer.Option(help="Its method, as `sweep` calls it: a name, or a training's folder.")
    ],
    report: Annotated[
        list[Path] | None, typer.Option(help="report-KNOB.json of a sweep; give it again.")
    ] = None,
    workers: Workers = 1,
) -> None:
    """Take what sweeps say of a method into its entry; without a report, sweep again and stamp.

    What is taken from reports is claimed, and stands in brackets on boards until somebody has swept
    again and found the same skills. Ends with status 1 where they deviate.

    Example: `vrs-bench robustness submissions/super_res/small/map-all-dates.json
    --method map-all-dates --report sweeps/super_res-small/report-read_noise.json`

    Example: `vrs-bench robustness submissions/super_res/small/map-all-dates.json
    --method map-all-dates --workers 2`
    """
    from baselines.shifted import prepare
    from vrs_bench.leaderboard.files import read_submission, write_submission
    from vrs_bench.shifts.findings import read_report
    from vrs_bench.shifts.robustness import repeated, with_answer

    entry = read_submission(file)
    if report:
        for path in report:
            entry = with_answer(entry, read_report(path), method)
    else:
        with progress_bars() as bar:
            entry = repeated(entry, method, prepare, workers=workers, progress=bar)
    write_submission(entry, file.absolute().parents[2], replace=True)
    for answer in entry.robustness:
        state = "claimed" if answer.stamp is None else "repeated"
        print(
            f"{answer.knob}: skill {answer.at_default:.4g} at {answer.default:g}, mean over "
            f"{len(answer.doses)} doses {answer.mean:.4g}, {state}"
        )


@app.command()
def leaderboard(
    submissions: Submissions = Path("submissions"),
    page: Annotated[
        Path | None,
        typer.Option(help="Markdown page to update; BENCHMARK.md, unless a site is made."),
    ] = None,
    site: Annotated[Path | None, typer.Option(help="Folder for a site of static pages.")] = None,
    documents: Annotated[
        Path, typer.Option(help="Checkout whose README.md and docs the site shows.")
    ] = Path(),
    data: Annotated[
        Path | None, typer.Option(help="Dataset folder, for pictures of predictions in the site.")
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(help="Entry and its predictions, for pictures: bicubic=predictions/bicubic"),
    ] = None,
    sweeps: Annotated[
        Path | None,
        typer.Option(help="Folder of reports of `sweep`, for response curves in the site."),
    ] = None,
) -> None:
    """Check all entries, rank them, and write tables into a page, or a site of static pages.

    Example: `vrs-bench leaderboard --submissions submissions --page BENCHMARK.md`

    Example: `vrs-bench leaderboard --site runs/site --data vrs-toy --predictions
    bicubic=predictions/bicubic`
    """
    from vrs_bench.leaderboard.files import read_submissions
    from vrs_bench.leaderboard.markdown import board_table, update_page
    from vrs_bench.leaderboard.ranking import boards
    from vrs_bench.shifts.robustness import check_answers

    if site is None and (data is not None or predictions or sweeps is not None):
        raise typer.BadParameter("--data, --predictions and --sweeps are for pictures of a --site")
    entries = read_submissions(submissions)
    for entry in entries:
        check_answers(entry)
    ranked = boards(entries)
    if not ranked:
        raise BenchError(f"{submissions}: no entries; make one with: vrs-bench submit")
    if site is not None:
        from vrs_bench.site.build import build_site
        from vrs_bench.site.pages import write_site
        from vrs_bench.site.reference import command_reference, python_reference
        from vrs_bench.site.responses import read_reports

        reports = [] if sweeps is None else read_reports(sweeps)
        reference = {
            "docs/reference/python.md": python_reference(),
            "docs/reference/commands.md": command_reference(typer.main.get_group(app)),
        }
        shown = _places(predictions or [])
        files = build_site(entries, documents, data, shown, reports, reference)
        write_site(files, site)
        pages = sum(name.endswith(".html") for name in files)
        size = sum(map(len, files.values())) / 1e6
        print(f"{site}: {pages} pages, {size:.1f} MB in {len(files)} files")
    if page is not None or site is None:
        update_page(page or Path("BENCHMARK.md"), ranked)
        print("\n\n".join(f"{board.task}: {board_table(board)}" for board in ranked))


def _places(pairs: list[str]) -> dict[str, Path]:
    """Return entry → predictions."""
    places = {}
    for pair in pairs:
        name, equals, place = pair.partition("=")
        if not (name and equals and place):
            raise typer.BadParameter(f"--predictions: expected ENTRY=PATH, got '{pair}'")
        places[name] = Path(place)
    return places
