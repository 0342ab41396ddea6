"""Figures of the real Earth that the virtual one is held against, and those of its first version.

Source: one Sentinel-2 patch in Slovenia: 68 dates of NDVI with land cover, 5 dates of bands, top of
atmosphere, mostly forest and grassland. Snow and haze are in its winter months. The virtual figures
are of 10 m pixels and a date in 12 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from vrs_bench.types import Doubles

FACTOR = 1.5
"""By so much a figure may be off."""
MONTHS = {"Jan": 1, "Apr": 4, "Jul": 7, "Oct": 10, "Nov": 11, "Dec": 12}
SUMMER = (6, 7, 8)
LAGS = (1, 2, 3, 5, 8, 12)
FREQUENCIES = (0.01, 0.1, 0.25, 0.5)
GAPS = (0, 31, 90, 183)
PERCENTILES = (50, 90, 99)

Interval = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """A figure of the real Earth, of one or several parts."""

    text: str
    parts: Sequence[object]
    """Names of the parts."""
    real: Sequence[float | Interval]
    first: Sequence[float]
    """Of the first version of the world."""
    accepted: Interval | None = None
    """Where the real figure is not what is asked for: least and most that is."""

    def bounds(self, part: int) -> Interval:
        """Return the least and the most that is near enough."""
        if self.accepted is not None:
            return self.accepted
        ends = np.outer(self.real[part], (1 / FACTOR, FACTOR))
        return float(ends.min()), float(ends.max())

    def verdict(self, values: Doubles) -> str:
        """Say which parts are near enough; what was not measured (NaN) is left out."""
        measured = [part for part, value in enumerate(values) if np.isfinite(value)]
        bounds = {part: self.bounds(part) for part in measured}
        far = [part for part in measured if not bounds[part][0] <= values[part] <= bounds[part][1]]
        asked = "" if self.accepted is None else "; asked: {:g} to {:g}".format(*self.accepted)
        if not measured:
            return "–"
        if not far or len(far) == len(measured):
            return f"{'no' if far else 'yes'}{asked}"
        return f"not {', '.join(str(self.parts[part]) for part in far)}{asked}"


FIGURES = {
    "forest NDVI": Figure(
        "forest NDVI, {}",
        tuple(MONTHS),
        (0.27, 0.53, 0.72, 0.55, 0.25, 0.43),
        (0.75, 0.82, 0.88, 0.64, 0.60, 0.73),
    ),
    "grass NDVI": Figure(
        "grassland NDVI, {}",
        tuple(MONTHS),
        (0.06, 0.49, 0.67, 0.62, 0.03, 0.39),
        (0.57, 0.74, 0.78, 0.58, 0.57, 0.60),
    ),
    "New Year": Figure(
        "change of NDVI from the last day of a year to the next, {}",
        ("winter cereal", "rapeseed"),
        (0.0, 0.0),
        (0.18, 0.21),
        accepted=(-0.02, 0.02),
    ),
    "NIR deviation": Figure(
        "deviation of NIR inside {}, summer",
        ("forest",),
        ((0.029, 0.034),),
        (0.0087,),
    ),
    "NIR/red": Figure(
        "deviation of NIR over that of red, {}",
        ("forest", "grassland"),
        (8.0, (2.0, 4.0)),
        (1.0, 1.0),
    ),
    "correlation": Figure(
        "correlation of red and NIR inside {}", ("forest",), ((0.3, 0.5),), (0.88,)
    ),
    "autocorrelation": Figure(
        "autocorrelation of NIR inside forest at {} px",
        LAGS,
        (0.80, 0.60, 0.52, 0.43, 0.34, 0.23),
        (0.91, 0.69, 0.44, 0.10, -0.02, -0.02),
    ),
    "slopes": Figure(
        "slope of the power spectrum of NIR at {} cycles/px",
        tuple(f"{a:g}–{b:g}" for a, b in pairwise(FREQUENCIES)),
        (-2.6, -2.95, -4.0),
        (-2.9, -2.6, -1.6),
    ),
    "gradient": Figure(
        "median gradient over deviation of the {}", ("image, NIR",), (0.45,), (0.05,)
    ),
    "texture": Figure(
        "correlation of NDVI texture, forest and grassland, {} days apart",
        tuple(f"{a}–{b}" for a, b in pairwise(GAPS)),
        (0.78, 0.57, 0.09),
        (1.0, 0.99, 0.92),
    ),
    "date to date": Figure(
        "date-to-date deviation of the NDVI of {} in summer", ("forest",), (0.026,), (0.0,)
    ),
    "dates": Figure(
        "dates, %: {}",
        ("< 5 % cloud", "5–95 %", "> 95 %"),
        (44.0, 26.0, 29.0),
        (11.0, 89.0, 0.0),
    ),
    "clear views": Figure(
        "days between clear views, percentiles {}",
        PERCENTILES,
        (10.0, 50.0, 100.0),
        (12.0, 36.0, 72.0),
    ),
    "Jaccard": Figure(
        "{} of a classifier of series on the truth",
        ("Jaccard index",),
        (0.70,),
        (0.99,),
        accepted=(0.75, 0.90),
    ),
}
