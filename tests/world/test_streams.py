"""Named streams: independence, and draws against their distributions."""

import hashlib

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


def test_a_stream_is_keyed_by_a_cryptographic_hash_of_its_whole_key():
    """So who has found the state of one stream knows neither the seed nor another stream."""
    seed = 2**255 + 12345  # as of a secret: none of its bits is left out
    key = f"{seed:x}/900001//texture/optical".encode()
    digest = hashlib.blake2b(key, digest_size=32, person=b"vrs-bench stream").digest()
    start, sequence = (
        int.from_bytes(digest[at : at + 8], "little") << 64
        | int.from_bytes(digest[at + 8 : at + 16], "little")
        for at in (0, 16)
    )
    state = stream(seed, 900_001, "texture/optical").bit_generator.state["state"]
    increment = (sequence << 1 | 1) % 2**128
    multiplier = 0x2360ED051FC65DA44385DF649FCCF645  # of PCG: seeding makes one step
    assert state["inc"] == increment
    assert state["state"] == ((start + increment) * multiplier + increment) % 2**128
    neighbours = [seed + 2**128, seed ^ 1, seed % 2**128]
    draws = {stream(s, 900_001, "texture/optical").bytes(16) for s in [seed, *neighbours]}
    assert len(draws) == 4


def test_no_two_keys_have_the_same_text():
    near = [(0, 11, "a"), (0, 1, "a", 1), (0, 1, "1/a"), (1, 1, "a"), (0, 1, "a", 11), (16, 1, "a")]
    near += [(0, 1, "a"), (0, 1, "/a"), (0, 1, "a/"), (0x10, 11, "a"), (0, 1, "")]
    assert len({stream(*key).bytes(16) for key in near}) == len(near)


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
    """A change of this number changes every published dataset: raise GENERATION if it must."""
    assert normal(stream(73, 3, "texture/optical"), (5,)).tolist() == FROZEN


FROZEN = [
    0.7772369384765625,
    0.912811279296875,
    1.1298065185546875,
    0.045135498046875,
    -1.6041259765625,
]


def test_the_table_of_the_normal_distribution_does_not_depend_on_who_computes_it():
    """Two implementations give the same table, and no value is near a tie of its rounding."""
    quantiles = special.ndtri(midpoints())
    quantiles /= quantiles.std()
    np.testing.assert_array_equal(normal_quantiles(), settle(quantiles, bits=16))
    assert np.abs(quantiles * QUANTILES % 1 - 0.5).min() > 1e-6
