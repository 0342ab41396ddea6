"""Whether land cover follows from a cell's place, number or size: found where it is planted."""

from __future__ import annotations

import numpy as np
import pytest
from shortcuts import cells_of, holm, p_values

from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.types import Array
from vrs_bench.world.landcover import class_names
from vrs_bench.world.scene import make_scene

CUES = {"row", "column", "distance from the centre", "order", "size"}


def test_cells_are_described_by_what_lies_inside() -> None:
    cell = np.zeros((6, 8), np.int16)
    cell[0:2, 0:4], cell[4:6, 6:8], cell[3, 3] = 1, 2, 5
    land_cover = np.where(cell == 2, 3, np.where(cell == 1, 7, 0)).astype(np.uint8)  # 5: a road
    labels, cues = cells_of(land_cover, cell)
    assert labels.tolist() == [7, 3]
    assert cues["size"].tolist() == [8, 4]
    assert cues["order"].tolist() == [1, 2]
    assert cues["row"].tolist() == [0.5, 4.5]
    assert cues["column"].tolist() == [1.5, 6.5]
    assert set(cues) == CUES


def drawn(planted: str, patches: bool, seed: int = 0) -> list[tuple[Array, dict[str, Array]]]:
    """Return scenes of random cells; land cover follows one cue in one of five of them."""
    rng = np.random.default_rng(seed)
    scenes = []
    for _ in range(200):
        count = int(rng.integers(12, 30))
        cues = {cue: rng.random(count) for cue in CUES}
        # Patches: all cells of a scene share one of two classes, which is no shortcut.
        labels = rng.integers(1, 5, count) if not patches else np.full(count, rng.integers(1, 5))
        follows = rng.random(count) < 0.2
        if planted:
            labels = np.where(follows, 1 + (cues[planted] * 4).astype(int), labels)
        scenes.append((labels, cues))
    return scenes


@pytest.mark.parametrize("planted", sorted(CUES))
def test_a_planted_shortcut_is_found_and_no_other(planted: str) -> None:
    found = holm(p_values(drawn(planted, patches=False), 4))
    assert {cue for cue, p in found.items() if p < 0.05} == {planted}


def test_patches_are_no_shortcut_and_p_is_uniform_without_one() -> None:
    p = [
        value
        for seed in range(8)
        for patches in (False, True)
        for value in p_values(drawn("", patches, seed), 4).values()
    ]
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) < 0.05) < 0.12


def test_the_packaged_world_has_none() -> None:
    world = load_recipe(BenchmarkRecipe, "tiny").world
    scenes = [make_scene(world, number) for number in range(60)]
    cells = [cells_of(scene.land_cover, scene.cell) for scene in scenes]
    assert min(holm(p_values(cells, len(class_names()) - 1)).values()) > 0.05


def test_adjusted_values_are_those_of_holm() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.5})
    assert adjusted == pytest.approx({"a": 0.04, "b": 0.09, "c": 0.09, "d": 0.5})
