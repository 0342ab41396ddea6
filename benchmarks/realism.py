"""How far the virtual Earth is from a real one, and how hard it is to see through its clouds.

python benchmarks/realism.py [--size toy] [--scenes 24]
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from measure import print_table  # before NumPy: it sets the threads

# isort: split
import numpy as np
from clear_views import cover_shares, days_between, fill
from real_figures import FACTOR, FIGURES, FREQUENCIES, GAPS, LAGS, MONTHS, PERCENTILES, SUMMER
from texture_statistics import (
    autocorrelation,
    cell_means,
    correlation_by_gap,
    covariance,
    deviation_from_lines,
    deviations,
    inside,
    power_slopes,
    relative_gradient,
)

from vrs_bench.columns import restore
from vrs_bench.metrics.downstream import confusion_matrix, jaccard_micro
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.readers import load_readers, noise_answers, read_series
from vrs_bench.tasks import BoundTask, bind
from vrs_bench.types import Array, Doubles, Floats
from vrs_bench.world.landcover import OPTICAL_BANDS, class_names
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

MARGIN, LEAST = 2, 100
"""Pixels that are left out along the edge of a cell, and that a cell must keep."""
THIN = 0.02
"""Share of the light that a cloud or shadow may take from a pixel that counts as clear."""
STRIDE = 4
"""Every fourth pixel along either axis tells of clear views: neighbours are clear together."""
LABELS = {name: label for label, name in enumerate(class_names())}
FILLED = (
    ("nearest clear date", False, "0.99", "33.4", "0.895", "at most 0.95"),
    ("line between clear dates", True, "–", "34.8", "0.894", "–"),
)
"""How a clouded pixel is filled and whether by a line; Jaccard ratio in the first version of the
world, PSNR and Jaccard ratio in a prototype of a harder one (both 128 px and a date in 12 days);
the Jaccard ratio that is asked for."""
RED, NIR = OPTICAL_BANDS.index("red"), OPTICAL_BANDS.index("nir")


@dataclass(frozen=True)
class View:
    """One scene as cloud removal shows it; images (date, band, height, width) in [0, 1]."""

    days: Array
    """(date,) from the start of the first year, 0 its first day."""
    months: Array
    """(date,) 1 to 12; no year has a 29 February."""
    truth: Floats
    seen: Floats
    cover: Floats
    """Opacity of the clouds, (date, height, width)."""
    clear: Array
    """Neither cloud nor shadow, (date, height, width) bool."""
    land_cover: Array
    cell: Array


def look(task: BoundTask, number: int) -> View:
    """Draw a scene and look at it."""
    rows = list(task.rows(make_scene(task.world, number)))

    def images(column: str) -> Floats:
        return restore(np.stack([row[column] for row in rows]))

    days = np.unwrap([int(row["day_of_year"]) for row in rows], period=365)
    dates = np.datetime64("2001-01-01") + days.astype(int) % 365
    cover = images("cloud")
    return View(
        days=days,
        months=dates.astype("datetime64[M]").astype(int) % 12 + 1,
        truth=images(task.target),
        seen=images(task.main_input),
        cover=cover,
        clear=(cover <= THIN) & (images("shadow") <= THIN),
        land_cover=rows[0]["land_cover"],
        cell=rows[0]["cell"],
    )


def ndvi(images: Floats) -> Doubles:
    """Return NDVI (date, height, width) of images."""
    red, nir = images[:, RED].astype(float), images[:, NIR].astype(float)
    return np.asarray((nir - red) / np.maximum(nir + red, 1e-3))


def inside_of(land_cover: Array, cell: Array, name: str) -> Array:
    """Return the mask of the pixels well inside cells of a land cover."""
    of_cover = np.where(land_cover == LABELS[name], cell, 0).astype(int)
    return inside(of_cover, MARGIN, LEAST)


def figures_of(view: View) -> dict[str, Sequence[float] | Doubles]:
    """Return the figures of one scene but those that are pooled; NaN for what it lacks."""
    greenness, summer = ndvi(view.truth), np.isin(view.months, SUMMER)
    forest, grass = (
        inside_of(view.land_cover, view.cell, name) for name in ("forest", "grassland")
    )
    of_both = np.where(forest > 0, forest, grass)
    nir = view.truth[summer][:, NIR].astype(float)
    found: dict[str, Sequence[float] | Doubles] = {
        "slopes": power_slopes(nir, FREQUENCIES),
        "gradient": [relative_gradient(nir)],
        "texture": correlation_by_gap(deviations(greenness, of_both), view.days, GAPS),
        "dates": 100 * cover_shares((view.cover > THIN).mean(axis=(1, 2)), (0.05, 0.95)),
    }
    for name, mask in (("forest", forest), ("grass", grass)):
        course = cell_means(greenness, mask).mean(axis=1)
        found[f"{name} NDVI"] = [course[view.months == m].mean() for m in MONTHS.values()]
    textures = [bands_inside(view.truth[summer], mask) for mask in (forest, grass)]
    found["NIR deviation"] = [textures[0][0]]
    found["NIR/red"] = [nir_deviation / red for nir_deviation, red, _ in textures]
    found["correlation"] = [textures[0][2]]
    found["autocorrelation"] = autocorrelation(deviations(nir, forest), forest, LAGS)
    found["date to date"] = [from_date_to_date(view, forest, summer)]
    return found


def bands_inside(images: Floats, mask: Array) -> tuple[float, float, float]:
    """Return the deviations of NIR and of red inside cells, and their correlation."""
    nir, red = (deviations(images[:, band].astype(float), mask) for band in (NIR, RED))
    nir_deviation, red_deviation = (covariance(x, x, mask) ** 0.5 for x in (nir, red))
    product = nir_deviation * red_deviation
    return nir_deviation, red_deviation, covariance(nir, red, mask) / product


def from_date_to_date(view: View, mask: Array, dates: Array) -> float:
    """Return by how much NDVI as it is seen, mean over a cell's clear pixels, leaves a line."""
    clear = view.clear[dates]
    shares = cell_means(clear, mask)
    sums = cell_means(np.where(clear, ndvi(view.seen[dates]), 0), mask)
    means = np.where(shares >= 0.5, sums / np.maximum(shares, 0.5), np.nan)
    return deviation_from_lines(means, view.days[dates])


