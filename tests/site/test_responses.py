"""Response curves: what is drawn of a sweep's report, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.shifts.findings import Cell, Estimate, SweepReport, read_report
from vrs_bench.site.build import build_site
from vrs_bench.site.responses import read_reports

DOSES = (0.0, 0.004, 0.032)
SKILLS = ("skill", "skill_distortion", "skill_perceptual", "skill_downstream", "skill_consistency")


def cell(method: str, dose: float, mean: float, **fitted: float) -> Cell:
    scores = {name: Estimate(mean, mean - 0.1, mean + 0.2) for name in SKILLS}
    return Cell({"read_noise": dose}, method, fitted, scores, {})


def report(*cells: Cell, size: str = "little") -> SweepReport:
    knob = {"name": "read_noise", "default": 0.004, "turns": "all", "unit": "<b>"}
    return SweepReport("super_res", size, "0.1.0", 6, 0.95, [knob], {}, list(cells), [], [], [])


@pytest.fixture
def two() -> SweepReport:
    falling = [cell("<i>mine</i>", dose, 0.4 - 10 * dose) for dose in reversed(DOSES)]
    flat = [cell("bicubic", dose, 0.0) for dose in DOSES]
    refitted = cell("bicubic", 0.032, 0.9, read_noise=0.032)
    return report(*falling, *flat, refitted, *(cell("floor", dose, 0.9) for dose in DOSES))


def test_curves_are_drawn_by_method_and_dose_with_a_table(
    entries: list[Submission], two: SweepReport, tmp_path: Path
) -> None:
    files = build_site(entries, tmp_path, reports=[two])
    html = files["responses/super_res-little.html"].decode()
    assert "<i>mine" not in html
    assert "&lt;i&gt;mine&lt;/i&gt;" in html
    assert "<b>" not in html  # the unit is the package's own, whatever a report says

    assert html.count("<svg ") == len(SKILLS)
    drawing = html[html.index('id="read_noise-skill"') :]
    mine, bicubic = re.findall(r'<polyline points="([^"]*)"', drawing)[:2]
    points = [tuple(map(float, pair.split(","))) for pair in mine.split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)  # downwards
    # The doses are laid out evenly: 0.004 is an eighth of the way to 0.032.
    (first, _), (second, _), (last, _) = points
    assert (second - first) / (last - first) == pytest.approx(1 / 8, abs=0.01)
    assert len({pair.split(",")[1] for pair in bicubic.split()}) == 1
    band = re.findall(r'<polygon points="([^"]*)"', drawing)[0].split()
    above, below = (float(band[n].split(",")[1]) for n in (0, -1))
    assert above < points[0][1] < below
    assert points[0][1] - above == pytest.approx(2 * (below - points[0][1]), abs=0.3)

    rows = re.findall(r'<tr><th scope="row".*?</tr>', html, re.DOTALL)
    assert len(rows) == 6  # neither the floor nor what was fitted elsewhere
    assert "0.9" not in "".join(rows)


def test_boards_lead_to_the_curves_of_their_task_and_size(
    entries: list[Submission], two: SweepReport, tmp_path: Path
) -> None:
    files = build_site(entries, tmp_path, reports=[two])
    board = files["boards/super_res-little/index.html"].decode()
    assert "../../responses/super_res-little.html" in board
    other = build_site(entries, tmp_path, reports=[report(*two.cells, size="small")])
    tabs = other["boards/super_res-little/index.html"].decode().split('class="tabs"')[1]
    assert "responses/" not in tabs.split("</nav>")[0]
    assert "responses/" not in "".join(build_site(entries, tmp_path))


def test_a_report_is_read_as_it_was_written(two: SweepReport, tmp_path: Path) -> None:
    two.to_json(tmp_path / "sub" / "report-read_noise.json")
    assert read_reports(tmp_path) == [two]
    with pytest.raises(BenchError, match="no report-"):
        read_reports(tmp_path / "nothing")


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "task": (lambda data: data.update(task="superres"), "unknown task 'superres'"),
    "knob": (lambda data: data["knobs"][0].update(name="noise"), "unknown knob 'noise'"),
    "key": (lambda data: data.update(script="x"), "script: Unexpected keyword argument"),
    "size": (lambda data: data.update(size="/../../../outside"), "size: String should match"),
    "default": (lambda data: data["knobs"][0].pop("default"), "number as 'default'"),
    "default's type": (lambda data: data["knobs"][0].update(default="x"), "number as 'default'"),
    "turns": (lambda data: data["knobs"][0].pop("turns"), "text as 'turns'"),
    "doses": (lambda data: data["cells"][0].update(doses={}), "in each cell, got none"),
    "number": (lambda data: data["cells"][0]["doses"].update(read_noise="x"), "valid number"),
    "infinite": (lambda data: data.update(confidence=float("inf")), "finite number"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_reports_that_are_not_as_they_should_be_are_refused(
    fault: str, two: SweepReport, tmp_path: Path
) -> None:
    change, message = FAULTS[fault]
    path = tmp_path / "report-x.json"
    two.to_json(path)
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BenchError, match=message):
        read_report(path)


def test_a_report_that_is_too_large_is_not_read(two: SweepReport, tmp_path: Path) -> None:
    path = tmp_path / "report-x.json"
    path.write_text(" " * 4_000_001, encoding="utf-8")
    with pytest.raises(BenchError, match="which no report is"):
        read_report(path)
