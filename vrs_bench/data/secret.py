"""Secrets of private splits: how they are made, read and refused, and what is drawn from them.

Each task has a seed of its own, drawn from the secret by scrypt with a public random salt: without
the secret, the seeds of two tasks have nothing in common, so the inputs that are published of one
show nothing of the scenes of another. Every guess at a secret takes 32 MiB and about a tenth of a
second, whether it is tried on the commitment or on the data, and is of use for one salt only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from itertools import pairwise
from pathlib import Path

from vrs_bench.errors import BenchError

VARIABLE = "VRS_BENCH_SECRET"
"""Environment variable that may hold the secret."""
SHORTEST = 32
"""Least length of a secret in bytes: as many hexadecimal digits hold 128 bits."""
DISTINCT = 8
"""Least number of different bytes in a secret. Of 32 random hexadecimal digits, fewer are different
once in thirty million times."""
STRETCH = 9
"""Length of a stretch that may not come twice in a secret, not even shifted (``abc…``, ``bcd…``).
In 64 random hexadecimal digits one does once in ten million times."""
SALT_BYTES = 32

_DERIVATION, _COMMITMENT = b"vrs-bench private seed 2\n", b"vrs-bench commitment 2\n"


def write_secret(path: str | Path) -> None:
    """Write a new secret: 256 bits from the operating system in hexadecimal, for the owner only.

    Raises:
        BenchError: the file is there already, or can't be written.
    """
    try:
        # Exclusive, and with its mode from the start: no moment in which others may read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BenchError(f"{path}: is there already, and a secret is never replaced") from error
    except OSError as error:
        raise BenchError(f"{path}: can't be written ({error.strerror})") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")


def read_secret(path: str | Path | None) -> bytes:
    """Return the secret from a file, or from the environment variable where no file is named.

    White space at its end is no part of it. What is plainly weak is refused: fewer than
    :data:`SHORTEST` bytes, fewer than :data:`DISTINCT` different ones, or a stretch of
    :data:`STRETCH` that comes twice, as in repeated words and in runs of the alphabet.

    Raises:
        BenchError: there is none, others than the owner may read or write the file (not checked
            on Windows), or it is weak.
    """
    origin = str(path) if path is not None else f"the environment variable {VARIABLE}"
    try:
        if path is None:
            secret = os.environb[VARIABLE.encode()]
        else:
            with Path(path).open("rb") as file:
                mode, secret = os.fstat(file.fileno()).st_mode, file.read()
            if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
                raise BenchError(
                    f"{path}: others may read or write this secret (mode {stat.S_IMODE(mode):o}); "
                    f"close it with: chmod 600 {path}; if it was open for long, make a new one"
                )
    except (OSError, KeyError) as error:
        raise BenchError(
            f"no secret: {origin} can't be read ({error}); make one with: vrs-bench secret FILE, "
            f"and give it as --secret-file FILE"
        ) from error
    secret = secret.rstrip()
    weakness = _weakness(secret)
    if weakness:
        raise BenchError(
            f"{origin}: this secret can be guessed, for it has {weakness}; make a strong one with: "
            f"vrs-bench secret FILE"
        )
    return secret


def _weakness(secret: bytes) -> str:
    """Say what makes a secret weak; nothing where nothing does."""
    if len(secret) < SHORTEST:
        return f"{len(secret)} bytes, of at least {SHORTEST}"
    if len(set(secret)) < DISTINCT:
        return f"{len(set(secret))} different characters, of at least {DISTINCT}"
    # A stretch that is shifted along the alphabet has the same steps from byte to byte.
    steps = [after - before for before, after in pairwise(secret)]
    starts = range(len(steps) - STRETCH + 2)
    if len({tuple(steps[start : start + STRETCH - 1]) for start in starts}) < len(starts):
        return "a part that repeats or counts"
    return ""


def task_seed(secret: bytes, salt: bytes, task: str) -> tuple[int, str]:
    """Derive a task's seed from a secret, and what commits to it.

    scrypt (RFC 7914; N = 2¹⁵, r = 8, p = 1; salt: a fixed prefix, the public salt and the task's
    name) gives 64 bytes: the seed, and 32 that blind it. The commitment is the SHA-256 of a fixed
    prefix and of both, so it binds to the seed, tells nothing of it, and is as slow to try guesses
    on as the data are.

    Args:
        secret: see :func:`read_secret`.
        salt: ``SALT_BYTES`` random bytes, kept in the manifest.
        task: name of the task.

    Returns:
        the world's seed, 256 bits; and the commitment, 64 hexadecimal digits.
    """
    derived = hashlib.scrypt(
        secret,
        salt=_DERIVATION + salt + task.encode(),
        n=1 << 15,
        r=8,
        p=1,
        maxmem=1 << 26,  # twice what it takes: OpenSSL refuses its default of 32 MiB
        dklen=64,
    )
    return int.from_bytes(derived[:32]), hashlib.sha256(_COMMITMENT + derived).hexdigest()
