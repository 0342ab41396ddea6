"""The one exception that users meet, and the one way of guessing what they meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BenchError(ValueError):
    """Something that the caller can mend: the message says what, where and how.

    The command line prints the message without a traceback and exits with status 1.
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, else the known ones."""
    words = sorted(known)
    swapped = [known for known in words if sorted(known) == sorted(word)]  # "tyni" is nearer "toy"
    near = swapped or get_close_matches(word, words, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(words)}"