def turn_of_year(world: WorldRecipe, number: int) -> Doubles:
    """Return the change of NDVI of winter crops from day 364 of a year to day 0 of the next."""
    series = world.series.model_copy(update={"start_day": 364, "step_days": 1})
    scene = make_scene(world.model_copy(update={"series": series, "horizon": 2}), number)
    before, after = ndvi(np.stack([scene.frame("optical", step) for step in range(2)]))
    crops = FIGURES["New Year"].parts
    masks = (inside_of(scene.land_cover, scene.cell, str(crop)) > 0 for crop in crops)
    return np.array([(after - before)[mask].mean() for mask in masks])


Jaccard = Callable[[Floats, Array], float]
"""Series (date, band, height, width) and land cover → Jaccard index of the map made of them."""


def reader(world: WorldRecipe) -> Jaccard:
    """Return what maps land cover from series, and scores the map."""
    readers = load_readers(world)

    def jaccard(series: Floats, land_cover: Array) -> float:
        answers = noise_answers(readers, b"realism", series.shape)
        labels = read_series(readers, series, answers)[0].argmax(axis=0) + 1
        return float(jaccard_micro(confusion_matrix(labels, land_cover, len(LABELS) - 1)))

    return jaccard


def restoration(view: View, jaccard: Jaccard, linear: bool) -> tuple[float, float]:
    """Return PSNR on clouded pixels of cells, and the Jaccard ratio, of filled series."""
    filled = fill(view.seen, view.clear, view.days, linear)
    clouded = ~view.clear & (view.cell > 0)
    squares = np.square(filled - view.truth).mean(axis=1)[clouded]
    read, best = (jaccard(series, view.land_cover) for series in (filled, view.truth))
    return -10 * np.log10(squares.mean()), read / best


def main() -> None:
    """Measure the world and its difficulty, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    parser.add_argument("--scenes", type=int, default=24, help="of validation (default: 24)")
    arguments = parser.parse_args()
    task = bind("cloud_removal", load_recipe(BenchmarkRecipe, arguments.size))
    jaccard = reader(task.world)
    # A scene without forest, or a calendar without November, has no figure of it: NaN.
    warnings.filterwarnings("ignore", "Mean of empty slice|invalid value", RuntimeWarning)
    found: defaultdict[str, list[Doubles]] = defaultdict(list)
    between, difficulty = [], []
    for number in range(SPLITS["validation"], SPLITS["validation"] + arguments.scenes):
        view = look(task, number)
        for name, values in figures_of(view).items():
            found[name].append(np.asarray(values))
        found["New Year"].append(turn_of_year(task.world, number))
        found["Jaccard"].append(np.array([jaccard(view.truth, view.land_cover)]))
        clear = view.clear[:, ::STRIDE, ::STRIDE].reshape(len(view.days), -1)
        between.append(days_between(clear, view.days))
        difficulty.append([restoration(view, jaccard, linear) for _, linear, *_ in FILLED])
    now = {name: np.nanmean(values, axis=0) for name, values in found.items()}
    now["clear views"] = np.percentile(np.concatenate(between), PERCENTILES)
    title = f"size {arguments.size}, {arguments.scenes} scenes"
    print_realism(now, title)
    print_difficulty(np.array(difficulty), title)


def written(value: float | tuple[float, float]) -> str:
    """Write a figure of two or three digits, or its range."""
    if isinstance(value, tuple):
        return " to ".join(map(written, value))
    digits = np.format_float_positional(value, 3, unique=True, fractional=False, trim="-")
    return digits if np.isfinite(value) else "–"


def print_realism(now: Mapping[str, Doubles], title: str) -> None:
    """Print each figure beside the real one."""
    rows = []
    for name, figure in FIGURES.items():
        columns = (figure.real, figure.first, now[name])
        shown = (" / ".join(map(written, column)) for column in columns)
        text = figure.text.format(" / ".join(map(str, figure.parts)))
        rows.append((text, *shown, figure.verdict(now[name])))
    print_table(
        f"The virtual Earth beside a real one, {title}",
        ("", "real: Sentinel-2, Slovenia", "first version", "now", f"within a factor {FACTOR:g}"),
        rows,
    )


def print_difficulty(found: Doubles, title: str) -> None:
    """Print what the clear dates alone tell, (scene, method, PSNR and Jaccard ratio)."""
    mean = found.mean(axis=0)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    rows = []
    for method, (text, _, first, prototype_psnr, prototype, asked) in enumerate(FILLED):
        psnr, ratio = (
            f"{mean[method, score]:.{digits}f} ± {error[method, score]:.{digits}f}"
            for score, digits in ((0, 1), (1, 3))
        )
        rows.append((text, prototype_psnr, psnr, first, prototype, ratio, asked))
    print_table(
        f"Clouded pixels of cells from their clear dates, masks known, {title}",
        (
            "",
            "PSNR, dB: prototype",
            "now",
            "Jaccard ratio: first version",
            "prototype",
            "now",
            "asked",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
