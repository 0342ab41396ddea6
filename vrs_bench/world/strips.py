"""What lies between fields: grass, tracks, roads, hedges and streams, each with its own year."""

from __future__ import annotations

from dataclasses import dataclass

from vrs_bench.world.landcover import Pair, Spectrum, class_names
from vrs_bench.world.lines import LINEAR_FEATURES

_LABEL = {name: label for label, name in enumerate(class_names())}


@dataclass(frozen=True)
class Strip:
    """What a linear feature is made of."""

    cover: str
    """The land cover that is on it."""
    paved: float = 0.0
    """Share of it that is gravel or asphalt."""
    pavement: Spectrum = (0.0, 0.0, 0.0, 0.0)
    """Reflectance of that by OPTICAL_BANDS."""
    pavement_db: Pair = (0.0, 0.0)
    """Backscatter of that by SAR_BANDS, dB."""

    @property
    def label(self) -> int:
        """Label of the land cover."""
        return _LABEL[self.cover]


STRIPS: dict[str, Strip] = {
    "margin": Strip("grassland"),
    "track": Strip("grassland", 0.5, (0.115, 0.145, 0.175, 0.230), (-14.5, -22.5)),
    "road": Strip("grassland", 0.85, (0.085, 0.095, 0.105, 0.130), (-17.0, -25.0)),
    "hedge": Strip("forest"),
    "stream": Strip("water"),
}
"""By the names of :data:`vrs_bench.world.lines.LINEAR_FEATURES`. Gravel and asphalt: the same
spectral libraries as the land covers; both are smooth at the wavelength of C band."""

assert tuple(STRIPS) == LINEAR_FEATURES  # noqa: S101  # numbers of surfaces are in that order
