"""Submissions: what is written is what is read, and nobody's file is trusted."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import evaluate
from vrs_bench.leaderboard.files import (
    check_entry,
    read_submission,
    read_submissions,
    write_submission,
)
from vrs_bench.leaderboard.provenance import NOISE_TOLERANCE
from vrs_bench.leaderboard.submission import About, check_result, make_submission
from vrs_bench.leaderboard.texts import slug
from vrs_bench.references import HERE


def files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


# Round trip


def test_an_evaluated_submission_is_read_as_it_was_written(little: Path, tmp_path: Path) -> None:
    scenes = DatasetFolder(little).scenes("super_res", "test", ["hr"])
    predictions = np.clip(np.concatenate([s["hr"] for s in scenes]) / 1e4 + 0.01, 0, 1)
    result = evaluate(predictions, "super_res", little, groups=["distortion"])
    about = {"authors": "Ada, Grace", "url": "https://x.org/a?b=c#d", "code": "http://x.org"}
    entry = make_submission(result, "A plain shift", notes="Line one\nline two", **about)
    path = write_submission(entry, tmp_path)
    assert files_in(tmp_path) == ["super_res/little/a-plain-shift.json"]
    assert path == tmp_path / "super_res" / "little" / "a-plain-shift.json"
    assert read_submission(path) == entry
    assert read_submissions(tmp_path) == [entry]


def test_the_file_says_who_what_and_how(make_entry: Any, tmp_path: Path) -> None:
    about = {"authors": "Ada", "notes": "Five seeds."}
    entry = make_entry("U-Net", (30.0, 31.0), about, claimed=True)
    data = json.loads(write_submission(entry, tmp_path).read_text(encoding="utf-8"))
    result = data.pop("result")
    assert data == {
        "format": 3,
        "name": "U-Net",
        "authors": "Ada",
        "url": "",
        "code": "",
        "notes": "Five seeds.",
        "date": "2026-01-31",
        "provenance": {
            "parameters": None,
            "training_data": "",
            "inputs": [],
            "seeds": [],
            "hours": None,
            "hardware": "",
            "licence": "",
            "predictions": "",
        },
        "verification": None,
        "robustness": [],
    }
    psnr = result["scores"]["psnr"]
    assert (psnr["mean"], psnr["unit"], psnr["higher_is_better"]) == (30.5, "dB", True)
    assert psnr["per_scene"] == {"900000": 30.0, "900001": 31.0}
    assert result["dataset_digest"] == "d" * 64


def test_a_submission_is_dated_today(make_entry: Any) -> None:
    before = datetime.datetime.now(datetime.UTC).date()
    date = make_submission(make_entry().result, "x").date
    assert before <= date <= datetime.datetime.now(datetime.UTC).date()


# Slugs


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("U-Net", "u-net"),
        ("  Bicubic ×4 (ours)  ", "bicubic-4-ours"),
        ("Ünïcödé", "unicode"),
        ("ﬁne²", "fine2"),
        ("A__B--C", "a-b-c"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\windows\\system32", "c-windows-system32"),
        ("..", None),
        ("/", None),
        ("方法", None),
        ("🛰️", None),
        ("a" * 79 + " b", "a" * 79),
    ],
)
def test_slugs_are_lower_case_words_joined_by_hyphens(name: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(BenchError, match="name: expected at least one letter or digit"):
            slug(name)
    else:
        assert slug(name) == expected


@settings(derandomize=True, database=None, deadline=None)
@given(st.text(max_size=120))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    try:
        found = slug(name)
    except BenchError:
        return
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found)
    assert len(found) <= 80


# What a person may say


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("name", "two\nlines"),
        ("name", "bell\x07"),
        ("name", "colour\x1b[31m"),
        ("name", "c1 colour\x9b31m"),
        ("name", "moc.evil \u202ereversed"),
        ("name", "line\u2028separator"),
        ("name", "Bi\u200bcubic"),  # zero-width space
        ("name", "Bicubic\u2060"),  # word joiner
        ("name", "Bicubic\ufeff"),
        ("name", "Bi\u00adcubic"),  # soft hyphen
        ("name", "Bicubic\ufe0f"),  # variation selector
        ("name", "Bicubic\u3164"),  # Hangul filler: a letter that is not drawn
        ("name", "\u0412icubic"),  # Cyrillic В
        ("name", "Bicubi\u0441"),  # Cyrillic с
        ("name", "U-N\u0435t"),
        ("name", "U-Net \u03bf"),  # Greek omicron
        ("name", "B\u0131cubic"),  # Latin dotless i
        ("name", "B\u0251sis"),  # Latin alpha
        ("name", "B\u212est"),  # estimated symbol
        ("name", "\u13a2cubic"),  # Cherokee
        ("name", "\u65b9\u6cd5 a"),
        ("authors", "A\u200bda"),
        ("authors", "Ada \u2066x"),
        ("notes", "turned \u202e round"),
        ("notes", "see https://ada:secret@x.org/"),
        ("authors", "x" * 201),
        ("authors", "tab\tcharacter"),
        ("authors", "nul\x00"),
        ("notes", "x" * 2001),
        ("notes", "clear\x1b[2Jscreen"),
        *(
            (field, link)
            for field in ("url", "code")
            for link in (
                "javascript:alert(1)",
                "JavaScript:alert(1)",
                "data:text/html,<script>alert(1)</script>",
                "file:///etc/passwd",
                "//x.org",
                "x.org",
                "https://",
                "https://x.org/a b",
                "https://x.org/\n",
                "https://x.org/\x01",
                'https://x.org/"onclick="alert(1)',
                "https://x.org/'a",
                "https://x.org/<b>",
                "https://x.org/`a`",
                "https://x.org/) [y](javascript:alert(1)",
                "https://x.org/a|b",
                "https://x.org/a\\",
                "https://x.org/" + "x" * 500,
                "https://ada:secret@x.org/",
                "https://ada@x.org/",
                "https://x.org:secret@evil.org/",
                "https://x.org/\u202egro.live",
                "https://x.org/\u200b",
                "https://x.org/a\u2069b",
                "https://\u0445.org/",  # Cyrillic х
            )
        ),
    ],
)
def test_what_could_harm_a_page_or_a_terminal_is_refused(
    field: str, text: str, make_entry: Any
) -> None:
    about = {"name": "ok", field: text}
    with pytest.raises(BenchError, match=f"(?m)^the submission is not valid:\n{field}: "):
        make_submission(make_entry().result, **about)


@pytest.mark.parametrize(
    "name", ["U-Net ×4 (ours)", "Ünïcödé", "ESRGAN²", "A “quoted” method – one", "a|b·c ±1°", "ﬁne"]
)
def test_names_of_latin_letters_and_common_signs_are_kept(name: str, make_entry: Any) -> None:
    assert make_submission(make_entry().result, name).name == name


def test_a_foreign_letter_is_named(make_entry: Any) -> None:
    with pytest.raises(BenchError, match=r"name: 'В' \(CYRILLIC CAPITAL LETTER VE\) can be taken"):
        make_submission(make_entry().result, "\u0412icubic")


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(st.text(min_size=1, max_size=12))
@example("\u0412icubic")
@example("B\u212est")
def test_every_letter_of_an_accepted_name_is_in_its_file_name(name: str) -> None:
    try:
        About.model_validate({"name": name})
        found = slug(name)
    except ValueError:
        return
    plain = unicodedata.normalize("NFKD", name)
    assert sum(sign.isalnum() for sign in plain) == len(found.replace("-", ""))
    drawn = [sign for sign in plain if not sign.isascii() and not unicodedata.combining(sign)]
    assert set(drawn) <= set("×·–—‘’“”±°→")


def test_all_that_is_wrong_is_said_at_once(make_entry: Any) -> None:
    with pytest.raises(BenchError, match=r"(?s)name: .*url: .*code: "):
        make_submission(make_entry().result, "", url="x.org", code="y.org")


def test_a_misspelt_field_is_an_error(make_entry: Any) -> None:
    with pytest.raises(BenchError, match="author: "):
        make_submission(make_entry().result, "ok", author="Ada")


def test_a_name_without_a_file_name_is_refused_before_anything_is_written(make_entry: Any) -> None:
    with pytest.raises(BenchError, match="name: expected at least one letter or digit"):
        make_submission(make_entry().result, "!!!")


# Writing


def test_an_entry_is_replaced_only_on_request(make_entry: Any, tmp_path: Path) -> None:
    first, second = make_entry("Same name", (30.0,)), make_entry("Same, name!", (31.0,))
    path = write_submission(first, tmp_path)
    before = path.read_bytes()
    with pytest.raises(BenchError, match=r"same-name\.json: there is an entry .* --replace it"):
        write_submission(second, tmp_path)
    assert path.read_bytes() == before
    assert files_in(tmp_path) == ["super_res/little/same-name.json"]
    assert write_submission(second, tmp_path, replace=True) == path
    assert read_submission(path) == second
    assert files_in(tmp_path) == ["super_res/little/same-name.json"]


@pytest.mark.parametrize("name", ["Bicúbic", "Bicubïc"])
def test_a_name_that_only_looks_like_another_does_not_replace_it(
    name: str, make_entry: Any, tmp_path: Path
) -> None:
    path = write_submission(make_entry("Bicubic"), tmp_path)
    before = path.read_bytes()
    with pytest.raises(BenchError, match=rf"is of 'Bicubic', which '{name}' only looks like"):
        write_submission(make_entry(name), tmp_path, replace=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["B1cubic", "BICUBLC", "blcublc"])
def test_a_file_name_that_looks_like_another_is_refused(
    name: str, make_entry: Any, tmp_path: Path
) -> None:
    write_submission(make_entry("Bicubic"), tmp_path)
    with pytest.raises(BenchError, match=r"looks like bicubic\.json; choose another name"):
        write_submission(make_entry(name), tmp_path)
    write_submission(make_entry(name, task="cloud_removal"), tmp_path)  # another board
    write_submission(make_entry("Tricubic"), tmp_path)


def test_entries_that_look_alike_are_not_read(make_entry: Any, tmp_path: Path) -> None:
    first = write_submission(make_entry("Learned 10"), tmp_path)
    other = write_submission(make_entry("Leamed l0"), tmp_path / "elsewhere")
    other.rename(first.with_name(other.name))
    with pytest.raises(BenchError, match=r"learned-10\.json: looks like leamed-l0\.json"):
        read_submissions(tmp_path)


@pytest.mark.parametrize("content", ['{"format": 1, "name": "Bicubic"}', "{}", "", "[]"])
def test_an_old_or_broken_entry_may_be_replaced(
    content: str, make_entry: Any, tmp_path: Path
) -> None:
    path = write_submission(make_entry("Bicubic"), tmp_path)
    path.write_text(content, encoding="utf-8")
    assert read_submission(write_submission(make_entry("Bicubic"), tmp_path, replace=True))


def test_an_unknown_task_writes_nothing(make_entry: Any, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"unknown task '\.\./super_res'"):
        write_submission(make_entry(task="../super_res"), tmp_path / "entries")
    assert files_in(tmp_path) == []
    assert not (tmp_path / "entries").exists()


# Reading what anybody may have written


def set_at(*path: str, to: object) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = to

    return change


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


PSNR = ("result", "scores", "psnr")
FAULTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no name": (lambda data: data.pop("name"), "name: Field required"),
    "no result": (lambda data: data.pop("result"), "result: Field required"),
    "unknown key": (set_at("script", to="x"), "script: Extra inputs are not permitted"),
    "format": (set_at("format", to=1), "format: Input should be 3"),
    "number for text": (set_at("notes", to=3), "notes: Input should be a valid string"),
    "no date": (set_at("date", to="yesterday"), "date: Input should be a valid date"),
    "a date to come": (set_at("date", to="9999-12-31"), "9999-12-31 lies in the future"),
    "a stamp to come": (
        set_at("verification", "date", to="9999-12-31"),
        "9999-12-31 lies in the future",
    ),
    "an interval the wrong way round": (
        lambda data: data["result"]["scores"]["psnr"].update(ci_low=33.0, ci_high=30.0),
        "psnr: its interval is the wrong way round, 33 to 30",
    ),
    "no digest of the predictions": (
        set_at("result", "predictions_sha256", to="0" * 64),
        "predictions_sha256: is that of nothing",
    ),
    "no digest of the data": (
        set_at("result", "dataset_digest", to=hashlib.sha256(b"").hexdigest()),
        "dataset_digest: is that of nothing",
    ),
    "no digest of the recipe": (
        set_at("result", "recipe_digest", to="0" * 64),
        "recipe_digest: is that of nothing",
    ),
    "rows that scenes can't have": (
        set_at("result", "n_rows", to=25),
        "n_rows: 25 is no multiple of 3 scenes",
    ),
    "a bound of no score": (
        set_at("result", "bounds", to={"rmse": {"floor": 1.0, "ceiling": 0.0}}),
        "bounds: there is no score 'rmse' for a bound",
    ),
    "an input of another task": (
        set_at("provenance", "inputs", to=["lr", "sar"]),
        "super_res has no input 'sar'",
    ),
    "negative hours": (set_at("provenance", "hours", to=-1.0), "provenance.hours: Input should"),
    "negative parameters": (set_at("provenance", "parameters", to=-1), "provenance.parameters: "),
    "an unknown word of provenance": (set_at("provenance", "gpu", to="x"), "provenance.gpu: Extra"),
    "a stamp that tolerates": (
        set_at("verification", "largest_deviation", to=0.1),
        f"largest_deviation: Input should be less than or equal to {NOISE_TOLERANCE:g}",
    ),
    "control character": (set_at("name", to="a\x1bb"), "name: "),
    "script link": (set_at("url", to="javascript:alert(1)"), "url: "),
    "deep nesting": (set_at("notes", to=nested(900)), "Invalid JSON: recursion limit exceeded"),
    "nan": (set_at(*PSNR, "mean", to=float("nan")), "psnr.mean: Input should be a finite number"),
    "other mean": (set_at(*PSNR, "mean", to=99.0), "psnr: the mean is 99, that of the scenes"),
    "unknown task": (set_at("result", "task", to="sharpen"), "unknown task 'sharpen'"),
    "no headline": (lambda data: data["result"]["scores"].pop("psnr"), "has no score 'psnr'"),
    "unknown metric": (
        lambda data: data["result"]["scores"].update(
            sma={**data["result"]["scores"]["sam"], "metric": "sma"}
        ),
        "unknown metric 'sma'; did you mean 'sam'?",
    ),
    "other unit": (set_at(*PSNR, "unit", to="%"), "'psnr' has another unit or direction"),
    "other direction": (set_at(*PSNR, "higher_is_better", to=False), "'psnr' has another"),
    "other definition": (
        set_at(*PSNR, "version", to="0"),
        "'psnr' is by definition '0'; entries are ranked by definition '1'",
    ),
    "no letters": (set_at("name", to="!!!"), "name: expected at least one letter or digit"),
    "other name": (
        set_at("name", to="Lanczos"),
        "this entry belongs in super_res/little/lanczos.json",
    ),
    "other task": (
        set_at("result", "task", to="cloud_removal"),
        "this entry belongs in cloud_removal/little/bicubic.json",
    ),
}


@pytest.fixture
def entry_file(make_entry: Any, tmp_path: Path) -> Path:
    return write_submission(make_entry(scores={"sam": (2.0, 3.0, 4.0)}), tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
def test_entries_that_are_not_as_they_should_be_are_refused(fault: str, entry_file: Path) -> None:
    change, message = FAULTS[fault]
    data = json.loads(entry_file.read_text(encoding="utf-8"))
    change(data)
    entry_file.write_text(json.dumps(data))
    with pytest.raises(BenchError) as caught:
        read_submissions(entry_file.parents[2])
    assert str(caught.value).startswith(f"{entry_file}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        ('"authors": ""', '"authors": "Ada", "authors": ""'),
        ('"mean": 31', '"mean": 90, "mean": 31'),
        ('"900000": 30.0', '"900000": 30.0, "0900000": 30.0'),
        ('"900000": 30.0', '"900000": 30.0, "900000.0": 30.0'),
        ('"name": "Bicubic"', '"name": "U-Net", "name": "Bicubic"'),
    ],
)
def test_a_key_that_stands_twice_is_refused(once: str, twice: str, entry_file: Path) -> None:
    """One reader takes the first, another the last."""
    text = entry_file.read_text(encoding="utf-8")
    assert text.count(once) == 1
    entry_file.write_text(text.replace(once, twice), encoding="utf-8")
    with pytest.raises(BenchError, match=r"bicubic\.json: not a submission:\n  the key '.* twice"):
        read_submission(entry_file)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", "\x00", "[" * 100_000, '{"a":' * 100_000, '{"name": "x"}'],
    ids=lambda text: f"{text[:12]!r}-{len(text)}",
)
def test_other_files_are_refused(text: str, entry_file: Path) -> None:
    entry_file.write_text(text)
    with pytest.raises(BenchError, match="not a submission"):
        read_submission(entry_file)


def test_bytes_that_are_no_text_are_refused(entry_file: Path) -> None:
    entry_file.write_bytes(b"\xff\xfe\x80" * 9)
    with pytest.raises(BenchError, match="not a submission"):
        read_submission(entry_file)


def test_a_file_that_is_too_large_is_refused_unread(entry_file: Path) -> None:
    data = entry_file.read_text(encoding="utf-8")
    entry_file.write_text(data + " " * 4_000_000)  # JSON that would otherwise be all right
    with pytest.raises(BenchError, match="larger than 4000000 bytes, which no entry is"):
        read_submission(entry_file)


def test_a_folder_or_a_broken_link_of_that_name_is_refused(
    entry_file: Path, tmp_path: Path
) -> None:
    entry_file.with_name("folder.json").mkdir()
    entry_file.with_name("link.json").symlink_to(tmp_path / "nowhere.json")
    with pytest.raises(BenchError, match=r"(?s)folder\.json: .*link\.json: "):
        read_submissions(tmp_path)


def test_an_entry_in_another_place_is_refused(entry_file: Path, tmp_path: Path) -> None:
    for place in (
        "super_res/little/other.json",
        "super_res/small/bicubic.json",
        "cloud_removal/little/bicubic.json",
        "hidden/little/bicubic.json",
        "bicubic.json",
    ):
        copy = tmp_path / place
        copy.parent.mkdir(exist_ok=True, parents=True)
        copy.write_bytes(entry_file.read_bytes())
        with pytest.raises(
            BenchError, match=r"this entry belongs in super_res/little/bicubic\.json"
        ):
            read_submission(copy)


def test_an_entry_beside_the_folders_of_sizes_is_not_overlooked(
    entry_file: Path, tmp_path: Path
) -> None:
    stray = entry_file.rename(entry_file.parents[1] / entry_file.name)
    with pytest.raises(BenchError, match=r"bicubic\.json: entries lie one folder deeper"):
        read_submissions(tmp_path)
    assert stray.is_file()


def test_all_faulty_entries_are_listed_at_once(make_entry: Any, tmp_path: Path) -> None:
    good, empty, moved, wrong = (
        write_submission(make_entry(name), tmp_path) for name in ("a", "b", "c", "d")
    )
    empty.write_text("")
    moved.rename(moved.with_name("z.json"))
    wrong.write_text(wrong.read_text(encoding="utf-8").replace('"dB"', '"m"'))
    with pytest.raises(BenchError) as caught:
        read_submissions(tmp_path)
    text = str(caught.value)
    assert [line for line in text.splitlines() if str(good) in line] == []
    for path, message in (
        (empty, "not a submission"),
        (moved.with_name("z.json"), "this entry belongs in super_res/little/c.json"),
        (wrong, "'psnr' has another unit"),
    ):
        assert f"{path}: " in text
        assert message in text


def test_entries_come_in_the_order_of_their_paths_and_other_files_are_left_alone(
    make_entry: Any, tmp_path: Path
) -> None:
    for name, task in (("b", "super_res"), ("a", "super_res"), ("c", "cloud_removal")):
        write_submission(make_entry(name, task=task), tmp_path)
    (tmp_path / "README.md").write_text("# Submissions")
    (tmp_path / "super_res" / "little" / ".a.json.123.partial").write_text("{")
    entries = read_submissions(tmp_path)
    assert [(entry.result.task, entry.name) for entry in entries] == [
        ("cloud_removal", "c"),
        ("super_res", "a"),
        ("super_res", "b"),
    ]


def test_no_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"nowhere: no folder .* with: vrs-bench submit"):
        read_submissions(tmp_path / "nowhere")


def test_what_is_known_beforehand_is_checked_before_scoring(
    make_entry: Any, tmp_path: Path
) -> None:
    check_entry("super_res", "little", "Lanczos", tmp_path, url="https://x.org")
    write_submission(make_entry("Lanczos"), tmp_path)
    with pytest.raises(BenchError, match=r"lanczos\.json: there is an entry of that name"):
        check_entry("super_res", "little", "Lanczos", tmp_path)
    check_entry("super_res", "little", "Lanczos", tmp_path, replace=True)
    with pytest.raises(BenchError, match="url: expected a link such as https://"):
        check_entry("super_res", "little", "New", tmp_path, url="example.org")
    with pytest.raises(BenchError, match="unknown task 'superres'; did you mean 'super_res'"):
        check_entry("superres", "little", "New", tmp_path)


def test_only_scores_by_the_packaged_references_are_ranked(make_entry: Any, tmp_path: Path) -> None:
    ours = hashlib.sha256((HERE / "readers-tiny.npz").read_bytes()).hexdigest()
    path = write_submission(make_entry(references={"readers": ours}), tmp_path)
    assert read_submission(path).result.references == {"readers": ours}
    other = make_entry(references={"readers": ours, "encoder": "e" * 64})
    path = write_submission(other, tmp_path, replace=True)
    with pytest.raises(BenchError, match="its encoder is not the packaged one"):
        read_submission(path)


def test_results_by_other_definitions_are_not_ranked(make_entry: Any) -> None:
    with pytest.raises(BenchError, match="profile 'original'"):
        make_submission(make_entry(profile="original").result, "x")


@pytest.mark.parametrize("psnr", [(30.0, 90.0, 31.0), (-1.0, 30.0, 31.0)])
def test_scores_beyond_what_a_metric_can_be_are_refused(
    make_entry: Any, tmp_path: Path, psnr: tuple[float, ...]
) -> None:
    path = write_submission(make_entry(psnr=psnr), tmp_path)
    with pytest.raises(BenchError, match=r"'psnr' is .* it lies between 0 and 80"):
        read_submission(path)


def test_skill_may_be_worse_on_a_scene_than_it_can_be_on_the_split(
    make_entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: a method of cloud removal had -1.8 downstream on one scene of small."""
    # What it is made of is looked at elsewhere.
    monkeypatch.setattr("vrs_bench.leaderboard.submission.data_faults", lambda result: [])
    check_result("here", make_entry(scores={"skill": (-1.9, 0.4, 0.6)}).result)
    for skill in ((1.2, 0.4, 0.6), (-1.9, -1.2, -1.4)):
        with pytest.raises(BenchError, match=r"here: 'skill' is .* it lies between "):
            check_result("here", make_entry(scores={"skill": skill}).result)


def test_a_metric_that_has_values_by_scene_must_state_them(make_entry: Any, tmp_path: Path) -> None:
    path = write_submission(make_entry(), tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["result"]["scores"]["psnr"]["per_scene"] = {}
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BenchError, match="'psnr' has no values by scene"):
        read_submission(path)


def test_an_entry_of_a_private_split_holds_means_only(make_entry: Any, tmp_path: Path) -> None:
    result = replace(make_entry().result, split="private")
    entry = make_submission(result, "Held back")
    assert entry.result.scores["psnr"].per_scene == {}
    assert entry.result.scores["psnr"].mean == result.scores["psnr"].mean
    assert read_submission(write_submission(entry, tmp_path)) == entry
    told = entry.model_copy(update={"result": result})
    with pytest.raises(BenchError, match="holds more of a private split than means"):
        read_submission(write_submission(told, tmp_path, replace=True))
