"""What the pages say: who differs from whom, and which metrics agree."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrs_bench.evaluation import compare
from vrs_bench.evaluation.paired import holm
from vrs_bench.evaluation.scores import PartScore
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.site.charts import Point, bar, scatter
from vrs_bench.site.orders import agreement
from vrs_bench.site.pairs import all_pairs, apart_by_intervals, apart_by_test


def tau_b(x: list[float], y: list[float]) -> float:
    """Return Kendall's τ-b by its definition, from signs of all pairs."""
    pairs = list(combinations(range(len(x)), 2))
    a = np.array([np.sign(x[i] - x[j]) for i, j in pairs])
    b = np.array([np.sign(y[i] - y[j]) for i, j in pairs])
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=20))
def test_tau_is_that_of_its_definition(pairs: list[tuple[int, int]]) -> None:
    x, y = (list(map(float, of)) for of in zip(*pairs, strict=True))
    found = agreement(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert found is None
        return
    assert found is not None
    assert found.tau == pytest.approx(tau_b(x, y), abs=1e-9)
    assert (found.low is not None) == (len(x) >= 10 and abs(found.tau) < 1)
    if found.low is not None and found.high is not None:
        assert -1 < found.low < found.tau < found.high < 1


def test_the_interval_of_tau_holds_the_tau_of_normal_pairs() -> None:
    """Of correlation r, τ is 2/π · arcsin r; nominal 95 %, of 400 samples 3 σ are 3.3 %."""
    rng = np.random.default_rng(0)
    r, n, times = 0.6, 15, 400
    truth = 2 / np.pi * np.arcsin(r)
    held = 0
    for _ in range(times):
        x = rng.standard_normal(n)
        y = r * x + np.sqrt(1 - r**2) * rng.standard_normal(n)
        found = agreement(x.tolist(), y.tolist())
        assert found is not None
        if found.low is not None and found.high is not None:
            held += found.low <= truth <= found.high
    assert 0.917 <= held / times <= 0.983


def test_overall_differences_are_those_of_compare_and_holm(make_entry: Any) -> None:
    results = [make_entry(f"e{n}", skill).result for n, skill in enumerate((0.5, 0.5, 0.1))]
    found = all_pairs(results, METRICS["skill"])
    expected = {(a, b): compare(results[a], results[b], "skill") for a, b in found}
    assert {pair: of.p_value for pair, of in found.items()} == {
        pair: of.p_value for pair, of in expected.items()
    }
    assert holm([of.p_value for of in expected.values()])[0] == 1
    assert apart_by_test(found, 3) == [0b100, 0b100, 0b011]
    assert all_pairs(results, METRICS["frechet_distance"]) == {}  # one number for the split


def test_parts_differ_where_intervals_have_nothing_in_common() -> None:
    scores = {
        0: PartScore(0.5, 0.4, 0.6, 6),
        2: PartScore(0.7, 0.6, 0.8, 6),
        3: PartScore(0.9, 0.85, 0.95, 6),
        4: PartScore(0.1, None, None, 1),
    }
    assert apart_by_intervals(scores, 5) == [0b01000, 0, 0b01000, 0b00101, 0]


@given(st.floats(-1, 1), st.floats(0, 0.5))
def test_bars_lie_between_skill_and_zero(value: float, half: float) -> None:
    of = bar(value, value - half, value + half)
    assert 0 <= of.start <= of.start + of.width <= 100.01
    assert of.zero == pytest.approx(100 / 3, abs=0.01)
    assert of.low is not None
    assert of.high is not None
    assert 0 <= of.low <= of.high <= 100
    inner = of.start if value < 0 else of.start + of.width
    assert inner == pytest.approx(max(0, (value + 0.5) / 1.5 * 100), abs=0.02)


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(-1, 1)), min_size=1, max_size=8),
    st.booleans(),
)
def test_points_lie_inside_of_the_axes_in_their_order(
    places: list[tuple[float, float]], log_x: bool
) -> None:
    drawing = scatter([Point("p", x, y) for x, y in places], "x", "y", log_x)
    for (_, across, down, _, _), _ in zip(drawing.points, places, strict=True):
        assert 70 <= across <= 624
        assert 16 <= down <= 344
    by_x = sorted(drawing.points, key=lambda of: of[0].x)
    assert [of[1] for of in by_x] == sorted(of[1] for of in by_x)
    assert all(69 <= tick.at <= 625 for tick in drawing.x_ticks)


def test_zeros_of_a_logarithmic_axis_stand_apart() -> None:
    points = [Point("none", 0, 0.1), Point("few", 10, 0.2), Point("many", 1000, 0.3)]
    drawing = scatter(points, "x", "y", log_x=True)
    texts = {tick.text: tick.at for tick in drawing.x_ticks}
    assert [of[1] for of in drawing.points] == [texts["0"], texts["10"], texts["1000"]]
