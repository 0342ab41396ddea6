"""Labels are moved and merged, never averaged."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vrs_bench.sensors.masks import majority, move
from vrs_bench.sensors.sensor import SensorRecipe, observe_labels
from vrs_bench.sensors.stages.aggregation import Aggregation, Size
from vrs_bench.sensors.stages.deformation import Deformation

sizes = st.tuples(st.integers(4, 30), st.integers(4, 30), st.integers(1, 4), st.integers(1, 4))


@settings(deadline=None)
@given(sizes, st.integers(0, 10_000))
def test_every_label_of_a_merged_mask_is_one_of_its_pixels(size, seed):
    height, width, by_row, by_column = size
    mask = np.random.default_rng(seed).choice([0, 3, 7, 120], (height, width)).astype(np.int16)
    target = (max(height // by_row, 1), max(width // by_column, 1))
    merged = majority(mask, *target)
    assert merged.shape == target
    assert merged.dtype == mask.dtype
    assert set(np.unique(merged)) <= set(np.unique(mask))


def test_majority_is_the_mode_of_each_block():
    mask = np.random.default_rng(1).integers(0, 4, (24, 36)).astype(np.int16)
    blocks = mask.reshape(6, 4, 9, 4).transpose(0, 2, 1, 3).reshape(6, 9, 16)
    expected = stats.mode(blocks, axis=-1).mode  # of equally common ones the smallest, too
    np.testing.assert_array_equal(majority(mask, 6, 9), expected)


def test_a_size_that_does_not_divide_counts_every_pixel_once():
    mask = np.arange(15, dtype=np.int16).reshape(3, 5)
    ones = majority(mask, 2, 2)
    assert ones.shape == (2, 2)
    constant = np.full((37, 41), 9, np.int16)
    np.testing.assert_array_equal(majority(constant, 10, 11), np.full((10, 11), 9))


def test_moving_takes_the_nearest_label():
    mask = np.arange(12, dtype=np.int16).reshape(3, 4)
    moved = move(mask, None, np.array([0.4, 0.6, 2.9]))
    np.testing.assert_array_equal(moved, mask[:, [0, 1, 3]])
    np.testing.assert_array_equal(move(mask, np.array([1.6]), None), mask[[2]])


def test_a_whole_sensor_keeps_labels_labels():
    rng = np.random.default_rng(0)
    mask = np.kron(rng.choice([1, 5, 77], (8, 10)), np.ones((16, 16))).astype(np.int16)
    sensor = SensorRecipe(
        name="s",
        product="optical",
        stages=(
            Deformation(),
            Aggregation(target_size=Size(width=30, height=32), sigma_px=1.5),
        ),
    )
    seen = observe_labels(sensor, mask)
    assert seen.shape == (32, 30)
    assert set(np.unique(seen)) == {1, 5, 77}
