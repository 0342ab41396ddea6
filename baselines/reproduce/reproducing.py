"""All of it: the data, the jobs, the entries of those that are no oracles, and the page."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from baselines.reproduce.entries import is_oracle, keep_entry, methods_done
from baselines.reproduce.jobs import Job, jobs_of
from baselines.reproduce.running import DATA, run_jobs
from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.files import read_submissions
from vrs_bench.leaderboard.markdown import update_page, update_sections
from vrs_bench.leaderboard.ranking import boards
from vrs_bench.leaderboard.verification import machine
from vrs_bench.paths import writing_alone
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.tasks import TASKS
from vrs_bench.types import Report


def reproduce(
    recipe: BenchmarkRecipe,
    out: Path,
    submissions: Path,
    page: Path,
    *,
    tasks: Sequence[str],
    methods: Sequence[str] = (),
    seeds: int = 1,
    workers: int = 1,
    say: Callable[[str], None] = lambda text: None,
    building: Report = lambda done, total: None,
) -> list[str]:
    """Train, restore, score and rank; what is there and whole is not made again.

    Args:
        recipe: of the data.
        out: folder of data, trainings, predictions, results and logs.
        submissions: folder of entries; each method that is no oracle gets one, of its first seed.
        page: Markdown page with the boards and the table of all methods.
        tasks: names of tasks.
        methods: names of methods or of configurations; none named: all.
        seeds: of each training.
        workers: jobs at a time.
        say: told what begins and what has ended.
        building: progress of the data, (rows, in all).

    Returns:
        what failed, a message each; all else is done.

    Raises:
        BenchError: there is nothing to do, or the folder is in use or holds something else.
    """
    jobs = jobs_of(recipe, tasks, methods, seeds)
    with writing_alone(out):
        manifest = build(list(tasks), recipe, out / DATA, workers, building)
        folder = DatasetFolder(out / DATA)
        faults = []
        done = run_jobs(jobs, out, manifest, workers, say)
        for ended, (job, fault) in enumerate(done, start=1):
            if fault is None and job.seed in (None, 0) and not is_oracle(job):
                try:
                    keep_entry(job, folder, out, submissions)
                except BenchError as error:
                    fault = error
            if fault is not None:
                faults.append(f"{job.task}, {job.label}: {fault}")
            state = "done" if fault is None else f"failed: {fault}"
            say(f"{ended} of {len(jobs)}: {job.task}, {job.label}: {state}")
        if submissions.is_dir():
            update_page(page, boards(read_submissions(submissions)))
        update_sections(page, [_section(task, recipe, jobs, out) for task in tasks])
    return faults


def _section(
    task: str, recipe: BenchmarkRecipe, jobs: Sequence[Job], out: Path
) -> tuple[str, str, str]:
    """Return marker, title and text of all methods of a task."""
    name = recipe.name
    text = (
        f"`vrs-bench reproduce --size {name} --task {task}`, vrs-bench "
        f"{version('vrs-bench')}{_revision()}, {machine()}. Means over the scenes of the test "
        f"split; of trainings mean over seeds ± standard deviation, and minutes of one training."
        f"\n\n{methods_done([job for job in jobs if job.task == task], out)}"
    )
    return f"methods:{task}:{name}", f"{TASKS[task].title}, size {name}: all methods", text


def _revision() -> str:
    """Return the revision of the checkout, where the package is in one."""
    here = Path(__file__).parent
    told = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(told, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:  # no git
        return ""
    return f", revision {found.stdout.strip()}" if found.returncode == 0 else ""
