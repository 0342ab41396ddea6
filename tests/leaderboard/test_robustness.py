"""Robustness: what an entry may say of it, how it is compared, and that it is found again."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from baselines.shifted import prepare
from vrs_bench.cli import app
from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.files import read_submission, write_submission
from vrs_bench.leaderboard.markdown import board_table
from vrs_bench.leaderboard.ranking import boards
from vrs_bench.leaderboard.robustness import Answer, Repeated, compared, mean_of
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.shifts.findings import SweepReport, read_report
from vrs_bench.shifts.knobs import KNOBS
from vrs_bench.shifts.plan import plan_sweep
from vrs_bench.shifts.report import make_report
from vrs_bench.shifts.robustness import (
    answer_of,
    called,
    check_answers,
    repeated,
    with_answer,
)
from vrs_bench.shifts.sweep import run_sweep


def answer(knob: str = "read_noise", skills: tuple[float, ...] = (0.4, 0.2, -0.3)) -> Answer:
    doses = (0.0, 0.004, 0.016)
    return Answer(
        method="bicubic",
        knob=knob,
        size="little",
        scenes=6,
        version=METRICS["skill"].version,
        default=0.004,
        doses=doses,
        skills=skills,
    )


def stamped(one: Answer) -> Answer:
    stamp = Repeated(
        date=datetime.date(2026, 1, 31),
        package="0.1.0",
        machine="Linux x86_64, 2 cores",
        largest_deviation=0.0,
        content_sha256=one.content_digest(),
    )
    return one.model_copy(update={"stamp": stamp})


def with_answers(entry: Submission, *answers: Answer) -> Submission:
    return entry.model_copy(update={"robustness": answers})


def test_the_mean_is_over_doses_and_then_over_knobs() -> None:
    one, other = answer(), answer("mtf", (0.6, 0.6, 0.6))
    assert one.mean == pytest.approx(0.1)
    assert one.at_default == 0.2
    assert mean_of((one, other)) == pytest.approx(0.35)


def test_an_entry_keeps_its_stamp_and_its_digest(make_entry: Any, tmp_path: Path) -> None:
    entry = make_entry()
    robust = with_answers(entry, answer(), stamped(answer("mtf")))
    assert robust.content_digest() == entry.content_digest()
    assert read_submission(write_submission(robust, tmp_path)) == robust
    assert robust.state == "verified"


FAULTS = {
    "twice": (lambda of: of.append(of[0]), "a knob stands there twice"),
    "size": (lambda of: of[0].update(size="toy"), "expected sweeps at size little"),
    "beyond": (lambda of: of[0].update(skills=[0.4, 1.2, 0.0]), "less than or equal to 1"),
    "length": (lambda of: of[0].update(skills=[0.4, 0.2]), "3 doses and 2 skills"),
    "order": (lambda of: of[0].update(doses=[0.0, 0.016, 0.004]), "expected them rising"),
    "default": (lambda of: of[0].update(default=0.1), "with the default among them"),
    "edited": (
        lambda of: of[1].update(skills=[0.9, 0.9, 0.9]),
        "was changed after it was",
    ),
    "name": (lambda of: of[0].update(knob="<b>"), "expected the name of a knob"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_answers_that_are_not_as_they_should_be_are_refused(
    fault: str, make_entry: Any, tmp_path: Path
) -> None:
    change, message = FAULTS[fault]
    path = write_submission(with_answers(make_entry(), answer(), stamped(answer("mtf"))), tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data["robustness"])
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BenchError, match=message):
        read_submission(path)


def test_boards_compare_answers_to_the_same_question_only(make_entry: Any) -> None:
    plain = make_entry("Plain")
    claimed = with_answers(make_entry("Claimed"), answer(), answer("mtf"))
    swept = with_answers(
        make_entry("Swept"),
        *(stamped(answer(knob, (0.5, 0.5, 0.5))) for knob in ("mtf", "read_noise")),
    )
    fewer = with_answers(make_entry("Fewer"), answer())
    knobs, found = compared([plain, claimed, swept, fewer])
    assert knobs == ("mtf", "read_noise")
    assert {key.rpartition("/")[2] for key in found} == {"claimed", "swept"}
    assert compared([plain]) == ((), {})
    # Claims answer what ranked entries were asked, and don't ask themselves.
    assert compared([plain], [claimed, fewer]) == ((), {})
    assert compared([swept], [claimed, fewer])[1].keys() == {swept.key, claimed.key}
    older = with_answers(
        plain, *(of.model_copy(update={"version": "1"}) for of in swept.robustness)
    )
    assert compared([older]) == ((), {})

    [board] = boards([plain, claimed, swept, fewer])
    text = board_table(board)
    cells = {
        line.split(" | ")[1]: line.split(" | ") for line in text.splitlines() if " | 2026" in line
    }
    place = text.splitlines()[2].split(" | ").index("robustness ↑")
    assert [cells[name][place] for name in ("Plain", "Claimed", "Swept", "Fewer")] == [
        *("–", "(0.100)", "0.500", "–")
    ]
    assert "over the knobs mtf, read_noise" in text
    assert "robustness" not in board_table(boards([plain])[0])


@pytest.fixture(scope="module")
def report() -> SweepReport:
    """Return a sweep of one scene of tiny at two doses."""
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    plan = plan_sweep("super_res", recipe, [(KNOBS["read_noise"], (0.02,))], ["nearest"], 1)
    return make_report(plan, run_sweep(plan, prepare))


def test_an_answer_is_claimed_and_then_found_again(report: SweepReport, tmp_path: Path) -> None:
    kept = Path(__file__).parents[2] / "submissions/super_res/tiny/nearest-neighbour.json"
    entry = read_submission(kept)
    path = write_submission(entry, tmp_path)
    report.to_json(tmp_path / "report-read_noise.json")
    assert read_report(tmp_path / "report-read_noise.json") == report
    words = ["robustness", str(path), "--method", "nearest"]
    done = CliRunner().invoke(app, [*words, "--report", str(tmp_path / "report-read_noise.json")])
    assert done.exit_code == 0, done.output
    [found] = read_submission(path).robustness
    assert found == answer_of(report, "nearest")
    assert found.doses == (0.004, 0.02)
    assert found.stamp is None
    cells = {cell.doses["read_noise"]: cell for cell in report.cells if cell.method == "nearest"}
    assert found.skills == tuple(cells[dose].scores["skill"].mean for dose in found.doses)

    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "2 doses" in done.stdout
    assert "repeated" in done.stdout
    [again] = read_submission(path).robustness
    assert again.stamp is not None
    assert again.stamp.largest_deviation == 0
    assert again.skills == found.skills

    boasted = with_answers(entry, found.model_copy(update={"skills": (0.9, 0.9)}))
    with pytest.raises(BenchError, match=r"not found again:\n  read_noise: claims skill 0\.9000"):
        repeated(boasted, "nearest", prepare)
    other = with_answers(entry, found.model_copy(update={"method": "bicubic"}))
    with pytest.raises(BenchError, match="is of 'bicubic', and the sweep would be of 'nearest'"):
        repeated(other, "nearest", prepare)
    with pytest.raises(BenchError, match="says nothing of its robustness"):
        repeated(entry, "nearest", prepare)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"knob": "sharpness"}, "super_res has no knob 'sharpness'"),
        ({"knob": "spell"}, "super_res has no knob 'spell'"),
        ({"default": 0.016}, "the default of read_noise is 0.004, not 0.016"),
    ],
)
def test_questions_that_nobody_asked_are_refused(
    change: dict[str, Any], message: str, make_entry: Any
) -> None:
    entry = make_entry(recipe="tiny")
    right = answer().model_copy(update={"size": "tiny"})
    check_answers(with_answers(entry, right))
    with pytest.raises(BenchError, match=message):
        check_answers(with_answers(entry, right.model_copy(update=change)))


def test_a_path_is_called_by_its_last_part() -> None:
    assert called("runs/of/mine") == "mine"
    assert called("map-all-dates") == "map-all-dates"


def test_what_a_sweep_does_not_say_is_not_taken(make_entry: Any, report: SweepReport) -> None:
    with pytest.raises(BenchError, match="has no skill of 'bicubic' at two doses; its methods: "):
        answer_of(report, "bicubic")
    with pytest.raises(BenchError, match="the sweep is of super_res at size tiny, and the"):
        with_answer(make_entry(), report, "nearest")
