"""Other orders of bands, axes, time steps and rows in which predictions would have been right.

Images in a wrong order have the right shape, and a score that looks like that of a bad method. A
few pixels of each scene are enough to see it: an order is named where images are clearly nearer to
the truth in it, in every scene.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.types import Array, Doubles, Floats

SIDE = 16
"""Rows and columns of pixels that are compared, of each image."""

MARKS = 4
"""Rows and columns of those that are kept of each image, to find it among other scenes."""

CLEARLY = 2 / 3
"""Another order is named if the RMSE in it is at most this share of what it is as given. Floors,
constants and noise stay above 0.97; bicubic images in a wrong order of anything reach 0.56."""

QUANTUM = 1e-4
"""RMSE than which nothing can be better: a step of the published values."""

PROBES = 64
"""Rows, spread over the split, that are looked for in other scenes."""

MISPLACED = 0.25
"""Share of them that is no chance; of two scenes whose rows are mixed, half stay in their own."""

AXES: dict[str, Callable[[Array], Array]] = {
    "flipped up and down": lambda images: images[..., ::-1, :],
    "flipped left and right": lambda images: images[..., ::-1],
    "turned by 180°": lambda images: images[..., ::-1, ::-1],
    "with height and width exchanged": lambda images: images.swapaxes(-2, -1),
    "turned by 90° to the left": lambda images: images.swapaxes(-2, -1)[..., ::-1, :],
    "turned by 90° to the right": lambda images: images.swapaxes(-2, -1)[..., ::-1],
    "with height and width exchanged both ways": lambda images: images.swapaxes(-2, -1)[
        ..., ::-1, ::-1
    ],
}
"""What may have been done to images (…, height, width)."""


@dataclass(frozen=True)
class Likeness:
    """How near the images of a scene are to its truth, as given and in other orders.

    Distances are sums of squared differences over the pixels that are compared.
    """

    scene: int
    steps: tuple[int, ...]
    """Of the rows."""
    values: int
    """How many were compared."""
    bands: Doubles
    """(band, band): of each predicted band to each true one."""
    rows: Doubles
    """(row, row): of each predicted row to each true one."""
    axes: dict[str, float]
    """To the truth after what :data:`AXES` does; without what changes the shape."""
    predicted: Floats
    """(row, value): some values of each image."""
    true: Floats
    predicted_digests: tuple[bytes, ...]
    """Of each image; ``b""`` where every band is constant."""
    true_digests: tuple[bytes, ...]


def likeness(scene: SceneTruth, images: Floats) -> Likeness:
    """Compare the images of a scene with its truth, (row, band, height, width) in [0, 1]."""
    x, y = _sampled(images), _sampled(scene.target)
    kept = [name for name, turn in AXES.items() if turn(scene.target).shape == images.shape]
    down, across = (slice(None, None, -(-size // MARKS)) for size in x.shape[-2:])
    return Likeness(
        scene=scene.number,
        steps=tuple(scene.steps.tolist()),
        values=x.size,
        bands=_distances(x.swapaxes(0, 1), y.swapaxes(0, 1)),
        rows=_distances(x, y),
        axes={name: float(np.square(x - AXES[name](y)).sum()) for name in kept},
        predicted=x[..., down, across].reshape(len(x), -1).astype(np.float32),
        true=y[..., down, across].reshape(len(y), -1).astype(np.float32),
        predicted_digests=_digests(x),
        true_digests=_digests(y),
    )


def _sampled(images: Floats) -> Doubles:
    """Return pixels spread evenly and symmetrically, so that turned images have turned samples.

    Pixels and not means of blocks, which have less noise than what they stand for.
    """
    down, across = (_spread(size) for size in images.shape[-2:])
    return images[..., down[:, None], across].astype(np.float64, order="C")


def _spread(size: int) -> Array:
    step = max(1, size // SIDE)
    half = np.arange(step // 2, size // 2, step)
    return np.concatenate([half, size - 1 - half[::-1]])


def _distances(x: Array, y: Array) -> Doubles:
    """Return the sums of squared differences between the items of two lists of arrays."""
    x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
    squares = np.vecdot(x, x)[:, None] + np.vecdot(y, y) - 2 * (x @ y.T)
    return np.asarray(np.maximum(squares, 0))


def _digests(images: Doubles) -> tuple[bytes, ...]:
    constant = (images == images[..., :1, :1]).all(axis=(1, 2, 3))
    return tuple(
        b"" if flat else hashlib.blake2b(image.data, digest_size=16).digest()
        for image, flat in zip(images, constant.tolist(), strict=True)
    )


def better_orders(scenes: Sequence[Likeness], bands: Sequence[str]) -> list[str]:
    """Say in which other orders the images of a split are clearly nearer to its truth.

    Args:
        scenes: all scenes, in order.
        bands: names of the target's bands.
    """
    found = []
    moved = _reordered([scene.bands for scene in scenes], scenes)
    if moved is not None:
        order, gain = moved
        names, given = ", ".join(bands[band] for band in order), ", ".join(bands)
        found.append(f"the bands look like {names} instead of {given} ({gain} where they differ)")
    found += _turned(scenes)
    if len({scene.steps for scene in scenes}) == 1:
        moved = _reordered([scene.rows for scene in scenes], scenes)
        if moved is not None:
            order, gain = moved
            found.append(f"the time steps look {_order_text(order, scenes[0].steps)} ({gain})")
    # An image in a wrong order may well be nearer to another scene than to its own.
    return found or list(_in_other_scenes(scenes))


def _reordered(
    distances: Sequence[Doubles], scenes: Sequence[Likeness]
) -> tuple[list[int], str] | None:
    """Return the order of items that is clearly better than theirs, and by how much.

    Only the items that it moves are looked at, lest the largest errors hide the others.
    """
    total = np.sum(distances, axis=0)
    order = linear_sum_assignment(total)[1]
    moved = np.flatnonzero(order != np.arange(len(order)))
    share = len(moved) / len(order)
    given = np.array([of[moved, moved].sum() for of in distances])
    other = np.array([of[moved, order[moved]].sum() for of in distances])
    gain = _gain(given, other, share * sum(scene.values for scene in scenes))
    return None if gain is None else (order.tolist(), gain)


def _gain(given: Doubles, other: Doubles, values: float) -> str | None:
    """Say by how much another order is better, if it is so clearly and in every scene.

    Args:
        given, other: squared differences of each scene as given, and in the other order.
        values: how many values they are of.
    """
    least = max(CLEARLY**2 * given.sum(), QUANTUM**2 * values)
    if given.sum() <= QUANTUM**2 * values or other.sum() > least or (other > given).any():
        return None
    before, after = (np.sqrt(of.sum() / values) for of in (given, other))
    return f"RMSE {after:.2g} instead of {before:.2g}"


def _turned(scenes: Sequence[Likeness]) -> Iterator[str]:
    names = [name for name in scenes[0].axes if all(name in scene.axes for scene in scenes)]
    given = np.array([np.trace(scene.rows) for scene in scenes])
    turned = {name: np.array([scene.axes[name] for scene in scenes]) for name in names}
    best = min(names, key=lambda name: turned[name].sum())
    gain = _gain(given, turned[best], sum(scene.values for scene in scenes))
    if gain is not None:
        yield f"the images look like the truth {best} ({gain})"


def _order_text(order: Sequence[int], steps: Sequence[int]) -> str:
    count = len(order)
    if list(order) == list(reversed(range(count))):
        return "reversed"
    for shift, text in ((1, "one step early"), (count - 1, "one step late")):
        if list(order) == [(row + shift) % count for row in range(count)]:
            return text
    row = next(row for row in range(count) if order[row] != row)
    return f"out of order: step {steps[row]} like step {steps[order[row]]}, for example"


def _in_other_scenes(scenes: Sequence[Likeness]) -> Iterator[str]:
    """Say whether many images are found in another scene, and are unlike the others there are.

    Weak images are about as far from all scenes, and of many scenes the nearest is near by chance;
    images that are in a wrong row are like one scene, and unlike their own and all others.
    """
    keys = [(scene.scene, step) for scene in scenes for step in scene.steps]
    predicted = np.concatenate([scene.predicted for scene in scenes])
    true = np.concatenate([scene.true for scene in scenes])
    number = np.array([scene for scene, _ in keys])
    probes = np.unique(np.linspace(0, len(keys) - 1, PROBES).round().astype(int))
    distances = _distances(predicted[probes], true)
    own = number[probes, None] == number
    in_own = np.where(own, distances, np.inf).min(axis=1)
    elsewhere = np.where(own, np.inf, distances)
    found = elsewhere.argmin(axis=1)
    nearest = elsewhere.min(axis=1)
    third = np.where(number == number[found, None], np.inf, elsewhere).min(axis=1)
    other = np.minimum(in_own, third)
    digests = [digest for scene in scenes for digest in scene.predicted_digests]
    shows = np.array([bool(digest) for digest in digests])[probes]  # constant ones are of no scene
    misplaced = shows & (nearest <= CLEARLY**2 * other) & (other > QUANTUM**2 * true.shape[1])
    if np.count_nonzero(misplaced) > MISPLACED * len(probes):
        first = int(np.flatnonzero(misplaced)[0])
        (scene, step), (like, at) = keys[probes[first]], keys[found[first]]
        yield (
            f"{np.count_nonzero(misplaced)} of {len(probes)} images looked at are in the row of "
            f"another scene: that of scene {scene}, step {step}, looks like scene {like}, step {at}"
        )
