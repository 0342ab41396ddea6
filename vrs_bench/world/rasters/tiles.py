"""Which part of the rasters is which scene.

The rasters are cut into tiles of the size of a scene, numbered in reading order; what is left at
the right and at the bottom is not used. Each split is a run of tiles in that order: train from the
top, test to the bottom, and between two splits as many tiles are passed over as are needed for no
tile of one to touch a tile of another.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from vrs_bench.errors import BenchError
from vrs_bench.world.splits import SPLITS, split_scenes

MOST_TILES = 1 << 18


def grid_size(raster: tuple[int, int], tile: tuple[int, int]) -> tuple[int, int]:
    """Return how many tiles lie below and beside each other, of (rows, columns) in pixels.

    Raises:
        BenchError: a tile is larger than the rasters, or there are too many.
    """
    down, across = raster[0] // tile[0], raster[1] // tile[1]
    if not down or not across:
        raise BenchError(
            f"world.height, world.width: a scene of {tile[0]} × {tile[1]} pixels is larger than "
            f"the rasters, {raster[0]} × {raster[1]}"
        )
    if down * across > MOST_TILES:
        raise BenchError(
            f"world.height, world.width: {down} × {across} tiles of {tile[0]} × {tile[1]} pixels "
            f"are more than the {MOST_TILES:,} that can be numbered; choose larger scenes"
        )
    return down, across


@lru_cache(maxsize=8)
def regions(down: int, across: int, left_out: tuple[int, ...] = ()) -> dict[str, tuple[int, ...]]:
    """Return the tiles of each split, in the order of its scene numbers.

    As many as there can be, in the shares of :func:`vrs_bench.world.splits.split_scenes`.

    Args:
        down, across: tiles below and beside each other.
        left_out: tiles that are no scenes.

    Raises:
        BenchError: there are too few for three splits that do not touch.
    """
    gone = set(left_out)
    tiles = [tile for tile in range(down * across) if tile not in gone]
    for scenes in range(len(tiles), 2, -1):
        found = _placed(tiles, across, scenes)
        if found is not None:
            return found
    raise BenchError(
        f"world.height, world.width: {len(tiles)} of {down} × {across} tiles can be used, too few "
        f"for train, validation and test that do not touch; choose smaller scenes or larger rasters"
    )


def _placed(tiles: list[int], across: int, scenes: int) -> dict[str, tuple[int, ...]] | None:
    """Return runs of tiles for so many scenes, or None where they do not fit."""
    found, first = {}, 0
    for split, numbers in split_scenes(scenes).items():
        run = tiles[first : first + len(numbers)]
        if len(run) < len(numbers):
            return None
        found[split] = tuple(run)
        # A tile touches its eight neighbours, the last of which is one line and one tile on; of a
        # single column, the next one.
        first = bisect_left(tiles, run[-1] + (across + 2 if across > 1 else 2))
    return found


def tile_of(number: int, of_split: Mapping[str, Sequence[int]]) -> int:
    """Return the tile of a scene.

    Raises:
        BenchError: the rasters have no such scene.
    """
    split = max((name for name in SPLITS if SPLITS[name] <= number), key=SPLITS.__getitem__)
    index = number - SPLITS[split]
    if index >= len(of_split[split]):
        raise BenchError(
            f"scene {number:06d}: the rasters have {len(of_split[split])} scenes of {split}, "
            f"numbered from {SPLITS[split]}"
        )
    return of_split[split][index]


def require_scenes(scenes: int, of_split: Mapping[str, Collection[int]]) -> None:
    """Check that the rasters have as many scenes as a recipe asks for.

    Raises:
        BenchError: they have fewer.
    """
    most = sum(map(len, of_split.values()))
    if scenes > most:
        raise BenchError(
            f"scenes: {scenes} are asked for, but the rasters have {most}: "
            f"{', '.join(f'{len(tiles)} of {split}' for split, tiles in of_split.items())}, with "
            f"tiles between them that keep the splits apart; choose fewer, or smaller scenes"
        )
