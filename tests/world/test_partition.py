"""Partitions: cells and strips against brute force and polygons, cuts, and streams."""

import hashlib
import importlib
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import scipy
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe
from vrs_bench.world.cells import CellSettings, draw_sites, rasterise
from vrs_bench.world.lines import LINEAR_FEATURES, PRIORITY, KindShares, KindWidths, LineSettings
from vrs_bench.world.painting import HalfPlanes, interiors
from vrs_bench.world.parcels import ParcelSettings
from vrs_bench.world.partition import Partition, draw_partition, middles, polygons, surfaces
from vrs_bench.world.scene import WorldRecipe
from vrs_bench.world.streams import stream

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from perturbation import Perturbation, perturbed_package

NOTHING = KindShares(none=1.0)
FULL = CellSettings(n=9, parcels=ParcelSettings(), lines=LineSettings(roads=(1, 2)))

shares = st.builds(
    KindShares, none=st.floats(0, 1), margin=st.floats(0.1, 1), hedge=st.floats(0, 1)
)
counts = st.sampled_from([(0, 0), (1, 1), (0, 3)])
many = st.builds(
    CellSettings,
    n=st.integers(1, 20),
    lloyd_steps=st.sampled_from([0, 0, 2]),
    parcels=st.none()
    | st.builds(
        ParcelSettings,
        share=st.floats(0, 1),
        width_px=st.floats(4, 12),
        spread=st.floats(0, 0.9),
        nested=st.floats(0, 1),
    ),
    lines=st.none()
    | st.builds(
        LineSettings, roads=counts, streams=counts, between_blocks=shares, within_blocks=shares
    ),
)
sides = st.integers(16, 72)
seeds = st.integers(0, 10_000)


def _distances(partition, scale=1):
    """Distance of each pixel centre from each edge's line, positive inside: (m, pixels)."""
    x = (np.arange(partition.width * scale) + 0.5) / scale
    y = (np.arange(partition.height * scale) + 0.5) / scale
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    reached = partition.normals @ points.T
    return (partition.offsets[:, None] - reached) / np.linalg.norm(
        partition.normals, axis=1, keepdims=True
    )


def _as_painted(partition, scale):
    """What each pixel shows by comparing it with every edge, and where rounding decides."""
    distance = _distances(partition, scale)
    depth = np.full((partition.n_cells, distance.shape[1]), np.inf)
    np.minimum.at(depth, partition.cell, distance)
    owner = depth.argmax(axis=0)
    unclear = (np.abs(depth) < 1e-9).any(axis=0)
    own = partition.cell[:, None] == owner
    wide = (partition.widths > 0)[:, None]
    room = distance - partition.widths[:, None] / 2
    unclear |= (own & wide & (np.abs(room) < 1e-9)).any(axis=0)
    rank = np.where(own & wide & (room < 0), np.array(PRIORITY)[partition.kinds][:, None], -1)
    best = rank.max(axis=0, initial=-1)
    kind = np.argsort(PRIORITY)[best]
    shape = (partition.height * scale, partition.width * scale)
    seen = np.where(best >= 0, kind, owner + len(LINEAR_FEATURES))
    return seen.reshape(shape), unclear.reshape(shape)


def _lines(partition):
    """The edges on each line, by its numbers with a fixed sign: lists of indices."""
    found = defaultdict(list)
    for k, (normal, offset) in enumerate(zip(partition.normals, partition.offsets, strict=True)):
        key = (*normal.tolist(), float(offset))
        found[max(key, tuple(-v for v in key))].append(k)
    return found


def _geometry(partition):
    return partition.cell.tobytes() + partition.normals.tobytes() + partition.offsets.tobytes()


def _bytes(partition):
    return _geometry(partition) + partition.widths.tobytes() + partition.kinds.tobytes()


