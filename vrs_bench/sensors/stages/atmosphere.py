"""Atmosphere: what its imperfect correction leaves in an image, another residual on every day.

Surface reflectance from space keeps two errors that differ from date to date. Aerosol that was
estimated too thin or too thick leaves path reflectance of either sign, which falls with wavelength
as λ^-α (Ångström 1929, of optical depth; in thin aerosol path reflectance is proportional to it).
Sun and view, on which the reflectance of a canopy depends, leave a factor that is much the same in
all bands. Surface reflectance of MODIS is validated against a bound of the same form,
0.005 + 0.05 ρ (Vermote and Kotchenova 2008, https://doi.org/10.1029/2007JD009662).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vrs_bench.columns import Column
from vrs_bench.errors import BenchError
from vrs_bench.sensors.interval import Interval, within
from vrs_bench.sensors.stage import Draws, Observed, Stage
from vrs_bench.types import Array, Floats
from vrs_bench.world.arithmetic import settle
from vrs_bench.world.landcover import OPTICAL_BANDS
from vrs_bench.world.streams import normal

WAVELENGTHS = (490.0, 560.0, 665.0, 842.0)
"""Centres of ``OPTICAL_BANDS``, nm: those of Sentinel-2's bands 2, 3, 4 and 8."""


class Atmosphere(Stage):
    """Residual of the atmospheric correction: observed = (1 + gain) · true + path, by band.

    With the defaults the NDVI of a summer forest (red .02, near infrared .33) deviates by .023 from
    date to date; of one Sentinel-2 series of Slovenia it does by .026.
    """

    stage: Literal["atmosphere"] = "atmosphere"
    path: Annotated[float, Field(ge=0, le=0.1)] = 0.006
    """Standard deviation of the path reflectance at 490 nm (blue), around 0."""
    angstrom: Annotated[Interval, within(0, 4)] = Interval(min=0.5, max=1.5)
    """Ångström exponent α, drawn for every day: near 0 for dust, 1.5 and more for smoke."""
    gain: Annotated[float, Field(ge=0, le=0.15)] = 0.03
    """Standard deviation of the gain that all bands of a day have in common, around 0."""
    band_gain: Annotated[float, Field(ge=0, le=0.05)] = 0.01
    """Standard deviation of what each band's gain has besides, independent of the other bands."""

    def check(self, product: str) -> None:
        """Aerosol and sunlight are of optical products."""
        if product != "optical":
            raise ValueError(
                f"atmosphere: radar sees through aerosol and brings its own light, but the product "
                f"is '{product}'; drop the stage"
            )

    def draw(self, draws: Draws, height: int, width: int) -> Residual:
        """Draw the residual of a day, the same whatever the revisit."""
        rng = draws.of_day("atmosphere")
        drawn = normal(rng, (2 + len(WAVELENGTHS),))
        falls = settle((WAVELENGTHS[0] / np.array(WAVELENGTHS)) ** self.angstrom.draw(rng))
        return Residual(
            path=np.float32(self.path) * drawn[0] * falls,
            gain=np.float32(self.gain) * drawn[1] + np.float32(self.band_gain) * drawn[2:],
        )

    def apply(self, image: Floats, cause: Residual, draws: Draws) -> Floats:
        """Return (1 + gain) · image + path.

        Raises:
            BenchError: the image has other bands than the four of the optical product.
        """
        if len(image) != len(WAVELENGTHS):
            raise BenchError(
                f"atmosphere: expected an image of {len(WAVELENGTHS)} bands, "
                f"{', '.join(OPTICAL_BANDS)}, got {len(image)}; drop the stage"
            )
        seen = image * (1 + cause.gain)[:, None, None]
        seen += cause.path[:, None, None]
        return seen

    def columns(self, observed: Observed) -> tuple[Column, ...]:
        """Path reflectance and gain by band, which a method may not see."""
        bands = (len(OPTICAL_BANDS),)
        of = f"that the atmosphere's correction left in `{observed.input}`, by band"
        path = f"Path reflectance {of}."
        gain = f"Gain less 1 {of}: the ground is seen as (1 + gain) · ground + path."
        return (
            Column("atmosphere_path", "vector", "float32", path, bands),
            Column("atmosphere_gain", "vector", "float32", gain, bands),
        )

    def published(self, cause: Residual, height: int, width: int) -> Mapping[str, Array]:
        """Path reflectance and gain as they were used, float32."""
        return {"atmosphere_path": cause.path, "atmosphere_gain": cause.gain}

    def shows(self, cause: Residual) -> bool:
        """Where there is a path reflectance or a gain."""
        return bool(cause.path.any() or cause.gain.any())

    def explain(self, cause: Residual) -> str:
        """Path reflectance of the first and the last band, and the mean gain."""
        first, *_, last = cause.path
        return (
            f"path {first:+.4f} ({OPTICAL_BANDS[0]}) to {last:+.4f} ({OPTICAL_BANDS[-1]}), "
            f"gain {cause.gain.mean():+.1%}"
        )


@dataclass(frozen=True)
class Residual:
    """What a day's correction left; arrays float32 (band,)."""

    path: Floats
    """Path reflectance, of either sign."""
    gain: Floats
    """Gain less 1."""
