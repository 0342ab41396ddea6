"""The pages: whole, linked, escaped, small, and the same for the same entries."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from vrs_bench.errors import BenchError
from vrs_bench.leaderboard.provenance import Provenance
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS, shown_in
from vrs_bench.site.boards import MOST
from vrs_bench.site.build import build_site
from vrs_bench.site.pages import LISTING, POLICY, Files, write_site
from vrs_bench.site.reference import python_reference

VOID = {"meta", "link", "img", "br", "hr", "input"}
BOARD = "boards/super_res-little"
HOSTILE = (
    "\"><script>alert(1)</script><img src=x onerror=alert(2)>'`${1}{{7*7}}</title>\u202egnp.exe"
)


class Page(HTMLParser):
    """Checks that elements are closed in order, and keeps them."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, names)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def pages(files: Files) -> Iterator[tuple[str, Page]]:
    for name, content in files.items():
        if name.endswith(".html"):
            yield name, Page(content)


def row_of(html: bytes, name: str) -> str:
    [row] = [row for row in html.decode().split("<tr") if f"<bdi>{name}</bdi>" in row]
    return row


def test_a_site_has_all_pages(site: Files) -> None:
    expected = {
        "index.html",
        "metrics.html",
        "documents/index.html",
        "documents/README.html",
        "documents/docs/contributing/metric.html",
        "documents/docs/gallery/scene.png",
        *(f"{BOARD}/{name}.html" for name in ("index", "metrics", "cost", "compare")),
        f"{BOARD}/scorecard-skill.html",
        "entries/super_res/little/good.html",
        "entries/super_res/little/boaster.html",
        "static/site.css",
        "static/site.js",
    }
    assert expected <= site.keys()
    assert b"sdk: static" in site["README.md"]  # a static Space of the Hub


def test_pages_are_well_formed_and_hold_what_readers_of_screens_need(site: Files) -> None:
    for name, page in pages(site):
        assert page.all("html") == [{"lang": "en"}], name
        assert len(page.all("title")) == 1 + len(page.all("circle"))
        assert len(page.all("main")) == 1
        assert len(page.all("h1")) >= 1, name
        assert all(head.get("scope") in ("col", "row") for head in page.all("th")), name
        assert all(image.get("alt") for image in page.all("img")), name
        drawings = page.all("svg")
        assert all(d.get("aria-label") or d.get("aria-hidden") == "true" for d in drawings), name
        ids = [of["id"] for _, of in page.elements if "id" in of]
        assert len(set(ids)) == len(ids), name


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(site: Files) -> None:
    for name, page in pages(site):
        [policy] = [m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
        assert policy["content"] == POLICY
        for tag, attributes in page.elements:
            assert not [key for key in attributes if key.startswith("on") or key == "style"], name
            assert tag not in ("iframe", "object", "embed", "base", "style")
            source = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            assert source is None or source == "data:," or not urlsplit(source).scheme, name
        for script in page.all("script"):
            assert "src" in script or script["type"] == "application/json"
    for name in ("static/site.css", "static/site.js"):
        text = site[name].decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r"https?:|//\w+\.|@import|url\(|innerHTML|eval\(|document\.write", text
        )


def test_every_link_leads_to_a_file_and_to_a_place_in_it(site: Files) -> None:
    parsed = dict(pages(site))
    count = 0
    for name, page in parsed.items():
        for tag, attributes in page.elements:
            target = attributes.get("href" if tag in ("a", "link") else "src")
            if not target or target == "data:,":
                continue
            parts = urlsplit(target)
            if parts.scheme:
                assert (tag, parts.scheme) in (("a", "https"), ("a", "http")), (name, target)
                assert attributes["rel"] == "noopener nofollow", (name, target)
                continue
            folder = posixpath.dirname(name)
            path = (
                posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
                if parts.path
                else name
            )
            assert path in site, (name, target)
            if parts.fragment:
                ids = {of.get("id") for _, of in parsed[path].elements}
                assert unquote(parts.fragment) in ids, (name, target)
            count += 1
    assert count > 300


def test_a_method_has_a_page_on_the_board_of_each_size(
    entries: list[Submission], tmp_path: Path
) -> None:
    larger = [
        entry.model_copy(update={"result": replace(entry.result, recipe="larger")})
        for entry in entries
    ]
    files = build_site([*entries, *larger], tmp_path)
    for size in ("little", "larger"):
        assert f"size {size}" in files[f"entries/super_res/{size}/good.html"].decode()


def test_the_same_entries_make_the_same_bytes(entries: list[Submission], site: Files) -> None:
    root, made = Path(__file__).parents[2], "documents/docs/reference/python.html"
    once, twice = build_site(entries, root), build_site(entries[::-1], root)
    assert once == twice
    assert python_reference() == python_reference()
    assert made in site
    assert made not in once


