"""The reader of .ts files, against the one of sktime."""

from pathlib import Path

import numpy as np
import pytest
import sktime
from sktime.datasets import load_from_tsfile

from vrs_bench.errors import BenchError
from vrs_bench.world.series.ts_file import read_ts

SHIPPED = Path(sktime.__file__).parent / "datasets" / "data"
ARCHIVES = ("BasicMotions", "ArrowHead", "ItalyPowerDemand", "UnitTest", "GunPoint", "Tecator")
HEADER = """# A comment with tags in it: @data
%another

@problemName By Hand
@timeStamps false
@missing false
@univariate {univariate}
@dimensions 999999999
@seriesLength 999999999
@classLabel true Yes No
"""
MULTIVARIATE = HEADER.format(univariate="false") + "@data\n"


def _same(path):
    """Read a file with both readers; values must be equal bit for bit."""
    values, labels = read_ts(path)
    expected, expected_labels = load_from_tsfile(str(path), return_data_type="numpy3d")
    assert values.dtype == np.float64
    assert values.shape == expected.shape
    assert values.tobytes() == np.ascontiguousarray(expected, np.float64).tobytes()
    assert labels.tolist() == expected_labels.tolist()
    return values


@pytest.mark.parametrize("part", ["TRAIN", "TEST"])
@pytest.mark.parametrize("name", ARCHIVES)
def test_shipped_archives_are_read_as_sktime_reads_them(name, part):
    _same(SHIPPED / name / f"{name}_{part}.ts")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blanks_line_ends_and_every_way_to_write_a_number(end, tmp_path):
    text = MULTIVARIATE + (
        "\n"
        "  1, 2.5 ,-3e-3:  +4E+5,.5,6.: YES  \n"
        "\t\n"
        "1e-320,-0.0,0.1:12345678901234567890,2,3.0000000000000004:no\n"
        "\n"
    )
    path = tmp_path / "hand.ts"
    path.write_bytes(text.replace("\n", end).encode())
    values = _same(path)
    assert values.shape == (2, 2, 3)
    assert np.signbit(values[1, 0, 1])
    assert read_ts(path)[1].tolist() == ["yes", "no"]


def test_one_dimension_and_one_value(tmp_path):
    path = tmp_path / "hand.ts"
    path.write_text(HEADER.format(univariate="true") + "@data\n7:yes\n8:no")
    assert _same(path).tolist() == [[[7]], [[8]]]


def test_numbers_as_targets_are_labels(tmp_path):
    path = tmp_path / "hand.ts"
    header = MULTIVARIATE.replace("@classLabel true Yes No", "@targetLabel true")
    path.write_text(header + "1,2:3,4:0.25\n")
    _same(path)
    assert read_ts(path)[1].tolist() == ["0.25"]


def test_comments_between_cases_and_a_byte_order_mark(tmp_path):
    """What sktime does not read, but the format has."""
    path = tmp_path / "hand.ts"
    path.write_text("\ufeff" + MULTIVARIATE + "1:2:yes\n# half\n% way\n3:4:no\n", encoding="utf-8")
    assert read_ts(path)[0].tolist() == [[[1], [2]], [[3], [4]]]


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ("1,?:3,4:yes", 12, "a missing value"),
        ("1,2:3,4:yes\n\n1,nan:3,4:no", 14, "missing or infinite"),
        ("1,2:3,inf:yes", 12, "missing or infinite"),
        ("1,1e999:3,4:yes", 12, "missing or infinite"),
        ("1,2:3:yes", 12, r"dimensions of \[1, 2\] values; all must be equally long"),
        ("1,2:3,4:yes\n1:2:no", 13, "different shape .*: 2 × 1 and 2 × 2"),
        ("1,2:3,4:yes\n1,2:no", 13, "different shape .*: 1 × 2 and 2 × 2"),
        ("1,2:3,4:yes\n# note\n1,2:3,four:no", 14, "'four'"),
        ("1,2,:3,4:yes", 12, "could not convert"),
        ("1,2::yes", 12, "could not convert"),
        ("1,2:3,4:", 12, "expected DIMENSION:…:LABEL"),
        ("1,2,3", 12, "expected DIMENSION:…:LABEL"),
        ("1,2:3,4:yes\n@data\n", 13, "expected DIMENSION"),
        ("(0,1),(1,2):yes", 12, "could not convert"),
    ],
)
def test_a_faulty_case_is_named_with_its_line(rows, line, message, tmp_path):
    path = tmp_path / "bad.ts"
    path.write_text(MULTIVARIATE + rows + "\n")
    with pytest.raises(BenchError, match=rf"bad\.ts, line {line}: .*{message}"):
        read_ts(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@timeStamps false", "@timeStamps TRUE", "line 5: series with time stamps are not read"),
        ("@classLabel true Yes No", "@classLabel false", "line 11: no '@classLabel true …'"),
        ("@classLabel true Yes No", "", "line 11: no '@classLabel true …'"),
        ("@data", "@date", "it has no line @data"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(old, new, message, tmp_path):
    path = tmp_path / "bad.ts"
    head, tags = MULTIVARIATE.split("@problemName")
    path.write_text(head + "@problemName" + tags.replace(old, new) + "1:2:yes\n")
    with pytest.raises(BenchError, match=rf"bad\.ts.*{message}"):
        read_ts(path)


def test_what_is_no_text_or_has_no_cases_is_refused(tmp_path):
    path = tmp_path / "bad.ts"
    path.write_bytes(MULTIVARIATE.encode() + b"1:2:yes\n3:4:\xff\n")
    with pytest.raises(BenchError, match=r"bad\.ts, line 13: not UTF-8"):
        read_ts(path)
    path.write_text(MULTIVARIATE)
    with pytest.raises(BenchError, match="no series after @data"):
        read_ts(path)
    with pytest.raises(BenchError, match="can't be read"):
        read_ts(tmp_path)