# What is painted


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 40), sides, sides, st.sampled_from([0.0, 1.0, 2.6]))
def test_without_parcels_and_lines_it_is_the_map_of_nearest_sites(seed, n, height, width, border):
    cells = CellSettings(n=n, border_px=border)
    partition = draw_partition(cells, seed, 3, height, width)
    sites = draw_sites(cells, stream(seed, 3, "cells"), height, width)
    raster = rasterise(sites, height, width, border)
    seen = surfaces(partition)
    assert partition.n_cells == n
    assert seen.dtype == np.int16
    np.testing.assert_array_equal(np.where(raster, raster + 4, 0), seen)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    nearest = np.hypot(x[..., None] - sites[:, 0], y[..., None] - sites[:, 1]).argmin(axis=-1)
    np.testing.assert_array_equal((nearest + 5)[seen > 0], seen[seen > 0])


@settings(max_examples=60, deadline=None)
@given(many, seeds, sides, sides, st.integers(1, 3))
def test_each_subpixel_shows_what_its_distance_from_every_edge_says(
    cells, seed, height, width, scale
):
    partition = draw_partition(cells, seed, 0, height, width)
    seen, unclear = _as_painted(partition, scale)
    painted = surfaces(partition, scale)
    assert unclear.mean() < 0.01
    np.testing.assert_array_equal(painted[~unclear], seen[~unclear])


def test_where_strips_meet_the_road_goes_on():
    """Four cells of 4 × 4 pixels: a road from top to bottom, a hedge that it interrupts."""
    right, down = (1.0, 0.0), (0.0, 2.0)  # normals may have any length
    left, up = (-1.0, 0.0), (0.0, -2.0)
    partition = Partition(
        height=8,
        width=8,
        n_cells=4,
        cell=np.repeat(np.arange(4), 2),
        normals=np.array([right, down, left, down, right, up, left, up]),
        offsets=np.array([4.0, 8.0, -4.0, 8.0, 4.0, -8.0, -4.0, -8.0]),
        widths=np.full(8, 2.0),
        kinds=np.tile([2, 3], 4),
    )
    upper = [[5, 5, 5, 2, 2, 6, 6, 6]] * 3 + [[3, 3, 3, 2, 2, 3, 3, 3]]
    lower = [[3, 3, 3, 2, 2, 3, 3, 3]] + [[7, 7, 7, 2, 2, 8, 8, 8]] * 3
    np.testing.assert_array_equal(surfaces(partition), upper + lower)
    np.testing.assert_array_equal(
        surfaces(partition, 3), np.kron(upper + lower, np.ones((3, 3), int))
    )
    assert sorted(LINEAR_FEATURES, key=lambda name: PRIORITY[LINEAR_FEATURES.index(name)]) == [
        *("margin", "track", "hedge", "stream", "road")
    ]


def test_pixels_on_an_edge_or_a_corner_have_one_owner():
    """Lattices, whose edges run through pixel centres: nothing is left over or painted twice."""
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=-1).reshape(-1, 2)
    sites = grid * 5.0 + 3  # edges at 5.5, 10.5 …
    raster = rasterise(sites, 21, 21)
    nearest = np.ceil((np.arange(21) + 0.5 - 5.5 + 1e-9) / 5).clip(0, 3)
    above = np.ceil((np.arange(21) + 0.5 - 5.5) / 5).clip(0, 3)
    np.testing.assert_array_equal(raster, 1 + nearest[None, :] + 4 * above[:, None])
    turned = rasterise(grid @ np.array([[3.0, 3.0], [-3.0, 3.0]]) + (12, 2), 21, 21)
    assert set(np.unique(turned)) <= set(range(1, 17))


@pytest.mark.parametrize("apart", [0.2, -0.2])
def test_what_rounding_leaves_open_or_covers_twice_has_one_owner(apart):
    """Rounding of a millionth of this, enlarged: lines that do not quite meet at a pixel centre."""
    planes = HalfPlanes(
        2,
        np.array([0, 1]),
        np.array([[1.0, 0.0], [-1.0, 0.0]]),
        np.array([3.5 - apart / 2, -3.5 - apart / 2]),
        np.zeros(2),
    )
    row = interiors(planes, 2, 8)[0]
    assert row.tolist() in ([1, 1, 1, 1, 2, 2, 2, 2], [1, 1, 1, 2, 2, 2, 2, 2])


