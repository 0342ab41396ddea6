"""The whole site, of entries and documents: the same bytes for the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import vrs_bench
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.leaderboard.ranking import boards
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.shifts.findings import SweepReport
from vrs_bench.site.boards import board_pages
from vrs_bench.site.documents import FOLDER, document_pages, read_documents
from vrs_bench.site.entries import entry_page
from vrs_bench.site.pages import Files, fixed_files, page
from vrs_bench.site.responses import response_pages, response_paths
from vrs_bench.site.strips import Strip, strips
from vrs_bench.site.views import View, views
from vrs_bench.tasks import TASKS

PICTURE = "docs/gallery/scene.png"
"""On the first page, where the documents show it."""

Strips = Mapping[str, Sequence[Strip]]


def build_site(
    entries: Sequence[Submission],
    documents: str | Path,
    data: str | Path | None = None,
    predictions: Mapping[str, object] | None = None,
    reports: Sequence[SweepReport] = (),
    reference: Mapping[str, str] | None = None,
) -> Files:
    """Return the pages and pictures of a site.

    Args:
        entries: of the leaderboard, of any tasks and sizes.
        documents: checkout whose README.md and docs are shown; one without has none.
        data: dataset folder, for image strips of its entries.
        predictions: entry, by the name of its file or with the folders before it
            (``task/size/file``), → its predictions.
        reports: of sweeps, whose response curves are drawn.
        reference: pages beside the documents, path → Markdown.

    Raises:
        BenchError: entries contradict each other; predictions of no entry, of other data, or not
            those that were scored; or a document can't be read.
    """
    found = views(boards(entries))
    pictures: dict[str, list[Strip]] = {}
    files = Files()
    for entry, of in _with_predictions(entries, predictions or {}, data):
        made, images = strips(entry, of, DatasetFolder(str(data)))
        pictures[entry.key] = made
        files |= images
    pages = read_documents(documents, reference)
    common: dict[str, Any] = {
        "package": vrs_bench.__version__,
        "navigation": _navigation(found, reports, documents=bool(pages)),
    }
    if pages:
        files |= document_pages(pages, documents, common)
    curves = response_paths(reports)
    files |= response_pages(reports, common)
    for view in found:
        files |= board_pages(view, curves.get((view.board.task, view.board.recipe)), common)
        for row in (*view.ranked, *view.claimed):
            shown = pictures.get(row.entry.key, ())
            files[row.path] = entry_page(view, row, shown, common)
    picture = f"{FOLDER}/{PICTURE}"
    files["index.html"] = page(
        "index.html",
        "index",
        "Overview",
        views=found,
        tasks=list(TASKS.values()),
        headlines={name: METRICS[task.headline] for name, task in TASKS.items()},
        picture=picture if picture in files else None,
        documents=bool(pages),
        **common,
    )
    groups = [(group, list(of)) for group, of in groupby(METRICS.values(), lambda m: m.group)]
    files["metrics.html"] = page("metrics.html", "metrics", "Metrics", groups=groups, **common)
    return files | fixed_files()


def _navigation(
    found: Sequence[View], reports: Sequence[SweepReport], documents: bool
) -> list[tuple[str, str]]:
    boards = [(view.title, f"{view.folder}/index.html") for view in found]
    boards += [
        (f"Response curves: {TASKS[task].title}, size {size}", path)
        for (task, size), path in response_paths(reports).items()
    ]
    more = [("Documentation", f"{FOLDER}/index.html")] if documents else []
    return [("Overview", "index.html"), *boards, ("Metrics", "metrics.html"), *more]


def _with_predictions(
    entries: Sequence[Submission],
    predictions: Mapping[str, object],
    data: str | Path | None,
) -> Iterable[tuple[Submission, object]]:
    """Return the entries whose predictions are at hand, with them."""
    if not predictions:
        return
    if data is None:
        raise BenchError("pictures of predictions need the data that they are of: --data")
    manifest = DatasetFolder(data).manifest
    known = {entry.key: entry for entry in entries}
    for name, of in predictions.items():
        fitting = [key for key in known if f"/{key}".endswith(f"/{name}")]
        if not fitting:
            raise BenchError(f"--predictions: no entry '{name}'{did_you_mean(name, known)}")
        if len(fitting) > 1:
            raise BenchError(f"--predictions: '{name}' may be {' or '.join(fitting)}; name one")
        entry = known[fitting[0]]
        task = manifest.tasks.get(entry.result.task)
        if task is None or task.digest != entry.result.recipe_digest:
            raise BenchError(f"--predictions: the entry '{name}' is not of the data in {data}")
        yield entry, of
