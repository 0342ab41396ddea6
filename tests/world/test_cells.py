"""Cells: polygons and raster agree with each other and with brute force."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from vrs_bench.world.cells import (
    CellSettings,
    class_quantiles,
    draw_sites,
    neighbours,
    polygons,
    rasterise,
)
from vrs_bench.world.streams import stream

extents = st.tuples(
    st.integers(0, 10_000), st.integers(1, 40), st.integers(8, 70), st.integers(8, 70)
)


def _centres(height, width):
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)


def _sites(seed, n, height, width):
    return draw_sites(CellSettings(n=n), stream(seed, 0, "cells"), height, width)


@settings(max_examples=60, deadline=None)
@given(extents)
def test_the_raster_is_the_nearest_site_of_each_pixel_centre(extent):
    sites, (height, width) = _sites(*extent), extent[2:]
    raster = rasterise(sites, height, width)
    distance = np.linalg.norm(_centres(height, width)[:, :, None] - sites, axis=-1)
    painted = np.take_along_axis(distance, raster[..., None].astype(int) - 1, axis=-1)[..., 0]
    np.testing.assert_allclose(painted, distance.min(axis=-1), rtol=0, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(extents)
def test_each_pixel_centre_lies_in_the_polygon_of_its_id(extent):
    sites, (height, width) = _sites(*extent), extent[2:]
    raster, cells = rasterise(sites, height, width), np.array(polygons(sites, height, width))
    points = shapely.points(_centres(height, width).reshape(-1, 2))
    assert shapely.dwithin(cells[raster.ravel() - 1], points, 1e-7).all()


@settings(max_examples=30, deadline=None)
@given(extents)
def test_polygons_tile_the_extent(extent):
    sites, (height, width) = _sites(*extent), extent[2:]
    cells = polygons(sites, height, width)
    assert sum(cell.area for cell in cells) == pytest.approx(height * width)
    assert shapely.union_all(cells).area == pytest.approx(height * width)
    assert all(cell.contains(shapely.Point(site)) for cell, site in zip(cells, sites, strict=True))


@settings(max_examples=30, deadline=None)
@given(extents, st.floats(0.1, 6))
def test_border_pixels_are_those_near_a_bisector_with_a_neighbour(extent, border_px):
    sites, (height, width) = _sites(*extent), extent[2:]
    whole, with_border = rasterise(sites, height, width), rasterise(sites, height, width, border_px)
    kept = with_border > 0
    np.testing.assert_array_equal(with_border[kept], whole[kept])
    centres = _centres(height, width)
    nearest = np.full((height, width), np.inf)
    pairs = neighbours(sites, height, width)
    for own, other in [*pairs, *pairs[:, ::-1]]:
        inside = whole == own + 1
        across = sites[other] - sites[own]
        to_bisector = (sites[own] + sites[other]) / 2 - centres[inside]
        distance = to_bisector @ across / np.linalg.norm(across)
        nearest[inside] = np.minimum(nearest[inside], distance)
    clear = np.abs(nearest - border_px / 2) > 1e-7
    np.testing.assert_array_equal(kept[clear], (nearest >= border_px / 2)[clear])


def test_cells_do_not_overlap_across_a_shared_edge():
    sites = _sites(1, 30, 64, 64)
    cells = polygons(sites, 64, 64)
    for own, other in neighbours(sites, 64, 64):
        assert cells[own].intersection(cells[other]).area < 1e-6
        assert cells[own].intersection(cells[other]).length > 0


def test_relaxed_cells_are_more_alike_in_size():
    def spread(steps):
        settings = CellSettings(n=40, lloyd_steps=steps)
        areas = []
        for seed in range(5):
            sites = draw_sites(settings, stream(seed, 0, "cells"), 64, 96)
            areas += [cell.area for cell in polygons(sites, 64, 96)]
        return np.std(areas) / np.mean(areas)

    assert spread(10) < 0.5 * spread(0)


def test_a_relaxed_site_is_near_the_centroid_of_its_cell():
    sites = draw_sites(CellSettings(n=20, lloyd_steps=50), stream(1, 0, "cells"), 64, 64)
    centroids = [cell.centroid.coords[0] for cell in polygons(sites, 64, 64)]
    assert np.abs(sites - centroids).max() < 1.0


def test_classes_of_near_cells_agree_as_far_as_the_patch_reaches():
    def agreement(patch):
        settings = CellSettings(n=60, class_patch_px=patch)
        near, far = [], []
        for seed in range(30):
            sites = draw_sites(settings, stream(seed, 0, "cells"), 128, 128)
            label = np.floor(8 * class_quantiles(settings, stream(seed, 0, "labels"), sites))
            distance = np.linalg.norm(sites[:, None] - sites, axis=-1)
            same = label[:, None] == label
            near.append(same[(distance > 0) & (distance < 15)].mean())
            far.append(same[distance > 90].mean())
        return np.mean(near), np.mean(far)

    near, far = agreement(0.0)
    assert near == pytest.approx(1 / 8, abs=0.03)
    near, far = agreement(40.0)
    assert near > 0.25
    assert far < 0.17


def test_quantiles_stay_uniform_under_autocorrelation():
    settings = CellSettings(n=30, class_patch_px=20.0)
    draws = np.concatenate(
        [
            class_quantiles(
                settings,
                stream(seed, 0, "labels"),
                draw_sites(settings, stream(seed, 0, "cells"), 96, 96),
            )
            for seed in range(300)
        ]
    )
    share = np.histogram(draws, bins=8, range=(0, 1))[0] / len(draws)
    np.testing.assert_allclose(share, 1 / 8, atol=0.015)