# Polygons


@settings(max_examples=40, deadline=None)
@given(many, seeds, sides, sides)
def test_polygons_are_convex_tile_the_extent_and_agree_with_pixels(cells, seed, height, width):
    bare = {"border_px": 0.0} if cells.lines is None else {}
    if cells.lines is not None:
        thin = dict.fromkeys(LINEAR_FEATURES, (1e-6, 1e-6))
        bare = {"lines": cells.lines.model_copy(update={"widths_px": KindWidths(**thin)})}
    partition = draw_partition(cells.model_copy(update=bare), seed, 1, height, width)
    outlines = polygons(partition)
    areas = shapely.area(outlines)
    assert len(outlines) == partition.n_cells
    assert areas.sum() == pytest.approx(height * width, rel=1e-10)
    # Snapped, since a union without a grid loses a polygon now and then where corners of
    # neighbours differ in their last bits.
    together = shapely.union_all(outlines, grid_size=1e-6).area
    assert together == pytest.approx(height * width, rel=1e-6)
    np.testing.assert_allclose(areas, shapely.area(shapely.convex_hull(outlines)), atol=1e-9)
    seen = surfaces(partition, 2)
    pixels = np.bincount(seen[seen > 4] - 5, minlength=partition.n_cells) / 4
    assert (np.abs(pixels - areas) <= shapely.length(outlines) / 2 + 1).all()
    assert shapely.intersects_xy(outlines, *middles(partition).T).all()


@settings(max_examples=40, deadline=None)
@given(many, seeds, sides, sides)
def test_cells_agree_about_the_edge_that_they_share(cells, seed, height, width):
    partition = draw_partition(cells, seed, 2, height, width)
    assert (np.diff(partition.cell) >= 0).all()
    for edges in _lines(partition).values():
        assert len({float(w) for w in partition.widths[edges]}) == 1
        assert len({int(k) for k in partition.kinds[edges]}) == 1
        signs = {tuple(n) for n in partition.normals[edges].tolist()}
        assert len(signs) == 2  # both sides hold it
        assert np.abs(sum(np.array(n) for n in signs)).max() == 0


# Cuts


def _uncut(cells, seed, number, height, width):
    plain = cells.model_copy(update={"parcels": None, "lines": None})
    return draw_partition(plain, seed, number, height, width)


@settings(max_examples=40, deadline=None)
@given(many, seeds, sides, sides)
def test_no_cut_makes_a_sliver(cells, seed, height, width):
    blocks = set(_lines(_uncut(cells, seed, 0, height, width)))
    partition = draw_partition(cells, seed, 0, height, width)
    new = {k for line, edges in _lines(partition).items() if line not in blocks for k in edges}
    outlines = polygons(partition)
    for cell in np.unique(partition.cell[[*new]].astype(int)):
        box = shapely.minimum_rotated_rectangle(outlines[cell])
        corners = np.array(box.exterior.coords)
        assert outlines[cell].area >= 12 - 1e-6
        assert np.linalg.norm(np.diff(corners[:3], axis=0), axis=1).min() >= 3 - 1e-6


@settings(max_examples=40, deadline=None)
@given(many, seeds, sides, sides)
def test_cuts_run_along_the_edges_of_blocks_or_across_them(cells, seed, height, width):
    through = cells.model_copy(update={"parcels": None})
    before = draw_partition(through, seed, 0, height, width)
    after = draw_partition(cells, seed, 0, height, width)
    known = {tuple(sorted(map(abs, line[:2]))) for line in _lines(before)}
    for line in _lines(after):
        assert tuple(sorted(map(abs, line[:2]))) in known
    # and each parcel lies in one block
    inside = shapely.STRtree(polygons(before)).query(
        [shapely.Point(p) for p in middles(after)], predicate="intersects"
    )
    blocks = polygons(before)
    for parcel, block in inside.T:
        outline = polygons(after)[parcel]
        assert outline.intersection(blocks[block]).area == pytest.approx(outline.area, abs=1e-6)


