"""Fields of a landscape: what differs from pixel to pixel within cells, and changes over months.

A field has zero mean and unit variance; what it changes, and by how much, is for the surface to
say (see :mod:`vrs_bench.world.series.optics`). So texture follows what is there: it can be inferred
from the state of a surface, not copied from another date.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vrs_bench.types import Array, Doubles, Floats
from vrs_bench.world import texture
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.series.seasons import YEAR
from vrs_bench.world.streams import normal, stream
from vrs_bench.world.texture import RBF, shaped_pair, torus_root

Scales = tuple[tuple[float, float], ...]

FINE: Scales = ((0.82, 0.24), (1.9, 0.16), (7.0, 0.28), (16.0, 0.32))
"""Lengths in pixels of the squared exponentials that make up a fine field, and the share of the
variance of each: fitted to the autocorrelation of near infrared in a Sentinel-2 image at 10 m."""
SMOOTH: Scales = ((14.0, 1.0),)
"""The same of fertility: gradients, hollows and poor patches that are larger than texture."""
_REACH = 48  # pixels, where the longest part of the covariance has fallen to 1 % of itself
_PASSING = 0.05  # share of the variance of light and shade that is new on every date
_SEASONAL = 0.65  # share of the rest that turns with the year
_WEATHERED = 0.5  # share of the variance of leaf area that turns with the year
_STONY = 0.6  # correlation of the ground's brightness with the smooth field of its own


@dataclass(frozen=True)
class Fields:
    """The fields of a scene, float32 (height, width) unless said otherwise."""

    lasting: Floats
    turning: tuple[Floats, Floats]
    """What goes with the cosine and with the sine of the time of year."""
    passing: Floats
    """On a torus that is larger than the scene; every date looks at another part of it."""
    offsets: Array
    """First row and column of that part, (n_steps, 2)."""
    phases: Floats
    """Cosine and sine of the time of year, (n_steps, 2)."""
    soil: Floats
    """Brightness of the ground."""
    fertility: Floats
    """Leaf area: gradients and hollows that stay."""
    weathered: tuple[Floats, Floats]
    """And those that go with the cosine and with the sine of the time of year: what is best in a
    dry summer is worst in a wet spring."""
    scatter: Floats
    """What radar alone sees."""

    def canopy(self, step: int) -> Floats:
        """Return light and shade of the canopy at a time step."""
        height, width = self.lasting.shape
        field = self._turned(step, 1 - _PASSING, _SEASONAL, self.lasting, self.turning)
        row, column = self.offsets[step]
        seen = self.passing[row : row + height, column : column + width]
        field += np.float32(np.sqrt(_PASSING)) * seen
        return field

    def growth(self, step: int) -> Floats:
        """Return leaf area at a time step."""
        return self._turned(step, 1.0, _WEATHERED, self.fertility, self.weathered)

    def _turned(
        self, step: int, variance: float, share: float, stays: Floats, turns: tuple[Floats, Floats]
    ) -> Floats:
        """Return a field of which a share turns with the year and the rest stays."""
        cosine, sine = np.float32(np.sqrt(variance * share)) * self.phases[step]
        field = np.float32(np.sqrt(variance * (1 - share))) * stays
        field += cosine * turns[0]
        field += sine * turns[1]
        return field


def covariance(scales: Scales, distance: Doubles) -> Doubles:
    """Return the covariance of a field at distances in pixels: ``Σ w exp(-d² / 2l²)``."""
    parts = (
        share * texture.covariance(RBF(length_scale=length), distance) for length, share in scales
    )
    return np.asarray(sum(parts))


@lru_cache(maxsize=4)
def _amplitude(scales: Scales, height: int, width: int) -> Doubles:
    """Return the root of the spectrum of a field on a torus that holds the image."""
    return torus_root(lambda distance: covariance(scales, distance), height, width, _REACH)


def _pair(rng: np.random.Generator, scales: Scales, height: int, width: int) -> list[Floats]:
    """Draw two independent fields on a torus that holds the image; one transform makes both."""
    amplitude = _amplitude(scales, height, width)
    # Transforms differ by 1e-15 between processors; on this grid that can't be seen.
    pair = shaped_pair(amplitude, *normal(rng, (2, *amplitude.shape)))
    return [settle(field, bits=12) for field in pair]


def draw_fields(seed: int, scene: int, height: int, width: int, days: Array) -> Fields:
    """Draw the fields of a scene.

    Args:
        seed, scene: key of the random streams ``"texture"`` and ``"texture/passing"``.
        height, width: pixels.
        days: (n_steps,) days; texture turns with the day of the year.
    """
    rng = stream(seed, scene, "texture")
    fine = [field for _ in range(3) for field in _pair(rng, FINE, height, width)]
    stony, fertility, wet, dry = (
        field[:height, :width] for _ in range(2) for field in _pair(rng, SMOOTH, height, width)
    )
    torus = fine.pop()
    lasting, cosine, sine, soil, scatter = (field[:height, :width] for field in fine)
    own = np.float32(np.sqrt(1 - _STONY**2))
    starts = stream(seed, scene, "texture/passing").random((len(days), 2))
    angle = 2 * np.pi * (np.asarray(days) % YEAR) / YEAR
    return Fields(
        lasting=lasting,
        turning=(cosine, sine),
        passing=np.tile(torus, (2, 2)),
        offsets=(starts * torus.shape).astype(np.intp),
        phases=settle(np.stack([np.cos(angle), np.sin(angle)], axis=1)),
        soil=own * soil + np.float32(_STONY) * stony,
        fertility=fertility,
        weathered=(wet, dry),
        scatter=scatter,
    )
