"""The documentation: Markdown pages of a checkout, with links among them and their pictures.

HTML in them is not passed on: comments vanish, all else is shown as text.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from vrs_bench.errors import BenchError
from vrs_bench.site.pages import Files, page

FOLDER = "documents"
PICTURES = (".png", ".gif", ".jpg", ".svg")
SECTIONS = {
    "Start": ("README.md", "BENCHMARK.md", "docs/methodology.md", "docs/datasheet.md"),
    "Worked examples": (
        "docs/examples/train-and-submit.md",
        "docs/examples/which-metric.md",
        "docs/examples/one-cause.md",
    ),
    "Use": ("docs/own-imagery.md", "docs/cluster.md", "docs/private.md"),
    "Reference": ("docs/reference/python.md", "docs/reference/commands.md"),
    "Build": ("docs/architecture.md", "CONTRIBUTING.md", "CHANGELOG.md"),
}
"""Pages in the order in which they are listed; what else lies in docs follows."""


@dataclass(frozen=True)
class Document:
    """One page of the documentation."""

    source: str
    """Path in the checkout."""
    title: str
    tokens: list[Token]

    @property
    def path(self) -> str:
        """Path inside of the site."""
        return f"{FOLDER}/{self.source.removesuffix('.md')}.html"


def read_documents(root: str | Path, more: Mapping[str, str] | None = None) -> list[Document]:
    """Read README.md and what else is documentation of a checkout; none without a README.md.

    Args:
        root: the checkout.
        more: pages that are not kept there but made: path → Markdown.

    Raises:
        BenchError: a page is not UTF-8 text.
    """
    root = Path(root)
    if not (root / "README.md").is_file():
        return []
    listed = [name for names in SECTIONS.values() for name in names if (root / name).is_file()]
    others = sorted(path.relative_to(root).as_posix() for path in root.glob("docs/**/*.md"))
    found = []
    for name in dict.fromkeys((*listed, *others)):
        try:
            text = (root / name).read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise BenchError(f"{root / name}: is not UTF-8 text ({error})") from error
        found.append(_parsed(name, text))
    return [*found, *(_parsed(name, text) for name, text in (more or {}).items())]


def _parsed(source: str, text: str) -> Document:
    tokens = _parser().parse(text)
    return Document(source, _title(tokens, source), tokens)


def document_pages(
    documents: Sequence[Document], root: str | Path, common: dict[str, Any]
) -> Files:
    """Return the pages of documents and the pictures in them, and a page that lists them."""
    root, files, paths = Path(root), Files(), {d.source: d.path for d in documents}
    for document in documents:
        pictures = _relink(document, root, paths)
        content = _parser().renderer.render(document.tokens, _parser().options, {})
        files[document.path] = page(
            document.path, "document", document.title, content=content, **common
        )
        files |= {f"{FOLDER}/{name}": (root / name).read_bytes() for name in pictures}
    sections = [
        (heading, [(d.title, d.path) for d in documents if d.source in names])
        for heading, names in SECTIONS.items()
    ]
    listed = {name for names in SECTIONS.values() for name in names}
    sections.append(("More", [(d.title, d.path) for d in documents if d.source not in listed]))
    files[f"{FOLDER}/index.html"] = page(
        f"{FOLDER}/index.html",
        "documents",
        "Documentation",
        sections=[section for section in sections if section[1]],
        **common,
    )
    return files


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.add_render_rule("html_block", _plain)
    parser.add_render_rule("html_inline", _plain)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    parser.add_render_rule("fence", _code)
    return parser


def _plain(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Leave out comments, and show other HTML as text."""
    return html.escape(re.sub(r"<!--.*?-->\s*", "", tokens[index].content, flags=re.S))


def _table_open(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    number = sum(token.type == "table_open" for token in tokens[: index + 1])
    label = f'role="region" aria-label="Table {number}"'
    return f'<div class="scroll" tabindex="0" {label}>\n<table>\n'


def _table_close(*_: Any) -> str:
    return "</table>\n</div>\n"


def _code(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Let code that is wider than the page be scrolled by keys."""
    return f'<pre tabindex="0"><code>{html.escape(tokens[index].content)}</code></pre>\n'


def _title(tokens: Sequence[Token], name: str) -> str:
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            return _text(following)
    return name


def _text(token: Token) -> str:
    """Return what a heading says, without its marks."""
    return "".join(t.content for t in token.children or () if t.type in ("text", "code_inline"))


def _relink(document: Document, root: Path, paths: dict[str, str]) -> list[str]:
    """Point links and pictures to where they are in the site, and name headings.

    Links to other files of the checkout, which are not in the site, become plain text.

    Returns:
        the pictures that the page shows, as paths in the checkout.
    """
    pictures: list[str] = []
    seen: dict[str, int] = {}
    for place, token in enumerate(document.tokens):
        following = document.tokens[place + 1] if place + 1 < len(document.tokens) else None
        if token.type == "heading_open" and following is not None:
            anchor = _anchor(_text(following))
            seen[anchor] = seen.get(anchor, -1) + 1
            token.attrSet("id", anchor if not seen[anchor] else f"{anchor}-{seen[anchor]}")
        if token.type == "th_open":
            token.attrSet("scope", "col")
            if following is not None and not following.content:
                token.tag, token.attrs = "td", {}  # a heading that says nothing is none
        if token.type == "th_close" and not document.tokens[place - 1].content:
            token.tag = "td"
        closed: list[bool] = []
        for child in token.children or ():
            if child.type == "image":
                source = _inside(document.source, str(child.attrGet("src")))
                if source is not None and source.endswith(PICTURES) and (root / source).is_file():
                    pictures.append(source)
                    child.attrSet("loading", "lazy")
                else:
                    child.type = "text"  # its description
            elif child.type == "link_open":
                closed.append(_point(child, document, paths))
            elif child.type == "link_close" and closed and not closed.pop():
                child.type = "text"
    return pictures


def _point(link: Token, document: Document, paths: dict[str, str]) -> bool:
    """Point a link to its page in the site; say whether it is one still."""
    target = str(link.attrGet("href"))
    parts = urlsplit(target)
    if parts.scheme in ("http", "https"):
        link.attrSet("rel", "noopener nofollow")
        return True
    if not parts.scheme and not parts.netloc and not parts.path:
        return True
    inside = _inside(document.source, target)
    if inside in paths:
        relative = posixpath.relpath(paths[inside], posixpath.dirname(document.path))
        link.attrSet("href", relative + (f"#{parts.fragment}" if parts.fragment else ""))
        return True
    link.type, link.content, link.attrs = "text", "", {}
    return False


def _inside(source: str, target: str) -> str | None:
    """Return the path in the checkout that a link leads to; None of one that leaves it."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(parts.path)))
    return None if joined.startswith(("..", "/")) else joined


def _anchor(text: str) -> str:
    """Return the name of a heading, as it is made on code hosts."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
