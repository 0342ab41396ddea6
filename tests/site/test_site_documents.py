"""The documentation in the site."""

from __future__ import annotations

from pathlib import Path

import pytest

from vrs_bench.errors import BenchError
from vrs_bench.site.documents import document_pages, read_documents
from vrs_bench.site.pages import Files

COMMON = {"package": "0", "navigation": []}


def made(root: Path, text: str) -> Files:
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs" / "more.md").write_text("# More\n\n## A part\n", "utf-8")
    (root / "docs" / "x.png").write_bytes(b"png")
    (root / "README.md").write_text(text, "utf-8")
    return document_pages(read_documents(root), root, COMMON)


def page(root: Path, text: str) -> str:
    return made(root, text)["documents/README.html"].decode()


def test_html_is_not_passed_on(tmp_path: Path) -> None:
    html = page(
        tmp_path, "# R\n\n<!-- a\nb -->\n\nx <b>c</b> <script>d</script>\n\n<div onclick=e>\n"
    )
    assert "&lt;script&gt;d&lt;/script&gt;" in html
    assert "&lt;div onclick=e&gt;" in html
    assert "a\nb" not in html
    assert "[x](javascript:alert(1))" in page(tmp_path, "[x](javascript:alert(1))")


def test_links_lead_to_pages_of_the_site(tmp_path: Path) -> None:
    text = (
        "[m](docs/more.md#a-part) [h](#r) [w](https://example.org) [c](src/code.py) [u](../up.md)"
    )
    html = page(tmp_path, f"# R\n\n{text}\n")
    assert '<a href="docs/more.html#a-part">m</a>' in html
    assert '<a href="#r">h</a>' in html
    assert '<a href="https://example.org" rel="noopener nofollow">w</a>' in html
    assert " c u</p>" in html  # what is not in the site is text
    assert '<h1 id="r">R</h1>' in html


def test_pictures_come_along(tmp_path: Path) -> None:
    files = made(tmp_path, "![a scene](docs/x.png) ![far](https://example.org/y.png) ![no](z.png)")
    assert files["documents/docs/x.png"] == b"png"
    html = files["documents/README.html"].decode()
    assert '<img src="docs/x.png" alt="a scene" loading="lazy"' in html
    assert html.count("<img") == 1
    assert "far no" in html


def test_headings_of_one_name_are_told_apart(tmp_path: Path) -> None:
    html = page(tmp_path, "# R\n\n## `a` b!\n\n## a b\n")
    assert 'id="a-b"' in html
    assert 'id="a-b-1"' in html


def test_a_page_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xff")
    with pytest.raises(BenchError, match=r"README\.md: is not UTF-8 text"):
        read_documents(tmp_path)
    assert read_documents(tmp_path / "nothing") == []


def test_tables_and_code_can_be_scrolled_and_read_by_everybody(tmp_path: Path) -> None:
    html = page(tmp_path, "# R\n\n| | b |\n| --- | --- |\n| 1 | 2 |\n\n```bash\na <b> && c\n```\n")
    assert '<th scope="col">b</th>' in html
    assert "<td></td>" in html  # an empty heading is none
    assert 'aria-label="Table 1"' in html
    assert '<pre tabindex="0"><code>a &lt;b&gt; &amp;&amp; c\n</code></pre>' in html
