"""Files by date: patterns of names, and one file with all dates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from vrs_bench.errors import BenchError
from vrs_bench.world.rasters.listing import Dated, dated_bands

DAYS = [date(2020, 1, 15), date(2020, 6, 30)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of files of several kinds."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "images/S2_20200630.tif",
        "images/S2_20200115.tif",
        "images/S2_2020011.tif",
        "images/S2_20200115.tif.aux.xml",
        "images/old/S2_20190115.tif",
        "[a]?/x_2020-182.tif",
        "2020/T33_20200115T1002_B.jp2",
        "2019/T33_20200115T1002_B.jp2",
        "twice/a_20200115.tif",
        "twice/b_20200115.tif",
        "never/S2_20201301.tif",
        "leap/S2_2021366.tif",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("images/S2_%Y%m%d.tif", ["images/S2_20200115.tif", "images/S2_20200630.tif"]),
        ("./images//S2_%Y%m%d.tif", ["images/S2_20200115.tif", "images/S2_20200630.tif"]),
        ("*/S2_%Y%m%d.tif", "never/S2_20201301.tif: names no date"),
        ("%Y/T33_%Y%m%dT*_B.jp2", ["2020/T33_20200115T1002_B.jp2"]),
        ("leap/S2_%Y%j.tif", "leap/S2_2021366.tif: names no date"),
        ("twice/*_%Y%m%d.tif", "twice/a_20200115.tif and twice/b_20200115.tif are both of 2020-01"),
        ("images/S3_%Y%m%d.tif", r"no file is named like images/S3_%Y%m%d.tif, seen from /"),
        ("images/S2_%Y.tif", "does not say where in the path the date stands; write it as"),
        ("images/S2.tif", "does not say where in the path the date stands"),
        ("images/S2_%Y%b%d.tif", "holds %b; of a date, %Y, %m, %d and %j are known"),
        ("images/\0", "holds a NUL character"),
    ],
)
def test_a_pattern_finds_the_files_that_are_named_so(pattern: str, found: list[str] | str) -> None:
    if isinstance(found, str):
        with pytest.raises(BenchError, match=found):
            dated_bands(pattern, (), 4, "world.series.optical")
        return
    assert [of.file for of in dated_bands(pattern, (), 4, "key")] == found
    assert [of.date for of in dated_bands(pattern, (), 4, "key")] == DAYS[: len(found)]


def test_signs_of_a_search_are_letters_in_a_name() -> None:
    [found] = dated_bands("[a]?/x_%Y-%j.tif", (), 2, "key")
    assert found == Dated(date(2020, 6, 30), "[a]?/x_2020-182.tif", 1)


def test_absolute_paths_are_searched_too(folder: Path) -> None:
    found = dated_bands(f"{folder}/images/S2_%Y%m%d.tif", (), 4, "key")
    assert [of.file for of in found] == [f"{folder}/images/S2_{d:%Y%m%d}.tif" for d in DAYS]


def test_one_file_holds_dates_one_after_the_other() -> None:
    found = dated_bands("stack.tif", DAYS, 4, "key")
    assert found == [Dated(DAYS[0], "stack.tif", 1), Dated(DAYS[1], "stack.tif", 5)]
    for wrong in (DAYS[::-1], [DAYS[0], DAYS[0]]):
        with pytest.raises(BenchError, match=r"key.dates: expected dates in order, each once"):
            dated_bands("stack.tif", wrong, 4, "key")
