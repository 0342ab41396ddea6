"""Sites of entries that tests make: names and notes of people who mean no good among them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from stamps import stamped

from vrs_bench.cli import app
from vrs_bench.evaluation import Result, Score
from vrs_bench.evaluation.scores import Bound, PartScore
from vrs_bench.leaderboard.provenance import Provenance
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.site.build import build_site
from vrs_bench.site.pages import Files
from vrs_bench.site.reference import command_reference, python_reference
from vrs_bench.world.landcover import class_names

MakeEntry = Callable[..., Submission]
SCENES = 8
SHIFTS = (-0.06, 0.05, -0.02, 0.03, 0.01, -0.04, 0.02, 0.01)
"""Of the scenes from the mean; their sum is 0."""
DIGEST = "d" * 64


def _score(name: str, mean: float, scene_by_scene: bool = True) -> Score:
    metric = METRICS[name]
    return Score(
        metric=name,
        mean=mean,
        ci_low=mean - 0.02,
        ci_high=mean + 0.02,
        per_scene={900_000 + n: mean + s for n, s in enumerate(SHIFTS)} if scene_by_scene else {},
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        version=metric.version,
    )


def _result(skill: float, metrics: Sequence[str], steps: int, **changes: Any) -> Result:
    parts = {
        "land_cover": class_names()[1:],
        "position": ("border", "interior"),
        "time_step": tuple(map(str, range(steps))),
    }
    scores = {name: _score(name, skill, METRICS[name].scope != "split") for name in metrics}
    of_parts = {name: PartScore(skill, skill - 0.01, skill + 0.01, SCENES) for name in metrics}
    diagonal = [[100 * (a == b) for a in range(8)] for b in range(8)]
    fields = {
        "task": "super_res",
        "split": "test",
        "recipe": "little",
        "recipe_digest": "c" * 64,
        "dataset_digest": DIGEST,
        "package": "0.1.0",
        "n_scenes": SCENES,
        "n_rows": SCENES * steps,
        "clipped_values": 0,
        "predictions_sha256": "a" * 64,
        "confidence": 0.95,
        "resamples": 1000,
        "seed": 0,
        "references": {},
        "scores": scores,
        "slices": {kind: dict.fromkeys(names, of_parts) for kind, names in parts.items()},
        "confusion": {"reader": diagonal, "reader_truth": diagonal},
        "bounds": {"psnr": Bound(0.0, 80.0)},
    }
    return Result(**{**fields, **changes})


@pytest.fixture(scope="session")
def make_entry() -> MakeEntry:
    """Return a function that makes an entry of a name and a skill, verified unless claimed.

    Fields that a file could not hold (``about``) are taken as they are.
    """

    def make(
        name: str = "Bicubic",
        skill: float = 0.2,
        claimed: bool = False,
        metrics: Sequence[str] = ("skill", "skill_distortion", "psnr", "frechet_distance"),
        steps: int = 3,
        provenance: Provenance | None = None,
        about: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Submission:
        entry = Submission(
            name=name,
            date=datetime.date(2026, 1, 31),
            provenance=provenance or Provenance(),
            result=_result(skill, metrics, steps, **changes),
        ).model_copy(update=about or {})
        return entry if claimed else stamped(entry)

    return make


@pytest.fixture(scope="session")
def entries(make_entry: MakeEntry) -> list[Submission]:
    """Return three ranked entries, one of them flagged, and a claimed one."""
    return [
        make_entry(
            "Good", 0.5, provenance=Provenance(parameters=135_052, hours=0.1, inputs=("lr",))
        ),
        make_entry("Middling", 0.3, provenance=Provenance(parameters=0, inputs=("lr",))),
        make_entry(
            "Worse than the floor", -0.3, flags=["RMSE 0.017 is worse than the floor's 0.015"]
        ),
        make_entry("Boaster", 0.9, claimed=True),
    ]


@pytest.fixture(scope="session")
def site(entries: list[Submission]) -> Files:
    """Return the site of these entries and of the documents of this checkout."""
    reference = {
        "docs/reference/python.md": python_reference(),
        "docs/reference/commands.md": command_reference(typer.main.get_group(app)),
    }
    return build_site(entries, Path(__file__).parents[2], reference=reference)
