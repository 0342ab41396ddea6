"""Secrets: strong ones are made, weak and open ones refused, and what is drawn from them fixed."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import pytest

from vrs_bench.data.secret import VARIABLE, read_secret, task_seed, write_secret
from vrs_bench.errors import BenchError

SALT = bytes(range(32))


def write(path: Path, secret: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(secret)
    path.chmod(mode)
    return path


def test_a_secret_that_was_written_is_one_that_is_read(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        write_secret(tmp_path / "a")
    finally:
        os.umask(umask)
    write_secret(tmp_path / "b")
    text = (tmp_path / "a").read_text(encoding="ascii")
    assert len(bytes.fromhex(text)) == 32
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert read_secret(tmp_path / "a") == text.strip().encode()
    assert read_secret(tmp_path / "a") != read_secret(tmp_path / "b")


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "held", b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for place in (path, tmp_path / "link"):
        with pytest.raises(BenchError, match="is there already, and a secret is never replaced"):
            write_secret(place)
    assert path.read_bytes() == b"kept"
    assert not (tmp_path / "target").exists()
    with pytest.raises(BenchError, match="none/secret: can't be written"):
        write_secret(tmp_path / "none" / "secret")


def test_the_secret_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = secrets.token_hex(16).encode()
    assert read_secret(write(tmp_path / "secret", secret + b"\r\n")) == secret
    monkeypatch.setitem(os.environ, VARIABLE, secret.decode())
    assert read_secret(None) == secret
    monkeypatch.setitem(os.environ, VARIABLE, "password")
    with pytest.raises(BenchError, match=f"variable {VARIABLE}: this secret can be guessed"):
        read_secret(None)
    monkeypatch.delitem(os.environ, VARIABLE)
    with pytest.raises(BenchError, match=f"no secret: the environment variable {VARIABLE}"):
        read_secret(None)
    with pytest.raises(BenchError, match=r"no secret: .*nowhere .*vrs-bench secret FILE"):
        read_secret(tmp_path / "nowhere")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_secret_that_others_may_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "secret", secrets.token_hex(32).encode(), mode)
    with pytest.raises(BenchError, match=rf"mode {mode:o}\); close it with: chmod 600"):
        read_secret(path)
    path.chmod(0o400)
    read_secret(path)


@pytest.mark.parametrize(
    ("secret", "weakness"),
    [
        (b"", "0 bytes, of at least 32"),
        (b"09015ecd96e704b419488d0e75ce75c \n", "31 bytes, of at least 32"),
        (b"a" * 64, "1 different characters, of at least 8"),
        (b"password" * 8, "7 different characters, of at least 8"),
        (b"correct horse " * 3, "a part that repeats or counts"),
        (b"0123456789abcdef" * 4, "a part that repeats or counts"),
        (b"abcdefghijklmnopqrstuvwxyz!5$7&/", "a part that repeats or counts"),
        (b"zyxwvutsrqponmlkjihgfedcba!5$7&/", "a part that repeats or counts"),
        (b"My password is my password: Tr0ub4dor&3", "a part that repeats or counts"),
    ],
)
def test_what_is_plainly_weak_is_refused(tmp_path: Path, secret: bytes, weakness: str) -> None:
    with pytest.raises(BenchError, match=f"can be guessed, for it has {weakness}; make a strong"):
        read_secret(write(tmp_path / "secret", secret))


def test_what_a_machine_has_drawn_is_accepted(tmp_path: Path) -> None:
    for draw in (lambda: secrets.token_hex(16), lambda: secrets.token_urlsafe(24)):
        for _ in range(200):
            text = draw().encode()
            assert read_secret(write(tmp_path / "secret", text)) == text


def test_seed_and_commitment_are_of_a_slow_derivation() -> None:
    derived = hashlib.scrypt(
        b"secret",
        salt=b"vrs-bench private seed 2\n" + SALT + b"super_res",
        n=32_768,
        r=8,
        p=1,
        maxmem=2**26,
        dklen=64,
    )
    seed, commitment = task_seed(b"secret", SALT, "super_res")
    assert seed == int.from_bytes(derived[:32], "big")
    assert commitment == hashlib.sha256(b"vrs-bench commitment 2\n" + derived).hexdigest()
    assert seed.bit_length() > 200


def test_secret_salt_and_task_each_give_another_seed_and_another_commitment() -> None:
    keys = [
        (b"secret", SALT, "super_res"),
        (b"secret", SALT, "cloud_removal"),
        (b"secret", SALT[::-1], "super_res"),
        (b"secret!", SALT, "super_res"),
    ]
    for drawn in zip(*(task_seed(*key) for key in keys), strict=True):
        assert len(set(drawn)) == len(keys)
    assert task_seed(*keys[0]) == task_seed(*keys[0])
