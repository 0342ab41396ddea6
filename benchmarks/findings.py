"""What the results say: pairs of methods, radar by gap length, metrics that disagree, sizes.

python benchmarks/findings.py runs/small [runs/tiny …]

The folders are those of `vrs-bench reproduce`; the first is looked into, the others are held
against it. Nothing is trained or scored here.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from measure import print_table  # before NumPy: it sets the threads

# isort: split
import numpy as np
from difficulty_asked import interval
from scipy.stats import kendalltau

from baselines.methods.registry import METHODS
from baselines.reproduce.running import DATA, RESULT
from baselines.store import days_of
from vrs_bench.columns import restore, row_name
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation import Result, compare
from vrs_bench.evaluation.scores import PartScore
from vrs_bench.evaluation.truth import Truth
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.tasks import TASKS
from vrs_bench.types import Array, Doubles, Floats

Results = Mapping[str, Result]
"""Method, with its seed where it is trained → its scores."""

GROUPS = ("skill_distortion", "skill_perceptual", "skill_downstream", "skill_consistency", "skill")
PAIRS = {
    "super_res": (
        ("map-all-dates", "map-one-date"),
        ("unet-dates", "unet"),
        ("unet-dates", "map-all-dates"),
        ("edsr", "map-one-date"),
    ),
    "cloud_removal": (
        ("boosting-radar", "boosting"),
        ("boosting-radar", "linear"),
        ("boosting-radar-true-mask", "boosting-radar"),
        ("utae", "unet-dates"),
        ("utae", "boosting-radar"),
    ),
    "sar_to_optical": (
        ("pix2pix", "unet"),
        ("pix2pix-recurrent", "pix2pix"),
        ("cyclegan", "pix2pix"),
        ("cyclegan-supervised", "cyclegan"),
        ("superpixels", "pix2pix"),
        ("true-cells", "superpixels"),
    ),
}
"""Of which the first is held against the second."""
FILLERS = ("nearest-date", "linear", "boosting", "boosting-radar", "unet-dates", "utae", "utilise")
LIGHT = 0.95
"""Less light that came through makes a pixel clouded."""
GAPS = ((1, 12), (13, 24), (25, 48), (49, 1000))
"""Days to the nearest clear view, from and to."""
JUDGED = (
    "psnr",
    "ssim",
    "sam",
    "haarpsi",
    "gmsd",
    "feature_distance",
    "reader_agreement",
    "jaccard_ratio",
    "segmentation_agreement",
    "through_sensor_excess",
    "net_improvement",
    "skill",
)
RESAMPLES = 1000
LEAST = 6
"""Pairs of metrics that are shown with intervals."""
IN_PARTS = (
    ("psnr", "ssim"),
    ("psnr", "sam"),
    ("psnr", "reader_agreement"),
    ("sam", "reader_agreement"),
    ("skill_distortion", "skill_downstream"),
)
"""Which metrics are held against each other in parts of scenes."""


def main() -> None:
    """Print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders of vrs-bench reproduce")
    folder, *others = parser.parse_args().folders
    for task in TASKS:
        results = read_results(folder, task)
        if not results:
            continue
        size = next(iter(results.values())).recipe
        pairs_table(task, size, results)
        if task == "cloud_removal":
            gaps_table(folder, size, [name for name in FILLERS if with_seed(name, results)])
        agreement_table(task, size, results)
        for other in others:
            sizes_table(task, results, read_results(other, task))


def read_results(folder: Path, task: str) -> Results:
    """Return the results of a task by their labels."""
    paths = sorted(folder.glob(f"{task}/*/{RESULT}"))
    return {path.parent.name: Result.from_json(path) for path in paths}


def with_seed(name: str, results: Results) -> str | None:
    """Return the label of a method's first seed, if it has been done."""
    return next((label for label in (name, f"{name}-seed-0") if label in results), None)