@pytest.mark.parametrize("claimed", [False, True])
def test_whatever_people_write_is_shown_as_text(
    make_entry: Any, claimed: bool, tmp_path: Path
) -> None:
    """Beyond what a file may hold: names are checked when entries are read, and escaped here."""
    about = {
        "name": f"{HOSTILE} {'long' * 75}",
        "authors": HOSTILE,
        "url": "javascript:alert(1)",
        "code": 'https://example.org/"onmouseover="alert(1)',
        "notes": HOSTILE * 10,
        "provenance": Provenance(inputs=("lr",)).model_copy(
            update={"training_data": HOSTILE, "predictions": "data:text/html,x", "licence": HOSTILE}
        ),
    }
    entries = [make_entry("Other", 0.1), make_entry("x", claimed=claimed, about=about)]
    entries.append(make_entry("y", 0.3, flags=[HOSTILE], warnings=[HOSTILE]))
    files = build_site(entries, tmp_path)
    shown = 0
    for name, page in pages(files):
        assert "alert(1)" not in [key for _, of in page.elements for key in of], name
        assert all("onerror" not in of and "onmouseover" not in of for _, of in page.elements), name
        scripts = page.all("script")
        assert [s["src"] for s in scripts if "src" in s] == [scripts[0]["src"]], name
        assert not [image for image in page.all("img") if image["src"] == "x"], name
        assert not [a for a in page.all("a") if str(a["href"]).startswith(("javascript", "data"))]
        assert b"<script>alert" not in files[name]
        shown += "<script>alert(1)</script>" in page.text
    assert shown >= (2 if claimed else 6)
    [path] = [name for name in files if name.startswith("entries/") and "script-alert" in name]
    assert b"<bdi>&#34;&gt;&lt;script&gt;" in files[path]  # what turns the direction stays inside


def test_a_full_board_has_small_pages(make_entry: Any, tmp_path: Path) -> None:
    names = [m.name for m in METRICS.values() if m.group != "original"]
    made = [
        make_entry(f"Method {n} {'with a long name ' * 4}"[:80], 0.02 * n, metrics=names, steps=30)
        for n in range(MOST + 2)
    ]
    files = build_site(made, tmp_path)
    sizes = {name: len(content) for name, content in files.items() if name.endswith(".html")}
    assert max(sizes.values()) < 300_000, max(sizes, key=lambda name: sizes[name])
    assert sum(map(len, files.values())) < 10_000_000
    assert len([n for n in files if "scorecard" in n]) == len(shown_in("parts"))


def test_claimed_entries_stand_apart(site: Files) -> None:
    html = site[f"{BOARD}/index.html"]
    ranked, claimed = html.decode().split('<table id="claimed"')
    assert "Boaster" in claimed
    assert "Boaster" not in ranked
    assert all(b"Boaster" not in site[f"{BOARD}/{n}.html"] for n in ("metrics", "cost", "compare"))
    assert "<strong>claimed</strong>" in site["entries/super_res/little/boaster.html"].decode()
    assert "flagged" in row_of(html, "Worse than the floor")
    assert "flagged" not in row_of(html, "Middling")


def test_rows_hold_what_they_are_sorted_and_filtered_by(site: Files) -> None:
    row = row_of(site[f"{BOARD}/index.html"], "Good")
    assert 'data-inputs="lr"' in row
    assert 'data-value="135052">135\u202f052' in row
    assert 'data-group="distortion" data-value="0.5"' in row
    page = Page(site[f"{BOARD}/index.html"])
    sorts = [head for head in page.all("th") if "data-sort" in head]
    assert {head["data-sort"] for head in sorts} == {"text", "number"}


def test_a_site_without_documents_says_nothing_of_them(entries: Any, tmp_path: Path) -> None:
    files = build_site(entries, tmp_path)
    assert not [name for name in files if name.startswith("documents/")]
    assert b"documents/" not in files["index.html"]


def test_boards_of_one_name_have_folders_of_their_own(make_entry: Any, tmp_path: Path) -> None:
    made = [make_entry("a"), make_entry("b", dataset_digest="e" * 64)]
    files = build_site(made, tmp_path)
    assert {f"{BOARD}-dddddddd/index.html", f"{BOARD}-eeeeeeee/index.html"} <= files.keys()
    assert f"{BOARD}-dddddddd/compare.html" not in files  # of one entry


def test_a_site_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write_site({"index.html": b"1", "boards/old.html": b"2"}, folder)
    (folder / "mine.txt").write_text("kept")
    write_site({"index.html": b"3"}, folder)
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert found == {"index.html", "mine.txt", LISTING}
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("x")
    with pytest.raises(BenchError, match="is not empty and holds no site"):
        write_site({"index.html": b"1"}, other)
    (folder / LISTING).write_text('["../other/thesis.txt", "index.html"]')
    write_site({"a.html": b"1"}, folder)
    assert (other / "thesis.txt").exists()


def test_no_page_is_written_outside_of_the_site(tmp_path: Path) -> None:
    for name in ("../outside.html", "a/../../outside.html", str(tmp_path / "outside.html")):
        with pytest.raises(BenchError, match="lies outside of the site"):
            write_site({"index.html": b"", name: b""}, tmp_path / "site")
        assert list(tmp_path.rglob("*.html")) == []
