"""Building on a Ray cluster of two nodes, one of which is killed half-way."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vrs_bench.data.build.building import build
from vrs_bench.data.verify import verify
from vrs_bench.recipes import BenchmarkRecipe, check_recipe

RECIPE = {
    "name": "cluster",
    "scenes": 60,
    "scenes_per_shard": 2,
    "world": {"seed": 6, "height": 96, "width": 96, "horizon": 6, "cells": {"n": 9}},
}
RAY = Path(sys.executable).with_name("ray")
PORT_RANGES = ("--min-worker-port=0", "--max-worker-port=0")


class Cluster:
    """Two nodes on loopback, each with one core and processes of its own group."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        head = ["--head", f"--port={self.address.partition(':')[2]}", "--include-dashboard=false"]
        self.nodes = [self._start(folder, *head, f"--temp-dir={folder}")]
        self.nodes.append(self._start(folder, f"--address={self.address}"))

    def _start(self, folder: Path, *options: str) -> subprocess.Popen[bytes]:
        log = (folder / "ray.log").open("ab")
        shared = ["--num-cpus=1", "--object-store-memory=80000000", *PORT_RANGES]
        words = [RAY, "start", "--block", "--node-ip-address=127.0.0.1", *shared, *options]
        # Workers run in the folder of their node: what one writes by a relative path stays there.
        node = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True, cwd=folder)
        wanted = b"Ray runtime started"
        deadline = time.monotonic() + 120
        started = (folder / "ray.log").read_bytes().count(wanted) + 1
        while (folder / "ray.log").read_bytes().count(wanted) < started:
            assert node.poll() is None, (folder / "ray.log").read_text()
            assert time.monotonic() < deadline, (folder / "ray.log").read_text()
            time.sleep(0.1)
        return node

    def kill(self, index: int) -> set[str]:
        """Kill all processes of a node at once, as a power cut would; return their names."""
        node = self.nodes[index]
        family = descendants(node.pid)
        for pid in (node.pid, *family):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        node.wait()
        return set(family.values())


def stopped_at_work(node: int, out: Path) -> bool:
    """Halt a worker of a node in the midst of a shard; say whether one was caught."""
    for worker in descendants(node):
        if writes_into(worker, out):
            os.kill(worker, signal.SIGSTOP)
            if writes_into(worker, out):
                return True
            os.kill(worker, signal.SIGCONT)
    return False


def writes_into(pid: int, folder: Path) -> bool:
    """Say whether a process has a file of a folder open."""
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            if link.readlink().is_relative_to(folder):
                return True
    return False


def descendants(pid: int) -> dict[int, str]:
    """Return the processes that a process has started, and those that they have: pid → name."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            number, rest = stat.read_text().split(" (", 1)
            name, fields = rest.rsplit(") ", 1)
            parents[int(number)] = (int(fields.split()[1]), name)
    found: dict[int, str] = {}
    grown = True
    while grown:
        children = {n: name for n, (up, name) in parents.items() if up == pid or up in found}
        grown = len(children) > len(found)
        found = children
    return found


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Yield a cluster. Its folder has a short name: sockets lie in it, which want that."""
    import tempfile

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Said to all nodes: else the first takes the token that Ray has left in the home folder, if
    # there is one, and the second, which joins it, does not.
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        cluster = None
        try:
            cluster = Cluster(Path(folder))
            yield cluster
        finally:
            for index in range(len(cluster.nodes) if cluster else 0):
                cluster.kill(index)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_node_that_dies_half_way_costs_no_byte(cluster: Cluster, tmp_path: Path) -> None:
    recipe = check_recipe(BenchmarkRecipe, RECIPE, "cluster")
    (tmp_path / "cluster.json").write_text(json.dumps(RECIPE))
    out = tmp_path / "by-ray"
    words = ["build", "super_res", "--size", "cluster.json", "--out", "by-ray"]
    done = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "vrs_bench",
            *words,
            "--engine",
            "ray",
            "--address",
            cluster.address,
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while len(list(out.glob("super_res/*.parquet"))) < 4 or not stopped_at_work(
        cluster.nodes[1].pid, out
    ):
        assert done.poll() is None, done.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not (out / "manifest.json").exists()
    killed = cluster.kill(1)
    assert "raylet" in killed
    said, errors = done.communicate(timeout=180)
    assert done.returncode == 0, errors
    assert "will be retried" in errors
    assert said.startswith("by-ray: 360 rows in 31 files, ")
    assert verify(out) == []
    build(["super_res"], recipe, tmp_path / "here")
    assert digests(out) == digests(tmp_path / "here")


def test_an_address_without_a_cluster_is_told(tmp_path: Path) -> None:
    words = ["build", "super_res", "--engine", "ray", "--address", "127.0.0.1:9"]
    done = subprocess.run(
        [sys.executable, "-m", "vrs_bench", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "no Ray cluster at '127.0.0.1:9'" in done.stderr
    assert not list(tmp_path.rglob("*.parquet"))
