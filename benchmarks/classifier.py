"""The reference classifier: time of a fit and of a map, and what it reaches on the truth.

python benchmarks/classifier.py [--split validation]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import measure  # before NumPy: it sets the threads
import numpy as np

from vrs_bench.metrics.downstream import (
    cell_accuracy,
    cell_vote,
    confusion_matrix,
    jaccard_micro,
    jaccard_per_class,
)
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.classifier import classify, load_classifier
from vrs_bench.references.classifier_fit import PIXELS_PER_SCENE, SCENES, fit_classifier
from vrs_bench.world.landcover import class_names
from vrs_bench.world.latent import Scene
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

SIZES = ("tiny", "toy")
SCORED_SCENES = 150
MANY_PIXELS = 2600  # a scene: 1.3 million in all


def main() -> None:
    """Measure, and print three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="validation", choices=SPLITS, help="scenes to score")
    split = parser.parse_args().split
    worlds = {size: load_recipe(BenchmarkRecipe, size).world for size in SIZES}
    fits = [
        fit(size, worlds[size], pixels)
        for size, pixels in [
            ("tiny", PIXELS_PER_SCENE),
            ("toy", PIXELS_PER_SCENE),
            ("toy", MANY_PIXELS),
        ]
    ]
    measure.print_table(
        "Fit of the reference classifier",
        ("size", "pixels", "features", "drawing the pixels, s", "regression, s"),
        fits,
    )
    measure.print_table(
        f"The packaged classifiers on the truth of {SCORED_SCENES} scenes of split {split}",
        ("size", "Jaccard", *class_names()[1:], "cell accuracy"),
        [(size, *on_truth(worlds[size], SPLITS[split])) for size in SIZES],
    )
    measure.print_table(
        "Time of a scene",
        ("size", "classify, ms", "cell_vote, ms", "confusion_matrix, ms"),
        [(size, *times(worlds[size])) for size in SIZES],
    )


def fit(size: str, world: WorldRecipe, pixels: int) -> tuple[object, ...]:
    """Fit once, and tell the reading of scenes from the regression."""
    start, read = time.perf_counter(), 0.0

    def report(done: int, total: int) -> None:
        nonlocal read
        if done == total - 1:
            read = time.perf_counter() - start

    classifier = fit_classifier(world, SCENES, pixels, report=report)
    taken = time.perf_counter() - start
    return size, SCENES * pixels, len(classifier.mean), f"{read:.1f}", f"{taken - read:.1f}"


def optical(scene: Scene) -> np.ndarray:
    """Return the latent series (time, band, height, width)."""
    return np.stack([scene.frame("optical", step) for step in range(scene.recipe.horizon)])


def on_truth(world: WorldRecipe, first: int) -> Iterator[str]:
    """Yield the scores of the packaged classifier on latent scenes."""
    classifier, n_classes = load_classifier(world), len(class_names()) - 1
    confusion, right = np.zeros((n_classes, n_classes), np.int64), []
    for number in range(first, first + SCORED_SCENES):
        scene = make_scene(world, number)
        labels = classify(classifier, optical(scene))
        confusion += confusion_matrix(labels, scene.land_cover, n_classes)
        right.append(cell_accuracy(labels, scene.land_cover, scene.cell))
    for value in (jaccard_micro(confusion), *jaccard_per_class(confusion), np.mean(right)):
        yield f"{value:.4f}"


def times(world: WorldRecipe) -> Iterator[str]:
    """Yield the milliseconds of each step on one scene."""
    classifier, scene = load_classifier(world), make_scene(world, SPLITS["validation"])
    series, truth, cell = optical(scene), scene.land_cover, scene.cell
    labels = classify(classifier, series)
    for work in (
        lambda: classify(classifier, series),
        lambda: cell_vote(labels, cell),
        lambda: confusion_matrix(labels, truth, len(class_names()) - 1),
    ):
        yield f"{measure.seconds(work, 11) * 1e3:.2f}"


if __name__ == "__main__":
    main()
