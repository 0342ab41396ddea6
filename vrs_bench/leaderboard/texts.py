"""What a person may write in an entry: lines, texts, links, and names that look like no other.

What nobody can see is refused everywhere: control and format characters, marks that turn the
direction of what follows, fillers and variation selectors. A name is shown on boards and becomes
the name of a file; it is written in Latin letters (accents are allowed), digits and common signs,
so that every letter that is seen is in the file's name, and none stands for another one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from vrs_bench.errors import BenchError

_UNSEEN = (
    r"\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}"
    # Joiners, fillers, the blank of Braille and variation selectors: letters and marks by their
    # category, which are not drawn.
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\U000e0100-\U000e01ef"
)
_SIGNS = "×·–—‘’“”±°→"
"""Signs beyond ASCII that names may have: none looks like a letter or a digit."""


def _without_credentials(text: str) -> str:
    if re.search(r"://[^/\s?#]*@", text):
        raise ValueError("holds a link with a user name or a password; leave them out")
    return text


def _latin(name: str) -> str:
    """Refuse letters and signs that may stand for others."""
    for sign in unicodedata.normalize("NFKC", name):
        base = unicodedata.normalize("NFKD", sign)
        plain = base.isascii() or (base[0].isascii() and base[0].isalpha() and len(base) > 1)
        if not plain and sign not in _SIGNS:
            raise ValueError(
                f"'{sign}' ({unicodedata.name(sign, 'no character')}) can be taken for another "
                f"character; expected Latin letters, digits and common signs"
            )
    return name


Line = Annotated[
    str, Field(max_length=200, pattern=rf"^[^{_UNSEEN}]*$"), AfterValidator(_without_credentials)
]
Text = Annotated[
    str,
    Field(max_length=2000, pattern=rf"^([^{_UNSEEN}]|[\n\t])*$"),
    AfterValidator(_without_credentials),
]
Name = Annotated[Line, Field(min_length=1, max_length=80), AfterValidator(_latin)]
Link = Annotated[
    str,
    # Host names are ASCII: others can look like those of somebody else.
    Field(
        max_length=500,
        pattern=rf"^(https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?"
        rf"([/?#][^\s{_UNSEEN}<>\"'`()\[\]\\|]*)?)?$",
    ),
]


def slug(name: str) -> str:
    """Return a name as lower-case ASCII words joined by hyphens.

    Raises:
        BenchError: nothing is left of the name.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    if not words:
        raise BenchError(f"name: expected at least one letter or digit (a-z, 0-9), got {name!r}")
    return "-".join(words)[:80].rstrip("-")


def skeleton(slug: str) -> str:
    """Return what a reader sees of a slug: the same for ``net-10``, ``net-l0`` and ``net-io``."""
    return slug.translate(str.maketrans("01i", "oll")).replace("rn", "m").replace("vv", "w")


def letters(name: str) -> str:
    """Return the letters and digits of a name, accents kept: what makes two names the same."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if sign.isalnum())
