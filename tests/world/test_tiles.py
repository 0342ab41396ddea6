"""Tiles of rasters: reading order, and splits that are apart from each other."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vrs_bench.errors import BenchError
from vrs_bench.world.rasters.tiles import grid_size, regions, require_scenes, tile_of
from vrs_bench.world.splits import split_scenes


def test_splits_are_runs_in_reading_order() -> None:
    """Train down to tile 6 in the second line; then a line and a tile are passed over."""
    assert regions(5, 4) == {"train": tuple(range(7)), "validation": (12, 13), "test": (19,)}


def test_of_a_single_column_one_tile_is_passed_over() -> None:
    assert regions(5, 1) == {"train": (0,), "validation": (2,), "test": (4,)}


def test_what_is_left_at_the_edges_is_not_used() -> None:
    assert grid_size((321, 256), (64, 64)) == (5, 4)
    assert grid_size((319, 256), (64, 64)) == (4, 4)


@example(5, 1, set())
@given(st.integers(3, 40), st.integers(1, 40), st.sets(st.integers(0, 1600), max_size=400))
def test_no_tile_of_a_split_touches_one_of_another(down: int, across: int, gone: set[int]) -> None:
    left_out = tuple(sorted(tile for tile in gone if tile < down * across))
    try:
        found = regions(down, across, left_out)
    except BenchError:
        # A line of tiles of each split, and a line between them, always do.
        assert down < 5 or left_out
        return
    places = {split: {divmod(tile, across) for tile in tiles} for split, tiles in found.items()}
    for one, other in (("train", "validation"), ("validation", "test"), ("train", "test")):
        near = {
            (line + down_by, column + across_by)
            for line, column in places[one]
            for down_by in (-1, 0, 1)
            for across_by in (-1, 0, 1)
        }
        assert not near & places[other]
    used = [tile for tiles in found.values() for tile in tiles]
    assert used == sorted(set(used))
    assert not set(used) & set(left_out)
    assert {split: len(tiles) for split, tiles in found.items()} == {
        split: len(numbers) for split, numbers in split_scenes(len(used)).items()
    }


def test_a_larger_dataset_keeps_the_tiles_of_its_scenes() -> None:
    found = regions(30, 10)
    total = sum(map(len, found.values()))
    for scenes in range(3, total + 1):
        require_scenes(scenes, found)
        for numbers in split_scenes(scenes).values():
            assert tile_of(numbers[-1], found) >= 0


def test_scenes_that_are_not_there_are_refused() -> None:
    found = regions(5, 4)
    assert [tile_of(n, found) for n in (0, 6, 800_000, 800_001, 900_000)] == [0, 6, 12, 13, 19]
    with pytest.raises(BenchError, match="scene 000007: the rasters have 7 scenes of train, numb"):
        tile_of(7, found)
    with pytest.raises(BenchError, match="scene 700000: the rasters have 7 scenes of train"):
        tile_of(700_000, found)
    with pytest.raises(BenchError, match="scenes: 11 are asked for, but the rasters have 10: 7 of"):
        require_scenes(11, found)
    with pytest.raises(BenchError, match="4 of 1 × 4 tiles can be used, too few for train, valid"):
        regions(1, 4)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((63, 640), "a scene of 64 × 64 pixels is larger than the rasters, 63 × 640"),
        ((640_000, 640_000), "10000 × 10000 tiles of 64 × 64 pixels are more than the 262,144"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(size: tuple[int, int], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        grid_size(size, (64, 64))
