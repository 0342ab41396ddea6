"""The parts of a scene, against slow definitions of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vrs_bench.evaluation.slices import BORDER_PX, TRANSMITTANCE, parts_of, transmittance_masks
from vrs_bench.world.landcover import class_names


def scene(seed: int = 0, side: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return land cover and cells: vertical strips of 1 to 6 pixels, some of them border."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(side), rng.integers(1, 7, side))[:side].astype(np.int16)
    cell = np.broadcast_to(cell, (side, side)).copy()
    classes = rng.integers(1, 9, cell.max() + 1).astype(np.uint8)
    classes[0] = 0
    return classes[cell], cell


def test_land_cover_parts_are_the_pixels_of_each_class() -> None:
    land_cover, cell = scene()
    parts = parts_of(land_cover, cell, None, 3)
    names = class_names()
    covers = [part for part in parts.fixed if part[0] == "land_cover"]
    assert [name for _, name in covers] == list(names[1:])
    for part, mask in zip(parts.fixed, parts.masks, strict=True):
        if part[0] == "land_cover":
            assert (mask == (land_cover == names.index(part[1]))).all()
    assert parts.by_step == ()
    assert parts.step_masks.shape == (3, 0, 20, 20)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_border_pixels_have_another_cell_within_reach(seed: int) -> None:
    land_cover, cell = scene(seed)
    parts = parts_of(land_cover, cell, None, 1)
    border = parts.masks[parts.fixed.index(("position", "border"))]
    interior = parts.masks[parts.fixed.index(("position", "interior"))]
    assert (border ^ interior).all()
    for row, column in np.ndindex(cell.shape):
        reach = tuple(slice(max(0, i - BORDER_PX), i + BORDER_PX + 1) for i in (row, column))
        assert border[row, column] == (cell[reach] != cell[row, column]).any()


def test_every_pixel_is_in_one_transmittance_bin() -> None:
    light = np.array([[1.0, 0.95, 0.949, 0.5], [0.499, 0.05, 0.049, 0.0]], np.float32)
    masks = transmittance_masks(light[None])
    assert masks.shape == (1, len(TRANSMITTANCE), 2, 4)
    assert (masks.sum(axis=1) == 1).all()
    expected = [[0, 0, 1, 1], [2, 2, 3, 3]]
    assert masks[0].argmax(axis=0).tolist() == expected
