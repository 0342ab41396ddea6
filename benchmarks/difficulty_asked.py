"""What is asked of a world that is worth solving, and whether figures of methods reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from baselines.methods.registry import METHODS
from vrs_bench.evaluation.statistics import bootstrap_interval
from vrs_bench.types import Doubles

Scores = Mapping[str, Mapping[str, Doubles]]
"""Method → column → value of each scene."""


class Demand(Protocol):
    """Something that is asked."""

    def line(self, scores: Scores) -> tuple[str, str, str]:
        """Return what is asked, what was found, and whether that reaches it."""


def interval(values: Doubles) -> tuple[float, float, float]:
    """Return the mean of values of scenes, and the ends of its interval."""
    there = values[~np.isnan(values)]
    found = bootstrap_interval(there) if len(there) > 1 else None
    mean = float(there.mean()) if len(there) else float("nan")
    return (mean, *(found or (mean, mean)))


def best_classical(scores: Scores, column: str) -> str:
    """Return the method of highest mean that is neither oracle nor informed."""
    honest = [n for n in scores if n in METHODS and not METHODS[n].oracle]
    honest = [n for n in honest if not METHODS[n].informed]
    return max(honest, key=lambda name: float(np.nanmean(scores[name][column])))


@dataclass(frozen=True)
class Apart:
    """Two rows are apart by more than something, with the whole interval of their difference."""

    better: str
    """A row, or "best" for the best classical method."""
    worse: str
    column: str
    least: float = 0.0

    def line(self, scores: Scores) -> tuple[str, str, str]:
        """Compare scene by scene."""
        better, worse = (
            best_classical(scores, self.column) if name == "best" else name
            for name in (self.better, self.worse)
        )
        differences = scores[better][self.column] - scores[worse][self.column]
        mean, low, high = interval(differences)
        reached = low > 0 and mean >= self.least
        least = f"at least {self.least:g}" if self.least else "more than 0"
        asked = f"{self.column}: {better} over {worse}, {least}"
        return asked, f"{mean:+.3f} ({low:+.3f} to {high:+.3f})", "yes" if reached else "no"


@dataclass(frozen=True)
class AtMost:
    """A row's mean is not above something."""

    method: str
    column: str
    most: float

    def line(self, scores: Scores) -> tuple[str, str, str]:
        """Compare the mean."""
        mean, low, high = interval(scores[self.method][self.column])
        asked = f"{self.column} of {self.method}, at most {self.most:g}"
        found = f"{mean:.3f} ({low:.3f} to {high:.3f})"
        return asked, found, "yes" if mean <= self.most else "no"


_PLACES = ("inside", "border")
_EVERYWHERE: tuple[Demand, ...] = (
    *(Apart("best", "floor", f"{of}_{at}") for of in ("psnr", "agreement") for at in _PLACES),
    *(Apart("truth", "best", f"agreement_{at}") for at in _PLACES),
    Apart("best", "floor", "skill"),
    Apart("truth", "best", "skill"),
    Apart("truth", "truth, cell means", "skill"),
)

ASKED: Mapping[str, tuple[Demand, ...]] = {
    "super_res": (*_EVERYWHERE, Apart("map-all-dates", "map-one-date", "psnr")),
    "cloud_removal": (
        *_EVERYWHERE,
        Apart("boosting-radar", "nearest-date", "psnr_clouded", 3.5),
        Apart("boosting-radar-true-mask", "nearest-date-true-mask", "psnr_clouded", 3.5),
        Apart("boosting-radar", "boosting", "psnr_clouded", 1.5),
        Apart("boosting-radar-true-mask", "boosting-true-mask", "psnr_clouded", 1.5),
        AtMost("nearest-date", "jaccard_ratio", 0.95),
        AtMost("nearest-date-true-mask", "jaccard_ratio", 0.95),
        Apart("boosting-radar", "linear", "jaccard_ratio", 0.03),
        Apart("boosting-radar-true-mask", "linear-true-mask", "jaccard_ratio", 0.03),
    ),
    "sar_to_optical": _EVERYWHERE,
}
"""Task → what is asked of it."""
