"""Agreement: do readers see in a prediction what they see in the truth?

Agreement asks for no labels. What a reader gets wrong in the truth it has to get wrong in the
prediction too, so nothing is gained by painting what a reader takes for a class, nor by painting
the true map: only by what looks to readers as the truth does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from scipy.ndimage import uniform_filter

from vrs_bench.metrics.definition import Metric, PerScene
from vrs_bench.metrics.frames import overlap, read_frames
from vrs_bench.metrics.scene import JudgedScene, Measured, Part
from vrs_bench.types import Floats

WINDOW = 5
"""Side of the square of pixels over which readers of series average, so that what a single pixel
looks like is no more than what it does to its surroundings."""


def _readers(scene: JudgedScene) -> Measured:
    """Average over the readers; by cloud, a pixel is told apart by what its series had over it."""
    here, ideal = (
        uniform_filter(of.series, (0, 0, WINDOW, WINDOW), mode="nearest")
        for of in (scene.predicted, scene.true)
    )
    agreed = overlap(here, ideal).mean(axis=0)
    parts = _over_parts(agreed, scene)
    masks = zip(scene.parts.by_step, scene.parts.series_masks, strict=True)
    parts |= {part: _mean(agreed[mask]) for part, mask in masks}
    return Measured(_balanced(parts), parts)


def _frames(scene: JudgedScene) -> Measured:
    """Average over the images; by cloud, a pixel is told apart by what its date had over it."""
    agreed = scene.once(read_frames).agreement
    parts = _over_parts(agreed, scene)
    for index, part in enumerate(scene.parts.by_step):
        parts[part] = _mean(agreed[scene.parts.step_masks[:, index]])
    for step, image in zip(scene.steps.tolist(), agreed, strict=True):
        parts["time_step", str(step)] = _balanced(_over_parts(image, scene))
    return Measured(_balanced(parts), parts)


def _over_parts(agreed: Floats, scene: JudgedScene) -> dict[Part, float]:
    """Return the means of (..., height, width) over the parts that stay the same."""
    parts = zip(scene.parts.fixed, scene.parts.masks, strict=True)
    return {part: _mean(agreed[..., mask]) for part, mask in parts}


def _balanced(parts: Mapping[Part, float]) -> float:
    """Return the mean of borders and of what lies inside, each as much as the other."""
    return float(np.nanmean([parts["position", "border"], parts["position", "interior"]]))


def _mean(values: Floats) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else np.nan


_agreement = partial(
    Metric,
    group="downstream",
    higher_is_better=True,
    high=1.0,
    shown=frozenset({"board", "parts"}),
)

METRICS = (
    _agreement(
        name="reader_agreement",
        label="reader agreement",
        computed=PerScene(_readers),
        in_skill=True,
        needs=frozenset({"readers", "cell"}),
        definition=(
            "What two readers of pixel series (logistic regression and a small perceptron, fitted "
            "on latent train scenes with noise, blur, shifts, gaps and gains) find in the "
            "prediction against what they find in the truth: the class probabilities, means over "
            f"{WINDOW} × {WINDOW} px; Σ min(p, q) over classes; mean over pixels at borders and "
            "mean over those inside, then the mean of the two; mean over readers, then over "
            "scenes. Both look through the same noise of σ = 0.01, mean over four draws, seeded "
            "by the digest of the split's predictions. From 0 to 1, the truth itself has 1."
        ),
    ),
    _agreement(
        name="segmentation_agreement",
        label="segmentation agreement",
        computed=PerScene(_frames),
        needs=frozenset({"torch", "encoder", "cell"}),
        definition=(
            "The same of the segmentation network, on single images, pixel by pixel, through one "
            "draw of the noise; mean over images, borders and inside as above."
        ),
    ),
)