def pairs_table(task: str, size: str, results: Results) -> None:
    """Print how far methods are apart, by group."""
    rows = []
    for first, second in PAIRS[task]:
        labels = [with_seed(name, results) for name in (first, second)]
        if None in labels:
            continue
        one, other = (results[str(label)] for label in labels)
        cells = []
        for group in GROUPS:
            found = compare(one, other, group)
            mark = "" if found.p_value > 0.05 else "**"
            ends = f"[{found.ci_low:+.2f}, {found.ci_high:+.2f}]"
            cells.append(f"{mark}{found.difference:+.3f}{mark} {ends}")
        rows.append((f"{first} − {second}", *cells))
    heads = ("pair", *(METRICS[group].label for group in GROUPS))
    print_table(f"Pairs of methods of {task}, size {size} (bold: p ≤ .05, unadjusted)", heads, rows)


def gaps_table(folder: Path, size: str, names: Sequence[str]) -> None:
    """Print the error on clouded pixels of cells by the days to the nearest clear view."""
    data = DatasetFolder(folder / DATA)
    bound = data.manifest.bound("cloud_removal")
    scenes = list(Truth(data, bound, "test"))
    squares = {name: np.full((len(scenes), len(GAPS)), np.nan) for name in names}
    counts = np.zeros((len(scenes), len(GAPS)), np.int64)
    dates = [days_of(of) for of in data.scenes("cloud_removal", "test", ["day_of_year"])]
    for number, (scene, days) in enumerate(zip(scenes, dates, strict=True)):
        light = scene.transmittance
        assert light is not None  # noqa: S101  # of this task
        clear = light >= LIGHT
        gap = days_to_clear(clear, days)
        inside = ~clear & (scene.cell > 0)
        images = {
            name: predicted(folder, name, [(scene.number, int(step)) for step in scene.steps])
            for name in names
        }
        for place, (least, most) in enumerate(GAPS):
            pixels = inside & (gap >= least) & (gap <= most)
            counts[number, place] = pixels.sum()
            if not pixels.any():
                continue
            for name, image in images.items():
                error = np.square(image - scene.target).mean(axis=1)[pixels]
                squares[name][number, place] = error.mean(dtype=np.float64)
    rows = []
    for place, (least, most) in enumerate(GAPS):
        told = f"{least} to {most} days" if most < 1000 else f"{least} days and more"
        of = {name: -10 * np.log10(values[:, place]) for name, values in squares.items()}
        share = counts[:, place].sum() / counts.sum()
        gain = "–"
        if {"boosting", "boosting-radar"} <= of.keys():
            mean, low, high = interval(of["boosting-radar"] - of["boosting"])
            gain = f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
        rows.append((told, f"{share:.0%}", *(f"{np.nanmean(v):.2f}" for v in of.values()), gain))
    print_table(
        f"PSNR (dB) on clouded pixels of cells by the days to the nearest clear view, "
        f"cloud_removal, size {size}; last: what radar adds to boosting, paired by scene (95 %)",
        ("nearest clear view", "pixels", *names, "radar"),
        rows,
    )


def days_to_clear(clear: Array, days: Array) -> Array:
    """Return the days from each date to the nearest on which a pixel is clear, 0 where it is.

    Args:
        clear: (date, height, width) bool.
        days: (date,) ascending.

    Returns:
        int64 (date, height, width); 10 ** 6 where a pixel is never clear.
    """
    far = 10**6
    at = np.where(clear, days[:, None, None], -far)
    before = days[:, None, None] - np.maximum.accumulate(at, axis=0)
    at = np.where(clear, days[:, None, None], 2 * far)
    after = np.minimum.accumulate(at[::-1], axis=0)[::-1] - days[:, None, None]
    return np.asarray(np.minimum(np.minimum(before, after), far))


def predicted(folder: Path, name: str, keys: Sequence[tuple[int, int]]) -> Floats:
    """Return what a method, or its first seed, made of a scene."""
    place = folder / "cloud_removal" / name
    place = place if place.is_dir() else place.with_name(f"{name}-seed-0")
    rows = [np.load(place / "predictions" / f"{row_name(key)}.npy") for key in keys]
    return restore(np.stack(rows))


