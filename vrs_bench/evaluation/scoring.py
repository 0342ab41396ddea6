"""Scoring: predictions against the truth, one scene at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from vrs_bench.columns import Key
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.evaluation.bounds import keep_bounds, packaged_bounds, rival_methods
from vrs_bench.evaluation.floors import Method, floor_method
from vrs_bench.evaluation.judge import Judge, judge_scene, make_judge
from vrs_bench.evaluation.predictions.checking import checked
from vrs_bench.evaluation.predictions.expected import expectation
from vrs_bench.evaluation.result import Result
from vrs_bench.evaluation.scores import Bound
from vrs_bench.evaluation.skill import flags
from vrs_bench.evaluation.statistics import CONFIDENCE, RESAMPLES
from vrs_bench.evaluation.tally import Tally, bounds_of
from vrs_bench.evaluation.truth import SceneTruth, Truth, ahead
from vrs_bench.metrics.catalogue import GROUPS
from vrs_bench.metrics.definition import Metric
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats, Report

PROFILES = ("standard", "original")
"""Whose definitions: ours, or those of the original project."""

Contestant = tuple[Method, Judge]
"""What makes images of a scene, and what they are judged by."""


def evaluate(
    predictions: object,
    task: str,
    data: str | Path | DatasetFolder,
    split: str = "test",
    *,
    groups: Iterable[str] = GROUPS,
    bounds: bool = True,
    profile: str = "standard",
    readers: str | Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Report | None = None,
) -> Result:
    """Check predictions and score them against the truth.

    Two passes over the predictions: all are checked before one is scored. Memory holds two
    scenes, whatever the length of the split. Values outside of [0, 1] are clipped, and counted
    in the result.

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
        groups: of metrics: ``distortion``, ``perceptual``, ``downstream``, ``consistency``. The
            perceptual and the downstream group need ``pip install 'vrs-bench[evaluation]'``.
            Metrics that don't apply to the task are left out, and the result says why.
        bounds: also score the task's trivial baseline and the truth itself, between which each
            score is placed. Known in advance for the test splits of the packaged recipes; of
            metrics of which they aren't, they are measured: up to the time of two more
            evaluations.
        profile: ``"original"`` scores by the definitions of the original project instead; groups
            and bounds don't apply then.
        readers: file of readers of series, for a world that no packaged ones fit.
        resamples: bootstrap samples of scenes for the confidence intervals.
        seed: of the bootstrap.
        progress: called with (rows scored, rows in all), after the check and after each scene.

    Raises:
        BenchError: no such data, task, split, group or profile; no metric of the groups applies
            to the task; or predictions that are missing, duplicate, unknown or unreadable, of
            wrong shape, dtype or range, or not finite. All problems are listed at once.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    definition = folder.manifest.bound(task)
    expected = expectation(task, folder, split)
    _known("profile", [profile], PROFILES)
    standard = profile == "standard"
    judge = make_judge(
        folder, definition, _in_order(groups) if standard else ("original",), readers
    )
    placed: dict[str, Bound] = {}
    contestants: dict[str, Contestant] = {}
    if standard and bounds:
        placed = packaged_bounds(folder, task, split, judge)
        contestants = _rivals(folder, judge, [m for m in judge.metrics if m.name not in placed])
    report = progress or (lambda done, total: None)
    with checked(predictions, expected) as prediction_of:
        clipped = ClippedPredictions(prediction_of)
        report(0, len(expected.keys))
        contestants["predictions"] = clipped, judge
        tallies, digest = score_split(folder, definition, split, contestants, report)
    tally = tallies["predictions"]
    if "floor" in tallies:
        placed |= bounds_of(tallies["floor"], tallies["ceiling"])
    tally.add_skills(placed, judge.members)
    return Result(
        task=task,
        split=split,  # type: ignore[arg-type]  # the folder has it
        recipe=folder.manifest.recipe.name,
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
        scores=tally.scores(resamples, seed),
        slices=tally.slices(resamples, seed),
        confusion=tally.confusion(),
        bounds={m.name: placed[m.name] for m in judge.metrics if m.name in placed},
        profile="standard" if standard else "original",
        left_out=judge.left_out,
        flags=flags(tally.means(), placed),
    )


