"""Examples of training and validation, cut out of the decoded scenes of a split.

Everything random here is a pure function of the seed and of what it is drawn for: the order of
the examples of (seed, epoch), the crop and its orientation of (seed, epoch, number). A run that
stops and goes on therefore sees exactly what it would have seen without the stop.

An example holds ``input`` and ``truth``, (band, H, W) of one date; or (date, band, H, W) and
``days`` (date,) for a network that sees series.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Literal

import numpy as np
from torch.utils.data import Dataset, Sampler

from baselines.store import Store
from vrs_bench.errors import BenchError
from vrs_bench.types import Array

Place = tuple[int, int]
"""Epoch and number of an example: what it is drawn for."""
Sees = Literal["observed", "truth"]
"""What a network is given: what was observed, or the truth itself."""


@dataclass(frozen=True)
class Whole(Dataset[dict[str, Array]]):
    """All images of a split, or all scenes, for validation; ``row`` counts images."""

    store: Store
    series: bool
    sees: Sees = "observed"

    @property
    def rows(self) -> int:
        """Number of images."""
        return self.store.days.size

    def __len__(self) -> int:
        return len(self.store.days) if self.series else self.rows

    def __getitem__(self, index: int) -> dict[str, Array]:
        dates = self.store.images.shape[1]
        if not self.series:
            example = _example(self.store, self.sees, divmod(index, dates))
            return {**example, "row": np.array(index)}
        example = _example(self.store, self.sees, (index,))
        rows = np.arange(index * dates, (index + 1) * dates)
        return {**example, "days": self.store.days[index], "row": rows}


class Crops(Dataset[dict[str, Array]]):
    """Training examples: a random window in one of the eight orientations.

    The observation is interpolated first and cut out afterwards, so that the window may lie
    anywhere and no turn or flip touches the registration shift.
    """

    def __init__(
        self, store: Store, seed: int, size: int, dates: int | None = None, sees: Sees = "observed"
    ) -> None:
        """Choose what is cut.

        Args:
            store: the split.
            seed: of the windows.
            size: height and width of a window, pixels.
            dates: consecutive dates of an example of a series; None: each date is an example.
            sees: what is given.

        Raises:
            BenchError: the images are smaller than the windows, or the series are shorter.
        """
        (_, horizon), (height, width) = store.images.shape[:2], store.images.shape[-2:]
        if size > min(height, width):
            raise BenchError(f"crop: {size} pixels, but the images are {height} × {width}")
        if dates is not None and dates > horizon:
            raise BenchError(f"dates: {dates} of an example, but scenes have {horizon}")
        self.store, self.seed, self.size, self.dates, self.sees = store, seed, size, dates, sees

    def __len__(self) -> int:
        return self.store.days.size if self.dates is None else len(self.store.days)

    def __getitem__(self, place: Place) -> dict[str, Array]:
        horizon, (height, width) = self.store.images.shape[1], self.store.images.shape[-2:]
        rng = _generator(self.seed, *place)
        top, left = (int(rng.integers(n - self.size + 1)) for n in (height, width))
        turn, flip = int(rng.integers(4)), bool(rng.integers(2))
        window = (slice(top, top + self.size), slice(left, left + self.size))
        more = {}
        if self.dates is None:
            example = _example(self.store, self.sees, divmod(place[1], horizon), window)
        else:
            first = int(rng.integers(horizon - self.dates + 1))
            dates = slice(first, first + self.dates)
            example = _example(self.store, self.sees, (place[1], dates), window)
            more["days"] = self.store.days[place[1], dates]
        for name, image in example.items():
            turned = np.rot90(image, k=turn, axes=(-2, -1))
            more[name] = np.ascontiguousarray(turned[..., ::-1] if flip else turned)
        return more


def _example(
    store: Store,
    sees: Sees,
    which: tuple[int | slice, ...],
    window: tuple[slice, slice] = (slice(None), slice(None)),
) -> dict[str, Array]:
    scene, date = which if len(which) > 1 else (*which, slice(None))
    seen, truth = store.cut((scene, date, slice(None), *window))
    return {"input": truth if sees == "truth" else seen, "truth": truth}


class Shuffled(Sampler[Place]):
    """Places ``start`` to ``stop`` of an endless sequence of epochs, each in its own order."""

    def __init__(self, rows: int, seed: int, start: int, stop: int) -> None:
        self.rows, self.seed, self.start, self.stop = rows, seed, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[Place]:
        epoch, place = divmod(self.start, self.rows)
        keys = (
            (number, int(row))
            for number in count(epoch)
            for row in _generator(self.seed, number).permutation(self.rows)
        )
        return islice(keys, place, place + len(self))


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
