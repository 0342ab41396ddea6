"""How the readers of series are fitted: latent train scenes with the faults of restored ones."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from vrs_bench.errors import BenchError
from vrs_bench.references.readers import Layers, Readers, series_key
from vrs_bench.types import Array, Floats, Report
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

SCENES = 240
PIXELS_PER_VIEW = 400
VIEWS = 3
"""Looks at each scene: as it is, and with faults drawn anew."""

PENALTY = 1e-4
"""Weight of ½‖weights‖² against the mean loss of a pixel, for both readers."""
HIDDEN = 32
"""Units of the perceptron."""
_EPOCHS = 12
_MOST_STEPS = 300

_NEVER = -1e4  # score of a class that was not seen

# The most of each fault; which of them a view has, and how much, is drawn.
_NOISE = 0.03  # standard deviation
_BLUR = 1.5  # standard deviation, pixels
_SHIFT = 1.0  # pixels along each axis, the same at all dates
_GAPS = 0.5  # share of the dates that are interpolated from the others
_GAIN, _BIAS = 0.05, 0.01  # standard deviations over dates


def fit_readers(
    world: WorldRecipe,
    scenes: int = SCENES,
    pixels_per_view: int = PIXELS_PER_VIEW,
    seed: int = 0,
    report: Report | None = None,
) -> Readers:
    """Fit the readers of a world on its first train scenes.

    Both by scikit-learn, in float32, on the four optical bands at all steps: multinomial logistic
    regression by L-BFGS; a perceptron of one hidden layer by Adam. Memory: 4 bytes a sampled
    pixel, band and step, a few times.

    Args:
        world: whose series; its source is ``phenology``.
        scenes: number of scenes, from the first of the train split. More of them show more
            cells, which matters more than more pixels of a cell.
        pixels_per_view: drawn without replacement among those inside cells; all, where a scene
            has fewer.
        seed: of faults, pixels and the perceptron.
        report: called with (scenes read, scenes + 2); the last steps are the fits.

    Raises:
        BenchError: counts out of range, an archive as source, or pixels of fewer than two classes.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    if not 1 <= scenes <= SPLITS["validation"]:
        raise BenchError(f"scenes: expected 1 to {SPLITS['validation']}, got {scenes}")
    if pixels_per_view < 1:
        raise BenchError(f"pixels_per_view: expected at least 1, got {pixels_per_view}")
    key = series_key(world)
    features, labels = _sample(world, scenes, pixels_per_view, seed, report)
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
    logistic = LogisticRegression(C=1 / (PENALTY * len(labels)), max_iter=_MOST_STEPS)
    logistic.fit(features, labels)
    if report:
        report(scenes + 1, scenes + 2)
    perceptron = MLPClassifier(
        (HIDDEN,),
        alpha=PENALTY,
        batch_size=512,
        max_iter=_EPOCHS,
        n_iter_no_change=_EPOCHS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # The number of epochs is fixed, so that a fit takes as long on every world: no convergence
        # is waited for, and its absence is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        perceptron.fit(features, labels)
    if report:
        report(scenes + 2, scenes + 2)
    seen = logistic.classes_.astype(np.intp) - 1
    return Readers(
        logistic=_layers([logistic.coef_.T], [logistic.intercept_], mean, scale, seen),
        perceptron=_layers(perceptron.coefs_, perceptron.intercepts_, mean, scale, seen),
        series=key,
    )


def _layers(
    weights: list[Array], biases: list[Array], mean: Floats, scale: Floats, seen: Array
) -> Layers:
    """Return layers on plain values, the last with a score for every class of the table.

    The standardisation goes into the first layer. Classes that were not seen (``seen`` are those
    that were, from 0) never win.
    """
    first = weights[0].T / scale.astype(np.float64)
    layers = [(first, biases[0] - first @ mean)]
    layers += [(w.T, b) for w, b in zip(weights[1:], biases[1:], strict=True)]
    scores, offsets = layers.pop()
    if len(scores) == 1:  # of two classes, scikit-learn keeps the score of the second
        scores = np.concatenate([np.zeros_like(scores), scores])
        offsets = np.concatenate([np.zeros_like(offsets), offsets])
    every = np.zeros((len(LAND_COVER), scores.shape[1]))
    every[seen] = scores
    bias = np.full(len(LAND_COVER), _NEVER)
    bias[seen] = offsets
    layers.append((every, bias))
    return tuple((w.astype(np.float32), b.astype(np.float32)) for w, b in layers)


def _sample(
    world: WorldRecipe, scenes: int, pixels_per_view: int, seed: int, report: Report | None
) -> tuple[Floats, Array]:
    """Return features (pixel, time and band) and labels (pixel,) of train scenes."""
    n_features, first = world.horizon * len(OPTICAL_BANDS), SPLITS["train"]
    features = np.empty((scenes * VIEWS * pixels_per_view, n_features), np.float32)
    labels = np.empty(len(features), np.uint8)
    filled = 0
    for done, number in enumerate(range(first, first + scenes), start=1):
        scene = make_scene(world, number)
        land_cover = scene.land_cover.ravel()
        inside = np.flatnonzero(land_cover)
        series = np.stack([scene.frame("optical", step) for step in range(world.horizon)])
        rng = np.random.default_rng([seed, number])
        for view in range(VIEWS):
            seen = with_faults(series, rng) if view else series
            chosen = rng.choice(inside, min(pixels_per_view, len(inside)), replace=False)
            rows = slice(filled, filled + len(chosen))
            features[rows] = seen.reshape(n_features, -1)[:, chosen].T
            labels[rows] = land_cover[chosen]
            filled = rows.stop
        if report:
            report(done, scenes + 2)
    return features[:filled], labels[:filled]


def with_faults(series: Floats, rng: np.random.Generator) -> Floats:
    """Return a scene as somebody may have restored it, each fault with a chance of one half.

    Args:
        series: (time, band, height, width) float32, more than one time step for gaps.
        rng: draws the faults.
    """
    steps = len(series)
    seen = series
    if rng.random() < 0.5:
        sigma = rng.uniform(0, _BLUR)
        seen = gaussian_filter(seen, (0, 0, sigma, sigma))
    if rng.random() < 0.5:
        offset = rng.uniform(-_SHIFT, _SHIFT, 2)
        seen = shift(seen, (0, 0, *offset), order=1, mode="nearest")
    if rng.random() < 0.5:
        kept = rng.random(steps) >= rng.uniform(0, _GAPS)
        seen = _interpolated(seen, kept) if kept.any() else seen
    if rng.random() < 0.5:
        gain = rng.normal(1, rng.uniform(0, _GAIN), (steps, 1, 1, 1)).astype(np.float32)
        bias = rng.normal(0, rng.uniform(0, _BIAS), (steps, 1, 1, 1)).astype(np.float32)
        seen = seen * gain + bias
    if rng.random() < 0.5:
        strength = np.float32(rng.uniform(0, _NOISE))
        seen = seen + strength * rng.standard_normal(seen.shape, np.float32)
    return seen


def _interpolated(series: Floats, kept: Array) -> Floats:
    """Return a series whose steps are those that are kept, and lines between them."""
    known, steps = np.flatnonzero(kept), np.arange(len(series))
    weights = np.stack([np.interp(steps, known, row) for row in np.eye(len(known))], axis=1)
    return np.tensordot(weights.astype(np.float32), series[known], axes=1)