def measure_bounds(
    data: str | Path | DatasetFolder, task: str, split: str, out: Path, report: Report
) -> None:
    """Measure the bounds of all metrics on a split, and keep them in a JSON file.

    Raises:
        BenchError: no such data, task or split; or a group needs what is not installed.
    """
    folder = data if isinstance(data, DatasetFolder) else DatasetFolder(data)
    bound = folder.manifest.bound(task)
    judge = make_judge(folder, bound, GROUPS, None)
    rivals = _rivals(folder, judge, judge.metrics)
    tallies, _ = score_split(folder, bound, split, rivals, report)
    keep_bounds(out, folder, split, judge, bounds_of(tallies["floor"], tallies["ceiling"]))


def _rivals(
    folder: DatasetFolder, judge: Judge, metrics: Sequence[Metric]
) -> dict[str, Contestant]:
    """Return floor and ceiling as what is to be scored by some metrics; nothing if by none."""
    if not metrics:
        return {}
    judge = replace(judge, metrics=tuple(metrics))
    return {name: (method, judge) for name, method in rival_methods(folder, judge.task).items()}


class ClippedPredictions:
    """Predictions on their way to be scored: digested as they came, then clipped to [0, 1]."""

    def __init__(self, prediction_of: Callable[[Key], Floats]) -> None:
        """Start before the first row."""
        self._prediction_of = prediction_of
        self._hash = hashlib.sha256()
        self.count = 0
        """Values so far that were clipped."""

    def __call__(self, scene: SceneTruth) -> Floats:
        """Return the predictions of a scene, (row, band, height, width) float32 in [0, 1]."""
        images = np.empty(scene.target.shape, np.float32)
        for image, step in zip(images, scene.steps.tolist(), strict=True):
            image[...] = self._prediction_of((scene.number, step))
            self._hash.update(np.array([scene.number, step], "<i8").tobytes())
            self._hash.update(image.astype("<f4", copy=False))
            if image.min() < 0 or image.max() > 1:
                self.count += int(np.count_nonzero((image < 0) | (image > 1)))
                np.clip(image, 0, 1, out=image)
        return images

    @property
    def sha256(self) -> str:
        """See :class:`vrs_bench.evaluation.result.Result`."""
        return self._hash.hexdigest()


def score_split(
    folder: DatasetFolder,
    task: BoundTask,
    split: str,
    contestants: Mapping[str, Contestant],
    report: Report,
) -> tuple[dict[str, Tally], str]:
    """Score what some methods make of every scene of a split.

    Args:
        folder, task, split: the data.
        contestants: what to score, and by what; all judges with the same references.
        report: called with (rows scored, rows in all) after each scene.

    Returns:
        contestant → its values, and the digest of the data.
    """
    judges = {name: judge for name, (_, judge) in contestants.items()}
    needed = any(judge.needs("floor") for judge in judges.values())
    trivial = floor_method(task) if needed else None
    inputs = "floor" in contestants or any(
        judge.needs("input", "operator", "floor") for judge in judges.values()
    )
    truth = Truth(folder, task, split, inputs)
    rows = len(folder.keys(task.name, split))
    tallies = {name: Tally() for name in contestants}
    done = 0
    # The next scene is read, and its predictions digested, while this one is scored.
    for scene, made in ahead((scene, _made(contestants, trivial, scene)) for scene in truth):
        for name, judge in judges.items():
            predicted, true = judge.look(made[name], scene.target)
            judge_scene(scene, predicted, true, made.get("floor"), judge, tallies[name])
        done += len(scene.steps)
        report(done, rows)
    for name, tally in tallies.items():
        tally.close(judges[name].metrics)
    return tallies, truth.sha256


def _made(
    contestants: Mapping[str, Contestant], trivial: Method | None, scene: SceneTruth
) -> dict[str, Floats]:
    made = {name: method(scene) for name, (method, _) in contestants.items()}
    if trivial is not None and "floor" not in made:
        made["floor"] = trivial(scene)
    return made


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
