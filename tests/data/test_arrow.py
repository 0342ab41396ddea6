"""Storage: what is written is what `datasets` itself would declare, and it comes back exactly."""

import numpy as np
import pyarrow as pa
import pytest
from datasets import Array2D, Array3D, Features, List, Value
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vrs_bench.columns import SCALE, Column, quantise, restore
from vrs_bench.data.arrow import arrow_schema, card_feature, feature, from_arrow, to_arrow

COLUMNS = [
    Column("image", "image", "uint16", "", (4, 6, 5)),
    Column("mask", "mask", "uint8", "", (6, 5)),
    Column("pair", "vector", "float32", "", (2,)),
    Column("number", "scalar", "int32", ""),
]
FEATURES = Features(
    {
        "image": Array3D((4, 6, 5), "uint16"),
        "mask": Array2D((6, 5), "uint8"),
        "pair": List(Value("float32"), length=2),
        "number": Value("int32"),
    }
)


def test_features_are_those_of_the_library():
    assert Features.from_dict({c.name: feature(c) for c in COLUMNS}) == FEATURES
    assert [card_feature(c) for c in COLUMNS] == FEATURES._to_yaml_list()


def test_the_schema_declares_the_features_by_itself(tmp_path):
    import pyarrow.parquet as pq

    schema = arrow_schema(COLUMNS)
    values = [to_arrow(c, [np.zeros(c.shape, c.dtype)] * 3) for c in COLUMNS]
    pq.write_table(pa.Table.from_arrays(values, schema=schema), tmp_path / "a.parquet")
    assert Features.from_arrow_schema(pq.read_schema(tmp_path / "a.parquet")) == FEATURES


@given(st.integers(1, 5), st.sampled_from(COLUMNS), st.integers(0, 2**32 - 1))
def test_values_survive_storage(rows, column, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 200, (rows, *column.shape)).astype(column.dtype)
    back = from_arrow(column, to_arrow(column, list(values)))
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


def test_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"column image: expected \(4, 6, 5\), got \(4, 5, 6\)"):
        to_arrow(COLUMNS[0], [np.zeros((4, 5, 6))])


@given(hnp.arrays(np.float32, 40, elements=st.floats(0, 1, width=32)))
def test_the_published_scale_is_off_by_at_most_half_a_step(x):
    stored = quantise(x)
    assert stored.dtype == np.uint16
    assert stored.max() <= SCALE
    assert np.abs(restore(stored).astype(np.float64) - x).max() <= 0.5e-4 + 1e-7


def test_quantising_what_was_restored_changes_nothing():
    every = np.arange(SCALE + 1, dtype=np.uint16)
    np.testing.assert_array_equal(quantise(restore(every)), every)


def test_values_outside_the_range_are_held_at_its_ends():
    np.testing.assert_array_equal(quantise(np.float32([-0.5, 1.5])), [0, SCALE])
