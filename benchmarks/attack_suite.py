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

RESTORED = "the same knowledge, used to restore"
"""The yardstick of attacks that bring knowledge, and their start."""
HALFWAY = f"{RESTORED}, half of the way"
"""The same, trusted half: who knows little restores best by little of it."""
KNOWING = ("better labels", "expected", RESTORED)
"""How the names of attacks begin that know what their start does not."""
HELD = 10.0
"""Weight of staying near, of attacks that hold images near those that they start from."""
ANYTHING = 1.0
"""Radius that lets an attack change whatever it likes."""


@dataclass(frozen=True, eq=False)
class Hints:
    """What an attack knows of a scene beside the images that it starts from."""

    floor: Floats
    observed: Floats | None
    """The main input, where it is an image of the target's size and bands."""
    explaining: Floats | None
    """The images, changed until they explain what was observed, where a sensor made it of them."""
    better_labels: Array
    """Land cover by somebody who knows the inputs better than readers know the images,
    (height, width) from 0."""
    prototypes: Floats
    """Mean series of each class, (class, row, band)."""
    expected: Seen
    """What is expected to be seen in the truth."""
    restored: Floats
    """The images, corrected by who knows as much and wants to restore."""
    elsewhere: Floats
    """The truth of another scene."""


def without_gradients(start: Floats, seen: Seen, hints: Hints) -> Iterator[tuple[str, Floats]]:
    """Yield the yardsticks of attacks that know more, and those that only need arithmetic.

    Args:
        start: honest images of a scene, (row, band, height, width).
        seen: what is seen in them.
        hints: what else is known.
    """
    yield RESTORED, hints.restored
    yield HALFWAY, shortened(hints.restored, start, 0.5)
    yield "constant", np.full_like(start, start.mean())
    yield "another date", np.roll(start, 1, axis=0)
    yield "truth of another scene", hints.elsewhere
    if hints.observed is not None:
        yield "the input itself", hints.observed
    if hints.explaining is not None:
        yield "what was observed, noise and all", hints.explaining
    yield "better labels: prototypes", painted(hints.better_labels, hints.prototypes)
    yield "means of own cells", cell_means(start, own_labels(seen))
    for strength in (0.2, 0.5):
        yield f"sharpened by {strength:g}", sharpened(start, strength)
    for strength in (0.3, 0.8):
        yield f"over-smoothed by {strength:g}", sharpened(start, -strength)
    yield "texture added", textured(start, 0.05)
    yield "half of the way from the floor", shortened(start, hints.floor, 0.5)
    yield "floor where near it", untouched(start, hints.floor, 0.006)


def against_readers(
    looks: Looks, start: Floats, seen: Seen, hints: Hints, effort: Effort
) -> Iterator[tuple[str, Floats]]:
    """Yield attacks that push images towards what readers of series are to see.

    Args:
        looks: whoever is to be deceived.
        start, seen, hints: as of :func:`without_gradients`.
        effort: of each push.
    """
    own, better, smooth = _labels(start, seen, hints)
    assert own.series is not None  # noqa: S101  # all looks see one
    assert seen.series is not None  # noqa: S101
    wishes = {
        "own classes to the first reader": torch.stack([own.series[0], seen.series[1]]),
        "own classes to the second reader": torch.stack([seen.series[0], own.series[1]]),
        "majority of own classes to readers": smooth.series,
        "expected to be seen, to readers": hints.expected.series,
    }
    for name, wanted in wishes.items():
        yield name, pushed(looks, start, Seen(wanted), effort)
    near = replace(effort, keep=HELD)
    name = "expected to be seen, to readers, held near"
    yield name, pushed(looks, start, Seen(hints.expected.series), near)
    for share in (0.3, 1, 3):
        wide = replace(effort, radius=share * effort.radius)
        label = f"better labels to readers, radius {wide.radius:g}"
        yield label, pushed(looks, start, Seen(better.series), wide)


def against_all(
    looks: Looks, start: Floats, seen: Seen, hints: Hints, effort: Effort
) -> Iterator[tuple[str, Floats]]:
    """Yield attacks that push images towards what the network is to see, alone or with readers."""
    own, better, _ = _labels(start, seen, hints)
    expected = hints.expected
    wishes = {
        "own classes to the network": Seen(frames=own.frames),
        "own classes to all": own,
        "better labels to all": better,
        "expected to be seen, features": Seen(features=expected.features),
        "expected to be seen, to all": expected,
    }
    for name, wanted in wishes.items():
        yield name, pushed(looks, start, wanted, effort)
    near = replace(effort, keep=HELD)
    yield "expected to be seen, to all, held near", pushed(looks, start, expected, near)
    yield f"{RESTORED}, then held near", pushed(looks, hints.restored, expected, near)


def from_noise(looks: Looks, hints: Hints, effort: Effort) -> Iterator[tuple[str, Floats]]:
    """Yield attacks that make of white noise what looks are to see."""
    noise = np.random.default_rng(0).random(hints.floor.shape, np.float32)
    free = replace(effort, radius=ANYTHING)
    classes, rows = len(LAND_COVER), len(noise)
    better = wanted_labels(hints.better_labels, classes, rows)
    assert better.series is not None  # noqa: S101  # all looks see one
    seen = look(looks, noise).series
    assert seen is not None  # noqa: S101
    wishes = {
        "better labels, from noise, to the first reader": Seen(
            torch.stack([better.series[0], seen[1]])
        ),
        "better labels, from noise, to the second reader": Seen(
            torch.stack([seen[0], better.series[1]])
        ),
        "better labels, from noise, to the network": Seen(frames=better.frames),
        "better labels, from noise, to all": better,
    }
    for name, wanted in wishes.items():
        yield name, pushed(looks, noise, wanted, free)


def _labels(start: Floats, seen: Seen, hints: Hints) -> tuple[Seen, Seen, Seen]:
    """Return sure views of the map that is seen, of the better one, and of the first, smoothed."""
    own = own_labels(seen)
    classes, rows = len(LAND_COVER), len(start)
    maps = (own, hints.better_labels, majority(own, classes))
    views = [wanted_labels(labels, classes, rows) for labels in maps]
    return views[0], views[1], views[2]
