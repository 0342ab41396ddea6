"""Named streams: independence, and draws against their distributions."""

import numpy as np
import pytest
from scipy import special, stats

from vrs_bench.world.arithmetic import settle
from vrs_bench.world.streams import QUANTILES, midpoints, normal, stream
from vrs_bench.world.streams import _normal_quantiles as normal_quantiles


def test_the_same_key_gives_the_same_draws_and_any_other_key_others():
    keys = [
        (0, 0, "cells", None),
        (1, 0, "cells", None),
        (0, 1, "cells", None),
        (0, 0, "labels", None),
        (0, 0, "cells", 0),
        (0, 0, "cells", 1),
    ]
    draws = [stream(*key).random(4).tobytes() for key in keys]
    assert draws == [stream(*key).random(4).tobytes() for key in keys]
    assert len(set(draws)) == len(keys)


def test_seed_zero_is_a_seed():
    assert stream(0, 0, "a").random() == stream(0, 0, "a").random()


def test_normal_draws_follow_the_normal_distribution():
    draws = normal(stream(5, 0, "test"), (200, 1000)).astype(np.float64)
    assert abs(draws.mean()) < 4 / np.sqrt(draws.size)
    assert draws.var() == pytest.approx(1, abs=0.015)
    assert stats.kstest(draws.ravel()[:20_000], "norm").pvalue > 1e-3
    assert abs(stats.kurtosis(draws, axis=None)) < 0.05


def test_normal_draws_are_independent_of_their_neighbours():
    draws = normal(stream(5, 0, "test"), (100_001,)).astype(np.float64)
    for lag in (1, 2, 3, 4):  # four draws come from one random word
        assert abs(np.mean(draws[lag:] * draws[:-lag])) < 5 / np.sqrt(draws.size)


def test_a_frozen_draw_guards_the_bytes():
    """A change of this number changes every published dataset: raise the version if it must."""
    assert normal(stream(73, 3, "texture/optical"), (5,)).tolist() == FROZEN


FROZEN = [0.856536865234375, 0.9480743408203125, -1.04498291015625, 0.201873779296875, 0.2890625]


def test_the_table_of_the_normal_distribution_does_not_depend_on_who_computes_it():
    """Two implementations give the same table, and no value is near a tie of its rounding."""
    quantiles = special.ndtri(midpoints())
    quantiles /= quantiles.std()
    np.testing.assert_array_equal(normal_quantiles(), settle(quantiles, bits=16))
    assert np.abs(quantiles * QUANTILES % 1 - 0.5).min() > 1e-6
