"""Leaderboard pages: tables between markers, and nobody's name reaches beyond its cell."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Bound
from vrs_bench.leaderboard.markdown import board_table, escape, update_page
from vrs_bench.leaderboard.provenance import Provenance
from vrs_bench.leaderboard.ranking import Board, boards
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.description import definitions_table
from vrs_bench.tasks import TASKS

START, STOP = "<!-- leaderboard:super_res -->", "<!-- /leaderboard:super_res -->"
PAGE = f"""# Benchmark

Words  with trailing space \n
<!-- metrics -->
OLD DEFINITIONS
<!-- /metrics -->

Words in between

{START}
OLD TABLE
{STOP}

More words
"""


class Page(HTMLParser):
    """What a reader sees of a rendered page: cells, links, and every tag that there is."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.links: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self._link: str | None = None
        self._cell = False
        parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self.html = parser.render(markdown)
        self.feed(self.html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True
        elif tag == "a":
            self._link = str(dict(attributes)["href"])
            self.links.append((self._link, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1][-1] += data
        if self._link is not None:
            self.links[-1] = (self._link, self.links[-1][1] + data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def board_of(*entries: Any) -> list[Board]:
    return boards(entries)


# The table


def test_the_table_has_the_headline_with_its_interval_first(make_entry: Any) -> None:
    psnr = [30.0, 31.0, 32.5]
    scores = {"sam": [2.0, 3.0, 4.0], "ndvi_mae": [0.01, 0.02, 0.03], "psnr": psnr}
    about = {"url": "https://x.org/paper", "code": "https://x.org/code"}
    best = make_entry("U-Net", about=about, scores={**scores})
    rows = Page(board_table(board_of(best)[0])).rows
    # NDVI-MAE is not among the metrics that stand beside the headline.
    head = ["rank", "method", "PSNR (dB) ↑", "trivial 0 … truth 1", "SAM (°) ↓"]
    head += ["parameters", "hours", "date"]
    assert rows[0] == head
    assert rows[1] == [
        *("1", "U-Net", "31.17 [30.17, 32.17]"),  # the interval that conftest gives: mean ± 1
        *("–", "3", "–", "–", "2026-01-31"),
    ]
    made = {"provenance": Provenance(parameters=135_052, hours=0.0912)}
    told = make_entry("U-Net", about=made, scores={**scores})
    assert Page(board_table(board_of(told)[0])).rows[1][-3:-1] == ["135,052", "0.091"]
    placed = make_entry("U-Net", scores={**scores}, bounds={"psnr": Bound(25.0, 80.0)})
    between = f"{(sum(psnr) / 3 - 25) / 25:.3f}"
    assert Page(board_table(board_of(placed)[0])).rows[1][3] == between


def test_ranks_and_order_are_those_of_the_board(make_entry: Any) -> None:
    psnr = np.tile([30.0, 31.0, 32.5, 29.0, 30.5, 31.5], 2)
    entries = [
        make_entry("worse", psnr - np.tile([5.0, 5.1, 4.9, 5.0, 5.2, 4.8], 2)),
        make_entry("best", psnr),
        make_entry("as good", psnr - 0.01 + np.tile([0.3, -0.3], 6)),
    ]
    rows = Page(board_table(board_of(*entries)[0])).rows
    assert [row[:2] for row in rows[1:]] == [["1–2", "best"], ["1–2", "as good"], ["3", "worse"]]


def test_few_scenes_make_ranks_indicative(make_entry: Any) -> None:
    def table(scenes: int, entries: int) -> str:
        psnr = np.random.default_rng(0).normal(30, 1, size=(entries, scenes))
        return board_table(board_of(*(make_entry(f"m{i}", of) for i, of in enumerate(psnr)))[0])

    assert "indicative" not in table(30, 3)
    assert "Ranks are indicative: fewer than 30 scenes." in table(29, 3)
    assert "fewer than 30 scenes; 6 can't tell any two of 3 entries apart." in table(6, 3)
    assert "Ranks are indicative: fewer than 30 scenes." in table(6, 2)
    assert "Ranks are indicative: fewer than 30 scenes." in table(5, 1)


def test_a_score_that_an_entry_lacks_is_a_dash(make_entry: Any) -> None:
    with_sam = make_entry("with", [31.0, 32.0], scores={"cell_accuracy": [0.25, 0.75]})
    without = make_entry("without", [30.0, 31.0])
    rows = Page(board_table(board_of(with_sam, without)[0])).rows
    assert [row[4] for row in rows] == ["cell accuracy ↑", "0.5", "–"]
    worse = make_entry("worse, with", [10.0, 11.0], scores={"cell_accuracy": [0.25, 0.75]})
    rows = Page(board_table(board_of(worse, without)[0])).rows
    assert [row[4] for row in rows] == ["cell accuracy ↑", "–", "0.5"]


def test_a_flagged_entry_says_in_what_it_is_worse_than_the_floor(make_entry: Any) -> None:
    said = "RMSE 0.9 is worse than the floor's 0.1"
    entries = [
        make_entry("sharp", [40.0, 41.0], flags=[said]),
        make_entry("word", [42.0, 43.0], flags=[said], claimed=True),
        make_entry("honest", [30.0, 31.0]),
    ]
    page = Page(board_table(board_of(*entries)[0]))
    assert [row[1] for row in page.rows[1:]] == ["honest", f"sharp (flagged: {said})"]
    assert f"<li>word (<strong>flagged</strong>: {html.escape(said, quote=False)})" in page.html


def test_a_board_by_skill_does_not_place_skill_once_more(
    make_entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS, "super_res", replace(TASKS["super_res"], headline="skill"))
    entry = make_entry("ours", [30.0, 31.0], scores={"skill": [0.25, 0.35]})
    heads, row = Page(board_table(board_of(entry)[0])).rows
    assert heads[:3] == ["rank", "method", "skill ↑"]
    assert not any("trivial" in head for head in heads)
    assert row[2].startswith("0.3 ")


def test_a_method_links_to_its_paper_or_else_to_its_code(make_entry: Any) -> None:
    entries = [
        make_entry("paper", about={"url": "https://x.org/p?a=1&b=2", "code": "https://x.org/c"}),
        make_entry("code", about={"code": "https://x.org/c_d_e~f*g"}),
        make_entry("neither"),
    ]
    page = Page(board_table(board_of(*entries)[0]))
    assert sorted(page.links) == [
        ("https://x.org/c_d_e~f*g", "code"),
        ("https://x.org/p?a=1&b=2", "paper"),
    ]


def test_the_caption_says_what_was_scored(make_entry: Any) -> None:
    caption = Page(board_table(board_of(make_entry(recipe="toy"))[0])).html
    for words in ("toy", "split test", "3 scenes", "24 rows", "d" * 12):
        assert words in caption.replace("<code>", "").replace("</code>", "")


# Claimed entries


class Items(HTMLParser):
    """The text of every item of a list, and every tag that there is."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.items: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table"]).render(markdown))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "li":
            self.items.append("")

    def handle_data(self, data: str) -> None:
        if self.items:
            self.items[-1] += data


def test_claimed_entries_stand_below_the_table_with_a_word_why(make_entry: Any) -> None:
    entries = [
        make_entry("verified", (30.0, 31.0)),
        make_entry("better, they say", (40.0, 41.0), {"url": "https://x.org/p"}, claimed=True),
    ]
    [board] = board_of(*entries)
    text = board_table(board)
    assert [row[:2] for row in Page(text).rows[1:]] == [["1", "verified"]]
    table, words, claims = text.partition("Claimed by their authors and not scored again")
    assert words
    assert "they say" not in table
    assert Items(claims).items[0].strip() == "better, they say: PSNR 40.5, 2026-01-31"
    assert Page(claims).links == [("https://x.org/p", "better, they say")]
    assert "Claimed" not in board_table(board_of(entries[0])[0])


def test_a_board_of_claims_has_no_table_and_says_so(make_entry: Any) -> None:
    text = board_table(board_of(make_entry("a", claimed=True))[0])
    assert "No entry is verified yet." in text
    assert Page(text).rows == []
    assert "3 scenes" in text


# The page


def tables_of(page: str) -> str:
    assert page.count(START) == page.count(STOP) == 1
    return page.split(START)[1].split(STOP)[0]


def outside(page: str) -> str:
    """Return a page without what is between markers."""
    return re.sub(r"(<!-- ([\w:]+) -->).*?(<!-- /\2 -->)", r"\1\3", page, flags=re.DOTALL)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_the_rest_of_the_page_stays_byte_for_byte(
    end: str, make_entry: Any, tmp_path: Path
) -> None:
    path = tmp_path / "page.md"
    page = "\ufeff" + PAGE.replace("\n", end) + "no line end: é ✓ \t "
    path.write_bytes(page.encode())
    update_page(path, board_of(make_entry("Lanczos")))
    written = path.read_bytes().decode()
    assert outside(written) == outside(page)
    assert "Lanczos" in tables_of(written)
    assert "OLD" not in written
    assert [p.name for p in tmp_path.iterdir()] == ["page.md"]


def test_every_metric_of_the_table_is_defined(make_entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    scores = {"sam": [2.0, 3.0, 4.0], "mae": [0.1, 0.1, 0.1], "ndvi_mae": [0.1, 0.1, 0.1]}
    update_page(path, board_of(make_entry("Lanczos", scores=scores)))
    page = path.read_text(encoding="utf-8")
    head, *rows = Page(page.split("<!-- metrics -->")[1].split("<!-- /metrics -->")[0]).rows
    words = ["metric", "version", "group", "per", "unit", "better", "needs", "definition"]
    assert head == words
    assert {len(row) for row in rows} == {len(words)}
    assert [row[0].split()[-1] for row in rows] == list(METRICS)
    defined = {row[0].split()[-1]: row[4:] for row in rows}
    for metric, unit, better in (
        ("psnr", "dB", "higher"),
        ("sam", "°", "lower"),
        ("mae", "", "lower"),
        ("ndvi_mae", "", "lower"),
    ):
        assert defined[metric][:2] == [unit, better]
        assert len(defined[metric][3]) > 50


def test_the_definitions_on_the_page_of_this_repository_are_those_of_the_objects() -> None:
    page = (Path(__file__).parents[2] / "BENCHMARK.md").read_text(encoding="utf-8")
    written = page.split("<!-- metrics -->\n")[1].split("\n<!-- /metrics -->")[0]
    assert written == definitions_table(METRICS.values())  # else run: vrs-bench leaderboard


def test_a_second_update_changes_nothing(make_entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    found = boards([make_entry("a"), make_entry("b", task="cloud_removal")])
    for page in (PAGE, "", "# Only a title"):
        path.write_text(page, encoding="utf-8")
        update_page(path, found)
        once = path.read_bytes()
        update_page(path, found)
        assert path.read_bytes() == once


def test_new_entries_take_the_place_of_old_ones(make_entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    update_page(path, board_of(make_entry("Lanczos")))
    update_page(path, board_of(make_entry("Spline")))
    page = path.read_text(encoding="utf-8")
    assert "Spline" in page
    assert "Lanczos" not in page
    assert page.count(START) == page.count(STOP) == 1


def test_missing_markers_get_a_section_at_the_end(make_entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    update_page(path, boards([make_entry("a"), make_entry("b", task="cloud_removal")]))
    page = path.read_text(encoding="utf-8")
    new = "<!-- leaderboard:cloud_removal --><!-- /leaderboard:cloud_removal -->"
    assert outside(page) == f"{outside(PAGE)}\n## Cloud removal\n\n{new}\n"
    assert Page(tables_of(page)).rows[1][1] == "a"


def test_a_missing_page_is_made(make_entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "docs" / "page.md"
    update_page(path, board_of(make_entry("a")))
    page = path.read_text(encoding="utf-8")
    assert page.startswith(f"# Leaderboard\n\n## Super-resolution\n\n{START}\n")
    assert Page(tables_of(page)).rows[1][1] == "a"


def test_all_boards_of_a_task_stand_between_its_markers(make_entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    other = make_entry("on toy", recipe="toy", dataset_digest="e" * 64)
    update_page(path, boards([make_entry("on tiny"), other]))
    tables = tables_of(path.read_text(encoding="utf-8"))
    assert [row[1] for row in Page(tables).rows] == ["method", "on tiny", "method", "on toy"]


def test_a_task_without_entries_keeps_what_is_between_its_markers(
    make_entry: Any, tmp_path: Path
) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    update_page(path, boards([make_entry("b", task="cloud_removal")]))
    assert tables_of(path.read_text(encoding="utf-8")) == "\nOLD TABLE\n"


@pytest.mark.parametrize(
    "page",
    [
        f"# Title\n{START}\nwords that must stay\n",
        f"# Title\n{STOP}\nwords that must stay\n{START}\n",
        f"`{START}` marks the table.\n\nwords that must stay\n\n{START}\n{STOP}\n",
    ],
    ids=["no closing marker", "closing marker first", "two opening markers"],
)
def test_markers_that_do_not_match_are_an_error_and_the_page_stays(
    page: str, make_entry: Any, tmp_path: Path
) -> None:
    path = tmp_path / "page.md"
    path.write_text(page, encoding="utf-8")
    with pytest.raises(BenchError, match=r"page\.md: .*leaderboard:super_res"):
        update_page(path, board_of(make_entry("a")))
    assert path.read_text(encoding="utf-8") == page
    assert [p.name for p in tmp_path.iterdir()] == ["page.md"]


def test_one_faulty_task_leaves_the_whole_page_as_it_was(make_entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    page = f"{PAGE}<!-- leaderboard:cloud_removal -->\n"
    path.write_text(page, encoding="utf-8")
    with pytest.raises(BenchError, match="'<!-- leaderboard:cloud_removal -->' is not followed"):
        update_page(path, boards([make_entry("a"), make_entry("b", task="cloud_removal")]))
    assert path.read_text(encoding="utf-8") == page


# Hostile names

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></tr></table><h1>First",
    "a | b | c |",
    "a \\| b",
    "a \\",
    "[click](javascript:alert(1))",
    "![x](https://evil.org/pixel.png)",
    "](https://evil.org) [x",
    "<https://evil.org>",
    "`code` ``more`` `",
    "**bold** _em_ ~~gone~~",
    "# Heading",
    "--- | ---",
    "- item",
    "1. item",
    "&lt;b&gt; &amp; &#106;&#x6a;",
    "-->",
    f"{STOP} free text",
    f"{START}",
    'O\'Brien & "Sons"',
    "$\\href{javascript:alert(1)}{x}$",
    "[^1]",
    "{{ 7 * 7 }} {% raw %}",
    "x" * 80,
]


def check_that_nothing_breaks_out(folder: Path, entry: Submission, plain: Submission) -> Page:
    """Check that a page has the very structure that it has with a plain entry."""
    pages = []
    for file, one in (("hostile.md", entry), ("plain.md", plain)):
        update_page(folder / file, board_of(one))
        text = (folder / file).read_bytes()
        update_page(folder / file, board_of(one))
        assert (folder / file).read_bytes() == text
        pages.append(Page(text.decode()))
    page, expected = pages
    assert [row[1] for row in expected.rows[:2]] == ["method", plain.name]
    assert page.tags == expected.tags
    assert page.comments == expected.comments
    shown = " ".join(entry.name.split())
    for row, expected_row in zip(page.rows, expected.rows, strict=True):
        assert row == [shown if cell == plain.name else cell for cell in expected_row]
    return page


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("link", ["", "https://x.org/"])
def test_a_hostile_name_is_shown_as_it_stands(
    name: str, link: str, make_entry: Any, tmp_path: Path
) -> None:
    entry = make_entry(f"m {name}"[:80], about={"url": link})
    plain = make_entry("Lanczos", about={"url": link})
    page = check_that_nothing_breaks_out(tmp_path, entry, plain)
    assert page.links == ([(link, " ".join(entry.name.split()))] if link else [])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_of_a_claim_stays_in_its_line(name: str, make_entry: Any) -> None:
    hostile, plain = (
        Items(board_table(board_of(make_entry(f"m {text}"[:80], claimed=True))[0]))
        for text in (name, "plain")
    )
    assert hostile.tags == plain.tags
    [item] = hostile.items
    shown = " ".join(f"m {name}"[:80].split())
    assert item.strip() == f"{shown}: PSNR 31.17, 2026-01-31"


MARKUP = st.text(st.sampled_from(list("\\`*_{}[]()#+-.!|~<>&;:'\"/$^=@% \u00a0ab1é")), max_size=30)


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(MARKUP)
@example("\\|")
@example("\\\\|")
@example("&#124;")
def test_escaped_text_is_shown_as_it_stands(text: str) -> None:
    page = Page(f"| h |\n| --- |\n| x{escape(text)}x |\n| [x{escape(text)}x](https://x.org) |\n")
    shown = f"x{' '.join(text.split())}x"  # on one line, without spaces at its ends
    assert page.rows == [["h"], [shown], [shown]]
    assert set(page.tags) == {"table", "thead", "tbody", "tr", "th", "td", "a"}
    assert page.links == [("https://x.org", shown)]


LINKS = [
    "https://x.org/a*b*c_d_e~~f~~",
    "https://x.org/?a=&lt;b&gt;&quot;",
    "https://x.org/{{7*7}}#frag!ment$x$",
    "https://x.org/%22onclick=%22alert%281%29",
    "https://x.org/é/方",
]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_is_accepted_stays_a_link(link: str, make_entry: Any, tmp_path: Path) -> None:
    entry = make_entry("Lanczos", about={"url": link})
    plain = make_entry("Lanczos", about={"url": "https://x.org"})
    page = check_that_nothing_breaks_out(tmp_path, entry, plain)
    [(target, text)] = page.links
    assert text == "Lanczos"
    assert target.startswith("https://x.org/")


@pytest.mark.parametrize("field", ["recipe", "split", "package"])
@pytest.mark.parametrize(
    "text", ["x` <script>alert(1)</script> `x", f"x`\n\n{STOP}\n\n# Free\n\n`"]
)
def test_no_other_text_of_a_result_breaks_out(
    field: str, text: str, make_entry: Any, tmp_path: Path
) -> None:
    try:
        entry = make_entry("Lanczos", **{field: text})
    except BenchError:
        return  # better still
    check_that_nothing_breaks_out(tmp_path, entry, make_entry("Lanczos"))


def test_notes_and_authors_do_not_reach_the_page(make_entry: Any, tmp_path: Path) -> None:
    about = {"notes": f"{STOP}\n<script>alert(1)</script>\n| a | b |", "authors": "<b>Ada</b>"}
    entry = make_entry("Lanczos", about=about)
    plain = make_entry("Lanczos")
    check_that_nothing_breaks_out(tmp_path, entry, plain)
    assert (tmp_path / "hostile.md").read_bytes() == (tmp_path / "plain.md").read_bytes()
