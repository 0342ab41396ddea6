"""The script of the pages in a real Chromium, from disk and from a server: `make site-check`.

Not among the tests that pytest finds by itself: those need no browser. A page is copied, with one
more script that clicks and says what it sees; the page's own policy holds, so that script is a file
of the site too.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from vrs_bench.site.pages import Files, write_site

BOARD = "boards/super_res-little"
_TELL = """
window.addEventListener("load", () => {
  const named = (row) => row.querySelector("th").textContent.split("flag")[0];
  const names = (id) => [...document.querySelectorAll(`#${id} tbody tr`)]
    .filter((row) => !row.hidden).map(named);
  const set = (form, name, value) => {
    const field = document.querySelector(form).elements[name];
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const head = (id, text) => [...document.querySelectorAll(`#${id} thead th`)]
    .find((one) => one.textContent.startsWith(text));
  const said = { asked: performance.getEntriesByType("resource").map((of) => of.name) };
  BODY
  const pre = document.createElement("pre");
  pre.id = "said";
  pre.textContent = JSON.stringify(said);
  document.body.append(pre);
});
"""


@dataclass(frozen=True)
class Place:
    """Where a site is: its folder, and the address under which a browser finds it."""

    folder: Path
    address: str


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session", params=["disk", "server"])
def place(
    request: pytest.FixtureRequest, site: Files, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    out = tmp_path_factory.mktemp("browser") / "site"
    write_site(site, out)
    if request.param == "disk":
        yield Place(out, f"{out.as_uri()}/")
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(out)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield Place(out, f"http://127.0.0.1:{server.server_port}/")
    server.shutdown()


def tell(place: Place, page: str, body: str) -> Any:
    """Return what a script says of a page, and check that the browser complained of nothing."""
    folder = place.folder
    html = (folder / page).read_text("utf-8")
    script = "../" * page.count("/") + "static/tell.js"
    copy = folder / page.replace(".html", "-told.html")
    copy.write_text(html.replace("</body>", f'<script src="{script}"></script></body>'), "utf-8")
    (folder / "static" / "tell.js").write_text(_TELL.replace("BODY", body), "utf-8")
    done = subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--enable-logging=stderr",
            f"--user-data-dir={folder.parent / 'profile'}",
            "--dump-dom",
            place.address + copy.relative_to(folder).as_posix(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ":CONSOLE" not in done.stderr, done.stderr
    [found] = re.findall(r'<pre id="said">(.*?)</pre>', done.stdout, re.S)
    said = json.loads(unescape(found))
    asked = said.pop("asked")  # of files, browsers do not tell
    assert all(url.startswith(place.address) for url in asked), asked
    assert asked or place.address.startswith("file:")
    return said


def test_tables_are_sorted_by_their_headings(place: Place) -> None:
    said = tell(
        place,
        f"{BOARD}/index.html",
        """
        const button = (text) => head("ranked", text).querySelector("button");
        said.first = names("ranked");
        button("parameters").click(); said.down = names("ranked");
        said.sorted = head("ranked", "parameters").getAttribute("aria-sort");
        button("parameters").click(); said.up = names("ranked");
        button("method").click(); said.named = names("ranked");
        said.rank = head("ranked", "rank").getAttribute("aria-sort");
        button("rank").click(); said.back = names("ranked");
        """,
    )
    good, middling, worse = "Good", "Middling", "Worse than the floor"
    assert said["first"] == said["back"] == [good, middling, worse]
    assert said["down"] == [good, middling, worse]
    assert said["up"] == [middling, good, worse]  # what is not stated stays last
    assert said["named"] == [good, middling, worse]
    assert (said["sorted"], said["rank"]) == ("descending", None)


def test_rows_and_columns_are_filtered(place: Place) -> None:
    said = tell(
        place,
        f"{BOARD}/index.html",
        """
        const shown = (group) => [...document.querySelectorAll(`th[data-group=${group}]`)]
          .every((cell) => !cell.hidden);
        said.groups = [shown("skill"), shown("distortion")];
        const box = document.querySelector("[name=group][value=distortion]");
        box.click(); said.more = shown("distortion");
        set("form", "name", "midd"); said.named = names("ranked").concat(names("claimed"));
        said.status = document.querySelector("[role=status]").textContent;
        set("form", "name", ""); set("form", "inputs", "+lr"); said.lr = names("ranked");
        set("form", "inputs", "?"); said.unknown = names("ranked").concat(names("claimed"));
        """,
    )
    assert said["groups"] == [True, False]
    assert said["more"] is True
    assert said["named"] == ["Middling"]
    assert said["status"] == "1 of 4 entries shown"
    assert said["lr"] == ["Good", "Middling"]
    assert said["unknown"] == ["Worse than the floor", "Boaster"]


def test_a_scorecard_is_coloured_by_the_difference_from_the_chosen(place: Place) -> None:
    said = tell(
        place,
        f"{BOARD}/scorecard-skill.html",
        """
        const kinds = (n) => [...document.querySelectorAll("table.scorecard")[n].tBodies[0].rows]
          .map((row) => row.cells[1].className);
        said.first = [kinds(0), kinds(1)];
        set("form", "reference", "2"); said.last = kinds(1);
        said.words = document.querySelectorAll("table.scorecard")[1].tBodies[0].rows[0].cells[1]
          .textContent;
        """,
    )
    overall, parts = said["first"]
    assert overall[0] == parts[0] == "n reference"
    assert parts[1:] == ["n worse1", "n worse3"]  # 0.2 and 0.8 below
    assert said["last"] == ["n better3", "n better3", "n reference"]
    assert said["words"] == "▲0.5, better"


def test_any_metric_is_drawn_against_any_other(place: Place) -> None:
    said = tell(
        place,
        f"{BOARD}/metrics.html",
        """
        const at = () => [...document.querySelectorAll("#chosen circle")].map((one) =>
          [Number(one.getAttribute("cx")), Number(one.getAttribute("cy"))]);
        said.before = at();
        set("form", "x", "1"); said.same = at();
        said.labels = [...document.querySelectorAll("#chosen text")].map((one) => one.textContent);
        """,
    )
    assert len(said["before"]) == len(said["same"]) == 3
    for drawn in (said["before"], said["same"]):  # all scores of an entry are alike here
        (x0, y0), (x1, y1), (x2, y2) = sorted(drawn)
        assert (y1 - y0) / (x1 - x0) == pytest.approx((y2 - y1) / (x2 - x1), abs=0.01)
    assert said["before"] == [pytest.approx(of, abs=0.06) for of in said["same"]]
    assert "skill, higher is better" in said["labels"]


def test_two_entries_are_compared(place: Place) -> None:
    said = tell(
        place,
        f"{BOARD}/compare.html",
        """
        const line = () => [...document.querySelector("#pairs tbody tr").cells]
          .map((cell) => cell.textContent);
        said.first = line();
        set("form", "first", "1"); set("form", "second", "0"); said.swapped = line();
        set("form", "second", "1"); said.itself = line();
        """,
    )
    metric, first, second, difference, interval, p, better = said["first"]
    assert (metric, first, second, difference, better) == ("skill", "0.5", "0.3", "0.2", "first")
    assert interval == "0.2 to 0.2"
    assert float(p) == pytest.approx(2 / 2**8, rel=1e-3)
    assert said["swapped"][3:5] == ["−0.2", "−0.2 to −0.2"]
    assert said["swapped"][6] == "second"
    assert said["itself"][3:] == ["–"] * 4