def test_roads_cross_the_whole_extent():
    lines = LineSettings(
        roads=(2, 2), streams=(1, 1), between_blocks=NOTHING, within_blocks=NOTHING
    )
    cells = CellSettings(n=16, parcels=ParcelSettings(), lines=lines)
    crossing = []
    for number in range(8):
        partition = draw_partition(cells, 11, number, 96, 128)
        outlines = polygons(partition)
        found = []
        for edges in _lines(partition).values():
            if partition.widths[edges[0]] > 0:
                found.append(LINEAR_FEATURES[partition.kinds[edges[0]]])
                normal, offset = partition.normals[edges[0]], partition.offsets[edges[0]]
                for outline in outlines:
                    side = np.array(outline.exterior.coords) @ normal - offset
                    side /= np.linalg.norm(normal)
                    assert side.min() > -1e-6 or side.max() < 1e-6
        crossing.append(sorted(found))
    assert crossing.count(["road", "road", "stream"]) >= 7


def test_each_number_of_roads_is_as_likely():
    lines = LineSettings(
        roads=(0, 2), streams=(0, 0), between_blocks=NOTHING, within_blocks=NOTHING
    )
    cells = CellSettings(n=5, lines=lines)
    found = []
    for number in range(240):
        partition = draw_partition(cells, 3, number, 96, 96)
        lines_of = _lines(partition).values()
        found.append(sum(partition.widths[edges[0]] > 0 for edges in lines_of))
    np.testing.assert_allclose(np.bincount(found) / 240, 1 / 3, atol=0.1)


def test_as_many_blocks_are_divided_and_strips_cut_across_as_are_set():
    def cells_of(**settings):
        parcels = ParcelSettings(width_px=8, spread=0.5, **settings)
        cells = CellSettings(n=60, lloyd_steps=5, parcels=parcels)
        return draw_partition(cells, 4, 0, 400, 400)

    blocks, strips = cells_of(share=0), cells_of(share=1, nested=0)
    half, nested = cells_of(share=0.5, nested=0), cells_of(share=1, nested=0.4)
    whole = set(np.round(shapely.area(polygons(blocks)), 6))
    assert blocks.n_cells == len(whole) == 60
    kept = whole & set(np.round(shapely.area(polygons(half)), 6))
    assert len(kept) / 60 == pytest.approx(0.5, abs=0.15)
    assert not whole & set(np.round(shapely.area(polygons(strips)), 6))
    assert nested.n_cells / strips.n_cells == pytest.approx(1.4, abs=0.08)


def test_the_landscape_has_fields_of_the_sizes_that_the_docs_promise():
    """At 10 m: 1.5 to 4 ha on the average, a heavy tail, one to five times as long as wide."""
    areas, lengths = [], []
    for px, n in ((128, 10), (256, 28)):
        cells = CellSettings(n=n, parcels=ParcelSettings(), lines=LineSettings())
        for number in range(10):
            outlines = polygons(draw_partition(cells, 1, number, px, px))
            areas.append(shapely.area(outlines) / 100)
            for box in shapely.minimum_rotated_rectangle(outlines):
                long, short = sorted(
                    np.linalg.norm(np.diff(box.exterior.coords[:3], axis=0), axis=1)
                )[::-1]
                lengths.append(long / short)
        assert 1.5 < np.concatenate(areas[-10:]).mean() < 4
    area = np.concatenate(areas)
    assert np.quantile(area, 0.95) > 2 * area.mean()
    assert np.median(area) < 0.8 * area.mean()
    assert np.mean(np.array(lengths) < 5) > 0.75
    assert np.mean(np.array(lengths) > 2) > 0.3


