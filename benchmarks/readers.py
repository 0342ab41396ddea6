"""The readers of series: time of a fit and of a scene, and what they read in the truth.

python benchmarks/readers.py [--split validation] [--scenes 150]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import pairwise

import measure  # before NumPy: it sets the threads
import numpy as np

from vrs_bench.metrics.downstream import (
    cell_accuracy,
    confusion_matrix,
    jaccard_micro,
    jaccard_per_class,
)
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.readers import load_readers, noise_answers, read_series
from vrs_bench.references.readers_fit import PIXELS_PER_VIEW, SCENES, VIEWS, fit_readers
from vrs_bench.references.smoothing import noise_key
from vrs_bench.types import Floats
from vrs_bench.world.landcover import class_names
from vrs_bench.world.latent import Scene
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

SIZES = ("tiny", "toy")
READERS = ("logistic regression", "perceptron")


def main() -> None:
    """Measure, and print three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="validation", choices=SPLITS, help="scenes to read")
    parser.add_argument("--scenes", type=int, default=150, help="how many of them")
    given = parser.parse_args()
    worlds = {size: load_recipe(BenchmarkRecipe, size).world for size in SIZES}
    measure.print_table(
        f"The packaged readers on the truth of {given.scenes} scenes of split {given.split}",
        ("size", "reader", "Jaccard", *class_names()[1:], "cell accuracy"),
        [
            (size, reader, *values)
            for size in SIZES
            for reader, *values in on_truth(worlds[size], SPLITS[given.split], given.scenes)
        ],
    )
    measure.print_table(
        "Reading a scene",
        ("size", "noise, ms", "series, ms"),
        [(size, *times(worlds[size])) for size in SIZES],
    )
    measure.print_table(
        "Fit of the readers",
        ("size", "pixels", "features", "drawing the pixels, s", "regression, s", "perceptron, s"),
        [fit(size, worlds[size]) for size in SIZES],
    )


def optical(scene: Scene) -> Floats:
    """Return the latent series (time, band, height, width)."""
    return np.stack([scene.frame("optical", step) for step in range(scene.recipe.horizon)])


def on_truth(world: WorldRecipe, first: int, scenes: int) -> Iterator[tuple[str, ...]]:
    """Yield the scores of each packaged reader on latent scenes, through noise as ever."""
    readers, n_classes = load_readers(world), len(class_names()) - 1
    confusion = np.zeros((len(READERS), n_classes, n_classes), np.int64)
    right: list[list[float]] = [[] for _ in READERS]
    for number in range(first, first + scenes):
        scene = make_scene(world, number)
        series = optical(scene)
        answers = noise_answers(readers, noise_key(b"", number), series.shape)
        for index, seen in enumerate(read_series(readers, series, answers)):
            labels = (seen.argmax(axis=0) + 1).astype(np.uint8)
            confusion[index] += confusion_matrix(labels, scene.land_cover, n_classes)
            right[index].append(cell_accuracy(labels, scene.land_cover, scene.cell))
    for reader, counts, cells in zip(READERS, confusion, right, strict=True):
        values = (jaccard_micro(counts), *jaccard_per_class(counts), np.mean(cells))
        yield (reader, *(f"{value:.4f}" for value in values))


def times(world: WorldRecipe) -> Iterator[str]:
    """Yield the milliseconds of each step on one scene."""
    readers, series = load_readers(world), optical(make_scene(world, SPLITS["validation"]))
    key = noise_key(b"", 0)
    answers = noise_answers(readers, key, series.shape)
    for work in (
        lambda: noise_answers(readers, key, series.shape),
        lambda: read_series(readers, series, answers),
    ):
        yield f"{measure.seconds(work, 5) * 1e3:.0f}"


def fit(size: str, world: WorldRecipe) -> tuple[object, ...]:
    """Fit once, and tell the reading of scenes from the two fits."""
    at = [time.perf_counter()]

    def report(done: int, total: int) -> None:
        if done >= SCENES:
            at.append(time.perf_counter())

    readers = fit_readers(world, report=report)
    taken = [f"{end - start:.1f}" for start, end in pairwise(at)]
    features = readers.logistic[0][0].shape[1]
    return size, SCENES * VIEWS * PIXELS_PER_VIEW, features, *taken


if __name__ == "__main__":
    main()
