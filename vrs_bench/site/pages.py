"""Pages from templates, and how a site is written into a folder.

A page may load its own style sheet, script and pictures, and nothing else: its Content-Security-
Policy says so, and everything that people wrote is escaped by the templates.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from vrs_bench.errors import BenchError
from vrs_bench.paths import named, whole_file

Files = dict[str, bytes]
"""Path inside of the site → content."""

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:"
LISTING = "files.json"
"""What a site consists of, so that the next one in the folder removes nothing else."""

_HERE = Path(__file__).parent
_SPACE = "---\ntitle: VRS-Bench\nsdk: static\napp_file: index.html\nlicense: apache-2.0\n---\n"
"""What makes a static Space of a folder on the Hub."""


@cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "count": count}
    templates.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    return templates


def number(value: float | None) -> str:
    """Return a number for people, four digits of it; a dash where there is none."""
    return "–" if value is None else f"{value:.4g}".replace("-", "−")


def count(value: int | None) -> str:
    """Return a whole number with thin spaces between thousands; a dash where there is none."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


def page(path: str, template: str, title: str, **context: Any) -> bytes:
    """Return a page.

    Args:
        path: of the page inside of the site, by which it links to others.
        template: its name, without the ending.
        title: of the page.
        **context: what the template shows.
    """

    def to(target: str) -> str:
        return posixpath.relpath(target, posixpath.dirname(path) or ".")

    made = _templates().get_template(f"{template}.html.jinja")
    return made.render(path=path, title=title, policy=POLICY, to=to, **context).encode()


def fixed_files() -> Files:
    """Return what every site has: style sheet, script, and what hosts look for."""
    found = {f"static/{file.name}": file.read_bytes() for file in (_HERE / "static").iterdir()}
    return {**dict(sorted(found.items())), "README.md": _SPACE.encode(), ".nojekyll": b""}


def write_site(files: Mapping[str, bytes], out: str | Path) -> None:
    """Write a site into a folder; pages of an earlier site there that are no more are removed.

    Raises:
        BenchError: the folder holds something else than a site, or a page lies outside of it.
    """
    folder = named(out)
    before = _listed(folder)
    inside = folder.resolve()
    for name in files:
        if not (inside / name).resolve().is_relative_to(inside):
            raise BenchError(f"{name}: lies outside of the site")
    for name, content in files.items():
        with whole_file(folder / name, flushed=False) as temporary:
            temporary.write_bytes(content)
    for name in sorted(before - files.keys()):
        (folder / name).unlink(missing_ok=True)
    with whole_file(folder / LISTING) as temporary:
        temporary.write_text(json.dumps(sorted(files), indent=1) + "\n", encoding="utf-8")


def _listed(folder: Path) -> set[str]:
    """Return what an earlier site in the folder consists of."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return set()
    try:
        listed = json.loads((folder / LISTING).read_bytes())
    except (OSError, ValueError) as error:
        raise BenchError(
            f"{folder}: is not empty and holds no site (no {LISTING}); name another folder"
        ) from error
    inside = folder.resolve()
    return {
        name
        for name in (listed if isinstance(listed, list) else [])
        if isinstance(name, str) and (folder / name).resolve().is_relative_to(inside)
    }
