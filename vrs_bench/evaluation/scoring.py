"""Scoring: predictions against the truth, one scene at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import get_args

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.engines.processes import Engine
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.bounds import keep_bounds, packaged_bounds, rival_methods
from vrs_bench.evaluation.clipped import ClippedPredictions
from vrs_bench.evaluation.floors import Method, floor_method
from vrs_bench.evaluation.judge import Judge, make_judge, members
from vrs_bench.evaluation.predictions.checking import checked
from vrs_bench.evaluation.predictions.expected import expectation
from vrs_bench.evaluation.remarks import remarks
from vrs_bench.evaluation.result import Result
from vrs_bench.evaluation.scores import Bound
from vrs_bench.evaluation.skill import flags
from vrs_bench.evaluation.statistics import CONFIDENCE, RESAMPLES
from vrs_bench.evaluation.tally import PartFloors, Tally, bounds_of, joined
from vrs_bench.evaluation.truth import SceneTruth, Truth
from vrs_bench.evaluation.work import Crew, SceneJob, scored_by
from vrs_bench.metrics.catalogue import GROUPS
from vrs_bench.metrics.definition import Metric
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Report

PROFILES = ("standard", "original")
"""Whose definitions: ours, or those of the original project."""

Contestant = tuple[Method, Judge, bytes]
"""What makes images of a scene, and what they are judged by."""


def evaluate(
    predictions: object,
    task: str,
    data: str | Path | DatasetFolder,
    split: str = "test",
    *,
    groups: Iterable[str] | None = None,
    bounds: bool = True,
    profile: str = "standard",
    readers: str | Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Report | None = None,
    workers: int = 1,
    engine: Engine = "processes",
    address: str | None = None,
) -> Result:
    """Check predictions and score them against the truth.

    Two passes over the predictions: all are checked before one is scored. Memory holds two
    scenes, whatever the length of the split, and each worker one. Values outside of [0, 1] are
    clipped, and counted in the result. The result does not depend on engine or number of workers.

    Args:
        predictions: for each row of the split an array (band, height, width) on the target's
            grid, as floats in [0, 1] or uint16 holding round(10000 · x), given as one of:
            a mapping {(scene, time_step): array} or an iterable of such pairs (a generator is
            read once, and kept in a temporary file); one array (row, band, height, width) in the
            split's order, also a memory map or a torch tensor; a ``datasets.Dataset`` with the
            columns ``scene``, ``time_step`` and ``prediction``; the path of a folder of
            ``<scene>_<step>.npy`` files such as ``900000_007.npy``, of an ``.npz`` with such
            names, of one ``.npy`` in the split's order, of a ``.tar`` of such files, or of a
            ``.parquet`` file or a folder of them, with the columns of a Dataset.
        task: name of the task.
        data: dataset folder.
        split: ``train``, ``validation`` or ``test``; ``private`` of a revealed folder.
        groups: of metrics: ``distortion``, ``perceptual``, ``downstream``, ``consistency``; None
            for all. The perceptual and the downstream group need
            ``pip install 'vrs-bench[evaluation]'``. Metrics that don't apply to the task are left
            out, and the result says why.
        bounds: also score the task's trivial baseline and the truth itself, between which each
            score is placed. Known in advance for the test splits of the packaged recipes; of
            metrics of which they aren't, they are measured: up to the time of two more
            evaluations.
        profile: ``"original"`` scores by the definitions of the original project instead; there
            are no groups and bounds then, and no readers.
        readers: file of readers of series, for a world that no packaged ones fit.
        resamples: bootstrap samples of scenes for the confidence intervals.
        seed: of the bootstrap.
        progress: called with (rows scored, rows in all), after the check and after each scene.
        workers: processes that score, of the engine ``processes``. More than one take seconds to
            start, and a script that asks for them does so under ``if __name__ == "__main__":``.
        engine: ``processes`` on this machine, or ``ray`` on a cluster; predictions and data are
            read by this process alone.
        address: of the Ray cluster; None starts one here for the time of the evaluation.

    Raises:
        BenchError: no such data, task, split, group, profile or engine; groups or readers for
            the original profile; no metric of the groups applies to the task; a worker was
            killed; or predictions that are missing, duplicate, unknown or unreadable, of wrong
            shape, dtype or range, or not finite. All problems are listed at once. What can be
            scored, yet looks like a mistake, is in the result's ``warnings``.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    definition = folder.manifest.bound(task)
    expected = expectation(task, folder, split)
    _known("profile", [profile], PROFILES)
    crew = _crew(workers, engine, address)
    standard = profile == "standard"
    if not standard and (groups, readers) != (None, None):
        raise BenchError(
            "the profile 'original' has its own metrics, which look through nothing: leave groups "
            "and readers out"
        )
    asked = _in_order(GROUPS if groups is None else groups) if standard else ("original",)
    judge = make_judge(definition, asked, readers)
    placed: dict[str, Bound] = {}
    part_floors: PartFloors = {}
    contestants: dict[str, Contestant] = {}
    if standard and bounds:
        placed, part_floors = packaged_bounds(folder, task, split, judge)
        contestants = _rivals(folder, judge, [m for m in judge.metrics if m.name not in placed])
    report = progress or (lambda done, total: None)
    noisy = judge.needs("readers", "encoder")
    with checked(predictions, expected, keyed=noisy) as prediction_of:
        clipped = ClippedPredictions(prediction_of)
        report(0, len(expected.keys))
        contestants["predictions"] = clipped, judge, prediction_of.digest
        tallies, digest = score_split(folder, definition, split, contestants, report, crew)
    tally = tallies["predictions"]
    if "floor" in tallies:
        placed |= bounds_of(tallies["floor"], tallies["ceiling"])
        part_floors = joined(part_floors, tallies["floor"].part_floors())
    made_of = [m for m in members(definition) if m.name not in judge.left_out]
    tally.add_skills(placed, part_floors, made_of)
    scores = tally.scores(resamples, seed)
    clipped_share = clipped.count / math.prod(expected.stack_shape)
    return Result(
        task=task,
        split=split,  # type: ignore[arg-type]  # the folder has it
        recipe=folder.manifest.recipe.name,
        recipe_digest=folder.manifest.tasks[task].digest,
        dataset_digest=digest,
        package=version("vrs-bench"),
        n_scenes=len({scene for scene, _ in expected.keys}),
        n_rows=len(expected.keys),
        clipped_values=clipped.count,
        predictions_sha256=clipped.sha256,
        confidence=CONFIDENCE,
        resamples=resamples,
        seed=seed,
        references=judge.references(),
        scores=scores,
        slices=tally.slices(resamples, seed),
        confusion=tally.confusion(),
        bounds={m.name: placed[m.name] for m in judge.metrics if m.name in placed},
        profile="standard" if standard else "original",
        left_out=judge.left_out,
        flags=flags(tally.means(), placed),
        warnings=prediction_of.remarks
        + remarks(scores, placed, clipped_share, clipped.likenesses, definition.bands),
    )


