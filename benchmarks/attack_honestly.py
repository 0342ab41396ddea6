"""What an attack knows, used to restore: the yardstick of attacks that bring knowledge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from attack_methods import Seen

from baselines.methods.ridge import fit_ridge
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.types import Floats

_PIXELS = 4000
"""Drawn of each scene."""
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)


class Known(NamedTuple):
    """A scene, and what an attack knows of it."""

    scene: SceneTruth
    honest: Floats
    """Images by the method that the attack starts from."""
    labels: Floats
    """Probabilities by a better classifier, (class, height, width)."""
    expected: Seen
    """What is expected to be seen in the truth."""


def fitted_use(
    train: Sequence[Known], validation: Sequence[Known]
) -> tuple[Callable[[Known], Floats], Callable[[Known], Floats]]:
    """Return how labels, and labels with what is expected, are used honestly: as corrections.

    By ridge regression of what the honest images miss, on their own series and on probabilities.
    Neither the classifier nor the estimate may have been fitted on these scenes.
    """
    uses = []
    for all_of_it in (False, True):
        tables = [
            tuple(
                np.concatenate(of)
                for of in zip(*(_drawn(known, all_of_it) for known in split), strict=True)
            )
            for split in (train, validation)
        ]
        fitted = fit_ridge((tables[0][0], tables[0][1]), (tables[1][0], tables[1][1]), _PENALTIES)

        def use(known: Known, all_of_it: bool = all_of_it, fitted=fitted) -> Floats:
            missing = fitted.predict(_told(known, all_of_it))
            corrected: Floats = np.clip(known.honest + missing.T.reshape(known.honest.shape), 0, 1)
            return corrected

        uses.append(use)
    return uses[0], uses[1]


def _drawn(known: Known, all_of_it: bool) -> tuple[Floats, Floats]:
    told = _told(known, all_of_it)
    missing = known.scene.target - known.honest
    chosen = np.random.default_rng(known.scene.number).choice(len(told), _PIXELS, replace=False)
    return told[chosen], missing.reshape(-1, len(told))[:, chosen].T


def _told(known: Known, all_of_it: bool) -> Floats:
    """Return (pixel, feature)."""
    layers = [known.honest.reshape(-1, *known.honest.shape[2:]), known.labels]
    if all_of_it:
        for of in (known.expected.series, known.expected.frames):
            assert of is not None  # noqa: S101  # all is expected
            layers.append(of.flatten(0, 1).numpy())
    flat: Floats = np.concatenate(layers).reshape(-1, known.labels[0].size).T
    return flat
