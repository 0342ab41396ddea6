"""Talking to the Hub: not for ever, and without repeating what nobody should read.

The client has no limit of time, and its messages hold whatever the Hub has said. That may be the
token, where an answer shows the request that it is for, and sequences that a terminal obeys.
"""

from __future__ import annotations

import base64
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from vrs_bench.errors import BenchError

T = TypeVar("T")

ANSWER = 300.0
"""Seconds until an answer must be there whole, with all waits and repetitions of the client."""
SLOWEST = 50_000
"""Bytes a second that are sent at least; what is sent gets as much more time."""
LONGEST = 500
"""Characters of what the Hub says that are repeated."""

_ADVICE = {
    400: "see what it says and mend that",
    401: "the token is not valid (any more); log in with: hf auth login",
    403: "the token may not write there: take one with write access, or propose the dataset to "
    "the owner of the repository with --create-pr",
    404: "there is no such repository, or the token may not see it",
    413: "a file is larger than the Hub takes; build with fewer scenes per shard",
    429: "wait a few minutes and run the same command again to go on",
}
_AGAIN = "run the same command again to go on"

# Of ECMA-48: control sequences, strings (titles, links) with their end, and other escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_LOGIN = re.compile(r"(?<=//)[^/\s]*@")


class Discretion:
    """Takes out of a text what is secret, and what a terminal would obey."""

    def __init__(self, token: str, endpoint: str) -> None:
        """Learn the secrets: a token, and name and password in a URL, also as they are sent."""
        place = urlsplit(endpoint)
        name, password = unquote(place.username or ""), unquote(place.password or "")
        sent = base64.b64encode(f"{name}:{password}".encode()).decode()
        secrets = [token, password, place.password or "", sent if password else ""]
        # Longest first, should one hold another; white space in it would hide it from a search.
        self._secrets = [
            re.compile(r"\s*".join(map(re.escape, secret)), re.IGNORECASE)
            for secret in sorted(set(secrets), key=len, reverse=True)
            if secret
        ]

    def __call__(self, text: str) -> str:
        """Return a text on one line that may be shown."""
        text = _ESCAPES.sub("", text)
        text = "".join(c for c in text if c.isprintable() or c.isspace())
        for secret in self._secrets:
            text = secret.sub("***", text)
        text = " ".join(_LOGIN.sub("", text).split())
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class Hub:
    """One repository of the Hub, as somebody who may write there talks about it."""

    def __init__(self, repo: str) -> None:
        """Log in.

        Raises:
            BenchError: there is no token, or the endpoint is no URL.
        """
        from huggingface_hub import HfApi, get_token

        token = get_token()
        if not token:
            raise BenchError(
                "publishing needs a token of the Hub with write access; log in with: hf auth "
                "login, or set HF_TOKEN"
            )
        self.repo, self.api = repo, HfApi(token=token)
        try:
            self.discreet = Discretion(token, self.api.endpoint)
        except ValueError as error:
            raise BenchError("HF_ENDPOINT: expected a URL such as https://HOST") from error

    def ask(self, call: Callable[[], T], size: int = 0) -> T:
        """Return what a call of the client returns.

        Args:
            call: what to call.
            size: bytes that are sent with it, which take their time.

        Raises:
            BenchError: the Hub refuses, can't be reached, or has not ended its answer in time.
        """
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

        seconds = ANSWER + size / SLOWEST
        with self._discreet_client():
            # No pool: the process may end while a daemon still waits.
            Thread(target=run, daemon=True).start()
            wait([future], seconds)
        if not future.done():
            raise BenchError(
                f"{self.repo}: the Hub has not ended its answer within {seconds:.0f} s; look at "
                f"the network, and {_AGAIN}"
            )
        error = future.exception()
        if error is not None:
            # The cause would be printed with a traceback, in the words of the Hub.
            raise BenchError(f"{self.repo}: {self._explain(error)}") from None
        return future.result()

    @contextmanager
    def _discreet_client(self) -> Iterator[None]:
        """Let the client's own log and warnings be as discreet."""

        def clean(record: logging.LogRecord) -> bool:
            record.msg, record.args = self.discreet(record.getMessage()), ()
            return True

        handlers = list(logging.getLogger("huggingface_hub").handlers)
        for handler in handlers:
            handler.addFilter(clean)
        try:
            with warnings.catch_warnings(record=True) as caught:
                yield
        finally:
            for handler in handlers:
                handler.removeFilter(clean)
            for one in caught:
                text = self.discreet(str(one.message))
                warnings.warn_explicit(text, one.category, one.filename, one.lineno)

    def _explain(self, error: BaseException) -> str:
        """Return in one sentence what an error of the client says, and what to do."""
        chain: list[BaseException] = [error]
        while (status := _status(chain[-1])) is None and chain[-1].__cause__ is not None:
            chain.append(chain[-1].__cause__)
        said = self.discreet(": ".join(dict.fromkeys(map(_said, chain))))
        if status is not None:
            return f"the Hub answered {status}: {said}; {_ADVICE.get(status, _AGAIN)}"
        if isinstance(error, ValueError):
            return f"the Hub or its client refuses this: {said}"
        return (
            f"the upload to {self.discreet(self.api.endpoint)} failed: {said} "
            f"({type(error).__name__}); look at the network and HF_ENDPOINT, and {_AGAIN}"
        )


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an error that carries a response."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _said(error: BaseException) -> str:
    """Return what an error says; of a refusal, what the Hub said or else the first line."""
    if _status(error) is None:
        return str(error)
    return getattr(error, "server_message", None) or str(error).strip().partition("\n")[0]
