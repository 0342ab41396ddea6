"""Remarks on predictions that are scored, yet look like a mistake: what a result warns of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vrs_bench.evaluation.orders import Likeness, better_orders
from vrs_bench.evaluation.scores import Bound, Score, placed
from vrs_bench.metrics.catalogue import METRICS

MUCH_CLIPPED = 0.01
"""Share of values outside of [0, 1] that is no overshoot any more."""

WORSE = -0.01
"""Place below which a score is worse than the floor's, and not the floor's after rounding."""

OFTEN = 0.5
"""Share of rows above which images that repeat are no coincidence of single dates."""


def remarks(
    scores: Mapping[str, Score],
    bounds: Mapping[str, Bound],
    clipped: float,
    scenes: Sequence[Likeness],
    bands: Sequence[str],
) -> list[str]:
    """Return what looks like a mistake in predictions, a sentence each.

    Args:
        scores, bounds: metric → score, and its bounds where they are known.
        clipped: share of values that lay outside of [0, 1].
        scenes: how like the images are to the truth, scene by scene, in the order of the split.
        bands: names of the target's bands.
    """
    return [
        *_below_the_floor(scores, bounds),
        *_clipped(clipped),
        *_repeated(scenes),
        *better_orders(scenes, bands),
    ]


def _below_the_floor(scores: Mapping[str, Score], bounds: Mapping[str, Bound]) -> Iterator[str]:
    worse = []
    for name, score in scores.items():
        place = placed(score, bounds.get(name))
        if METRICS[name].group == "distortion" and place is not None and place[0] < WORSE:
            worse.append(f"{name} {score.mean:.3g} (trivial: {bounds[name].floor:.3g})")
    if worse:
        yield f"worse than the trivial method: {', '.join(worse)}"


def _clipped(share: float) -> Iterator[str]:
    if share > MUCH_CLIPPED:
        yield (
            f"{share:.1%} of all values were outside of [0, 1] and were clipped; check their scale "
            "and offset"
        )


def _repeated(scenes: Sequence[Likeness]) -> Iterator[str]:
    """Say whether most rows have the image of another row, though their truths differ.

    Constant images repeat rightly, where a method gives the mean of each date.
    """
    alike: dict[bytes, list[tuple[str, bytes]]] = {}
    count = 0
    for scene in scenes:
        digests = zip(scene.steps, scene.predicted_digests, scene.true_digests, strict=True)
        for step, predicted, true in digests:
            count += 1
            if predicted:
                place = f"scene {scene.scene}, step {step}"
                alike.setdefault(predicted, []).append((place, true))
    repeated = [rows for rows in alike.values() if len({true for _, true in rows}) > 1]
    found = sum(map(len, repeated))
    if found > OFTEN * count:
        first, other = repeated[0][0][0], repeated[0][1][0]
        yield (
            f"{found} of {count} rows hold the image of another row, such as {first}, and {other}; "
            f"if that is not meant, copy arrays before they are filled again"
        )
