"""How the reference classifier is fitted: latent train scenes, sampled pixels, scikit-learn."""

from __future__ import annotations

import numpy as np

from vrs_bench.errors import BenchError
from vrs_bench.references.classifier import Classifier, series_key
from vrs_bench.types import Array, Floats, Report
from vrs_bench.world.landcover import OPTICAL_BANDS
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

SCENES = 500
PIXELS_PER_SCENE = 1000
PENALTY = 1e-3
"""Weight of ½‖weights‖² against the mean loss of a pixel.

The largest power of ten that keeps a Jaccard index of 0.99 on the truth of validation scenes of
`tiny` and of `toy`. A smaller one would gain less than 0.007 on the truth, but hang on differences
so fine that noise of 0.02, which leaves an image useful, costs two or three times as much.
"""
_MOST_STEPS = 1000


def fit_classifier(
    world: WorldRecipe,
    scenes: int = SCENES,
    pixels_per_scene: int = PIXELS_PER_SCENE,
    seed: int = 0,
    report: Report | None = None,
) -> Classifier:
    """Fit the classifier of a world on its first train scenes.

    Multinomial logistic regression by L-BFGS in float32, on the four optical bands at all steps.
    Memory: 4 bytes a sampled pixel, band and step.

    Args:
        world: whose series; its source is ``phenology``.
        scenes: number of scenes, from the first of the train split. More of them show more
            cells, which matters more than more pixels of a cell.
        pixels_per_scene: drawn without replacement among those inside cells; all, where a scene
            has fewer.
        seed: of the draw of pixels.
        report: called with (scenes read, scenes + 1); the last step is the regression.

    Raises:
        BenchError: counts out of range, an archive as source, or pixels of fewer than two classes.
    """
    from sklearn.linear_model import LogisticRegression

    if not 1 <= scenes <= SPLITS["validation"]:
        raise BenchError(f"scenes: expected 1 to {SPLITS['validation']}, got {scenes}")
    if pixels_per_scene < 1:
        raise BenchError(f"pixels_per_scene: expected at least 1, got {pixels_per_scene}")
    key = series_key(world)
    features, labels = _sample(world, scenes, pixels_per_scene, seed, report)
    if len(np.unique(labels)) < 2:
        raise BenchError(
            f"{scenes} scenes of this world have {len(labels)} pixels inside cells, of "
            f"{len(np.unique(labels))} classes; expected at least 2 classes: take more scenes, or "
            f"see to world.class_prior and world.cells.border_px"
        )
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    features -= mean
    squares = np.einsum("pf,pf->f", features, features, dtype=np.float64)  # without a second copy
    scale = np.sqrt(squares / len(features)).astype(np.float32)
    scale[scale == 0] = 1  # a band that never changes says nothing, and divides nothing
    features /= scale
    model = LogisticRegression(C=1 / (PENALTY * len(labels)), max_iter=_MOST_STEPS)
    model.fit(features, labels)
    if report:
        report(scenes + 1, scenes + 1)
    weights, intercept = model.coef_, model.intercept_
    if len(weights) == 1:  # of two classes, scikit-learn keeps the score of the second
        weights = np.concatenate([np.zeros_like(weights), weights])
        intercept = np.concatenate([np.zeros_like(intercept), intercept])
    return Classifier(
        weights=weights.astype(np.float32),
        intercept=intercept.astype(np.float32),
        mean=mean,
        scale=scale,
        classes=model.classes_.astype(np.uint8),
        series=key,
    )


def _sample(
    world: WorldRecipe, scenes: int, pixels_per_scene: int, seed: int, report: Report | None
) -> tuple[Floats, Array]:
    """Return features (pixel, time and band) and labels (pixel,) of train scenes."""
    bands, first = len(OPTICAL_BANDS), SPLITS["train"]
    features = np.empty((scenes * pixels_per_scene, world.horizon * bands), np.float32)
    labels = np.empty(len(features), np.uint8)
    filled = 0
    for done, number in enumerate(range(first, first + scenes), start=1):
        scene = make_scene(world, number)
        land_cover = scene.land_cover.ravel()
        inside = np.flatnonzero(land_cover)
        rng = np.random.default_rng([seed, number])
        chosen = rng.choice(inside, min(pixels_per_scene, len(inside)), replace=False)
        rows = slice(filled, filled + len(chosen))
        for step in range(world.horizon):
            frame = scene.frame("optical", step).reshape(bands, -1)
            features[rows, step * bands : (step + 1) * bands] = frame[:, chosen].T
        labels[rows] = land_cover[chosen]
        filled = rows.stop
        if report:
            report(done, scenes + 1)
    return features[:filled], labels[:filled]
