"""All attacks on one scene, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from attack_methods import (
    Effort,
    Looks,
    Seen,
    cell_means,
    look,
    majority,
    own_labels,
    painted,
    pushed,
    sharpened,
    shortened,
    textured,
    untouched,
    wanted_labels,
)

from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER

ANYTHING = 1.0
"""Radius that lets an attack change whatever it likes."""


@dataclass(frozen=True, eq=False)
class Hints:
    """What an attack knows of a scene beside the images that it starts from."""

    floor: Floats
    better_labels: Array
    """Land cover by somebody who knows the inputs better than readers know the images,
    (height, width) from 0."""
    prototypes: Floats
    """Mean series of each class, (class, row, band)."""
    expected: Seen
    """What is expected to be seen in the truth."""
    elsewhere: Floats
    """The truth of another scene."""


def without_gradients(start: Floats, seen: Seen, hints: Hints) -> Iterator[tuple[str, Floats]]:
    """Yield attacks that only need arithmetic.

    Args:
        start: honest images of a scene, (row, band, height, width).
        seen: what is seen in them.
        hints: what else is known.
    """
    yield "constant", np.full_like(start, start.mean())
    yield "another date", np.roll(start, 1, axis=0)
    yield "truth of another scene", hints.elsewhere
    yield "prototypes of better labels", painted(hints.better_labels, hints.prototypes)
    yield "means of own cells", cell_means(start, own_labels(seen))
    yield "sharpened", sharpened(start, 0.5)
    yield "over-smoothed", sharpened(start, -0.8)
    yield "texture added", textured(start, 0.05)
    yield "half of the way from the floor", shortened(start, hints.floor, 0.5)
    yield "floor where near it", untouched(start, hints.floor, 0.006)


def with_gradients(
    looks: Looks, start: Floats, seen: Seen, hints: Hints, effort: Effort
) -> Iterator[tuple[str, Floats]]:
    """Yield attacks that push images towards what looks are to see; arguments as above."""
    classes, rows = len(LAND_COVER), len(start)
    assert seen.series is not None  # noqa: S101  # all looks see one
    own = wanted_labels(own_labels(seen), classes, rows)
    assert own.series is not None  # noqa: S101
    better = wanted_labels(hints.better_labels, classes, rows)
    smooth = wanted_labels(majority(own_labels(seen), classes), classes, rows)
    expected = hints.expected
    wishes = {
        "own classes to the first reader": Seen(torch.stack([own.series[0], seen.series[1]])),
        "own classes to the second reader": Seen(torch.stack([seen.series[0], own.series[1]])),
        "own classes to the network": Seen(frames=own.frames),
        "own classes to all": own,
        "majority of own classes to all": smooth,
        "better labels to readers": Seen(better.series),
        "better labels to all": better,
        "features of the sharpened": Seen(features=look(looks, sharpened(start, 0.5)).features),
        "expected probabilities to readers": Seen(expected.series),
        "expected probabilities to all": Seen(expected.series, expected.frames),
        "expected features": Seen(features=expected.features),
        "all that is expected": expected,
    }
    for name, wanted in wishes.items():
        yield name, pushed(looks, start, wanted, effort)
    for share in (0.3, 3):
        wide = replace(effort, radius=share * effort.radius)
        label = f"better labels to readers, {share:g} of the radius"
        yield label, pushed(looks, start, Seen(better.series), wide)
    yield "all that is expected, held near", pushed(looks, start, expected, replace(effort, keep=1))
    noise = np.random.default_rng(0).random(start.shape, np.float32)
    free = replace(effort, radius=ANYTHING)
    yield "noise, better labels to readers", pushed(looks, noise, Seen(better.series), free)
