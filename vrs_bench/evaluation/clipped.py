"""Predictions on their way to be scored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from vrs_bench.columns import Key
from vrs_bench.evaluation.orders import Likeness, likeness
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.types import Floats


class ClippedPredictions:
    """Digests predictions as they came, then clips them to [0, 1]."""

    def __init__(self, prediction_of: Callable[[Key], Floats]) -> None:
        """Start before the first row."""
        self._prediction_of = prediction_of
        self._hash = hashlib.sha256()
        self.count = 0
        """Values so far that were clipped."""
        self.likenesses: list[Likeness] = []
        """Of each scene so far."""

    def __call__(self, scene: SceneTruth) -> Floats:
        """Return the predictions of a scene, (row, band, height, width) float32 in [0, 1]."""
        images = np.empty(scene.target.shape, np.float32)
        for image, step in zip(images, scene.steps.tolist(), strict=True):
            image[...] = self._prediction_of((scene.number, step))
            self._hash.update(np.array([scene.number, step], "<i8").tobytes())
            self._hash.update(image.astype("<f4", copy=False))
            if image.min() < 0 or image.max() > 1:
                self.count += int(np.count_nonzero((image < 0) | (image > 1)))
                np.clip(image, 0, 1, out=image)
        self.likenesses.append(likeness(scene, images))
        return images

    @property
    def sha256(self) -> str:
        """See :class:`vrs_bench.evaluation.result.Result`."""
        return self._hash.hexdigest()