# What is drawn from where


def test_kinds_and_widths_are_as_frequent_and_wide_as_they_are_set():
    between = KindShares(none=0.2, margin=0.3, road=0.1, hedge=0.4)
    lines = LineSettings(roads=(0, 0), streams=(0, 0), between_blocks=between)
    cells = CellSettings(n=400, lines=lines)
    partition = draw_partition(cells, 2, 0, 512, 512)
    first = [edges[0] for edges in _lines(partition).values()]
    widths, kinds = partition.widths[first], partition.kinds[first]
    names = np.where(widths == 0, "none", np.array(LINEAR_FEATURES)[kinds])
    assert (kinds[widths == 0] == 0).all()
    for name, share in {"none": 0.2, "margin": 0.3, "road": 0.1, "hedge": 0.4}.items():
        assert (names == name).mean() == pytest.approx(share, abs=0.05)
    assert set(names) == {"none", "margin", "road", "hedge"}
    for name in ("margin", "road", "hedge"):
        least, most = getattr(lines.widths_px, name)
        found = widths[names == name]
        assert least <= found.min() < found.max() < most
        assert found.mean() == pytest.approx((least + most) / 2, rel=0.15)


def test_what_is_drawn_later_moves_nothing_that_was_drawn_before():
    plain = draw_partition(FULL, 1, 4, 96, 96)
    lines = LineSettings(
        roads=(1, 2), between_blocks=KindShares(hedge=1.0), within_blocks=KindShares(track=1.0)
    )
    other = draw_partition(FULL.model_copy(update={"lines": lines}), 1, 4, 96, 96)
    assert _geometry(other) == _geometry(plain)
    assert (other.kinds != plain.kinds).any()

    known = {line: edges[0] for line, edges in _lines(plain).items()}
    blocks = _lines(_uncut(FULL, 1, 4, 96, 96))
    fewer = FULL.model_copy(update={"parcels": None})
    bare = draw_partition(fewer, 1, 4, 96, 96)
    kept = _lines(bare)
    assert set(kept) <= set(known)
    assert len(set(kept) - set(blocks)) > 0
    for line, edges in kept.items():
        assert bare.widths[edges[0]] == plain.widths[known[line]]
        assert bare.kinds[edges[0]] == plain.kinds[known[line]]


def test_same_settings_seed_and_number_same_bytes():
    made = {
        (seed, number): _bytes(draw_partition(FULL, seed, number, 96, 80))
        for seed in (0, 1)
        for number in (0, 1)
    }
    assert len(set(made.values())) == 4
    for (seed, number), value in made.items():
        assert _bytes(draw_partition(FULL, seed, number, 96, 80)) == value


DIGEST = "1e16825040fb208b5471b9115e600e33ae535fb6a667cfc654e17d353b0eb8d6"
"""SHA-256 of what eight partitions show, little-endian."""


def test_a_partition_is_the_same_on_every_machine():
    painted = b"".join(
        surfaces(draw_partition(FULL, 5, number, 96, 80), 3).astype("<i2").tobytes()
        for number in range(8)
    )
    assert hashlib.sha256(painted).hexdigest() == DIGEST


@pytest.mark.parametrize("steps", [0, 2])
def test_the_last_bits_of_the_voronoi_library_change_nothing(monkeypatch, steps):
    cells = FULL.model_copy(update={"lloyd_steps": steps})
    plain = [_bytes(draw_partition(cells, 3, number, 96, 80)) for number in range(6)]
    exact, rng = scipy.spatial.Voronoi, np.random.default_rng(1)

    def moved(points):
        diagram = exact(points)
        signs = rng.choice([-4, 4], diagram.vertices.shape)
        diagram.vertices += signs * np.spacing(np.abs(diagram.vertices))
        diagram.ridge_points = rng.permuted(rng.permutation(diagram.ridge_points), axis=1)
        return diagram

    monkeypatch.setattr(scipy.spatial, "Voronoi", moved)
    assert [_bytes(draw_partition(cells, 3, number, 96, 80)) for number in range(6)] == plain


