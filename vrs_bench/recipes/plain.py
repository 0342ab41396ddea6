"""Plain data from YAML that nobody vouches for: small, shallow, without references.

A recipe is a few dozen lines of words and numbers. YAML can do more, and all of it is refused
here: aliases (330 bytes of them fill gigabytes, or hold themselves), keys that stand twice (the
last would win unseen), tags, dates, deep nesting and long files. What comes through is what JSON
can hold, and says where it fails: by line in the file, by key in the data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from vrs_bench.errors import BenchError

LONGEST = 100_000
"""Bytes of a YAML file, at most; the packaged recipes have fewer than 1,000."""
DEEPEST = 20
"""Levels of nesting, at most; the packaged recipes have 5."""
WIDEST = 4096
"""Bits of a whole number, at most."""


class _Loader(yaml.SafeLoader):
    """The safe loader without references, dates, and keys that are not words or stand twice."""

    def __init__(self, stream: str) -> None:
        """Begin at the top."""
        super().__init__(stream)
        self._keys: list[str] = []
        self._key_of: dict[int, str] = {}  # id of a node, all of which live as long as the tree

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse what refers to something else, and deep nesting, before it is built."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        # What leads here: a key's node, a place in a list, or nothing for a key itself.
        self._keys.append(str(index.value if isinstance(index, yaml.ScalarNode) else index))
        key = ".".join(word for word in self._keys if word != "None")
        if isinstance(event, yaml.AliasEvent):
            raise _refusal(
                event,
                key,
                f"'*{_short(event.anchor)}' refers to another place; write out what it means",
            )
        if event.anchor is not None:
            raise _refusal(
                event, key, f"'&{_short(event.anchor)}' is there to be referred to; leave it out"
            )
        if len(self._keys) > DEEPEST:
            raise _refusal(event, key, f"nested more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self._key_of[id(node)] = key
        self._keys.pop()
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Say which value can't be what it looks like."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            kind = node.tag.rpartition(":")[2]
            what = f"'{_short(node.value)}' can't be read as {kind}"
            raise _refusal(node, self._key_of[id(node)], what) from error

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Refuse keys that stand twice, are no words, or mean to merge."""
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                what = f"the key '{_short(key.value)}' is no word; put it in quotes"
                if not isinstance(key.value, str):
                    what = "a key is no word, but a list or a mapping"
                raise _refusal(key, self._key_of[id(node)], what)
            if key.value in seen:
                what = f"the key '{_short(key.value)}' stands there twice; keep one"
                raise _refusal(key, self._key_of[id(node)], what)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# A date is no kind of value here: what looks like one stays the word that it is.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":timestamp")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _refusal(at: Any, key: str, what: str) -> yaml.YAMLError:
    """Return the error that names line and key."""
    where = f", {_short(key)}" if key else ""
    return yaml.YAMLError(f"line {at.start_mark.line + 1}{where}: {what}")


def _short(text: object) -> str:
    """Return the first characters of a text, for a message."""
    word = str(text)
    return word if len(word) <= 60 else f"{word[:60]}…"


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        BenchError: no such file; longer than :data:`LONGEST`; or not plain YAML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        raise BenchError(f"{path}: can't be read as a recipe ({error})") from error
    if len(content) > LONGEST:
        raise BenchError(f"{path}: expected a file of at most {LONGEST:,} bytes; this is no recipe")
    return parse_yaml(text, str(path))


def parse_yaml(text: str, origin: str) -> Any:
    """Return what a YAML text holds; ``origin`` names it in messages.

    Raises:
        BenchError: not YAML, or more of YAML than plain data need.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a safe loader
    except yaml.YAMLError as error:
        raise BenchError(f"{origin}: not valid YAML: {error}") from error


def require_plain(data: Any, origin: str, key: str = "", depth: int = 0) -> None:
    """Refuse what JSON can't hold, by its key.

    Raises:
        BenchError: a value of another kind (a date, bytes, a set), a key that is no word, a
            number or a depth beyond all reason.
    """
    where = f"{origin}: {key}: " if key else f"{origin}: "
    if depth > DEEPEST:
        raise BenchError(f"{where}nested more than {DEEPEST} levels deep")
    if isinstance(data, dict):
        for name, value in data.items():
            if not isinstance(name, str):
                raise BenchError(f"{where}the key {_short(repr(name))} is no word")
            require_plain(name, origin, f"{key}.{_short(name)}" if key else _short(name), depth + 1)
            require_plain(value, origin, f"{key}.{name}" if key else name, depth + 1)
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            require_plain(value, origin, f"{key}.{index}" if key else str(index), depth + 1)
    elif isinstance(data, str):
        if any("\ud800" <= letter <= "\udfff" for letter in data):
            raise BenchError(f"{where}holds half a character (a lone surrogate)")
    elif isinstance(data, int) and data.bit_length() > WIDEST:
        raise BenchError(f"{where}a whole number of {data.bit_length()} bits is not meant")
    elif data is not None and not isinstance(data, int | float):
        kind = type(data).__name__
        raise BenchError(f"{where}expected a word, a number, a list or a mapping, got a {kind}")
