"""Sources of latent images, drawn or read: one module a source, listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from vrs_bench.world.series.phenology import PhenologySettings
from vrs_bench.world.series.raster import RasterSettings
from vrs_bench.world.series.source import SeriesSource, Source
from vrs_bench.world.series.uea import UeaSettings

__all__ = ["SOURCES", "AnySource", "RasterSettings", "SeriesSource", "Source"]

SOURCES: tuple[type[Source], ...] = (PhenologySettings, UeaSettings, RasterSettings)
"""All sources; a recipe calls one by the literal of its field ``source``, `phenology` if none."""


def _name(source: type[Source]) -> str:
    (name,) = source.model_fields["source"].annotation.__args__  # type: ignore[union-attr]
    return str(name)


def _called(settings: Any) -> str:
    """Return the source that settings are of; `phenology` where it is not said."""
    if isinstance(settings, dict):
        return str(settings.get("source", "phenology"))
    return str(getattr(settings, "source", "phenology"))


if TYPE_CHECKING:
    AnySource = Source
else:
    AnySource = Annotated[
        Union[tuple(Annotated[source, Tag(_name(source))] for source in SOURCES)],  # noqa: UP007
        Discriminator(_called),
    ]