def test_errors_in_the_last_place_of_any_function_change_nothing():
    def made():
        module = importlib.import_module("vrs_bench.world.partition")
        cells = importlib.import_module("vrs_bench.world.cells").CellSettings.model_validate(
            FULL.model_copy(update={"lloyd_steps": 2}).model_dump()
        )
        found = []
        for number in range(6):
            partition = module.draw_partition(cells, 3, number, 96, 80)
            painted = module.surfaces(partition, 3).tobytes()
            found.append(_bytes(partition) + painted + module.middles(partition).tobytes())
        return found

    plain, perturbation = made(), Perturbation(0, 4)
    with perturbed_package(perturbation):
        assert made() == plain


def test_a_cells_number_tells_nothing_of_place_and_size():
    order, found = [], []
    for number in range(40):
        partition = draw_partition(FULL, 9, number, 96, 96)
        outlines = polygons(partition)
        order.append(np.arange(partition.n_cells) / partition.n_cells)
        roads = np.bincount(partition.cell, partition.kinds == 2, minlength=partition.n_cells)
        found.append(np.column_stack([middles(partition), shapely.area(outlines), roads]))
    table = np.column_stack([np.concatenate(order), np.concatenate(found)])
    assert np.abs(np.corrcoef(table.T)[0, 1:]).max() < 3.5 / np.sqrt(len(table))


# Settings


def test_yaml_gives_the_settings():
    world = check_recipe(
        WorldRecipe,
        {
            "seed": 1,
            "cells": {
                "n": 28,
                "parcels": {"share": 0.5},
                "lines": {"roads": [1, 2], "widths_px": {"hedge": [0.5, 1]}},
            },
        },
        "world",
    )
    assert world.cells.parcels == ParcelSettings(share=0.5)
    assert world.cells.lines == LineSettings(roads=(1, 2), widths_px=KindWidths(hedge=(0.5, 1)))


def test_settings_are_written_and_read_again():
    assert CellSettings.model_validate_json(FULL.model_dump_json()) == FULL


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"n": 2000, "parcels": {}}, "2000 blocks may become 64,000 cells"),
        ({"n": 300, "parcels": {}, "lines": {}}, "choose fewer blocks"),
        (
            {"n": 40, "parcels": {}, "lines": {}, "class_patch_px": 9.0},
            "class_patch_px: expected 0 with more than 4,096 cells (5408)",
        ),
        ({"lines": {"roads": [2, 1]}}, "expected [least, most], got [2, 1]"),
        ({"lines": {"widths_px": {"road": [1.5, 1]}}}, "expected [least, most], got [1.5, 1]"),
        ({"lines": {"between_blocks": {}}}, "at least one kind with a frequency above 0"),
        ({"border_px": 2.0, "lines": {}}, "border_px: of no effect with 'lines'"),
    ],
)
def test_settings_that_fit_nothing_are_refused(cells, message):
    with pytest.raises(BenchError) as caught:
        check_recipe(WorldRecipe, {"seed": 1, "cells": cells}, "world")
    assert message in str(caught.value)


def test_all_cells_that_settings_allow_can_be_numbered():
    cells = CellSettings(n=253, parcels=ParcelSettings(), lines=LineSettings())
    assert cells.most <= 2**15 - 1 - len(LINEAR_FEATURES) < cells.model_copy(update={"n": 254}).most
    dense = draw_partition(
        CellSettings(
            n=12, parcels=ParcelSettings(share=1, width_px=3, nested=1), lines=LineSettings()
        ),
        0,
        0,
        512,
        512,
    )
    assert dense.n_cells <= CellSettings(n=12, parcels=ParcelSettings(), lines=LineSettings()).most
