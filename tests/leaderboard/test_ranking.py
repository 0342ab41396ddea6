"""Ranking: by the headline, between the places that paired tests of every pair leave open."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel

from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.ranking import SIGNS_A_PAIR, Rank, boards, rank
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.tasks import TASKS

N = 12
BASE = 30 + np.random.default_rng(0).normal(size=N)
"""PSNR of scenes, some of which are harder than others."""


def wobble(seed: int, spread: float) -> Any:
    """Return differences of mean 0 and of that standard deviation, one a scene."""
    draws = np.random.default_rng(seed).normal(size=N)
    return spread * (draws - draws.mean()) / draws.std(ddof=1)


def ranks(ranked: list[tuple[Rank, Submission]]) -> list[tuple[str, str]]:
    return [(str(place), entry.name) for place, entry in ranked]


def p_value(first: Any, second: Any) -> float:
    return float(ttest_rel(first, second).pvalue)


# Order


@pytest.fixture
def lower_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "super_res", replace(TASKS["super_res"], headline="sam"))


def clearly_apart(make_entry: Any) -> list[Submission]:
    """Return three entries whose order by PSNR is a, b, c, and by SAM c, b, a."""
    return [
        make_entry(name, BASE + psnr + wobble(seed, 0.1), scores={"sam": 5 + psnr + BASE / 30})
        for seed, (name, psnr) in enumerate([("b", 1.0), ("c", 0.0), ("a", 2.0)])
    ]


def test_the_highest_leads_where_higher_is_better(make_entry: Any) -> None:
    assert ranks(rank(clearly_apart(make_entry))) == [("1", "a"), ("2", "b"), ("3", "c")]


@pytest.mark.usefixtures("lower_is_better")
def test_the_lowest_leads_where_lower_is_better(make_entry: Any) -> None:
    assert ranks(rank(clearly_apart(make_entry))) == [("1", "c"), ("2", "b"), ("3", "a")]


def test_one_entry_leads_alone(make_entry: Any) -> None:
    assert ranks(rank([make_entry("only")])) == [("1", "only")]


# Places that stay open


def test_entries_that_a_paired_test_does_not_tell_apart_have_the_same_places(
    make_entry: Any,
) -> None:
    close, clear = BASE - 0.05 + wobble(1, 0.4), BASE - 1.0 + wobble(2, 0.4)
    assert p_value(BASE, close) > 0.3
    assert p_value(BASE, clear) < 0.001
    entries = [make_entry("clear", clear), make_entry("close", close), make_entry("best", BASE)]
    assert ranks(rank(entries)) == [("1–2", "best"), ("1–2", "close"), ("3", "clear")]


def test_a_small_difference_that_every_scene_shows_is_no_tie(make_entry: Any) -> None:
    """Scenes differ by a decibel, methods by a tenth: only a paired test sees it."""
    second = BASE - 0.1 + wobble(3, 0.02)
    assert BASE.std(ddof=1) > 0.5
    assert p_value(BASE, second) < 1e-6
    entries = [make_entry("second", second), make_entry("best", BASE)]
    assert ranks(rank(entries)) == [("1", "best"), ("2", "second")]


def test_an_entry_in_between_is_told_apart_from_neither_side(make_entry: Any) -> None:
    b, c = BASE - 0.2 + wobble(4, 0.5), BASE - 0.4 + wobble(5, 0.2)
    assert p_value(BASE, b) > 0.15
    assert p_value(b, c) > 0.15
    assert p_value(BASE, c) < 0.001
    entries = [make_entry(*pair) for pair in (("c", c), ("b", b), ("a", BASE))]
    assert ranks(rank(entries)) == [("1–2", "a"), ("1–3", "b"), ("2–3", "c")]


def test_no_entry_falls_because_another_comes_that_does_not_beat_it(make_entry: Any) -> None:
    """Under a shared rank with the leader, "second" would fall from 1 to 2 by "new"."""
    first, second = BASE, BASE - 0.15 + wobble(1, 0.4)
    new = first + 0.15 + wobble(7, 0.2)
    assert p_value(first, second) > 0.15
    assert p_value(new, second) < 0.05 < 3 * p_value(new, second)
    before = rank([make_entry("first", first), make_entry("second", second)])
    after = rank([make_entry(*p) for p in (("new", new), ("first", first), ("second", second))])
    best = [{entry.name: place.best for place, entry in ranked} for ranked in (before, after)]
    assert best[0] == {"first": 1, "second": 1}
    assert best[1] == {"new": 1, "first": 1, "second": 1}


def test_p_values_are_adjusted_for_all_pairs(make_entry: Any) -> None:
    """The same two entries are told apart alone, and not among eight that are alike."""
    better = BASE + 0.3 + wobble(1, 0.4)
    assert 0.01 < p_value(better, BASE) < 0.04
    pair = [make_entry("better", better), make_entry("base", BASE)]
    assert ranks(rank(pair)) == [("1", "better"), ("2", "base")]
    others = [make_entry(f"like {i}", BASE + 0.1 + wobble(i + 10, 0.8)) for i in range(6)]
    assert {str(place) for place, _ in rank(pair + others)} == {"1–8"}


def test_many_pairs_are_tested_with_enough_choices_of_signs(make_entry: Any) -> None:
    """A p-value of 2 / 10,000 times 435 pairs would never be below 0.05."""
    base = np.random.default_rng(1).normal(30, 1, size=30)
    noise = np.random.default_rng(2).normal(0, 0.01, size=(30, 30))
    entries = [make_entry(f"{i:02}", base - i + noise[i]) for i in range(30)]
    assert 435 * 2 / 10_000 > 0.05 > 2 / SIGNS_A_PAIR
    assert [str(place) for place, _ in rank(entries)] == [str(i) for i in range(1, 31)]


@pytest.mark.usefixtures("lower_is_better")
def test_ties_where_lower_is_better(make_entry: Any) -> None:
    close, clear = BASE + 0.05 + wobble(1, 0.4), BASE + 1.0 + wobble(2, 0.4)
    pairs = {"clear": clear, "close": close, "best": BASE}
    entries = [make_entry(name, BASE, scores={"sam": sam}) for name, sam in pairs.items()]
    assert ranks(rank(entries)) == [("1–2", "best"), ("1–2", "close"), ("3", "clear")]


def test_one_scene_tells_nothing_apart(make_entry: Any) -> None:
    entries = [make_entry("low", [20.0]), make_entry("high", [40.0])]
    assert ranks(rank(entries)) == [("1–2", "high"), ("1–2", "low")]


def test_equal_means_stand_in_the_order_of_their_file_names(make_entry: Any) -> None:
    entries = [make_entry(name, BASE) for name in ("Zoom", "éclair", "Echo")]
    assert ranks(rank(entries)) == [("1–3", "Echo"), ("1–3", "éclair"), ("1–3", "Zoom")]


# Boards


def test_what_can_not_be_compared_stands_on_boards_of_its_own(make_entry: Any) -> None:
    entries = [
        make_entry("other digest", BASE, dataset_digest="e" * 64),
        make_entry("other size", BASE, recipe="toy", dataset_digest="f" * 64),
        make_entry("other split", BASE, split="validation"),
        make_entry("other task", BASE, task="sar_to_optical"),
        make_entry("a", BASE),
        make_entry("b", BASE - 5 + wobble(0, 0.1)),
    ]
    found = boards(entries)
    assert {tuple(entry.name for _, entry in board.ranked) for board in found} == {
        ("a", "b"),
        ("other digest",),
        ("other size",),
        ("other split",),
        ("other task",),
    }
    assert len(found) == 5
    for board in found:
        assert board.ranked[0][0].best == 1
        for _, entry in board.ranked:
            result = entry.result
            assert (board.task, board.split) == (result.task, result.split)
            assert (board.recipe, board.dataset_digest) == (result.recipe, result.dataset_digest)


def test_boards_come_in_the_order_of_the_tasks(make_entry: Any) -> None:
    names = ["sar_to_optical", "super_res", "cloud_removal"]
    found = boards(make_entry(task=name) for name in names)
    assert [board.task for board in found] == ["super_res", "cloud_removal", "sar_to_optical"]


def test_nothing_makes_no_board() -> None:
    assert boards([]) == []


def test_the_order_of_the_files_changes_nothing(make_entry: Any) -> None:
    entries = [
        *(make_entry(f"m{i}", BASE - 0.1 * i + wobble(i, 0.2)) for i in range(6)),
        make_entry("same as m1", BASE - 0.1 + wobble(1, 0.2)),
        make_entry("elsewhere", BASE, task="cloud_removal"),
    ]
    first = boards(entries)
    for seed in range(5):
        shuffled = random.Random(seed).sample(entries, len(entries))  # noqa: S311
        assert boards(shuffled) == first
    small = [make_entry(name, BASE) for name in "abc"]
    assert all(rank(list(order)) == rank(small) for order in permutations(small))


def test_entries_of_one_board_that_state_other_scenes_are_not_ranked(make_entry: Any) -> None:
    """The digest fixes the scenes, so one of the two does not tell the truth."""
    entries = [make_entry("all scenes", BASE), make_entry("easy scenes", BASE[:5] + 9)]
    with pytest.raises(BenchError, match=r"'all scenes' and 'easy scenes' .* scenes differ"):
        boards(entries)


# Flags and members of skill


def test_flagged_entries_stand_below_all_that_are_not(make_entry: Any) -> None:
    flagged = make_entry("flagged", BASE + 9, flags=["RMSE 1 is worse than the floor's 0.1"])
    worse = make_entry("flagged too", BASE + 8, flags=["RMSE 2 is worse than the floor's 0.1"])
    others = [make_entry("a", BASE), make_entry("b", BASE - 1.0 + wobble(2, 0.4))]
    assert ranks(rank([worse, flagged, *others])) == [
        ("1", "a"),
        ("2", "b"),
        ("3", "flagged"),
        ("4", "flagged too"),
    ]
    private = [of_a_private_split(entry) for entry in (flagged, others[0])]
    assert ranks(rank(private)) == [("1", "a"), ("2", "flagged")]


def test_skills_of_other_members_do_not_stand_on_one_board(make_entry: Any) -> None:
    with_sam = make_entry("with", BASE, scores={"sam": BASE / 10, "mae": BASE / 100})
    as_well = make_entry("as well", BASE, scores={"sam": BASE / 10})  # mae is no member
    assert len(boards([with_sam, as_well])) == 1
    with pytest.raises(BenchError, match=r"skills of 'with' and 'without' .* \(sam\); score them"):
        boards([with_sam, make_entry("without", BASE)])


# Claimed entries


def test_claimed_entries_have_no_rank_and_change_none(make_entry: Any) -> None:
    verified = [make_entry("a", BASE), make_entry("b", BASE - 1.0 + wobble(2, 0.4))]
    claims = [make_entry(name, BASE + 9, claimed=True) for name in ("z", "c")]
    [board] = boards([*claims, *verified])
    assert ranks(list(board.ranked)) == ranks(list(boards(verified)[0].ranked))
    assert [entry.name for entry in board.claimed] == ["c", "z"]


def test_verified_entries_of_a_private_split_are_ranked(make_entry: Any) -> None:
    entries = [make_entry("a", BASE, split="private"), make_entry("b", BASE, split="private")]
    assert {entry.state for entry in entries} == {"private"}
    [board] = boards([entries[0], make_entry("b", BASE, split="private", claimed=True)])
    assert [entry.name for _, entry in board.ranked] == ["a"]
    assert [entry.name for entry in board.claimed] == ["b"]


# Private splits


def of_a_private_split(entry: Submission, **ends: float | None) -> Submission:
    """Return an entry as it is published, with another interval."""
    score = replace(entry.result.scores["psnr"], **ends)
    result = replace(entry.result, split="private", scores={"psnr": score}).published()
    return entry.model_copy(update={"result": result})


@pytest.mark.parametrize(("half", "places"), [(0.9, ("1–2", "1–2", "3")), (0.4, ("1", "2", "3"))])
def test_entries_of_a_private_split_are_apart_where_their_intervals_are(
    make_entry: Any, half: float, places: tuple[str, ...]
) -> None:
    """Nothing is there to be paired: scene by scene, all three would be told apart."""
    means = {"a": 34.0, "b": 33.0, "c": 31.0}
    entries = [
        of_a_private_split(make_entry(name, [mean] * N), ci_low=mean - half, ci_high=mean + half)
        for name, mean in means.items()
    ]
    [board] = boards(entries)
    assert ranks(list(board.ranked)) == list(zip(places, means, strict=True))


def test_entries_of_one_private_scene_are_not_told_apart(make_entry: Any) -> None:
    made = [make_entry("a", [9.0]), make_entry("b", [1.0])]
    entries = [of_a_private_split(entry, ci_low=None, ci_high=None) for entry in made]
    assert ranks(rank(entries)) == [("1–2", "a"), ("1–2", "b")]
