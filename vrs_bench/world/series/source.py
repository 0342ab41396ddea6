"""What a source is: what it offers, and of drawn worlds the drawing of the cells' series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vrs_bench.settings import Settings
from vrs_bench.types import Array, Floats


class Source(Settings):
    """Base of all sources of latent images. Its fields are the settings.

    A subclass has a field ``source: Literal["its name"]``, by which recipes call it, and is listed
    in :data:`vrs_bench.world.series.SOURCES`.
    """

    source: Any
    """The source's name, a literal."""

    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """Return the latent products and the names of their bands."""
        raise NotImplementedError

    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes by label, background first."""
        raise NotImplementedError

    def masks(self) -> frozenset[str]:
        """Return which of the masks ``land_cover`` and ``cell`` are known; others are 0."""
        return frozenset({"land_cover", "cell"})

    def lacking(self, products: Sequence[str]) -> str:
        """Say that some products are needed, which the source does not have, and what to do."""
        return (
            f"world.series.source: {' and '.join(products)} images are needed here, which the "
            f"source '{self.source}' does not have; choose 'phenology'"
        )

    def day(self, step: int) -> int:
        """Return the day of a time step, 0 for 1 January of the first year and then counted on.

        Years have 365 days; where there is no calendar, every time step is a day.
        """
        return step

    def day_of_year(self, step: int) -> int:
        """Return the day of year of a time step, 0 to 364."""
        return self.day(step) % 365


class SeriesSource(Source):
    """Base of the sources that draw the series of cells; it has all of these methods."""

    def draw(self, labels: Array, n_steps: int, seed: int, scene: int) -> Mapping[str, Floats]:
        """Draw the series of every cell of a scene.

        Args:
            labels: (n_cells,) class of each cell, from 1.
            n_steps: horizon.
            seed, scene: key of the random streams.

        Returns:
            per latent product, float32 (n_cells, n_steps, n_bands) in [0, 1].

        Raises:
            BenchError: the source has no such series.
        """
        raise NotImplementedError

    def texture_amplitudes(self, product: str) -> tuple[float, ...]:
        """Return the amplitude of a product's texture by label, background first."""
        raise NotImplementedError

    def background(self, product: str) -> tuple[float, ...]:
        """Return the value of each band between cells; 0 where a source does not say."""
        return (0.0,) * len(self.bands()[product])

    def stream_name(self, product: str) -> str:
        """Return the name by which a product's random streams are called."""
        return product