def measure_bounds(
    data: str | Path | DatasetFolder,
    task: str,
    split: str,
    out: Path,
    report: Report,
    workers: int = 1,
) -> None:
    """Measure the bounds of all metrics on a split, and keep them in a JSON file.

    Several processes score if more than one worker is asked for, see :func:`evaluate`.

    Raises:
        BenchError: no such data, task or split; or a group needs what is not installed.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    bound = folder.manifest.bound(task)
    judge = make_judge(bound, GROUPS, None)
    rivals = _rivals(folder, judge, judge.metrics)
    tallies, _ = score_split(folder, bound, split, rivals, report, _crew(workers))
    bounds = bounds_of(tallies["floor"], tallies["ceiling"])
    keep_bounds(out, folder, split, judge, bounds, tallies["floor"].part_floors())


def _rivals(
    folder: DatasetFolder, judge: Judge, metrics: Sequence[Metric]
) -> dict[str, Contestant]:
    """Return floor and ceiling as what is to be scored by some metrics; nothing if by none."""
    if not metrics:
        return {}
    judge = replace(judge, metrics=tuple(metrics))
    rivals = rival_methods(folder, judge.task)
    return {name: (method, judge, name.encode()) for name, method in rivals.items()}


def score_split(
    folder: DatasetFolder,
    task: BoundTask,
    split: str,
    contestants: Mapping[str, Contestant],
    report: Report,
    crew: Crew,
) -> tuple[dict[str, Tally], str]:
    """Score what some methods make of every scene of a split.

    Args:
        folder, task, split: the data.
        contestants: what to score, and by what; all judges with the same references.
        report: called with (rows scored, rows in all) after each scene.
        crew: who scores; the methods themselves run here.

    Returns:
        contestant → its values, and the digest of the data.
    """
    judges = {name: judge for name, (_, judge, _) in contestants.items()}
    needed = any(judge.needs("floor") for judge in judges.values())
    # Where the floor is scored too, its images are there already.
    floor = floor_method(task, folder) if needed and "floor" not in contestants else None
    # Floors are made of the inputs.
    inputs = "floor" in contestants or any(
        judge.needs("input", "operator", "floor") for judge in judges.values()
    )
    truth = Truth(folder, task, split, inputs)
    rows = Counter(scene for scene, _ in folder.keys(task.name, split))
    tallies = {name: Tally() for name in contestants}
    jobs = (_job(scene, contestants, floor) for scene in truth)
    done = 0
    with closing(scored_by(crew, jobs, len(rows))) as scenes:
        for number, scored in zip(rows, scenes, strict=True):
            for name, values in scored.items():
                tallies[name].add(values)
            done += rows[number]
            report(done, rows.total())
    for name, tally in tallies.items():
        tally.close(judges[name].metrics)
    return tallies, truth.sha256


def _job(
    scene: SceneTruth, contestants: Mapping[str, Contestant], floor: Method | None
) -> SceneJob:
    images = {name: method(scene) for name, (method, *_) in contestants.items()}
    return SceneJob(
        scene=scene,
        images=images,
        floor=floor(scene) if floor else images.get("floor"),
        judges={name: judge for name, (_, judge, _) in contestants.items()},
        keys={name: key for name, (*_, key) in contestants.items()},
    )


def _crew(workers: int, engine: Engine = "processes", address: str | None = None) -> Crew:
    _known("engine", [engine], get_args(Engine))
    if workers < 1:
        raise BenchError(f"workers: expected 1 or more, got {workers}")
    return Crew(workers, engine, address)


def _in_order(groups: Iterable[str]) -> tuple[str, ...]:
    """Return groups in their order, each once."""
    asked = [groups] if isinstance(groups, str) else list(groups)
    _known("group", asked, GROUPS)
    if not asked:
        raise BenchError(f"groups: expected at least one of {', '.join(GROUPS)}")
    return tuple(group for group in GROUPS if group in asked)


def _known(what: str, words: Iterable[str], known: tuple[str, ...]) -> None:
    for word in words:
        if word not in known:
            raise BenchError(f"unknown {what} '{word}'{did_you_mean(word, known)}")
