"""The application: its options that several commands share, and the progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

    from vrs_bench.evaluation.result import Result
    from vrs_bench.types import Report  # which imports NumPy

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
Predictions = Annotated[
    Path, typer.Argument(help="Folder of .npy, or .npy, .npz, .parquet or .tar files.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes.")]
Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster: auto, or ray://HOST:10001; default: one on this machine."),
]


class Engine(StrEnum):
    """Who does jobs of which there are many."""

    processes = "processes"
    ray = "ray"


@contextmanager
def progress_bar(label: str) -> Iterator[Report]:
    """Show a progress bar with the time left on stderr, driven by (done, total)."""
    with progress_bars() as bar:
        yield bar(label)


@contextmanager
def progress_bars() -> Iterator[Callable[[str], Report]]:
    """Give a function that makes progress bars by their labels; each shows once it is driven."""
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
        bars: list[TaskID] = []

        def bar(label: str) -> Report:
            # The first stands there from the start: something is being done.
            this = progress.add_task(label, total=None, visible=not bars)
            bars.append(this)
            return lambda done, total: progress.update(
                this, completed=done, total=total, visible=True
            )

        try:
            yield bar
        except BaseException:
            for of in bars:
                progress.update(of, visible=False)  # no bar that stands still above a message
            raise


def warn(result: Result) -> None:
    """Say on stderr what looks like a mistake in predictions that were scored."""
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
