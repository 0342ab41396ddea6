"""The table of realism: what counts as near, and that it can be printed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from real_figures import FIGURES, Figure

REALISM = Path(__file__).parents[2] / "benchmarks" / "realism.py"


@pytest.mark.parametrize(
    ("real", "near", "far"),
    [
        (0.3, (0.2001, 0.4499), (0.1999, 0.4501, -0.3)),
        (-3.0, (-2.001, -4.499), (-1.999, -4.501, 3.0)),
        ((2.0, 4.0), (1.334, 3.0, 5.999), (1.333, 6.001)),
    ],
)
def test_near_is_a_factor_of_the_real_figure(real, near, far):
    for values, verdict in ((near, "yes"), (far, "no")):
        for value in values:
            figure = Figure("", ("part",), (real,), (0,))
            assert figure.verdict(np.array([value])) == verdict


def test_a_verdict_names_the_parts_that_are_far():
    figure = Figure("", (1, 2, 3), (1.0, 1.0, 1.0), (0, 0, 0))
    assert figure.verdict(np.array([1.0, 2.0, 0.1])) == "not 2, 3"
    assert figure.verdict(np.array([1.0, np.nan, 1.1])) == "yes"
    assert figure.verdict(np.full(3, np.nan)) == "–"
    asked = Figure("", (1,), (0.7,), (0.99,), accepted=(0.75, 0.9))
    assert asked.verdict(np.array([0.7])) == "no; asked: 0.75 to 0.9"
    assert asked.verdict(np.array([0.8])) == "yes; asked: 0.75 to 0.9"


def test_every_figure_has_its_parts():
    for name, figure in FIGURES.items():
        assert len(figure.parts) == len(figure.real) == len(figure.first), name


def test_the_tables_are_printed_without_a_warning():
    words = [sys.executable, REALISM, "--size", "tiny", "--scenes", "2"]
    run = subprocess.run(words, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    rows = [line.split(" | ") for line in run.stdout.splitlines() if line.startswith("| ")]
    table = [row for row in rows if len(row) == 5][2:]
    assert len(table) == len(FIGURES)
    months = dict(zip(FIGURES["forest NDVI"].parts, table[0][3].split(" / "), strict=True))
    assert months.pop("Nov") == "–"  # the calendar of `tiny` has no date in it
    assert all(0 < float(value) < 1 for value in months.values())
    assert sum(float(share) for share in table[-3][3].split(" / ")) == pytest.approx(100, abs=0.2)
