"""Scoring scenes: in this process, in several, or on a Ray cluster.

A job is a pure function of what it holds, done by one thread; results come in the order of the
jobs. So scores do not depend on who did them.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_limits

from vrs_bench.engines.cluster import RETRIES, on_ray
from vrs_bench.engines.processes import Advance, Engine, in_processes
from vrs_bench.evaluation.judge import Judge, judge_scene
from vrs_bench.evaluation.parcels import Parcel, pack, parcel_folder, unpack
from vrs_bench.evaluation.tally import SceneValues
from vrs_bench.evaluation.truth import SceneTruth, ahead
from vrs_bench.types import Floats

Scored = dict[str, SceneValues]
"""Contestant → its values of a scene."""

_COMPUTING = ("numpy", "scipy", "torch")
"""Libraries by whose version values may differ in their last digits."""


@dataclass(frozen=True)
class Crew:
    """Who scores."""

    workers: int = 1
    """Processes, of the engine ``processes``; 1 is this one."""
    engine: Engine = "processes"
    address: str | None = None
    """Of the Ray cluster; None starts one here for the time of the evaluation."""


@dataclass(frozen=True)
class SceneJob:
    """One scene to score."""

    scene: SceneTruth
    images: Mapping[str, Floats]
    """Contestant → its images, (row, band, height, width) float32 in [0, 1]."""
    floor: Floats | None
    """What the task's trivial method makes, where a metric asks for it."""
    judges: Mapping[str, Judge]
    """Contestant → what it is judged by; all look through the same references."""
    keys: Mapping[str, bytes]
    """Contestant → what the noise over its scenes is keyed by."""


def score_scene(job: SceneJob) -> Scored:
    """Score what all contestants made of a scene."""
    # With more threads, linear algebra adds in another order: values would differ by rounding.
    with threadpool_limits(1):
        return {
            name: judge_scene(job.scene, images, job.floor, job.judges[name], job.keys[name])
            for name, images in job.images.items()
        }


def scored_by(crew: Crew, jobs: Iterator[SceneJob], scenes: int) -> Generator[Scored, None, None]:
    """Score scenes, and yield what is found in the order of the jobs.

    Jobs are asked for one after the other, and only a few are under way at a time.

    Raises:
        BenchError: a worker was killed, or the engine can't work; or what a job raises.
    """
    workers = min(crew.workers, scenes)
    if crew.engine == "ray":
        lost = f"a scene {RETRIES + 1} times; run it again"
        yield from on_ray(_on_node, jobs, crew.address, package=_package, ahead=2, lost=lost)
    elif workers > 1:
        yield from _in_processes(jobs, workers)
    else:
        # The next scene is read, and its predictions digested, while this one is scored.
        yield from map(score_scene, ahead(jobs))


def _in_processes(jobs: Iterator[SceneJob], workers: int) -> Iterator[Scored]:
    sent: deque[Parcel] = deque()

    def parcels(folder: Path) -> Iterator[Parcel]:
        for job in jobs:
            sent.append(pack(job, folder))
            yield sent[-1]

    with parcel_folder() as folder:
        results = in_processes(
            _score_parcel,
            parcels(folder),
            workers,
            lambda rows: None,
            caller="evaluate()",
            patient=False,
        )
        for scored in results:
            sent.popleft().path.unlink()
            yield scored


def _score_parcel(parcel: Parcel, _: Advance) -> Scored:
    return score_scene(unpack(parcel))


def _on_node(job: SceneJob) -> Scored:
    """Score a scene on a node of the cluster, which gives arrays that can't be written to."""
    return score_scene(copy.deepcopy(job))


def _package() -> str:
    """Return the versions that decide on values."""
    found = [f"vrs-bench {version('vrs-bench')}"]
    for name in _COMPUTING:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
