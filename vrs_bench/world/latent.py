"""What a scene is, drawn or read: the truth about one place over one horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vrs_bench.types import Floats, Labels

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from vrs_bench.world.scene import WorldRecipe


@dataclass(frozen=True)
class Scene:
    """The truth about one place. Arrays are read-only in spirit: frames share them."""

    recipe: WorldRecipe
    number: int
    cell: Labels
    """Instance mask (height, width): cell number 1..n_cells, 0 between cells."""
    classes: Labels
    """Class of each cell, (n_cells,), from 1."""

    @property
    def id(self) -> str:
        """Six-digit name of the scene."""
        return f"{self.number:06d}"

    def bands(self, product: str) -> tuple[str, ...]:
        """Return the names of a product's bands."""
        return self.recipe.series.bands()[product]

    @property
    def land_cover(self) -> Labels:
        """Class mask (height, width): label from 1, 0 where there is none."""
        raise NotImplementedError

    @property
    def polygons(self) -> list[Polygon | MultiPolygon]:
        """Outline of each cell in pixel coordinates, in the order of the cell numbers."""
        raise NotImplementedError

    def frame(self, product: str, step: int) -> Floats:
        """Return the latent frame of one product at one time step.

        Returns:
            float32 (bands, height, width) in [0, 1].
        """
        raise NotImplementedError

    def to_geojson(self) -> dict[str, Any]:
        """Return the cells as a GeoJSON FeatureCollection, the vector truth.

        Coordinates are metres in a local frame: x eastwards and y northwards from the lower left
        corner of the scene. Properties: ``cell``, ``label`` and ``land_cover``.
        """
        from shapely.affinity import affine_transform

        names = self.recipe.series.classes()
        gsd, height = self.recipe.gsd, self.recipe.height
        features = []
        for number, (polygon, label) in enumerate(
            zip(self.polygons, self.classes, strict=True), start=1
        ):
            ground = affine_transform(polygon, [gsd, 0, 0, -gsd, 0, gsd * height])
            features.append(
                {
                    "type": "Feature",
                    "id": number,
                    "properties": {
                        "cell": number,
                        "label": int(label),
                        "land_cover": names[label],
                    },
                    "geometry": ground.__geo_interface__,
                }
            )
        return {"type": "FeatureCollection", "name": f"scene {self.id}", "features": features}
