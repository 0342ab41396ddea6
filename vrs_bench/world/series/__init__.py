"""Time series that animate the cells: two sources, one interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS, SAR_BANDS, class_names
from vrs_bench.world.series import phenology, uea
from vrs_bench.world.series.phenology import PhenologySettings, State
from vrs_bench.world.series.uea import UeaSettings
from vrs_bench.world.streams import stream


def _source(settings: Any) -> str:
    """Return the source that settings are of; `phenology` where it is not said."""
    if isinstance(settings, dict):
        return str(settings.get("source", "phenology"))
    return str(getattr(settings, "source", "phenology"))


SeriesSettings = Annotated[
    Annotated[PhenologySettings, Tag("phenology")] | Annotated[UeaSettings, Tag("uea")],
    Discriminator(_source),
]


@dataclass(frozen=True)
class CellSeries:
    """What was drawn for the cells of a scene."""

    products: Mapping[str, Floats]
    """Per latent product, (n_cells, n_steps, n_bands) in [0, 1]."""
    state: State | None
    """The physical state behind it, where the source has one."""


def bands(settings: PhenologySettings | UeaSettings) -> dict[str, tuple[str, ...]]:
    """Return the latent products of a source and the names of their bands."""
    if isinstance(settings, UeaSettings):
        return {"frames": tuple(f"dim {i}" for i in range(settings.ndim))}
    return {"optical": OPTICAL_BANDS, "sar": SAR_BANDS}


def classes(settings: PhenologySettings | UeaSettings) -> tuple[str, ...]:
    """Return the names of a source's classes by label, background first."""
    if isinstance(settings, UeaSettings):
        return ("background", *(f"class {i}" for i in range(1, settings.nclass + 1)))
    return class_names()


def texture_amplitudes(
    settings: PhenologySettings | UeaSettings, product: str
) -> tuple[float, ...]:
    """Return the amplitude of the texture by label, background first."""
    if isinstance(settings, UeaSettings):
        return (0.0, *(0.5 for _ in range(settings.nclass)))
    index = ("optical", "sar").index(product)
    return (0.0, *(cover.texture[index] for cover in LAND_COVER))


def stream_name(settings: PhenologySettings | UeaSettings, product: str) -> str:
    """Return the name by which a product's random streams are called.

    Two archives at one place have cells and classes in common, but not series and texture.
    """
    if isinstance(settings, UeaSettings):
        return "+".join(Path(path).name for path in settings.path)
    return product


def draw_series(
    settings: PhenologySettings | UeaSettings, labels: Array, n_steps: int, seed: int, scene: int
) -> CellSeries:
    """Draw the series of every cell of a scene.

    Args:
        settings: the source.
        labels: (n_cells,) class of each cell, from 1.
        n_steps: horizon.
        seed, scene: key of the random streams.
    """
    if isinstance(settings, UeaSettings):
        rng = stream(seed, scene, f"cells/{stream_name(settings, 'frames')}")
        return CellSeries({"frames": uea.draw_series(settings, labels, n_steps, rng)}, None)
    state = phenology.draw_state(settings, labels, n_steps, seed, scene)
    products = {
        "optical": phenology.reflectance(state),
        "sar": phenology.backscatter(state),
    }
    return CellSeries(products, state)