def agreement_table(task: str, size: str, results: Results) -> None:
    """Print Kendall's τ of the orders in which metrics put methods, and who agrees least."""
    honest = {
        label: result
        for label, result in results.items()
        if (label not in METHODS or not METHODS[label].oracle) and "identity" not in label
    }
    names = [n for n in JUDGED if all(n in r.scores for r in honest.values())]
    orders = {name: signs(values_of(name, honest)) for name in names}
    taus = {
        (one, other): (orders[one] * orders[other]).mean(axis=1) for one in names for other in names
    }
    labels = [METRICS[name].label for name in names]
    told = f"{len(honest)} methods and seeds of {task}, size {size}"
    rows = [
        (label, *("" if name == other else f"{taus[name, other][0]:+.2f}" for other in names))
        for label, name in zip(labels, names, strict=True)
    ]
    print_table(f"Kendall's τ-a of metrics over {told}", ("", *labels), rows)
    least = sorted(combinations(names, 2), key=lambda pair: float(taus[pair][0]))[:LEAST]
    rows = [
        (
            f"{METRICS[one].label}, {METRICS[other].label}",
            f"{taus[one, other][0]:+.2f}",
            "{:+.2f} to {:+.2f}".format(*np.quantile(taus[one, other][1:], (0.025, 0.975))),
        )
        for one, other in least
    ]
    print_table(
        f"The metrics that agree least, {told}: 95 % of {RESAMPLES} bootstrap samples of scenes",
        ("metrics", "τ-a", "over scenes"),
        rows,
    )
    parts_table(task, size, honest)


def values_of(name: str, results: Results) -> Doubles:
    """Return the values of a metric, better always up: (method, scene)."""
    better = 1 if METRICS[name].higher_is_better else -1
    scenes = sorted(next(iter(results.values())).scores["psnr"].per_scene)
    return np.array(
        [[better * r.scores[name].per_scene[s] for s in scenes] for r in results.values()]
    )


def signs(values: Doubles) -> Array:
    """Return which of each two methods is better: (1 + samples, pair), of which the first is of
    all scenes and the others are of bootstrap samples, the same for every metric."""
    n = values.shape[1]
    drawn = np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
    means = np.stack([values.mean(axis=1), *(values[:, of].mean(axis=1) for of in drawn)])
    first, second = zip(*combinations(range(len(values)), 2), strict=True)
    return np.asarray(np.sign(means[:, first] - means[:, second]))


def parts_table(task: str, size: str, results: Results) -> None:
    """Print how far metrics agree on the order of methods within each part of scenes."""
    rows = []
    for kind, parts in next(iter(results.values())).slices.items():
        if kind == "time_step":
            continue
        for part in parts:
            found = [result.slices[kind].get(part, {}) for result in results.values()]
            rows.append((kind, part, *(tau_of(one, other, found) for one, other in IN_PARTS)))
    print_table(
        f"Kendall's τ-b of two metrics over methods, within parts of scenes, {task}, size {size}",
        ("parts", "part", *(f"{METRICS[a].label}, {METRICS[b].label}" for a, b in IN_PARTS)),
        rows,
    )


def tau_of(one: str, other: str, found: Sequence[Mapping[str, PartScore]]) -> str:
    """Return τ of two metrics, better always up, over methods that have both."""
    pairs = [
        [(1 if METRICS[m].higher_is_better else -1) * of[m].mean for m in (one, other)]
        for of in found
        if {one, other} <= of.keys()
    ]
    return f"{kendalltau(*zip(*pairs, strict=True)).statistic:+.2f}" if len(pairs) > 2 else "–"


def sizes_table(task: str, results: Results, others: Results) -> None:
    """Print skill of the methods that two sizes have in common, and how far orders agree."""
    common = [label for label in results if label in others]
    if len(common) < 3:
        return
    pairs = [(results[of].scores["skill"], others[of].scores["skill"]) for of in common]
    tau = kendalltau([a.mean for a, _ in pairs], [b.mean for _, b in pairs]).statistic
    names = [next(iter(of.values())).recipe for of in (results, others)]
    order = sorted(zip(common, pairs, strict=True), key=lambda row: -row[1][0].mean)
    rows = [(label, f"{one.mean:.3f}", f"{other.mean:.3f}") for label, (one, other) in order]
    print_table(f"Skill of {task} by size: Kendall's τ {tau:+.2f}", ("method", *names), rows)


if __name__ == "__main__":
    main()
